"""The result file: what a run leaves behind, as types. `schema/result-1.json` is generated from them.

A number that could not be had is None, with its reason beside it, never 0.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
#: Changes whenever a number's meaning does: results of different methods are not comparable.
METHOD_VERSION = "2"

Verdict = Literal["valid", "invalid", "inconclusive"]

#: Under so many repeats, and without stored noise of this machine, no difference is put into words.
REPEATS_FOR_WORDS = 3
#: A percentile that fewer micro-batches contributed to is shown, and neither ranked nor put into words: the
#: alerts of a batch are late together.
BATCHES_FOR_WORDS = 20


class Record(BaseModel):
    """Base of all records: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")


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


class Interval(Record):
    """A 95 % Wilson score interval."""

    low: float
    high: float


class Prf(Record):
    """Precision, recall and F1, their harmonic mean; None where undefined."""

    precision: float | None
    recall: float | None
    f1: float | None


class Affiliation(Record):
    """Affiliation precision and recall (Huet et al., KDD 2022)."""

    precision: float | None
    recall: float | None


class Nab(Record):
    """The score of the Numenta Anomaly Benchmark under its three profiles: silence 0, perfect 100, no lower bound."""

    standard: float | None
    low_fp: float | None
    low_fn: float | None


class Pate(Record):
    """PATE of the alarms (``f1``) and of scores (``ap``)."""

    f1: float | None
    ap: float | None = None


class Vus(Record):
    """Volumes under the surfaces of range-based curves."""

    pr: float | None = None
    roc: float | None = None


class Metrics(Record):
    """The field's metrics, on the grid of each sensor's readings; docs/scoring.md defines them.

    ``reasons`` says, by the metric's name, why a number of it is None.
    """

    point: Prf
    range: Prf
    affiliation: Affiliation
    nab: Nab
    pate: Pate
    vus: Vus
    reasons: dict[str, str] = {}


class Counted(Record):
    """Events found and missed, alarms that met no event, and what follows from the counts."""

    tp: int
    fp: int
    fn: int
    precision: float | None
    recall: float | None
    f1: float | None = None
    intervals: dict[str, Interval | None]
    #: Alarms that met no event (``fp``) per day of one sensor without injected faults.
    false_alarms_per_sensor_day: float | None = None
    metrics: Metrics | None = None


class Delay(Record):
    """From the start of an event to its first alert: in event time, and in readings of the sensor.

    Medians are over the events found. Restricted means are over all: a longer delay, and a miss, count as
    ``restricted_to_event_s``. None where undefined.
    """

    median_event_s: float | None = None
    median_readings: float | None = None
    restricted_mean_event_s: float | None = None
    restricted_mean_readings: float | None = None
    restricted_to_event_s: float | None = None


class Score(Counted):
    """A detector against its events, and beside it detectors that know nothing.

    ``reasons`` says, by name, why a number is None.
    """

    delay: Delay = Delay()
    #: Share of the events with an alert at most D seconds of event time after their start; the key is D.
    recall_at_delay: dict[str, float | None] = {}
    #: Further alerts in an event after its first, per event found.
    duplicates_per_event: float | None = None
    #: Events shown apart because the sensor's noise alone decides about them.
    marginal: int = 0
    #: Found through ``fired`` although an earlier rule gave the alert its label.
    masked: int = 0
    #: Alarms on readings that carry an injected fault: the other class, neither right nor wrong.
    ignored: int = 0
    #: The same events by detectors that know nothing: ``never`` an alarm, ``always_on``, and as many as the
    #: detector has at ``random`` readings.
    baselines: dict[str, Counted] = {}
    reasons: dict[str, str] = {}


class Quality(Record):
    """Are the rules right? Alerts against the simulator's truth."""

    all: Score | None
    by_rule: dict[str, Score]
    #: Of fault detectors; empty while the pipeline runs threshold rules only.
    by_fault: dict[str, Score]
    reasons: dict[str, str] = {}


class OtherStream(Record):
    """One stretch of a quality cell: the scenario under another seed, as `sim.digest` names it."""

    seed: int
    readings: int
    stream_digest: str


class QualityCell(Record):
    """Are the rules right, told from as many events as that takes: the scenario under other seeds.

    Nothing is paced, and nothing goes through Kafka or the pipeline under test: the alerts are those of the engine
    without Spark, on the bytes that would have travelled. It judges as the reference evaluator does, so a pipeline
    whose cell has an exact ``fidelity`` would have sent the same. Events of one stream share its weather, and so the
    intervals are somewhat too narrow.
    """

    #: Why there is none.
    reason: str | None = None
    quality: Quality | None = None
    streams: list[OtherStream] = []
    #: Of each stream: sensors, seconds of event time between two readings of one, and its length in event time.
    sensors: int | None = None
    interval_s: float | None = None
    window_event_s: float | None = None
    #: How many events every rule should have had to find, and how many readings were the most for that.
    wanted_events: int | None = None
    most_readings: int | None = None
    #: The rules that had fewer events, marginal ones not counted, with how many they had.
    short: dict[str, int] = {}


