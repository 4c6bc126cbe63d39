"""A run's figures as OpenMetrics: `FAMILIES` says which there are, `result_points` reads them off a result. Pure.

A number that could not be had is no sample: absent, never 0. Times are in seconds, whatever the result file has.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from bench.latency import PERCENTILES
from bench.records import (
    Cell,
    Fidelity,
    Host,
    Latencies,
    LatencyMs,
    Params,
    Quality,
    Quantiles,
    Result,
    Run,
    Spread,
    Throughput,
    Usage,
    Verdict,
)

#: The last line of every exposition: without it, it is no whole one.
EOF: Final = b"# EOF\n"
#: What a sample's name has beyond its family's.
_SUFFIXES: Final = {"counter": "_total", "info": "_info"}
#: By its field in the result; the largest of all is the quantile 1.
_QUANTILES: Final = {**PERCENTILES, "max": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What all samples of one name share; ``labels``: those beside the run's and the cell's."""

    type: str
    name: str
    labels: tuple[str, ...]
    help: str

    @property
    def unit(self) -> str:
        """The base unit that the name ends in; empty for counts and rates."""
        return next((unit for unit in ("seconds", "bytes", "ratio") if self.name.endswith(f"_{unit}")), "")

    @property
    def series(self) -> str:
        """The name to ask for in a query."""
        return self.name + _SUFFIXES.get(self.type, "")


@dataclass(frozen=True, slots=True)
class Point:
    """One number of a family, None where there is none; ``suffix``: of a summary, ``_count`` or ``_sum``."""

    family: str
    value: float | None
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""


_RUN_INFO: Final = "scenario_hash seed stream_digest method_version sha dirty python java spark kafka cpu kernel"
#: Type, name, labels beside the run's and the cell's, and what it is. docs/openmetrics.md has the same table.
_DECLARED: Final = (
    ("info", "run", _RUN_INFO, "What ran, and on what."),
    ("stateset", "run_status", "", "Running, complete or partial."),
    ("gauge", "run_start_timestamp_seconds", "", "When the run began."),
    ("gauge", "run_end_timestamp_seconds", "", "When the run ended."),
    ("gauge", "sensors", "", "How many sensors report."),
    ("gauge", "machine_cores", "", "The machine's cores."),
    ("gauge", "machine_memory_bytes", "", "The machine's memory."),
    ("summary", "kafka_floor_seconds", "quantile", "Due to seen with no pipeline between publisher and collector."),
    ("stateset", "cell_verdict", "", "Valid, invalid or inconclusive: may the cell's numbers be believed?"),
    ("gauge", "cell_duration_seconds", "", "How long the cell took, from its start to its row."),
    ("gauge", "cell_phase_seconds", "phase", "How long each phase of the cell took."),
    ("gauge", "cell_window_seconds", "", "The length of the measuring window."),
    ("summary", "latency_seconds", "latency alerts quantile", "Latency over the alerts that had to come."),
    ("gauge", "latency_stage_mean_seconds", "stage", "Mean of each stage between neighbouring stamps, all alerts."),
    ("summary", "boundary_stall_seconds", "quantile", "Longest wait around each boundary of real-time batches."),
    ("summary", "batch_seconds", "quantile", "Batch time: alert appended minus picked."),
    ("counter", "batches", "", "Micro-batches that the window's alerts came from; real-time batches that ended."),
    ("gauge", "offered_readings_per_second", "", "Readings due in the window."),
    ("gauge", "sent_readings_per_second", "", "Readings sent in the window."),
    ("gauge", "processed_readings_per_second", "", "Readings processed in the window, by the alerts appended."),
    ("gauge", "drain_readings_per_second", "", "Readings processed from a backlog, as fast as it goes."),
    ("counter", "alerts", "outcome", "Alerts against what the source topic calls for, over the whole stream."),
    ("counter", "rejects", "outcome", "Rejects against what the source topic calls for, over the whole stream."),
    ("gauge", "recall_at_deadline_ratio", "alerts deadline_seconds", "Share of expected alerts seen in time."),
    ("counter", "quality_events", "rule outcome", "Events of alerts against the simulator's truth."),
    ("gauge", "precision_ratio", "rule", "Alarms that met a hazard, of all alarms."),
    ("gauge", "precision_bound_ratio", "rule bound", "Ends of the precision's 95 % Wilson interval."),
    ("gauge", "recall_ratio", "rule", "Hazards that were found, of all hazards."),
    ("gauge", "recall_bound_ratio", "rule bound", "Ends of the recall's 95 % Wilson interval."),
    ("counter", "process_cpu_seconds", "process", "CPU that a process of the cell used in the window."),
    ("gauge", "process_cpu_seconds_per_reading", "process", "CPU of a process of the cell for each reading offered."),
    ("gauge", "process_resident_memory_bytes", "process", "Memory of a process at the end of the window."),
    ("summary", "jvm_pause_seconds", "process pauses quantile", "How long a JVM stood still, each time."),
    ("summary", "host_hiccup_seconds", "quantile", "By how much a nap of a millisecond overran."),
    ("gauge", "host_steal_ratio", "", "Share of CPU time that the hypervisor took."),
    ("gauge", "host_cpu_pressure_ratio", "", "Share of time in which some task waited for a CPU."),
    ("gauge", "host_clock_step_seconds", "", "Change of wall clock minus monotonic clock over the window."),
    ("gauge", "host_others_cores", "", "Cores that neither the run's processes nor idling took."),
    ("info", "running", "phase", "What goes on now."),
    ("gauge", "running_cell", "", "Number of the cell under way, from 1."),
    ("gauge", "running_cells", "", "How many cells the run has."),
    ("gauge", "running_offered_readings_per_second", "", "Readings due at present."),
    ("gauge", "running_sent_readings_per_second", "", "Readings sent at present."),
    ("counter", "running_alerts", "", "Alerts seen in the cell under way, so far."),
    ("summary", "running_latency_seconds", "quantile", "Due to seen of the alerts of the last 5 s."),
    ("gauge", "running_batch_seconds", "", "How long the last batch took, as the pipeline tells it."),
    ("gauge", "running_steal_ratio", "", "Share of CPU time that the hypervisor has taken since the phase began."),
)

