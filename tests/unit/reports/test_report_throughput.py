"""Readings offered, processed and waiting, second by second."""

import numpy as np
import polars as pl
import pytest
from unit.reports.measured_cells import measured
from unit.reports.stored_runs import ZERO_NS, cell, result, store

from reports.measured import measured_cells
from reports.stored import open_run
from reports.throughput import per_second, throughput_over_time


def due_at(*seconds):
    """Deliveries that were due so many seconds into the window."""
    return pl.Series("due_ns", [ZERO_NS + round(second * 1e9) for second in seconds], dtype=pl.Int64)


def every_100_ms(begin, end):
    """Deliveries from ``begin`` to ``end`` (s), ten a second."""
    return due_at(*(begin + index / 10 for index in range(round((end - begin) * 10))))


def test_beacons_stand_for_all_readings():
    """Ten readings a second, one of them a beacon whose alert comes at once: ten are processed and none waits."""
    one = measured(cell("1s"), np.arange(30.0), [1.0] * 30)
    table = per_second(one, every_100_ms(0, 30))
    assert table["second"].to_list() == list(range(30))
    assert set(table["offered_per_s"]) == {10.0}
    assert set(table["processed_per_s"]) == {10.0}
    assert set(table["backlog"]) == {0.0}


def test_a_reading_waits_until_its_alert_is_written():
    """An alert that is 2.5 s late leaves its ten readings waiting at the end of two seconds, and comes in the third."""
    one = measured(cell("1s"), np.arange(30.0), [2500.0 if second == 4 else 1.0 for second in range(30)])
    table = per_second(one, every_100_ms(0, 30)).filter(pl.col("second").is_between(3, 7))
    assert table["processed_per_s"].to_list() == [10.0, 0.0, 10.0, 20.0, 10.0]
    assert table["backlog"].to_list() == [0.0, 10.0, 10.0, 0.0, 0.0]


def test_what_never_comes_waits_for_ever():
    """A pipeline that dies in second 10 has a backlog that grows to the end."""
    one = measured(cell("1s"), np.arange(30.0), [1.0] * 10 + [None] * 20)
    table = per_second(one, every_100_ms(0, 30))
    assert table["backlog"][-1] == 200.0
    assert table.filter(pl.col("second") >= 10)["processed_per_s"].sum() == 0.0


def test_warm_up_and_tail_are_told_and_named():
    """They have seconds of their own, and do not change how many readings a beacon stands for."""
    one = measured(cell("1s"), np.arange(-2.0, 32.0), [1.0] * 34)
    table = per_second(one, every_100_ms(-2, 32))
    assert table["phase"].to_list() == ["warm-up"] * 2 + ["window"] * 30 + ["tail"] * 2
    assert set(table["processed_per_s"]) == {10.0}


def test_no_second_is_left_out():
    """Between the end of the load and an alert that comes 5 s later there are seconds in which nothing happened."""
    one = measured(cell("1s"), np.arange(30.0), [1.0] * 29 + [5500.0])
    table = per_second(one, every_100_ms(0, 30))
    assert table["second"].to_list() == list(range(35))
    assert table["backlog"].to_list()[-6:] == [10.0] * 5 + [0.0]


def test_without_beacons_in_the_window_nothing_is_told():
    """No number instead of a wrong one."""
    one = measured(cell("1s"), [-1.0], [1.0])
    assert per_second(one, every_100_ms(0, 30)).is_empty()


def test_the_mean_of_the_window_is_the_rate_of_the_stream(tmp_path):
    """Over a stored run: offered is what the publisher's log holds, and all of it was processed."""
    run = open_run(store(tmp_path / "run", result(cells=[cell("1s", p50=3.0)])))
    table = throughput_over_time(run, list(measured_cells(run))).filter(phase="window")
    # Eight sensors with 144 readings in the 30 s of the window.
    assert table["offered_per_s"].sum() == pytest.approx(8 * 144)
    assert table["processed_per_s"].sum() == pytest.approx(8 * 144, rel=0.02)


def test_a_cell_whose_log_is_gone_is_left_out_and_named(tmp_path):
    """The other cells stay; the run remembers which file was absent."""
    run = open_run(store(tmp_path / "run", result(cells=[cell("1s"), cell("5s")])))
    (tmp_path / "run/cells/1s-p1-tuned-r1/deliveries.bin").unlink()
    assert set(throughput_over_time(run, list(measured_cells(run)))["trigger"]) == {"5s"}
    assert "cells/1s-p1-tuned-r1/deliveries.bin" in run.absent
