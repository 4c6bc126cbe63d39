"""Figures: something is on them, all text is inside them, and they are the same twice."""

import io

import numpy as np
import pytest
from matplotlib import image
from matplotlib.text import Text
from unit.reports.stored_runs import REASON, broken, cell, matrix, result, store

from reports import style, tables
from reports.draw_bars import budget_bars, cpu_bars
from reports.draw_heat import heat_maps
from reports.draw_time import day_figure, latency_over_time
from reports.figures import draw_all
from reports.over_time import latency_over_time as seconds_of
from reports.sensor_day import sensor_day
from reports.stored import open_run

CELLS = [*matrix(), broken("0s"), cell(profile="stock", repeat=2, verdict="invalid", reasons=[REASON])]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A stored run with everything that a figure may meet: verdicts, a broken cell, a second profile."""
    return open_run(store(tmp_path_factory.mktemp("figures") / "run", result(cells=CELLS)))


@pytest.fixture(scope="module")
def drawn(run):
    """Every figure by name."""
    maps = {metric: tables.heat_table(run.result, metric) for metric in tables.HEAT_METRICS}
    return {
        "heat": heat_maps(maps),
        "time": latency_over_time(*seconds_of(run)),
        "budget": budget_bars(tables.budget_table(run.result)),
        "cpu": cpu_bars(tables.resources_table(run.result), 2),
        "day": day_figure(sensor_day(run)),
    }


def texts(figure):
    """Every text on a figure."""
    with style.styled():
        figure.draw_without_rendering()
    return [one.get_text() for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip()]


@pytest.mark.parametrize("name", ["heat", "time", "budget", "cpu", "day"])
def test_all_text_is_inside_the_figure(drawn, name):
    """No label is cut off at an edge: the box around all that is drawn lies within the paper."""
    figure = drawn[name]
    with style.styled():
        figure.draw_without_rendering()
        box = figure.get_tightbbox()
    assert min(box.x0, box.y0) >= -0.01
    assert box.x1 <= figure.get_figwidth() + 0.01
    assert box.y1 <= figure.get_figheight() + 0.01


@pytest.mark.parametrize("name", ["heat", "time", "budget", "cpu", "day"])
def test_figures_are_drawn_at_twice_their_size_and_are_not_empty(drawn, name):
    """The PNG has two pixels for each of the layout, on white, with something on it."""
    pixels = image.imread(io.BytesIO(style.png(drawn[name])))
    assert pixels.shape[1] == round(drawn[name].get_figwidth() * style.DPI * style.SCALE)
    assert np.all(pixels[0, 0, :3] == 1)
    assert (pixels[..., :3].min(axis=2) < 0.8).mean() > 0.005


def test_heat_maps_print_numbers_and_name_what_is_no_number(drawn):
    """Valid points carry value and n; others say INVALID, INCONCLUSIVE, BROKEN or that they did not run."""
    words = texts(drawn["heat"])
    assert {"3.1 ms", "612 ms", "1.12 s", "100 %", "n = 1,440"} <= set(words)
    assert {"INVALID", "INCONCLUSIVE", "BROKEN", "not run"} <= set(words)
    assert "p99 of due to seen · stock" in words


def test_a_partition_count_has_one_colour_everywhere():
    """Colours of the usual partition counts differ and do not depend on which others are shown."""
    colours = [style.of_partitions(count)[0] for count in (1, 2, 4, 8, 16, 32, 64)]
    assert len(set(colours)) == len(colours)
    assert style.of_partitions(3) == style.of_partitions(3)


def test_times_share_a_logarithmic_axis_with_units(drawn):
    """Every panel of latency over time has the same axis, with milliseconds and seconds named."""
    figure = drawn["time"]
    assert {axes.get_yscale() for axes in figure.axes} == {"log"}
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    labels = set(texts(figure))
    assert {"10 ms", "1 s", "wall time since the window began (s)"} <= labels
    assert {"1 partition", "4 partitions", "cell not valid", "a real-time batch ends"} <= labels


def test_the_budget_shows_the_sum_of_its_stages(drawn):
    """Each bar ends with the mean of the whole, since means add up."""
    one = result(cells=[cell("1s", p50=100.0)])
    words = [text.strip() for text in texts(budget_bars(tables.budget_table(one)))]
    assert "91.5 ms" in words
    assert "4 partitions · INVALID" in texts(drawn["budget"])


def test_what_cannot_be_drawn_says_why(tmp_path):
    """Without streams and stamps the figures of the result alone remain, and the others name the file."""
    built = result(cells=[cell()])
    (tmp_path / "result.json").write_bytes(built.model_dump_json().encode())
    figures = draw_all(open_run(tmp_path))
    assert [name for name, one in figures.items() if one.png is None] == ["latency-over-time", "sensor-day"]
    assert "stream/schedule.parquet is not there" in figures["latency-over-time"].absent
    assert "stream/truth.parquet is not there" in figures["sensor-day"].absent


def test_a_run_without_cells_draws_nothing_and_says_so(tmp_path):
    """An empty run has five reasons instead of five figures."""
    (tmp_path / "result.json").write_bytes(result(cells=[]).model_dump_json().encode())
    figures = draw_all(open_run(tmp_path))
    assert all(one.png is None and one.absent for one in figures.values())
    assert len(figures) == 5
