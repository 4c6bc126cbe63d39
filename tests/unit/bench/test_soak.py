"""A soak's logs are read, its series judged and its options checked rightly. What a soak finds, no test says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from base.errors import ExitCode
from base.figure_style import png
from base.process import python_module
from bench.perf.__main__ import app
from bench.perf.drift import FEWEST, Drift, Verdict, drift, settled
from bench.perf.gc_log import heap_after_full_gc, java_tool_options
from bench.perf.soak_figure import PANELS, soak_figure
from bench.perf.soak_mode import Plan, SoakCell, tick_for
from bench.perf.soak_series import (
    COLUMNS,
    HEAP,
    MEASURES,
    Mode,
    batch_times,
    exit_code,
    folder_size,
    judged,
    samples,
    settle_s,
    table,
)
from bench.progress import Batch
from pipeline.triggers import Trigger

HOUR_S = 3600.0
REALTIME = Trigger.parse("realtime:30s", field="t")
MICRO = Trigger.parse("1s", field="t")

#: As Java 17 and 21 write them.
GC_LOG = """\
[1764089967001ms] Using G1
[1764089968100ms] GC(0) Pause Young (Normal) (G1 Evacuation Pause) 102M->24M(512M) 5.204ms
[1764089969000ms] GC(1) Pause Young (Concurrent Start) (Metadata GC Threshold) 60M->31M(512M) 8.100ms
[1764089969100ms] GC(2) Concurrent Mark Cycle
[1764089969200ms] GC(2) Pause Remark 40M->38M(512M) 3.001ms
[1764089969300ms] GC(2) Pause Cleanup 38M->38M(512M) 0.101ms
[1764089970000ms] GC(3) Pause Full (System.gc()) 110M->74M(300M) 120.512ms
[1764089980000ms] GC(4) Pause Full (Allocation Failure) 1G->900000K(2048M) 320.0ms
[1764089990000ms] GC(5) Pause Full (System.gc()) 1
"""


def test_only_full_collections_tell_what_is_reachable():
    """Young ones, remarks and a line cut short do not count; units are read."""
    assert heap_after_full_gc(GC_LOG.splitlines()) == [(1764089970000, 74 * 2**20), (1764089980000, 900_000 * 2**10)]


def test_the_users_own_java_options_stay():
    """Ours stand behind what the variable holds already."""
    ours = java_tool_options({"A": "b"}, Path("/a b/%p.log"), full_gc_every_s=60)
    added = "'-Xlog:gc:file=\"/a b/%p.log\":timemillis:filecount=0' -Dspark.cleaner.periodicGC.interval=60s"
    assert ours == {"A": "b", "JAVA_TOOL_OPTIONS": added}
    theirs = java_tool_options({"JAVA_TOOL_OPTIONS": "-Da=b"}, Path("/a b/%p.log"), full_gc_every_s=60)
    assert theirs == {"JAVA_TOOL_OPTIONS": f"-Da=b {added}"}


def minutes(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A value in the middle of every minute of an hour."""
    return (np.arange(60) + 0.5) * 60.0, values


def judge(at_s: np.ndarray, values: np.ndarray, tolerance: float = 0.1) -> Drift:
    """Over an hour, of which six minutes settle."""
    return drift(at_s, values, settle_s=360.0, run_s=HOUR_S, tolerance=tolerance)


def test_a_line_is_found_whatever_stalls():
    """20 % more within the hour is told as such, though every tenth value is five times too large."""
    at_s, values = minutes(np.linspace(100.0, 120.0, 60))
    values[::10] *= 5
    found = judge(at_s, values)
    assert found.verdict is Verdict.RISES
    assert found.median is not None
    assert found.rise is not None
    assert found.rise * found.median == pytest.approx(20.0, rel=0.15)
    assert found.slope_per_hour == pytest.approx(found.rise)


def test_what_settles_is_left_out():
    """A start that is ten times as slow, and ends within the settling time, leaves the series flat."""
    at_s, values = minutes(np.full(60, 100.0))
    values[:6] = 1_000.0
    found = judge(at_s, values)
    assert (found.verdict, found.n, found.median, found.rise) == (Verdict.FLAT, 54, 100.0, 0.0)


def test_a_small_rise_and_a_fall_are_flat():
    """Up to the tolerance is flat, and so is any fall."""
    for end in (109.0, 50.0):
        assert judge(*minutes(np.linspace(100.0, end, 60))).verdict is Verdict.FLAT
    assert judge(*minutes(np.linspace(100.0, 109.0, 60)), tolerance=0.05).verdict is Verdict.RISES


def test_scatter_is_no_rise():
    """Where the slope may as well be none, the series is unclear, and why is said."""
    values = np.tile([100.0, 400.0], 30)
    values[30:] += 30
    found = judge(*minutes(values))
    assert found.verdict is Verdict.UNCLEAR
    assert found.rise is not None
    assert found.reason is not None
    assert "scatter" in found.reason


