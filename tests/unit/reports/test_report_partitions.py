"""What is said of partition counts: a difference only where repeats or known noise bear it."""

from __future__ import annotations

from unit.reports.stored_runs import REASON, cell, result

from bench.records import Calibration, Cell, Noise
from reports.partitions import partitions_told

P50 = "latency_ms.due_to_seen.p50"


def noisy(log_sd: float) -> Calibration:
    """A machine whose repeats of micro-batch cells scatter so much."""
    noise = Noise(
        measured="2026-11-20T00:00:00+00:00",
        sha=None,
        machine="m",
        repeats={"micro-batch": 10},
        log_sd={"micro-batch": {P50: log_sd}},
    )
    return Calibration(kafka_floor_ms=None, reason="none", noise=noise)


def pair(few: float, many: float, **more: object) -> list[Cell]:
    """A 1 s trigger at 1 and at 4 partitions, with these medians."""
    return [
        cell("1s", 1, p50=few, p99=2 * few, batches=100),
        cell("1s", 4, p50=many, p99=2 * many, batches=100, **more),
    ]


def test_one_count_is_compared_with_none():
    """There is nothing to say."""
    assert partitions_told(result(cells=[cell(), cell("1s")])) is None


def test_without_noise_nothing_can_be_shown_and_the_remedy_is_named():
    """A single repeat of each, on a machine nobody has measured."""
    told = partitions_told(result(cells=pair(600, 900)))
    assert told is not None
    assert told.differences == []
    assert "1 repeat and no stored noise (run with --repeats 3 or bench.noise)" in told.none_shown


def test_a_difference_beyond_the_noise_is_told_with_its_interval():
    """Half as much again, where repeats scatter by 5 %."""
    told = partitions_told(result(cells=pair(600, 900), calibration=noisy(0.05)))
    assert told is not None
    assert [line.split(" (95 %")[0] for line in told.differences] == [
        "a 1s trigger (tuned) at 4 partitions had 1.5 times the p50 of 1 partition",
    ]


def test_a_difference_within_the_noise_is_none():
    """The same, where they scatter by a third."""
    told = partitions_told(result(cells=pair(600, 900), calibration=noisy(0.3)))
    assert told is not None
    assert told.none_shown == "No difference in p50 between partition counts could be shown on this machine."


def test_a_count_without_a_valid_cell_is_not_compared():
    """What is not valid is in no sentence."""
    told = partitions_told(result(cells=pair(600, 900, verdict="invalid", reasons=[REASON]), calibration=noisy(0.05)))
    assert told is not None
    assert "too few of their cells are valid" in told.none_shown


def test_repeats_are_compared_by_their_own_scatter():
    """Three of each tell without stored noise."""
    cells = [
        cell("1s", count, p50=p50 + jitter, p99=2 * (p50 + jitter), repeat=repeat, batches=100)
        for count, p50 in ((1, 600.0), (2, 601.0), (4, 900.0))
        for repeat, jitter in enumerate((0.0, 4.0, 9.0), 1)
    ]
    told = partitions_told(result(cells=cells))
    assert told is not None
    (line,) = told.differences
    assert "at 4 partitions" in line