#: Every family by its name, in the order in which they are written.
FAMILIES: Final = {
    f"alertbench_{name}": Family(type=kind, name=f"alertbench_{name}", labels=tuple(labels.split()), help=help)
    for kind, name, labels, help in _DECLARED
}


class Figures(Collector):
    """What a registry collects, whatever it is that the points tell of."""

    def __init__(self, points: Iterable[Point]) -> None:
        self._families = families(points)

    def collect(self) -> list[Metric]:
        """The families that have a number."""
        return self._families


def openmetrics(result: Result) -> bytes:
    """``metrics.prom``: all that ``result`` has, in OpenMetrics' text format."""
    return exposition(result_points(result))


def exposition(points: Iterable[Point]) -> bytes:
    """``points`` in OpenMetrics' text format; its last line is `EOF`."""
    registry = CollectorRegistry()
    registry.register(Figures(points))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text


def families(points: Iterable[Point]) -> list[Metric]:
    """``points`` by family, in the order of `FAMILIES`; those without a finite number are left out."""
    # Not the library's GaugeMetricFamily and its like: the one for summaries knows no quantiles.
    found = {name: Metric(name, family.help, family.type, unit=family.unit) for name, family in FAMILIES.items()}
    for point in points:
        if point.value is not None and math.isfinite(point.value):
            name = FAMILIES[point.family].series + point.suffix
            found[point.family].add_sample(name, dict(point.labels), point.value)
    return [metric for metric in found.values() if metric.samples]


def result_points(result: Result) -> Iterator[Point]:
    """Every number of a result: of the run, then cell by cell."""
    run = run_labels(result)
    yield from labelled(_run_points(result), run)
    for cell in result.cells:
        yield from labelled(_cell_points(cell), run | cell_labels(cell.id, cell.params))


def run_labels(result: Result) -> dict[str, str]:
    """What tells a run from others."""
    return {"run": result.run.id, "scenario": result.scenario.name}


def cell_labels(name: str, params: Params) -> dict[str, str]:
    """What tells a cell from the others of its run."""
    return {
        "trigger": params.trigger,
        "partitions": str(params.partitions),
        "profile": params.profile,
        "engine": params.engine,
        "repeat": str(params.repeat),
        "cell": name,
    }


