"""A run, its cells and what was concluded from them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from bench.records.axes import Axes, Params
from bench.records.base import METHOD_VERSION, SCHEMA_VERSION, Record, Verdict
from bench.records.machine import Calibration, Env, Git, Host, Usage
from bench.records.numbers import Fidelity, LatencyMs, Spread, Stalls, Throughput
from bench.records.quality import Quality, QualityCell
from pipeline.rules import AlertRule


class Reason(Record):
    """Why a cell is not valid: the rule, what was seen, and what to try."""

    rule: str
    verdict: Literal["invalid", "inconclusive"]
    message: str
    remedy: str


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

    Two trials at least agree on each end: ``passed``, there or higher, and ``failed``, there or lower, as the schedule
    has them; of such pairs of ends within the ratio asked for, the widest. ``reasons`` says why one of them, or the
    share, is None, and under ``search`` what the search lacks.
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
    #: Whether a dashboard read its topics while it ran; None: the cluster does not say.
    watched: bool | None = None
    #: What the pipeline told of its warm-up.
    warmup: dict[str, Any] = {}
    #: Whole drains of the backlog after the window: readings per second of each, and how long it took.
    drain: dict[str, Any] = {}
    #: How long each phase of the cell took, in s, in order.
    phases_s: dict[str, float] = {}


class Run(Record):
    """The run itself."""

    id: str
    #: What was typed; ``rerun`` says the same with every default.
    argv: list[str]
    rerun: str
    started: str
    finished: str | None = None
    status: Literal["running", "complete", "partial"]


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
    #: Those that were run and judged by, in the order of labels; None in results of before they were kept.
    rules: tuple[AlertRule, ...] | None = None
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
