"""What is compared of a cell: each metric's name, its words, and where its value stands. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bench.records import Cell, Params

#: A number, or the reason why there is none.
Value = float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric; ``read`` takes its value from a measured cell, in ``unit`` (ms, 1/s or s)."""

    #: The path in the result file.
    name: str
    label: str
    unit: str
    read: Callable[[Cell], Value]
    better: str = "faster"
    worse: str = "slower"
    more_is_better: bool = False
    #: Whether a difference is put into words; otherwise the figures are shown.
    decides: bool = True
    #: Whether readings that share a micro-batch share its fate in this figure.
    rests_on_batches: bool = False
    #: A difference up to this much, in ``unit``, may come from the stamps alone.
    resolution: float = 0.0
    of: Callable[[Params], bool] = lambda _: True


def value_of(metric: Metric, cell: Cell) -> Value:
    """The metric's value in ``cell``, or why it has none that a logarithm can be taken of."""
    value = metric.read(cell)
    if isinstance(value, float) and not 0 < value < math.inf:
        return f"its value is {value:g}"
    return value


def _percentile(name: str) -> Callable[[Cell], Value]:
    def read(cell: Cell) -> Value:
        if cell.latency_ms is None:
            return "no latency was measured"
        found = cell.latency_ms.due_to_seen
        value: float | None = getattr(found, name)
        return found.reasons.get(name, "no reason given") if value is None else value

    return read


def _batch_time(cell: Cell) -> Value:
    value = cell.batch_ms.p50 if cell.batch_ms is not None else None
    return "no alert's batch is known" if value is None else value


def _drain(cell: Cell) -> Value:
    if cell.throughput is None:
        return "no throughput was measured"
    value = cell.throughput.drain_per_s
    return cell.throughput.reasons.get("drain_per_s", "no reason given") if value is None else value


def _cpu(cell: Cell) -> Value:
    usage = cell.resources.get("pipeline")
    value = usage.cpu_s_per_million if usage is not None else None
    return "the pipeline's CPU time is not known" if value is None else value


def _stall(cell: Cell) -> Value:
    value = cell.boundary_stall_ms.median if cell.boundary_stall_ms is not None else None
    return "no boundary between batches fell into the window" if value is None else value


#: In the order in which they are shown: the decision metrics, and p99 beside them.
METRICS = (
    Metric(name="latency_ms.due_to_seen.p50", label="p50", unit="ms", read=_percentile("p50"), rests_on_batches=True),
    Metric(
        name="latency_ms.due_to_seen.p99",
        label="p99",
        unit="ms",
        read=_percentile("p99"),
        # One slow batch decides it: too few of them for words.
        decides=False,
    ),
    Metric(
        name="batch_ms.p50",
        label="batch",
        unit="ms",
        read=_batch_time,
        rests_on_batches=True,
        # It ends with a broker's stamp, cut to a millisecond, and begins with Spark's.
        resolution=1.0,
        of=lambda params: not params.is_realtime,
    ),
    Metric(name="throughput.drain_per_s", label="drain", unit="1/s", read=_drain, more_is_better=True),
    Metric(name="resources.pipeline.cpu_s_per_million", label="CPU", unit="s", read=_cpu, better="less", worse="more"),
    Metric(
        name="boundary_stall_ms.median",
        label="stall",
        unit="ms",
        read=_stall,
        better="shorter",
        worse="longer",
        of=lambda params: params.is_realtime,
    ),
)
