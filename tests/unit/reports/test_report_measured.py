"""Where the window lies in the stamps of a cell."""

import polars as pl
from unit.reports.stored_runs import ZERO_NS, broken, cell, result, stamps, store, stream

from reports.measured import Measured, measured_cells, phase_of, zero_ns
from reports.stored import open_run


def test_the_window_begins_where_the_schedule_says():
    """Event time zero of a cell follows from its due instants and the schedule, to the nanosecond."""
    schedule = stream()["schedule"]
    assert zero_ns(stamps(schedule), schedule) == ZERO_NS
    assert zero_ns(stamps(schedule).clear(), schedule) is None


def test_seconds_are_counted_from_the_window_on():
    """The last moment before it is second -1, its first is second 0, and its end lies outside."""
    one = Measured(cell("1s"), pl.DataFrame(), ZERO_NS)
    at_ns = pl.DataFrame({"at_ns": [ZERO_NS - 1, ZERO_NS, ZERO_NS + 30 * 10**9 - 1, ZERO_NS + 30 * 10**9]})
    told = at_ns.select(second=one.second("at_ns"), inside=one.inside("at_ns"))
    assert told["second"].to_list() == [-1, 0, 29, 30]
    assert told["inside"].to_list() == [False, True, True, False]
    assert told.select(phase_of(pl.col("second"), 30.0)).to_series().to_list() == [
        "warm-up",
        "window",
        "window",
        "tail",
    ]


def test_cells_without_stamps_are_left_out_and_named(tmp_path):
    """A broken cell has none; of another the file is spoilt, and the run remembers which."""
    run = open_run(store(tmp_path / "run", result(cells=[cell("1s"), broken("0s"), cell("5s")])))
    (tmp_path / "run/cells/1s-p1-tuned-r1/stamps.parquet").write_bytes(b"no parquet")
    assert [one.cell.id for one in measured_cells(run)] == ["5s-p1-tuned-r1"]
    assert list(run.absent) == ["cells/1s-p1-tuned-r1/stamps.parquet"]


def test_without_a_schedule_there_is_no_window(tmp_path):
    """No cell can be placed in time."""
    run = open_run(store(tmp_path / "run", result(cells=[cell("1s")])))
    (tmp_path / "run/stream/schedule.parquet").unlink()
    assert list(measured_cells(run)) == []
    assert run.absent == {"stream/schedule.parquet": "is not there"}
