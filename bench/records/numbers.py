"""Numbers of a cell: latency, throughput, fidelity."""

from __future__ import annotations

from bench.records.base import Record


class Quantiles(Record):
    """Exact percentiles of one latency over the alerts that were expected; a missing one counts as infinite.

    ``supported`` names the percentiles that n bears (10/(1-q) samples each); the others are None, and
    so is any that a missing alert makes infinite. ``reasons`` says which and why.
    """

    n: int
    supported: list[str]
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    p999: float | None = None
    max: float | None = None
    reasons: dict[str, str] = {}


class Latencies(Record):
    """The three end-to-end latencies, each from ``due`` or ``sent`` to the alert."""

    due_to_seen: Quantiles
    sent_to_seen: Quantiles
    due_to_alert_appended: Quantiles


class LatencyMs(Latencies):
    """Latency in ms: of the beacons (uniform in time, the headline) and, under ``all``, of every alert."""

    all: Latencies
    #: Beacons without those due within a second of a real-time batch boundary; None for micro-batch.
    without_boundaries: Latencies | None = None
    #: Mean ms of each stage between neighbouring stamps, all alerts; means add up to the whole.
    budget: dict[str, float | None]


class Stalls(Record):
    """The longest wait, in ms, around each boundary between two real-time batches of the window."""

    each: list[float]
    median: float | None
    max: float | None


class Spread(Record):
    """Median and extremes of some milliseconds, with how many there were."""

    n: int
    p50: float | None
    p99: float | None
    max: float | None


class Throughput(Record):
    """Readings per second: asked for, really sent, seen to be processed, and drained from a backlog."""

    offered_per_s: float
    sent_per_s: float
    processed_per_s: float | None
    drain_per_s: float | None
    reasons: dict[str, str] = {}


class Fidelity(Record):
    """Is the engine right? Alerts against what the reference evaluator reads in the source topic."""

    expected: int
    may: int
    seen: int
    missing: int
    extra: int
    duplicated: int
    echoed: int
    late: int
    rejects_expected: int
    rejects_seen: int
    #: Share of expected beacon alerts seen within D seconds of due; the key is D.
    recall_at_deadline: dict[str, float | None]
    #: The same over every expected alert.
    recall_at_deadline_all: dict[str, float | None]