class Reason(Record):
    """Why a cell is not valid: the rule, what was seen, and what to try."""

    rule: str
    verdict: Literal["invalid", "inconclusive"]
    message: str
    remedy: str


class Usage(Record):
    """What one process cost inside the measuring window."""

    cpu_s: float
    #: CPU seconds per million readings offered.
    cpu_s_per_million: float | None
    #: Share of one core.
    cores: float
    rss_bytes: int


class Pauses(Record):
    """How often and how long a JVM stood still inside the window: at all safepoints, and for garbage collection."""

    n: int
    total_ms: float
    max_ms: float
    gc_n: int
    gc_total_ms: float
    gc_max_ms: float


class Host(Record):
    """What else happened on the machine inside the window."""

    hiccup_p99_ms: float | None
    hiccup_max_ms: float | None
    #: Share of CPU time taken by the hypervisor; None where the kernel does not say.
    steal: float | None
    #: Mean share of time in which some task waited for a CPU (Linux pressure stall information).
    cpu_pressure: float | None
    #: Change of wall clock minus monotonic clock over the window, in ms.
    clock_step_ms: float | None
    #: CPU that neither the run's processes nor idling took, in cores: other programs, and the kernel's own work.
    others_cores: float | None = None
    #: Of each JVM whose log could be read: ``pipeline`` and ``broker``.
    pauses: dict[str, Pauses] = {}


class Axes(Record):
    """The axes of the matrix."""

    trigger: str
    partitions: int
    profile: str
    detectors: str = "rules"
    engine: str = "spark"

    @property
    def is_realtime(self) -> bool:
        """Whether the cell runs in real-time mode."""
        return self.trigger.startswith("realtime")

    @property
    def mode(self) -> str:
        """``realtime`` or ``micro-batch``."""
        return "realtime" if self.is_realtime else "micro-batch"


class Params(Axes):
    """A point of the matrix, and which repeat of it."""

    repeat: int = 1


class CapacityTrial(Record):
    """One cell of a capacity search: the rate it was offered, and what became of it.

    ``untold``: it says nothing about the pipeline. ``value`` is the number that the SLO is about, in its path's unit.
    """

    rate_per_s: float
    outcome: Literal["passed", "failed", "untold"]
    verdict: Verdict
    value: float | None
    reason: str


class Capacity(Record):
    """The highest offered rate (readings/s) that stayed valid under an SLO, as the ends of a bracket.

    ``passed`` is the highest rate that passed and ``failed`` the lowest one above it that failed, as the schedule has
    them. ``reasons`` says why one of them, or the share, is None, and under ``search`` what the search lacks.
    """

    passed: float | None
    failed: float | None
    slo: str
    #: ``passed`` over what Kafka's own ConsumerPerformance reads in a second, on the same broker in the same run.
    share_of_consumer_performance: float | None = None
    trials: list[CapacityTrial]
    reasons: dict[str, str] = {}


class Cell(Record):
    """One cell of the matrix: what was measured, and whether it may be believed."""

    id: str
    params: Params
    #: ``broken`` cells could not be measured: ``error`` says why and every number is None.
    status: Literal["done", "broken"]
    error: str | None = None
    verdict: Verdict
    reasons: list[Reason]
    #: Set by the scheduler once the cell has ended.
    started: str = ""
    duration_s: float = 0.0
    window_s: float
    #: Files of the cell, relative to the run's folder.
    files: list[str] = []
    latency_ms: LatencyMs | None = None
    boundary_stall_ms: Stalls | None = None
    batch_ms: Spread | None = None
    batches: int | None = None
    throughput: Throughput | None = None
    fidelity: Fidelity | None = None
    quality: Quality | None = None
    resources: dict[str, Usage] = {}
    host: Host | None = None
    #: Of `--search-rate`; every other number is then that of the last cell that passed at the highest rate.
    capacity: Capacity | None = None
    #: What the pipeline told of its warm-up.
    warmup: dict[str, Any] = {}
    #: Whole drains of the backlog after the window: readings per second of each, and how long it took.
    drain: dict[str, Any] = {}
    #: How long each phase of the cell took, in s, in order.
    phases_s: dict[str, float] = {}


class Run(Record):
    """The run itself."""

    id: str
    argv: list[str]
    rerun: str
    started: str
    finished: str | None = None
    status: Literal["running", "complete", "partial"]


class Git(Record):
    """The version of this project that ran; None without git."""

    sha: str | None
    dirty: bool | None


class Env(Record):
    """The machine and the versions."""

    cpu: str
    cores: int
    memory_bytes: int
    kernel: str
    python: str
    java: str
    spark: str
    kafka: str
    packages: dict[str, str]


