"""Side-by-side benchmarks: the figures are read and compared rightly. How fast anything is, no test says."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from base.errors import ComponentFailed
from bench.perf import pipeline
from bench.perf.__main__ import app
from bench.perf.kafka_tools import consumed_rate, reported_rate
from bench.perf.publisher import DEFAULTS, PRODUCERS, Figures, ratios
from bench.perf.stages import Stage, state_bytes, timed

#: What ProducerPerformance of Kafka 4.3.1 printed.
OUTPUT = """\
1899537 records sent, 379907.4 records/sec (50.66 MB/sec), 355.7 ms avg latency, 958.0 ms max latency.
4000000 records sent, 649772.579597 records/sec (86.65 MB/sec), 168.19 ms avg latency, 632.00 ms max latency.
"""


def test_the_last_line_of_producer_performance_counts():
    """Reports on the way are left out; an output without a total is an error that quotes it."""
    assert reported_rate(OUTPUT, 4_000_000) == 649772.579597
    with pytest.raises(ComponentFailed, match="no rate for 5000000"):
        reported_rate(OUTPUT, 5_000_000)


#: What ConsumerPerformance of Kafka 4.3.1 printed.
CONSUMED = """\
start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, \
fetch.MB.sec, fetch.nMsg.sec
2026-11-25 17:11:36:560, 2026-11-25 17:11:38:072, 271.6998, 179.6956, 2000000, 1322751.3228, 434, 1078, 252.0406, \
1855287.5696
"""


def test_the_rate_of_consumer_performance_is_found_by_its_name():
    """The whole run's messages/s is the one that counts; an output without it is an error that quotes it."""
    assert consumed_rate(CONSUMED) == 1322751.3228
    with pytest.raises(ComponentFailed, match="told no rate"):
        consumed_rate("WARNING: no messages\n")


def cell(
    profile: str, p50: float | None, p99: float | None = 9.0, stalls: list[float] | None = None
) -> dict[str, object]:
    """The parts of a result's cell that are looked at."""
    return {
        "params": {"profile": profile},
        "verdict": "valid",
        "reasons": [],
        "latency_ms": {"due_to_seen": {"p50": p50, "p99": p99}},
        "boundary_stall_ms": None if stalls is None else {"each": stalls},
    }


def test_latencies_are_medians_over_cells_and_stalls_are_all_kept():
    """Cells of a kind are put together; a broken one leaves its verdict and no number."""
    broken = {"params": {"profile": "tuned"}, "verdict": "invalid", "reasons": [{"message": "no"}], "latency_ms": None}
    micro, realtime, _ = pipeline.LATENCY_RUNS
    found = pipeline.latencies(
        [
            (micro, {"cells": [cell("stock", 240.0), cell("tuned-async", 50.0), cell("tuned-async", 30.0)]}),
            (realtime, {"cells": [cell("tuned", 2.0, None, [40.0]), broken, cell("tuned", 3.0, 7.0, [30.0, 50.0])]}),
        ]
    )
    assert found["tuned_async"].as_dict()["p50"] == 40.0
    assert found["tuned"].as_dict()["p50"] is None
    assert found["realtime"].as_dict() == {
        "p50": 2.5,
        "p99": 7.0,
        "rounds": {"p50": [2.0, 3.0], "p99": [7.0]},
        "verdicts": ["valid", "invalid; no", "valid"],
    }
    assert found["realtime"].stalls == [40.0, 30.0, 50.0]


def test_drain_ratios_are_taken_round_by_round():
    """A part that was not measured is null, never 0."""
    rates = {pipeline.CONSUMER: [100.0, 50.0], pipeline.OURS: [50.0, 30.0], pipeline.OBVIOUS: [10.0, 10.0]}
    found = pipeline.ratios(rates, {})
    assert found["drain_vs_consumer_performance"] == pytest.approx(0.55)
    assert found["drain_tuned_vs_obvious"] == 4.0
    assert found["drain_with_alerts_vs_consumer_performance"] is None
    assert found["stock_vs_tuned_async_p50"] is None
    only = pipeline.ratios({}, pipeline.latencies([(pipeline.LATENCY_RUNS[0], {"cells": MICRO})]))
    assert only["stock_vs_tuned_async_p50"] == 6.0


MICRO = [cell("stock", 240.0), cell("tuned-async", 40.0), cell("tuned", 90.0)]


def test_ratios_are_taken_round_by_round_with_the_faster_tool():
    """Both sides' second round was slow, so neither gained; the number of sensors that is slowest counts."""
    _, large = PRODUCERS
    contenders = [
        Figures(DEFAULTS, None, per_s=[50.0, 25.0, 50.0]),
        Figures(large, None, per_s=[100.0, 50.0, 100.0]),
        Figures("publisher, unpaced", 10, per_s=[90.0, 45.0, 90.0]),
        Figures("publisher, unpaced", 10_000, per_s=[110.0, 60.0, 80.0]),
        Figures("simulate, encode", 10, cpu_s_per_million=[3.0]),
        Figures("simulate, encode", 10_000, cpu_s_per_million=[2.0]),
    ]
    found = ratios(contenders, [10, 10_000])
    assert found["compared_with"] == large
    assert found["publisher_vs_producer_performance"] == pytest.approx(0.9)
    assert found["publisher_vs_producer_performance_by_sensors"] == pytest.approx({"10": 0.9, "10000": 1.1})
    assert found["faster_vs_default_producer_performance"] == 2.0
    assert found["cpu_per_reading_vs_10000_sensors"] == {"10": 1.5, "10000": 1.0}


def test_a_stage_is_timed_after_its_first_chunk():
    """What the first chunk costs is told apart, and at least as many readings as asked for are timed."""
    found = timed(iter([7, 10, 10, 10, 10]), 25)
    assert found["readings"] == 30
    assert found["start_s"] >= 0
    assert found["seconds"] > 0


def test_state_grows_with_sensors_and_stays_small():
    """A sensor more takes at most 400 bytes of the running simulator."""
    assert set(Stage) == {"generate", "encode", "both", "state"}
    few, many = (state_bytes("temperate-day", 42, sensors) for sensors in (2_000, 20_000))
    assert 0 < (many - few) / 18_000 <= 400


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sensors", "10,many"], "--sensors 10,many: 'many' is no number of sensors"),
        (["--readings", "10"], "--readings 10: give at least 100000"),
        (["--rounds", "0"], "--rounds 0: give at least 1"),
        (["--json", "--markdown"], "--json --markdown: choose one"),
        (["--scenario", "temperat-day"], "did you mean 'temperate-day'?"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_starts(options: list[str], message: str):
    """One line that names the flag, exit 2."""
    result = CliRunner().invoke(app, ["publisher", *options])
    assert result.exit_code == 2
    assert message in result.stderr
