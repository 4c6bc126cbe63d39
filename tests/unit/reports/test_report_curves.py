"""Percentiles and cumulative shares of a latency."""

import numpy as np
import pytest
from unit.reports.measured_cells import measured
from unit.reports.stored_runs import REASON, cell, result

from reports.curves import PERCENTILES, cumulative_table, percentiles_table


def spread_out(count):
    """As many waits: 1, 2, 3 ms and so on, evenly due over the window."""
    return np.linspace(0, 29.9, count), [float(ms) for ms in range(1, count + 1)]


def at(table, percentile):
    """The latency at one percentile."""
    return table.filter(percentile=percentile)["ms"].item()


def test_between_any_two_nines_there_are_as_many_percentiles():
    """Nine from 0 to 80, nine from 90 to 98, and so on, and 99.99 at the end."""
    nines = [-np.log10(1 - percentile / 100) for percentile in PERCENTILES]
    assert np.histogram(nines, [0, 0.999, 1.999, 2.999, 3.999, 5])[0].tolist() == [9, 9, 9, 9, 1]
    assert list(PERCENTILES) == sorted(PERCENTILES)


def test_percentiles_are_exact():
    """Of 1, 2, ..., 1,000 ms the median is 500 ms and p99 is 990 ms."""
    one = measured(cell("1s"), *spread_out(1000))
    table = percentiles_table(result(cells=[one.cell]), [one])
    assert (at(table, 0), at(table, 50), at(table, 90), at(table, 99)) == pytest.approx((1, 500, 900, 990))
    assert set(table["n"]) == {1000}


@pytest.mark.parametrize(("count", "last"), [(9, None), (10, 0.0), (99, 80.0), (100, 90.0), (1000, 99.0)])
def test_a_curve_ends_where_n_bears_it_no_further(count, last):
    """Ten samples lie beyond the last percentile that is told."""
    one = measured(cell("1s"), *spread_out(count))
    assert percentiles_table(result(cells=[one.cell]), [one])["percentile"].max() == last


def test_a_missing_alert_is_infinitely_late():
    """2 of 100 missing: the curve has no number from there on, and the share ends at 98 %."""
    due_s, waits_ms = spread_out(100)
    one = measured(cell("1s"), due_s, [None, None, *waits_ms[2:]])
    built = result(cells=[one.cell])
    assert at(percentiles_table(built, [one]), 90) == pytest.approx(92)
    twenty = measured(cell("1s"), due_s, [None] * 20 + waits_ms[20:])
    assert percentiles_table(built, [twenty]).drop_nulls("ms")["percentile"].max() == 80.0
    assert cumulative_table(built, [one])["share"].max() == pytest.approx(0.98)


def test_nothing_seen_is_no_curve():
    """All alerts missing: no share is told, and every percentile is null."""
    one = measured(cell("1s"), *[np.linspace(0, 29, 40), [None] * 40])
    built = result(cells=[one.cell])
    assert cumulative_table(built, [one]).is_empty()
    assert percentiles_table(built, [one])["ms"].null_count() == len(percentiles_table(built, [one])) > 0


def test_only_the_window_counts():
    """Warm-up and tail are no samples."""
    one = measured(cell("1s"), [-1.0, 0.0, 29.9, 30.0], [900.0, 1.0, 2.0, 900.0])
    table = cumulative_table(result(cells=[one.cell]), [one])
    assert table["ms"].to_list() == pytest.approx([1.0, 2.0])
    assert table["share"].to_list() == [0.5, 1.0]


def test_valid_repeats_are_pooled_sample_by_sample():
    """Two repeats are one curve over both samples; the invalid one takes no part."""
    repeats = [cell("1s", repeat=1), cell("1s", repeat=2), cell("1s", repeat=3, verdict="invalid", reasons=[REASON])]
    waits = [[1.0] * 10, [3.0] * 10, [500.0] * 10]
    cells = [measured(one, np.arange(10.0), wait) for one, wait in zip(repeats, waits, strict=True)]
    table = percentiles_table(result(cells=repeats), cells)
    assert set(table.select("repeats", "n", "verdict").iter_rows()) == {(2, 20, "valid")}
    assert (at(table, 50), table["ms"].max()) == pytest.approx((1.0, 1.0))
    assert cumulative_table(result(cells=repeats), cells)["ms"].max() == pytest.approx(3.0)


def test_a_curve_of_many_samples_keeps_its_ends():
    """At most 60 points stand for 5,000 alerts, the fastest and the slowest among them."""
    one = measured(cell("1s"), *spread_out(5000))
    table = cumulative_table(result(cells=[one.cell]), [one])
    assert len(table) == 60
    assert (table["ms"].min(), table["ms"].max(), table["share"].max()) == pytest.approx((1, 5000, 1))