def test_few_values_have_no_line():
    """With fewer than `FEWEST` values nothing is claimed; an empty series is no error."""
    for count in (0, FEWEST - 1):
        found = judge(np.linspace(1000.0, 3000.0, count), np.full(count, 1.0))
        assert (found.verdict, found.n, found.rise) == (Verdict.UNCLEAR, count, None)


def test_many_values_become_a_median_a_minute():
    """Twenty batches a second and one a minute weigh the same."""
    at_s = np.arange(0.0, HOUR_S, 0.05)
    when, values = settled(at_s, at_s, settle_s=360.0, run_s=HOUR_S)
    assert len(when) == 54
    assert values[0] == pytest.approx(390.0, abs=0.1)


def a_batch(start_ms: float, end_ms: float, rows: int = 10) -> Batch:
    """A batch by its times."""
    start, end = round(start_ms * 1e6), round(end_ms * 1e6)
    return Batch(batch_id=0, start_ns=start, picked_ns=start, end_ns=end, rows=rows, offsets={})


def test_batch_time_is_what_a_mode_makes_readings_wait_for():
    """A micro-batch: from trigger to commit, empty ones left out. Real time: what lies between two batches' times."""
    micro = [a_batch(0, 120), a_batch(1_000, 1_090), a_batch(2_000, 2_001, rows=0)]
    assert batch_times(micro, MICRO) == [(120_000_000, 120.0), (1_090_000_000, 90.0)]
    long = [a_batch(0, 30_100), a_batch(30_150, 60_250), a_batch(60_400, 90_400)]
    assert [ms for _, ms in batch_times(long, REALTIME)] == [150.0, 250.0]


def test_settling_lasts_until_the_checkpoint_is_full():
    """A tenth of the run, a minute, or as many batches as the checkpoint keeps."""
    assert settle_s(MICRO, HOUR_S) == 360.0
    assert settle_s(MICRO, 120.0) == 60.0
    assert settle_s(REALTIME, 1_200.0) == 360.0


def test_a_folder_is_counted_with_all_below_it(tmp_path: Path):
    """Files and bytes of all folders; a folder that is not there yet is empty."""
    (tmp_path / "offsets").mkdir()
    (tmp_path / "metadata").write_bytes(b"12")
    (tmp_path / "offsets" / "0").write_bytes(b"345")
    assert folder_size(tmp_path) == (2, 5)
    assert folder_size(tmp_path / "absent") == (0, 0)


def a_mode(trigger: Trigger = MICRO, growth: float = 0.0) -> tuple[Mode, pl.DataFrame]:
    """An hour in which every series grows by so much, with its samples."""
    at_s, values = minutes(np.linspace(100.0, 100.0 * (1 + growth), 60))
    rows = pl.concat([samples(trigger.name, measure, zip(at_s, values, strict=True)) for measure in MEASURES])
    mode = Mode(
        trigger=trigger.name,
        status="whole",
        reason=None,
        seconds=HOUR_S,
        settle_s=360.0,
        cell={"verdict": "valid"},
        series=judged(rows, trigger, HOUR_S),
    )
    return mode, rows


def test_what_came_before_the_begin_is_left_out():
    """A full collection while Spark starts belongs to no series."""
    assert samples("1s", HEAP, [(-5.0, 1.0), (5.0, 2.0)]).rows() == [("1s", HEAP.name, 5.0, 2.0)]


def test_the_exit_code_tells_the_worst():
    """6 if a cell is invalid or missing, else 3 if a series rises, else 7 if any is unclear or none there, else 0."""
    flat, rising = a_mode()[0], a_mode(growth=0.5)[0]
    unclear = Drift(verdict=Verdict.UNCLEAR, n=0, tolerance=0.1, reason="no values")
    unknown = replace(flat, series={"batch_time": unclear})
    for cell in ({"verdict": "invalid"}, None):
        assert exit_code([flat, rising, replace(flat, cell=cell)]) is ExitCode.NO_VALID_CELL
    assert exit_code([flat, replace(flat, cell={"verdict": "inconclusive"})]) is ExitCode.INCONCLUSIVE
    assert exit_code([flat]) is ExitCode.OK
    assert exit_code([flat, rising, unknown]) is ExitCode.THRESHOLD
    assert exit_code([flat, unknown]) is ExitCode.INCONCLUSIVE
    assert exit_code([]) is ExitCode.INCONCLUSIVE


def test_the_table_has_a_row_for_each_judged_series():
    """Median with its unit, rise with its interval, verdict."""
    rows = table([a_mode(growth=0.5)[0]])
    assert [row[0] for row in rows] == [f"1s: {one.title}" for one in MEASURES]
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert rows[0][1].endswith(" MB")
    assert [row[-1] for row in rows] == ["rises"] * len(MEASURES)
    empty = Drift(verdict=Verdict.UNCLEAR, n=0, tolerance=0.1, reason="no values")
    (row,) = table([replace(a_mode()[0], series={"batch_time": empty})])
    assert row == ["1s: batch time", "–", "–", "–", "–", "+10.0 %", "unclear (no values)"]


