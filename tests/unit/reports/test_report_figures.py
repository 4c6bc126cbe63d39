"""Figures: all of their text can be read, they say what they show, and something is on them."""

import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from unit.bench.builders import a_noise
from unit.reports.legible import cut_off, drawn_texts, figures_of, overlapping
from unit.reports.stored_runs import (
    MANY_TRIGGERS,
    REASON,
    broken,
    cell,
    many,
    matrix,
    quality,
    quality_cell,
    result,
    score,
    store,
)

from reports import style, tables
from reports.draw_bars import budget_bars
from reports.figures import draw_all
from reports.stored import StoredRun, open_run

CELLS = [*matrix(), broken("0s"), cell(profile="stock", repeat=2, verdict="invalid", reasons=[REASON])]
TRIGGERS = {"triggers": list(MANY_TRIGGERS)}

#: What a report may have to draw, by its cells: few, every verdict, and 24 of them.
RUNS = {
    "one cell": result(cells=[cell("1s", p50=612.0, p99=1120.0)]),
    "two cells": result(cells=[cell(), cell("1s", p50=612.0, p99=1120.0)]),
    "every verdict": result(cells=CELLS),
    "24 cells, six triggers": result(cells=many(long_names=False), config=TRIGGERS),
    "repeats": result(
        cells=[cell("1s", count, p50=612.0 + 9 * n, p99=1120.0, repeat=n) for count in (1, 4) for n in (1, 2, 3)],
        calibration={"kafka_floor_ms": None, "noise": a_noise({"micro-batch": {"latency_ms.due_to_seen.p50": 0.02}})},
        quality_cell=quality_cell(quality=quality(by_fault={"spike": score(3, 1, 2), "drift": score(0, 0, 4)})),
    ),
    "24 cells, long names": result(cells=many(long_names=True), config={"triggers": MANY_TRIGGERS[::2]}),
}