def states(family: str, known: Iterable[str], state: str) -> Iterator[Point]:
    """A state set: 1 for ``state``, 0 for the others that are ``known``."""
    for one in known:
        yield Point(family, float(one == state), {family: one})


def quantiles(family: str, quantiles_ms: Mapping[float, float | None], labels: Mapping[str, str]) -> Iterator[Point]:
    """Quantiles of a summary. It may have none below zero, as a stepped clock makes: they are left to result.json."""
    for q, value_ms in quantiles_ms.items():
        if value_ms is not None and value_ms >= 0:
            yield Point(family, seconds(value_ms), {**labels, "quantile": str(q)})


def seconds(ms: float | None) -> float | None:
    """Milliseconds in the base unit."""
    return None if ms is None else ms / 1e3


def labelled(points: Iterable[Point], labels: Mapping[str, str]) -> Iterator[Point]:
    """``points`` with ``labels`` in front of their own."""
    for point in points:
        yield Point(point.family, point.value, {**labels, **point.labels}, point.suffix)


def _run_points(result: Result) -> Iterator[Point]:
    run, env = result.run, result.env
    yield Point("alertbench_run", 1.0, _run_info(result))
    yield from states("alertbench_run_status", get_args(Run.model_fields["status"].annotation), run.status)
    yield Point("alertbench_run_start_timestamp_seconds", _timestamp_s(run.started))
    yield Point("alertbench_run_end_timestamp_seconds", _timestamp_s(run.finished))
    yield Point("alertbench_sensors", result.scenario.sensors)
    yield Point("alertbench_machine_cores", env.cores)
    yield Point("alertbench_machine_memory_bytes", env.memory_bytes)
    if result.calibration.kafka_floor_ms is not None:
        yield from _summary("alertbench_kafka_floor_seconds", result.calibration.kafka_floor_ms, {})