def test_the_figure_is_drawn():
    """A panel a measure, in each a series and its line for each of two modes, axes from zero; no mode, no line."""
    modes, rows = zip(a_mode(), a_mode(REALTIME, growth=0.5), strict=True)
    figure = soak_figure(pl.concat(rows), modes)
    assert [len(axes.lines) for axes in figure.axes] == [4] * len(PANELS)
    assert {axes.get_ylim()[0] for axes in figure.axes} == {0.0}
    assert png(figure).startswith(b"\x89PNG")
    assert png(soak_figure(rows[0].clear(), [])).startswith(b"\x89PNG")


def test_an_hour_is_sampled_by_the_minute():
    """A full collection a minute, a look every ten seconds; two minutes have as many in their time."""
    fields = {"rate": 5_000.0, "triggers": (MICRO,), "partitions": 1, "sensors": 10, "scenario": "seed", "seed": 1}
    hour, short = (Plan(run_s=run_s, **fields) for run_s in (HOUR_S, 120.0))
    assert (hour.full_gc_s, hour.sample_s) == (60, 10.0)
    assert (short.full_gc_s, short.sample_s) == (2, 2.0)
    assert short.config(Path("out")).window_s == 120.0
    assert replace(short, run_s=130.5, triggers=(MICRO, REALTIME)).config(Path("out")).window_s == 150.0
    assert hour.facts()["triggers"] == ["1s"]


@pytest.mark.parametrize(
    ("trigger", "tick_s"), [("realtime:30s", None), ("0s", None), ("999ms", None), ("1s", 0.01), ("30s", 0.01)]
)
def test_what_waits_for_a_second_may_be_sent_in_larger_requests(trigger: str, tick_s: float | None):
    """Ten milliseconds are nothing beside a trigger of a second, and much beside real-time mode's two."""
    assert tick_for(Trigger.parse(trigger, field="t")) == tick_s


@pytest.mark.parametrize(("tick_s", "naps"), [(None, []), (0.01, ["--nap", "10ms"])])
def test_the_host_meter_looks_as_often_as_the_publisher_sends(tick_s: float | None, naps: list[str]):
    """Its naps of a millisecond wake the machine as often as the whole broker does."""
    cell = object.__new__(SoakCell)
    cell.tick_s = tick_s
    assert cell.instrument("bench.hostmeter") == [*python_module("bench.hostmeter"), *naps]
    assert cell.instrument("bench.collector") == python_module("bench.collector")


@pytest.mark.parametrize(
    ("run_s", "sensors", "spark_s", "paced_s"),
    [(HOUR_S, 10_000, 600, 30), (90.0, 10_000, 16, 20), (HOUR_S, 10, 600, 5)],
)
def test_spark_is_warmed_up_for_ten_minutes_before_an_hour(run_s: float, sensors: int, spark_s: float, paced_s: float):
    """As long as any cell's before a shorter one; the load is paced for no longer than there are readings before it."""
    fields = {"rate": 5_000.0, "triggers": (MICRO,), "partitions": 1, "scenario": "temperate-day", "seed": 1}
    config = Plan(run_s=run_s, sensors=sensors, **fields).config(Path("out"))
    assert (config.spark_warmup_s, config.warmup_s) == (spark_s, paced_s)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--for", "soon"], "--for: 'soon' is no duration"),
        (["--for", "10s", "--triggers", "0s"], "give a value from 120"),
        (
            ["--for", "5min", "--triggers", "realtime:30s"],
            "the checkpoint of realtime:30s is full after 6min only; give at least 12min",
        ),
        (["--triggers", "1s,1s"], "1s stands there twice"),
        (["--triggers", "0s,1s,2s,3s,4s"], "5 modes; give 4 at most"),
        (["--triggers", "often"], "no trigger"),
        (["--partitions", "0"], "--partitions 0: out of range"),
        (["--rate", "-1"], "--rate -1: give a number above 0"),
        (["--scenario", "sed"], "did you mean 'seed'?"),
    ],
)
def test_what_cannot_be_soaked_is_refused_before_anything_starts(options: list[str], message: str, tmp_path: Path):
    """One line that names the flag, exit 2, and no folder is made."""
    result = CliRunner().invoke(app, ["soak", "--out", str(tmp_path / "out"), *options])
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_too_little_memory_is_told_before_the_hour(tmp_path: Path):
    """What scoring needs is known from the number of readings; exit 5, and no folder is made."""
    result = CliRunner().invoke(app, ["soak", "--out", str(tmp_path / "out"), "--for", "100h", "--rate", "50000"])
    assert result.exit_code == ExitCode.ENVIRONMENT
    assert not (tmp_path / "out").exists()


def test_a_folder_with_files_is_refused(tmp_path: Path):
    """Two soaks never mix their files."""
    (tmp_path / "soak.json").touch()
    result = CliRunner().invoke(app, ["soak", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "there are files in it; name a new folder" in result.stderr