FIGURES = [
    "heat-maps",
    "latency-percentiles",
    "latency-cdf",
    "latency-over-time",
    "latency-budget",
    "throughput-over-time",
    "batch-time",
    "trade-off",
    "cpu-by-process",
    "quality",
    "detection-delay",
    "sensor-day",
    "field-map",
    "repeat-spread",
]
#: What a run lacks unless it was asked for.
ABSENT = {
    "one cell": {"trade-off", "repeat-spread"},
    "repeats": {"trade-off"},
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Each of `RUNS`, stored and opened."""
    home = tmp_path_factory.mktemp("figures")
    return {name: open_run(store(home / str(number), built)) for number, (name, built) in enumerate(RUNS.items())}


@pytest.fixture(scope="module")
def figures(stored):
    """The figures of the run with every verdict, by name, and how repeats scatter in the one that has them."""
    spread = {"repeat-spread": figures_of(stored["repeats"])["repeat-spread"]}
    return figures_of(stored["every verdict"]) | spread


def words_of(figure):
    """Every text on a figure."""
    return [text for text, _ in drawn_texts(figure)]


def ticks_of(axis):
    """What stands at each tick of an axis -> where it is."""
    places = axis.get_majorticklocs()
    return dict(zip(axis.get_major_formatter().format_ticks(places), places, strict=True))


@pytest.mark.parametrize("name", RUNS)
def test_no_text_overlaps_another_and_none_is_cut(stored, name):
    """On every figure of the report, however many cells there are and however long their names."""
    drawn = figures_of(stored[name])
    assert set(drawn) == set(FIGURES) - ABSENT.get(name, {"repeat-spread"})
    faults = {}
    for title, figure in drawn.items():
        texts = drawn_texts(figure)
        assert len(texts) > 5
        if found := [*overlapping(texts), *cut_off(figure, texts)]:
            faults[title] = found
    assert faults == {}


def test_the_check_of_text_finds_what_it_is_for():
    """Two labels on the same place and one beyond the edge are told; two beside each other are not."""
    with style.styled():
        figure = style.new_figure(4, 2)
        figure.text(0.1, 0.5, "left")
        figure.text(0.6, 0.5, "right")
        assert overlapping(drawn_texts(figure)) == []
        figure.text(0.11, 0.52, "over it")
        figure.text(0.95, 0.1, "too long for its place")
    texts = drawn_texts(figure)
    assert overlapping(texts) == [("left", "over it")]
    assert cut_off(figure, texts) == ["too long for its place"]


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_drawn_at_twice_their_size_and_are_not_empty(figures, name):
    """The PNG has two pixels for each of the layout, on white, with something on it."""
    pixels = image.imread(io.BytesIO(style.png(figures[name])))
    assert pixels.shape[1] == round(figures[name].get_figwidth() * style.DPI * style.SCALE)
    assert np.all(pixels[0, 0, :3] == 1)
    assert (pixels[..., :3].min(axis=2) < 0.8).mean() > 0.005


def test_heat_maps_print_numbers_and_name_what_is_no_number(figures):
    """Valid points carry value and n; others say INVALID, INCONCLUSIVE, BROKEN or that they did not run."""
    words = words_of(figures["heat-maps"])
    assert {"3.1 ms", "612 ms", "1.12 s", "184 ms", "100 %", "n = 1,440"} <= set(words)
    assert {"INVALID", "INCONCLUSIVE", "BROKEN", "not run"} <= set(words)
    assert {"p99 of due to seen · stock", "precision of all rules · tuned"} <= set(words)
    assert "sustained rate (readings/s) · tuned" not in words


def test_three_heat_maps_stand_in_a_row_and_fewer_if_they_are_broad():
    """Up to four partition counts; with more, a map has the room of two."""
    one = figures_of_cells([cell("1s", count, p50=612.0) for count in (1, 2, 4, 8)])["heat-maps"]
    six = figures_of_cells([cell("1s", count, p50=612.0) for count in (1, 2, 4, 8, 16, 32)])["heat-maps"]
    assert [figure.axes[0].get_gridspec().ncols for figure in (one, six)] == [3, 2]


def test_a_single_cell_beside_a_matrix_is_a_single_point():
    """A variant has no row for a trigger, and no column for a number of partitions, that it was not run with."""
    matrix_of = [cell(trigger, count) for trigger in ("1s", "5s") for count in (1, 4)]
    figure = figures_of_cells([*matrix_of, cell("30s", 1, profile="stock")])["heat-maps"]
    places = {axes.get_title(loc="left"): axes for axes in figure.axes}
    assert list(ticks_of(places["p50 of due to seen · stock"].yaxis)) == ["30s"]
    assert list(ticks_of(places["p50 of due to seen · stock"].xaxis)) == ["1"]
    assert list(ticks_of(places["p50 of due to seen · tuned"].yaxis)) == ["1s", "5s"]


def figures_of_cells(cells):
    """The figures of a result alone, without files."""
    return figures_of(StoredRun(Path("nowhere"), result(cells=cells)))


def test_a_partition_count_has_one_colour_everywhere():
    """Colours of the usual partition counts differ and do not depend on which others are shown."""
    colours = [style.of_partitions(count)[0] for count in (1, 2, 4, 8, 16, 32, 64)]
    assert len(set(colours)) == len(colours)
    assert style.of_partitions(3) == style.of_partitions(3)


def test_times_share_a_logarithmic_axis_with_units(figures):
    """Every panel of latency over time has the same axis, with milliseconds and seconds named."""
    figure = figures["latency-over-time"]
    assert {axes.get_yscale() for axes in figure.axes} == {"log"}
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    labels = set(words_of(figure))
    assert {"10 ms", "1 s", "wall time since the window began (s)"} <= labels
    assert {"1 partition", "4 partitions", "not valid", "a real-time batch ends"} <= labels
    assert {"warm-up and tail: not scored", "a JVM collected garbage", "the machine hiccuped"} <= labels


def test_nines_are_evenly_spaced(figures):
    """90 is one nine from 0, half way to it is not 50, and what n does not bear is not named."""
    axes = figures["latency-percentiles"].axes[0]
    places = ticks_of(axes.xaxis)
    assert list(places) == ["0", "50", "90"]
    assert places["90"] - places["0"] == pytest.approx(1.0)
    assert places["50"] - places["0"] == pytest.approx(np.log10(2))
    assert "percentile of due to seen (%), nines evenly spaced" in words_of(figures["latency-percentiles"])


def test_rates_and_backlog_stand_beside_each_other_with_units(figures):
    """Two panels a trigger and variant; zero is on every scale, and little below it."""
    figure = figures["throughput-over-time"]
    words = set(words_of(figure))
    assert {"1s · tuned · readings/s", "1s · tuned · readings that wait", "offered"} <= words
    for low, high in (axes.get_ylim() for axes in figure.axes):
        assert -0.1 * high < low < 0


def test_batch_time_has_the_line_where_it_equals_the_trigger(figures):
    """On log axes: 1 s at the place of 1s, whatever the batches took."""
    figure = figures["batch-time"]
    axes = figure.axes[0]
    (line,) = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert line.get_ydata() == pytest.approx(1000 * 10.0 ** np.asarray(line.get_xdata()))
    low, high = axes.get_ylim()
    assert low < 1000 < high
    assert {"batch time = trigger interval", "p50", "p99", "1s", "5s"} <= set(words_of(figure))


def test_real_time_stands_at_the_left_end_of_the_trade_off(figures):
    """It has no interval; the others are as far apart as their logarithms."""
    axes = figures["trade-off"].axes[0]
    places = ticks_of(axes.xaxis)
    assert places["realtime:30s"] < places["0s"] < places["1s"]
    assert places["5s"] - places["1s"] == pytest.approx(np.log10(5))
    assert "alerts seen within 0.1 s" in words_of(figures["trade-off"])


def test_the_budget_shows_the_sum_of_its_stages(figures):
    """Each bar ends with the mean of the whole, since means add up."""
    one = result(cells=[cell("1s", p50=100.0)])
    words = [text.strip() for text in words_of(budget_bars(tables.budget_table(one)))]
    assert "91.5 ms" in words
    assert "4 partitions · INVALID" in words_of(figures["latency-budget"])


def test_what_cannot_be_drawn_says_why(tmp_path):
    """Without streams and stamps the figures of the result alone remain, and the others name the file."""
    built = result(cells=[cell()])
    (tmp_path / "result.json").write_bytes(built.model_dump_json().encode())
    drawn = draw_all(open_run(tmp_path))
    absent = {name: one.absent for name, one in drawn.items() if one.png is None}
    stamps = {"latency-percentiles", "latency-cdf", "latency-over-time", "throughput-over-time"}
    assert set(absent) == {*stamps, "batch-time", "trade-off", "sensor-day", "field-map", "repeat-spread"}
    assert {absent[name] for name in stamps} == {"stream/schedule.parquet is not there"}
    assert "stream/truth.parquet is not there" in absent["sensor-day"]
    assert "stream/sensors.parquet is not there" in absent["field-map"]
    assert absent["repeat-spread"] == "no cell was measured more than once (--repeats 3 does)"
    assert absent["batch-time"] == "no cell has measured micro-batches"
    assert absent["trade-off"] == "fewer than two triggers were measured"


def test_a_run_without_cells_draws_nothing_and_says_so(tmp_path):
    """An empty run has a reason for every figure."""
    (tmp_path / "result.json").write_bytes(result(cells=[]).model_dump_json().encode())
    drawn = draw_all(open_run(tmp_path))
    assert list(drawn) == FIGURES
    assert all(one.png is None and one.absent for one in drawn.values())


def test_quality_names_shares_counts_and_detectors(figures):
    """Every rule's own share with n; detectors that know nothing have a name in the legend."""
    words = words_of(figures["quality"])
    assert {"precision", "recall", "all rules", "high_temperature"} <= set(words)
    assert {"80.0 %  n = 25", "100 %  n = 20"} <= set(words)
    assert {"the rules, 95 % interval", "at random", "always on", "never"} <= set(words)


def test_delay_is_in_event_time_and_names_what_was_missed(figures):
    """Minutes, both means beside each other, the share missed with its n, and what the dotted line is."""
    words = words_of(figures["detection-delay"])
    assert {"0.0 min / 12.5 min", "0 %  n = 20", "time between two readings"} <= set(words)
    assert "event time since the event began (min)" in words


def test_every_outcome_has_a_mark_of_its_own(figures):
    """Colours and markers of outcomes differ, and the day's legend names those that occur."""
    assert len({mark.colour for mark in style.OUTCOMES.values()}) == len(style.OUTCOMES)
    assert len({mark.marker for mark in style.OUTCOMES.values()}) == len(style.OUTCOMES)
    words = words_of(figures["sensor-day"])
    assert {"alert: hit", "missed hazard", "hazard", "marginal hazard"} <= set(words)
    assert "alert: false" not in words


def test_the_map_has_three_pictures_with_units(figures):
    """Temperature at an instant, rain, faults: each with its unit, on axes in kilometres."""
    words = words_of(figures["field-map"])
    assert {"true temperature at 15 h", "most rain in an hour", "injected faults"} <= set(words)
    assert {"°C", "mm", "x, eastward (km)", "y, northward (km)"} <= set(words)


def test_repeats_stand_on_the_band_of_noise(figures):
    """A band where the noise is known, which is p50; a dot a repeat; a row a point."""
    figure = figures["repeat-spread"]
    words = words_of(figure)
    assert {"1s · 1 partition", "1s · 4 partitions", "the machine’s noise: 95 % of repeats"} <= set(words)
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes}
    assert [len(panels[title].patches) for title in ("p50 of due to seen", "drain rate")] == [2, 0]
    dots = [line for line in panels["drain rate"].lines if line.get_marker() == "o"]
    assert len(dots) == 6
