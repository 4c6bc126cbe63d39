"""Latency second by second."""

import numpy as np
import polars as pl
import pytest
from unit.reports.stored_runs import ZERO_NS, broken, cell, latency, quantiles, result, stamps, store, stream

from bench import records
from reports.over_time import latency_over_time, per_second, stalls_table, zero_ns
from reports.stored import open_run


def beacon_stamps(due_s, wait_ms):
    """Stamps of beacons due so many seconds into the window; a wait of None is a missing alert."""
    due = (np.asarray(due_s, dtype=np.float64) * 1e9).astype(np.int64) + ZERO_NS
    seen = [None if wait is None else int(at) + round(wait * 1e6) for at, wait in zip(due, wait_ms, strict=True)]
    return pl.DataFrame(
        {"beacon": [True] * len(due), "due_ns": due, "seen_ns": pl.Series(seen, dtype=pl.Int64)},
    )


def test_the_window_begins_where_the_schedule_says():
    """Event time zero of a cell follows from its due instants and the schedule, to the nanosecond."""
    schedule = stream()["schedule"]
    assert zero_ns(stamps(schedule), schedule) == ZERO_NS
    assert zero_ns(stamps(schedule).clear(), schedule) is None


def test_a_second_is_that_of_the_due_instant():
    """An alert that came late counts in the second in which its reading was due."""
    seconds = per_second(beacon_stamps([0.0, 0.999, 1.0], [5000.0, 1.0, 2.0]), ZERO_NS, 30)
    assert seconds["second"].to_list() == [0, 1]
    assert seconds["expected"].to_list() == [2, 1]
    assert seconds["max_ms"].to_list() == pytest.approx([5000.0, 2.0])


def test_only_the_window_is_told():
    """Warm-up and tail, and sensors that are no beacons, have no rows."""
    rows = beacon_stamps([-0.1, 0.5, 30.0], [1.0, 1.0, 1.0])
    assert per_second(rows, ZERO_NS, 30)["second"].to_list() == [0]
    assert per_second(rows.with_columns(beacon=pl.lit(value=False)), ZERO_NS, 30).is_empty()


def test_missing_alerts_are_counted_and_not_averaged():
    """A missing alert is counted; the numbers of its second are over those that came."""
    row = per_second(beacon_stamps([0.1, 0.2, 0.3], [4.0, None, 6.0]), ZERO_NS, 30).row(0, named=True)
    assert (row["expected"], row["missing"]) == (3, 1)
    assert row["max_ms"] == pytest.approx(6.0)


def test_a_second_in_which_nothing_came_has_no_number():
    """All missing: the slowest is null, never 0."""
    row = per_second(beacon_stamps([0.1], [None]), ZERO_NS, 30).row(0, named=True)
    assert (row["missing"], row["max_ms"], row["p50_ms"]) == (1, None, None)


@pytest.mark.parametrize(("count", "median"), [(19, None), (20, 3.0)])
def test_a_median_needs_twenty_alerts(count, median):
    """Under 20 alerts a second has no median."""
    rows = beacon_stamps(np.linspace(0, 0.9, count), [3.0] * count)
    assert per_second(rows, ZERO_NS, 30)["p50_ms"][0] == pytest.approx(median)


def test_every_measured_cell_has_its_seconds_and_its_batch_ends(tmp_path):
    """Cells keep their axes; ends of batches are those inside the window, of real-time cells only."""
    run = open_run(store(tmp_path / "run", result(cells=[cell("realtime:30s"), cell("1s", p50=600.0), broken("5s")])))
    seconds, boundaries, stills = latency_over_time(run)
    assert seconds["cell"].unique(maintain_order=True).to_list() == ["realtime-30s-p1-tuned-r1", "1s-p1-tuned-r1"]
    assert set(seconds["second"]) == set(range(30))
    assert boundaries["trigger"].to_list() == ["realtime:30s"]
    assert boundaries["at_s"].to_list() == pytest.approx([10.0])
    # Of two pauses in a second the longer counts, and short ones do not.
    assert set(stills.select("what", "ms").iter_rows()) == {("jvm", 12.0), ("machine", 30.0)}
    assert stills.filter(what="jvm")["at_s"].to_list() == pytest.approx([3.4, 3.4])


def test_a_cell_whose_stamps_are_gone_is_left_out_and_named(tmp_path):
    """The other cells stay; the run remembers which file was absent."""
    run = open_run(store(tmp_path / "run", result(cells=[cell("1s"), cell("5s")])))
    (tmp_path / "run/cells/1s-p1-tuned-r1/stamps.parquet").write_bytes(b"no parquet")
    seconds, _, _ = latency_over_time(run)
    assert set(seconds["trigger"]) == {"5s"}
    assert "cannot be read" in run.absent["cells/1s-p1-tuned-r1/stamps.parquet"]


def test_stalls_stand_beside_percentiles_without_them():
    """Real-time cells have a row; micro-batch cells have none."""
    one = cell(boundary_stall_ms={"each": [40.0, 60.0], "median": 50.0, "max": 60.0})
    same = dict.fromkeys(("due_to_seen", "sent_to_seen", "due_to_alert_appended"), quantiles(2.9, 7.0))
    one.latency_ms = latency().model_copy(update={"without_boundaries": records.Latencies(**same)})
    rows = stalls_table(result(cells=[one, cell("1s")]))
    row = rows.row(0, named=True)
    assert len(rows) == 1
    assert (row["boundaries"], row["median_stall_ms"], row["max_stall_ms"], row["p99_without_ms"]) == (2, 50, 60, 7.0)