class ScenarioRecord(Record):
    """What was simulated."""

    name: str
    hash: str
    seed: int
    sensors: int
    speedup: float
    interval_s: float
    rate_per_s: float
    stream_digest: str


class Noise(Record):
    """How much one repeat of the same cell differs from the next on this machine, as `bench.noise` measured it."""

    #: When, ISO 8601 in UTC; which version of this project, and on which machine.
    measured: str
    sha: str | None
    machine: str
    #: Valid repeats of each mode, ``realtime`` or ``micro-batch``.
    repeats: dict[str, int]
    #: Mode -> metric -> standard deviation of the log of one repeat's value: the upper end of its 90 % interval.
    log_sd: dict[str, dict[str, float]]

    def of(self, params: Axes) -> dict[str, float]:
        """Metric -> standard deviation of its log, in the mode of a cell; empty if that was not measured."""
        return self.log_sd.get(params.mode, {})

    def age_days(self, at: str) -> float:
        """How old it was at the instant ``at`` (ISO 8601), in days."""
        return (datetime.fromisoformat(at) - datetime.fromisoformat(self.measured)).total_seconds() / 86_400


class Calibration(Record):
    """What the instrument itself costs: publisher to collector through Kafka, no pipeline, in ms; and its noise."""

    kafka_floor_ms: Quantiles | None
    reason: str | None = None
    #: Messages/s that Kafka's ConsumerPerformance read from this run's broker; `--search-rate` alone measures it.
    consumer_performance_per_s: float | None = None
    #: Of this machine, as it was stored when the run began; None: unknown.
    noise: Noise | None = None


def shown(value: float, unit: str | None) -> str:
    """A number in the unit of the result file, exact to six decimals: beside a limit no digit may be lost."""
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return f"{text} {unit}" if unit else text


class ThresholdVerdict(Record):
    """One ``--threshold`` at one cell; ``value`` and ``limit`` are in the unit of the path (None: a plain number).

    Everything but ``passed`` counts as failed. ``reason`` says why there is no value, what makes the cell
    invalid, or what casts doubt on it.
    """

    expression: str
    cell: str
    verdict: Literal["passed", "failed", "no value", "cell invalid"]
    value: float | None
    limit: float
    unit: Literal["ms", "s"] | None
    reason: str = ""

    @property
    def seen(self) -> str:
        """The value, and the reason where there is one: ``1,163.2 ms; cell inconclusive: ...``."""
        value = [] if self.value is None else [shown(self.value, self.unit)]
        return "; ".join([*value, self.reason] if self.reason else value)


class Point(Axes):
    """A point of the matrix as ``--objective`` sees it: its valid repeats, pooled.

    Nothing is averaged: ``value`` and ``cost`` are those of the middle repeat, of two middle ones the worse.
    ``margin`` is how far ``value`` lies on the right side of the limit, in the unit of the objective's path.
    Ranges are [least, greatest] over the repeats.
    """

    #: Valid repeats, and how many of them hold the objective.
    repeats: int
    held: int
    holds: bool
    value: float | None = None
    margin: float | None = None
    margin_range: tuple[float, float] | None = None
    cost: float | None = None
    cost_range: tuple[float, float] | None = None
    #: Why there is no value, or no cost.
    reasons: dict[str, str] = {}

    @property
    def name(self) -> str:
        """``trigger 1s x 4 partitions (tuned)``."""
        plural = "partition" if self.partitions == 1 else "partitions"
        others = [self.profile, *({self.detectors, self.engine} - {"rules", "spark", self.profile})]
        return f"trigger {self.trigger} x {self.partitions} {plural} ({', '.join(others)})"


class Advice(Record):
    """What ``--objective`` and ``--minimise`` came to on this machine."""

    objective: str
    minimise: str
    verdict: Literal["holds", "none holds", "no value"]
    #: Those that hold the objective first, the cheapest in front; then the others, the closest in front.
    points: list[Point]
    #: Names of the points that could not be told apart from the first one.
    alike: list[str]
    #: All of it in words.
    sentences: list[str]


class Result(Record):
    """One run, whole: the content of ``result.json``."""

    schema_version: int = SCHEMA_VERSION
    method_version: str = METHOD_VERSION
    run: Run
    git: Git
    env: Env
    config: dict[str, Any]
    broker: dict[str, Any]
    scenario: ScenarioRecord
    calibration: Calibration
    cells: list[Cell] = Field(default_factory=list)
    quality_cell: QualityCell = Field(default_factory=QualityCell)
    thresholds: list[ThresholdVerdict] = Field(default_factory=list)
    advice: Advice | None = None
    warnings: list[str] = Field(default_factory=list)

    @property
    def failed_checks(self) -> int:
        """How many verdicts of thresholds are none of ``passed``."""
        return sum(one.verdict != "passed" for one in self.thresholds)