def _run_info(result: Result) -> dict[str, str]:
    env, scenario, git = result.env, result.scenario, result.git
    facts = {
        "scenario_hash": scenario.hash,
        "seed": str(scenario.seed),
        "stream_digest": scenario.stream_digest,
        "method_version": result.method_version,
        "sha": git.sha,
        "dirty": None if git.dirty is None else str(git.dirty).lower(),
        "python": env.python,
        "java": env.java,
        "spark": env.spark,
        "kafka": env.kafka,
        "cpu": env.cpu,
        "kernel": env.kernel,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _timestamp_s(at: str | None) -> float | None:
    return None if at is None else datetime.fromisoformat(at).timestamp()


def _summary(family: str, spread: Quantiles | Spread, labels: Mapping[str, str]) -> Iterator[Point]:
    """Quantiles, and over how many samples; a `Spread` has fewer of them."""
    yield from quantiles(family, {q: getattr(spread, name, None) for name, q in _QUANTILES.items()}, labels)
    yield Point(family, spread.n, labels, suffix="_count")


def _cell_points(cell: Cell) -> Iterator[Point]:
    yield from states("alertbench_cell_verdict", get_args(Verdict), cell.verdict)
    yield Point("alertbench_cell_duration_seconds", cell.duration_s)
    for phase, taken_s in cell.phases_s.items():
        yield Point("alertbench_cell_phase_seconds", taken_s, {"phase": phase})
    if cell.status == "done":
        yield Point("alertbench_cell_window_seconds", cell.window_s)
    if cell.latency_ms is not None:
        yield from _latency_points(cell.latency_ms)
    if (stalls := cell.boundary_stall_ms) is not None:
        spread = Spread(n=len(stalls.each), p50=stalls.median, p99=None, max=stalls.max)
        yield from _summary("alertbench_boundary_stall_seconds", spread, {})
    if cell.batch_ms is not None:
        yield from _summary("alertbench_batch_seconds", cell.batch_ms, {})
    yield Point("alertbench_batches", cell.batches)
    if cell.throughput is not None:
        yield from _throughput_points(cell.throughput)
    if cell.fidelity is not None:
        yield from _fidelity_points(cell.fidelity)
    if cell.quality is not None:
        yield from _quality_points(cell.quality)
    yield from _resource_points(cell.resources)
    if cell.host is not None:
        yield from _host_points(cell.host)


def _latency_points(latency: LatencyMs) -> Iterator[Point]:
    of_alerts = {"beacons": latency, "all": latency.all, "without_boundaries": latency.without_boundaries}
    for alerts, latencies in of_alerts.items():
        if latencies is not None:
            for name in Latencies.model_fields:
                labels = {"latency": name, "alerts": alerts}
                yield from _summary("alertbench_latency_seconds", getattr(latencies, name), labels)
    for stage, mean_ms in latency.budget.items():
        yield Point("alertbench_latency_stage_mean_seconds", seconds(mean_ms), {"stage": stage})


def _throughput_points(throughput: Throughput) -> Iterator[Point]:
    yield Point("alertbench_offered_readings_per_second", throughput.offered_per_s)
    yield Point("alertbench_sent_readings_per_second", throughput.sent_per_s)
    yield Point("alertbench_processed_readings_per_second", throughput.processed_per_s)
    yield Point("alertbench_drain_readings_per_second", throughput.drain_per_s)


def _fidelity_points(fidelity: Fidelity) -> Iterator[Point]:
    for outcome in ("expected", "may", "seen", "missing", "extra", "duplicated", "echoed", "late"):
        yield Point("alertbench_alerts", getattr(fidelity, outcome), {"outcome": outcome})
    for outcome in ("expected", "seen"):
        yield Point("alertbench_rejects", getattr(fidelity, f"rejects_{outcome}"), {"outcome": outcome})
    recalls = {"beacons": fidelity.recall_at_deadline, "all": fidelity.recall_at_deadline_all}
    for alerts, recall in recalls.items():
        for deadline_s, share in recall.items():
            labels = {"alerts": alerts, "deadline_seconds": deadline_s}
            yield Point("alertbench_recall_at_deadline_ratio", share, labels)


def _quality_points(quality: Quality) -> Iterator[Point]:
    scores = quality.by_rule if quality.all is None else {"all": quality.all, **quality.by_rule}
    for rule, score in scores.items():
        of_rule = {"rule": rule}
        for outcome in ("tp", "fp", "fn", "marginal", "masked", "ignored"):
            yield Point("alertbench_quality_events", getattr(score, outcome), {**of_rule, "outcome": outcome})
        for share in ("precision", "recall"):
            yield Point(f"alertbench_{share}_ratio", getattr(score, share), of_rule)
            if (interval := score.intervals.get(share)) is not None:
                for bound in ("low", "high"):
                    labels = {**of_rule, "bound": bound}
                    yield Point(f"alertbench_{share}_bound_ratio", getattr(interval, bound), labels)


def _resource_points(resources: Mapping[str, Usage]) -> Iterator[Point]:
    for process, usage in resources.items():
        labels = {"process": process}
        yield Point("alertbench_process_cpu_seconds", usage.cpu_s, labels)
        if usage.cpu_s_per_million is not None:
            yield Point("alertbench_process_cpu_seconds_per_reading", usage.cpu_s_per_million / 1e6, labels)
        yield Point("alertbench_process_resident_memory_bytes", usage.rss_bytes, labels)


def _host_points(host: Host) -> Iterator[Point]:
    hiccups_ms = {0.99: host.hiccup_p99_ms, 1.0: host.hiccup_max_ms}
    yield from quantiles("alertbench_host_hiccup_seconds", hiccups_ms, {})
    yield Point("alertbench_host_steal_ratio", host.steal)
    yield Point("alertbench_host_cpu_pressure_ratio", host.cpu_pressure)
    yield Point("alertbench_host_clock_step_seconds", seconds(host.clock_step_ms))
    yield Point("alertbench_host_others_cores", host.others_cores)
    for process, pauses in host.pauses.items():
        all_of_them = (pauses.n, pauses.total_ms, pauses.max_ms)
        collections = (pauses.gc_n, pauses.gc_total_ms, pauses.gc_max_ms)
        for which, (n, total_ms, max_ms) in {"all": all_of_them, "gc": collections}.items():
            labels = {"process": process, "pauses": which}
            yield from quantiles("alertbench_jvm_pause_seconds", {1.0: max_ms if n else None}, labels)
            yield Point("alertbench_jvm_pause_seconds", n, labels, suffix="_count")
            yield Point("alertbench_jvm_pause_seconds", seconds(total_ms), labels, suffix="_sum")
