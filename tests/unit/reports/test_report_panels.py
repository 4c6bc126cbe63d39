"""Panels: where they stand, what they are called, and the axes they share."""

import polars as pl
import pytest

from reports import panels, style


def made(titles, **more):
    """The figure and the panels of small multiples in three columns."""
    with style.styled():
        return panels.small_multiples(titles, columns=3, height=1.5, **more)


def test_every_variant_begins_a_row_of_its_own():
    """Four maps in rows of three: two empty places, and the second variant stands below the first."""
    titles, shown = panels.blocks(["stock", "tuned"], {"a": "A", "b": "B", "c": "C", "d": "D"}, 3)
    assert titles[:6] == ["A · stock", "B · stock", "C · stock", "D · stock", None, None]
    assert shown[4] == ("tuned", "a")
    _, grid = made(titles)
    assert len(grid) == len(shown)
    assert [axes.get_subplotspec().rowspan.start for axes in grid] == [0, 0, 0, 1, 2, 2, 2, 3]


def test_one_variant_is_not_named():
    """Its name would stand on every panel and tell nothing apart."""
    assert panels.blocks(["tuned"], {"a": "A"}, 1) == (["A"], [("tuned", "a")])


def test_a_long_title_is_cut_between_words():
    """A dot between parts ends a line; a name with hyphens stays whole."""
    _, grid = made(["p50 of due to seen · tuned-async-in-order, plain", "b", "c"])
    assert grid[0].get_title(loc="left") == "p50 of due to seen ·\ntuned-async-in-order, plain"


def test_the_last_panel_of_each_column_names_the_shared_axis():
    """Also where the place below it is empty."""
    _, grid = made(["a", "b", "c", "d"], sharex=True)
    named = [axes.xaxis.get_tick_params()["labelbottom"] for axes in grid]
    assert named == [False, True, True, True]


def test_triggers_stand_by_the_logarithm_of_their_interval():
    """Ten times the interval is one further; 0s is left of all of them, and real-time left of that."""
    places = panels.trigger_places(["realtime:30s", "0s", "100ms", "1s", "10s"])
    assert places["10s"] - places["1s"] == pytest.approx(1.0) == places["1s"] - places["100ms"]
    assert sorted(places, key=places.__getitem__) == ["realtime:30s", "0s", "100ms", "1s", "10s"]
    assert len(panels.trigger_places(["realtime:30s", "realtime:60s"])) == 2


def test_a_log_axis_holds_all_values_and_spans_a_decade():
    """Nulls and zeros do not break it; a single value stands in the middle."""
    low, high = panels.log_limits(pl.Series([3.0, None]), pl.Series([0.0, 2000.0]))
    assert 0 < low < 0.01
    assert high > 2000
    low, high = panels.log_limits(pl.Series([50.0]))
    assert (low * high, high / low) == (pytest.approx(2500), pytest.approx(10))


def test_few_decades_are_named_by_thirds():
    """300 ms stands between 100 ms and 1 s if there is little else."""
    _, (axes, *_) = made(["a", "b", "c"])
    panels.log_ms(axes, "y", (80.0, 2000.0))
    shown = [place for place in axes.yaxis.get_majorticklocs() if 80 <= place <= 2000]
    assert axes.yaxis.get_major_formatter().format_ticks(shown) == ["100 ms", "300 ms", "1 s"]
    panels.log_ms(axes, "y", (0.5, 20_000.0))
    shown = [place for place in axes.yaxis.get_majorticklocs() if 0.5 <= place <= 20_000]
    assert axes.yaxis.get_major_formatter().format_ticks(shown) == ["1 ms", "10 ms", "100 ms", "1 s", "10 s"]
