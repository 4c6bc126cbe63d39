"""Latency second by second."""

import dataclasses

import numpy as np
import polars as pl
import pytest
from unit.reports.measured_cells import measured
from unit.reports.stored_runs import broken, cell, latency, quantiles, result, store

from bench import records
from reports.measured import measured_cells
from reports.over_time import latency_over_time, per_second, stalls_table
from reports.stored import open_run


def seconds_of(due_s, wait_ms):
    """The seconds of beacons due so many seconds into the window; a wait of None is a missing alert."""
    return per_second(measured(cell("1s"), due_s, wait_ms))


def test_a_second_is_that_of_the_due_instant():
    """An alert that came late counts in the second in which its reading was due."""
    seconds = seconds_of([0.0, 0.999, 1.0], [5000.0, 1.0, 2.0])
    assert seconds["second"].to_list() == [0, 1]
    assert seconds["expected"].to_list() == [2, 1]
    assert seconds["max_ms"].to_list() == pytest.approx([5000.0, 2.0])


def test_what_is_not_scored_is_told_apart():
    """Warm-up and tail have rows with their name; sensors that are no beacons have none."""
    one = measured(cell("1s"), [-0.1, 0.5, 30.0], [1.0, 1.0, 1.0])
    rows = list(per_second(one).select("second", "phase").iter_rows())
    assert rows == [(-1, "warm-up"), (0, "window"), (30, "tail")]
    others = one.stamps.with_columns(beacon=pl.lit(value=False))
    assert per_second(dataclasses.replace(one, stamps=others)).is_empty()


def test_missing_alerts_are_counted_and_not_averaged():
    """A missing alert is counted; the numbers of its second are over those that came."""
    row = seconds_of([0.1, 0.2, 0.3], [4.0, None, 6.0]).row(0, named=True)
    assert (row["expected"], row["missing"]) == (3, 1)
    assert row["max_ms"] == pytest.approx(6.0)


def test_a_second_in_which_nothing_came_has_no_number():
    """All missing: the slowest is null, never 0."""
    row = seconds_of([0.1], [None]).row(0, named=True)
    assert (row["missing"], row["max_ms"], row["p50_ms"]) == (1, None, None)


@pytest.mark.parametrize(("count", "median"), [(19, None), (20, 3.0)])
def test_a_median_needs_twenty_alerts(count, median):
    """Under 20 alerts a second has no median."""
    assert seconds_of(np.linspace(0, 0.9, count), [3.0] * count)["p50_ms"][0] == pytest.approx(median)


def test_every_measured_cell_has_its_seconds_and_its_batch_ends(tmp_path):
    """Cells keep their axes; ends of batches are those inside the window, of real-time cells only."""
    run = open_run(store(tmp_path / "run", result(cells=[cell("realtime:30s"), cell("1s", p50=600.0), broken("5s")])))
    seconds, boundaries, stills = latency_over_time(run, list(measured_cells(run)))
    assert seconds["cell"].unique(maintain_order=True).to_list() == ["realtime-30s-p1-tuned-r1", "1s-p1-tuned-r1"]
    assert set(seconds.filter(phase="window")["second"]) == set(range(30))
    assert boundaries["trigger"].to_list() == ["realtime:30s"]
    assert boundaries["at_s"].to_list() == pytest.approx([10.0])
    # Of two collections in a second the longer counts. Short pauses do not, nor any beside a median of 600 ms.
    assert set(stills.select("what", "ms").iter_rows()) == {("gc", 12.0), ("jvm", 4.0), ("machine", 30.0)}
    assert stills.filter(what="gc")["at_s"].to_list() == pytest.approx([3.4])
    assert set(stills["trigger"]) == {"realtime:30s"}


def test_stalls_stand_beside_percentiles_without_them():
    """Real-time cells have a row; micro-batch cells have none."""
    one = cell(boundary_stall_ms={"each": [40.0, 60.0], "median": 50.0, "max": 60.0})
    same = dict.fromkeys(("due_to_seen", "sent_to_seen", "due_to_alert_appended"), quantiles(2.9, 7.0))
    one.latency_ms = latency().model_copy(update={"without_boundaries": records.Latencies(**same)})
    rows = stalls_table(result(cells=[one, cell("1s")]))
    row = rows.row(0, named=True)
    assert len(rows) == 1
    assert (row["boundaries"], row["median_stall_ms"], row["max_stall_ms"], row["p99_without_ms"]) == (2, 50, 60, 7.0)
