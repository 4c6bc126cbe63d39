"""``--search-rate`` as jobs for `bench.scheduler`: trials, made up as results come in, point after point of the matrix.

Spark need not know the rate: where a search goes on whatever the last trial says, the next trial's session comes up
while that one is scored.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from base.errors import AlertbenchError, ComponentFailed
from base.kafka import Admin
from base.process import Child
from bench.capacity.load import (
    GrowingStream,
    limits_of,
    trial_warmup_s,
    trial_window_s,
    whole_rate,
    with_longest_warmup,
)
from bench.capacity.search import Bracket, Limits, Trial, bracket, goes_on, next_rate
from bench.capacity.slo import judge_trial, parse_slo, slo_of
from bench.cell_parts import Bench, tail_s
from bench.conditions import Condition
from bench.jobs import CellJob
from bench.matrix import CellSpec
from bench.measure import measure
from bench.perf.kafka_tools import consumer_performance
from bench.phases import RawCell, ReadBack, StartedCell
from bench.probes import NotDrained
from bench.records import Capacity, CapacityTrial, Cell, Params, Result
from bench.scheduler import Idle, Job
from bench.store import RunStore
from bench.stream import backlog_command
from bench.summary import one_line

#: Where a search begins, as a share of the rate at which Spark drains a backlog: publisher, broker and collector want
#: cores as well.
DRAIN_SHARE: Final = 0.7
#: How long a trial's pipeline may take, beyond three of its triggers, to catch up once the load has ended, s. One
#: that needs longer has failed.
CATCH_UP_S: Final = 10.0
#: Whoever is late by this much, s, makes all wait that came meanwhile: a tenth of a window of 30 s, which no SLO of a
#: high percentile allows.
HOPELESS_S: Final = 3.0
#: What ConsumerPerformance reads: a second and more of its time, so that its start weighs little.
CONSUMED_READINGS: Final = 2_000_000
#: What of a trial is of no use once its numbers are known, and large.
BULKY: Final = (".parquet", ".bin")

#: Of these an SLO fails if a tenth of the window's alerts is late.
_PERCENTILES: Final = tuple(f"latency_ms.due_to_seen.{name}" for name in ("p95", "p99", "p999"))
_SHARE: Final = "share_of_consumer_performance"


class TrialCell(StartedCell):
    """A cell that may well be overtaxed, and is given up once that is certain.

    ``limit_ms``: what is late by the SLO, None if that is not about latency.
    """

    def __init__(self, spec: CellSpec, bench: Bench, folder: Path, limit_ms: float | None = None) -> None:
        self._limit_ms = limit_ms
        self._lag_ms = 0.0
        self._late_ms: float | None = None
        super().__init__(spec, bench, folder)

    def notice_publisher(self, lag_ms: float) -> None:
        """Keep how late the publisher ever was: that is nothing the pipeline could help."""
        self._lag_ms = max(self._lag_ms, lag_ms)

    def notice_alerts(self, samples: Sequence[tuple[float, int]]) -> None:
        """See whether half of the window's alerts in a second came so late that it has failed."""
        if self._limit_ms is None or self.zero_ns is None:
            return
        zero_ns, due_ns = self.zero_ns, self.bench.stream.due_ns
        late_ms = [
            (seen_ns - due) / 1e6 for event_s, seen_ns in samples if (due := due_ns(event_s, zero_ns)) >= zero_ns
        ]
        if late_ms and median(late_ms) - self._lag_ms > self._limit_ms + HOPELESS_S * 1e3:
            self._late_ms = median(late_ms)

    def check(self) -> None:
        """As in `StartedCell`; raises `NotDrained` for a cell that has failed, whatever comes now."""
        super().check()
        if self._late_ms is not None:
            raise NotDrained(
                f"given up: half of the alerts of a second were seen {self._late_ms:,.0f} ms or more after their "
                f"reading was due, over {HOPELESS_S:g} s beyond the limit of {self._limit_ms:,.0f} ms"
            )

    @property
    def drained_within_s(self) -> float:
        """As in `StartedCell`."""
        trigger = self.spec.trigger
        return CATCH_UP_S + (0.0 if trigger.is_realtime else 3 * trigger.seconds)


def measure_trial(raw: RawCell, read: ReadBack, bench: Bench, folder: Path) -> Cell:
    """As any cell, but for quality: what the rules make of the weather does not depend on the rate."""
    return measure(raw, read, bench, folder, with_quality=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A trial with its cell; ``value``: the number that the SLO is about."""

    trial: Trial
    cell: Cell
    value: float | None


@dataclass(kw_only=True)
class PointSearch:
    """One point of the matrix, and what its trials came to."""

    spec: CellSpec
    slo: Condition
    limits: Limits
    tried: list[Tried] = field(default_factory=list)

    @property
    def trials(self) -> list[Trial]:
        """All that have ended, in order."""
        return [one.trial for one in self.tried]

    def add(self, rate_per_s: float, cell: Cell) -> Trial:
        """One more has ended, with ``cell``."""
        judged = judge_trial(cell, self.slo)
        trial = Trial(rate_per_s=rate_per_s, outcome=judged.outcome, reason=judged.reason)
        self.tried.append(Tried(trial=trial, cell=cell, value=judged.value))
        return trial

    def chosen(self, found: Bracket) -> int:
        """Which trial, counted from 0, stands for the point: the last that passed at the highest rate.

        Where none passed, the last at the lowest rate.
        """
        passed = found.passed is not None
        rate = found.passed if passed else min(trial.rate_per_s for trial in self.trials)
        return max(
            number
            for number, trial in enumerate(self.trials)
            if trial.rate_per_s == rate and (trial.outcome == "passed") is passed
        )

    def row(self, found: Bracket) -> Cell:
        """The point's cell: that of the chosen trial, with the capacity and what all trials took."""
        capacity = Capacity(
            passed=found.passed,
            failed=found.failed,
            slo=self.slo.text,
            trials=[
                CapacityTrial(
                    rate_per_s=one.trial.rate_per_s,
                    outcome=one.trial.outcome,
                    verdict=one.cell.verdict,
                    value=one.value,
                    reason=one.trial.reason,
                )
                for one in self.tried
            ],
            reasons=found.reasons | {_SHARE: "the run ended before ConsumerPerformance was measured"},
        )
        cells = [one.cell for one in self.tried]
        whole = {"started": cells[0].started, "duration_s": round(sum(cell.duration_s for cell in cells), 2)}
        return cells[self.chosen(found)].model_copy(update={"id": self.spec.id, "capacity": capacity, **whole})


@dataclass(kw_only=True)
class TrialJob(CellJob):
    """One trial; at which rate is settled when its turn comes, and the trial before it has been judged."""

    settle: Callable[[], tuple[float, Bench]]
    rate_per_s: float = 0.0
    measures: Callable[[RawCell, ReadBack, Bench, Path], Cell] = measure_trial

    def run(self) -> None:
        """Prepare the load while Spark comes up, then as any cell."""
        self.rate_per_s, self.bench = self.settle()
        if self._started is not None:
            self._started.bench = self.bench
        super().run()


class CapacitySearch:
    """Searches every one of ``cells``, of which the first ``done`` are stored already."""

    def __init__(
        self,
        cells: Sequence[CellSpec],
        done: int,
        bench: Bench,
        store: RunStore,
        result: Result,
        began: Callable[[CellJob], None],
    ) -> None:
        self._cells, self._done, self._bench, self._store, self._result = cells, done, bench, store, result
        self._began = began
        self._stream = GrowingStream(bench.stream, with_longest_warmup(bench.config), tail_s=max(map(tail_s, cells)))
        self._slo = parse_slo(bench.config.slo, cells)
        self._drain_per_s: float | None = None
        #: Whether it is in real-time mode -> the highest rate that passed at the last point of that mode.
        self._passed: dict[bool, float] = {}
        for spec in cells[:done]:
            stored = next(cell for cell in result.cells if cell.id == spec.id)
            self._learn(spec, stored)

    def jobs(self) -> Iterator[Job]:
        """Every trial of every point, and at last what the capacities are a share of."""
        for number, spec in enumerate(self._cells[self._done :], self._done + 1):
            yield from self._point(number, spec)
        yield ConsumerJob(bench=self._bench, store=self._store, result=self._result)

    def _point(self, number: int, spec: CellSpec) -> Iterator[Job]:
        window_s = trial_window_s(spec.trigger)
        warmup_s = trial_warmup_s(spec.trigger, self._bench.config.warmup_s)
        config = self._bench.config.model_copy(update={"window_s": window_s, "warmup_s": warmup_s})
        bench = replace(self._bench, config=config)
        limits = limits_of(bench.stream.spec, config, window_s=window_s, tail_s=tail_s(spec))
        search = PointSearch(spec=spec, slo=slo_of(self._slo, spec.params), limits=limits)
        for count in itertools.count(1):
            job = self._trial(number, replace(spec, trial=count), search, bench)
            yield job
            if not goes_on(search.trials, job.rate_per_s, limits):
                # What comes next depends on what becomes of it.
                yield Idle()
                if next_rate(search.trials, limits) is None:
                    break
        self._keep(search)

    def _trial(self, number: int, spec: CellSpec, search: PointSearch, bench: Bench) -> TrialJob:
        def settle() -> tuple[float, Bench]:
            wanted = next_rate(search.trials, search.limits, self._hint(spec))
            assert wanted is not None
            rate = whole_rate(bench.stream.spec, wanted)
            bench.view.phase("preparing the load")
            return rate, replace(bench, stream=self._stream.at(rate))

        def ended(cell: Cell) -> None:
            trial = search.add(job.rate_per_s, cell)
            self._drain_per_s = drain_told(cell) or self._drain_per_s
            if trial.outcome != "passed":
                drop_bulky(job.folder)
            reason = f": {trial.reason}" if trial.reason else ""
            bench.view.note(f"  {search.spec.id}: {job.rate_per_s:,.0f}/s {trial.outcome}{reason}")

        folder = self._store.cell_folder(search.spec.id) / trial_folder(spec.trial)
        job = TrialJob(
            number=number,
            spec=spec,
            bench=bench,
            folder=folder,
            began=self._began,
            ended=ended,
            settle=settle,
            starts=partial(TrialCell, limit_ms=late_from_ms(search.slo, spec.params)),
        )
        return job

    def _hint(self, spec: CellSpec) -> float | None:
        """Where the limit is expected: at that of the last point of this mode, or else by the drain of a backlog."""
        near = self._passed.get(spec.trigger.is_realtime)
        if near is None and self._drain_per_s is not None:
            return DRAIN_SHARE * self._drain_per_s
        return near

    def _learn(self, spec: CellSpec, cell: Cell) -> None:
        if cell.capacity is not None and cell.capacity.passed is not None:
            self._passed[spec.trigger.is_realtime] = cell.capacity.passed

    def _keep(self, search: PointSearch) -> None:
        """Store the point's row, and the files of the trial that it is of in the folder of its own."""
        found = bracket(search.trials, search.limits)
        home, chosen = self._store.cell_folder(search.spec.id), search.chosen(found) + 1
        for count in range(1, len(search.trials) + 1):
            if count != chosen:
                drop_bulky(home / trial_folder(count))
        for path in (home / trial_folder(chosen)).iterdir():
            path.rename(home / path.name)
        (home / trial_folder(chosen)).rmdir()
        cell = search.row(found)
        cell.files = sorted(f"cells/{cell.id}/{path.name}" for path in home.iterdir() if path.is_file())
        self._learn(search.spec, cell)
        self._result.cells.append(cell)
        self._store.save(self._result)
        self._bench.view.note(f"[{len(self._result.cells)}/{len(self._cells)}] {one_line(cell)}")


def late_from_ms(slo: Condition, params: Params) -> float | None:
    """From which latency (ms) an alert is late by ``slo``; None if that holds no high percentile to a limit."""
    return slo.limit(params) if slo.path.text in _PERCENTILES and slo.op in ("<", "<=") else None


def trial_folder(count: int) -> str:
    """Where the files of a point's trial are, below the point's folder."""
    return f"trial-{count}"


def drop_bulky(folder: Path) -> None:
    """Remove what nobody needs of a trial that has been judged; its logs stay."""
    for path in folder.iterdir():
        if path.suffix in BULKY:
            path.unlink()


def drain_told(cell: Cell) -> float | None:
    """The rate (readings/s) at which the cell's Spark drained its backlog, as good as it was measured."""
    agreed: float | None = cell.warmup.get("drain_per_s")
    return agreed if agreed is not None else max(cell.warmup.get("passes", ()), default=None)


@dataclass(kw_only=True)
class ConsumerJob(Idle):
    """Kafka's own ConsumerPerformance on this run's broker, what every capacity is told as a share of."""

    bench: Bench
    store: RunStore
    result: Result

    def __post_init__(self) -> None:
        self._topic = f"consumed-{self.bench.run_id}"
        self._folder = self.store.folder / "logs"
        self._publisher: Child | None = None

    def start(self) -> None:
        """Have the topic filled."""
        bench = self.bench
        bootstrap = bench.broker.bootstrap
        Admin(bootstrap, bench.settings).create(self._topic, partitions=1)
        command = backlog_command(
            bench.stream.deliveries, bootstrap=bootstrap, topic=self._topic, readings=CONSUMED_READINGS
        )
        command += bench.config.kafka_config_flag()
        self._publisher = Child("publisher", command, log=self._folder / "consumed.log", events=True)

    def run(self) -> None:
        """Measure; without a figure, the reason stands where the shares would."""
        self.bench.view.phase("measuring Kafka's ConsumerPerformance")
        try:
            rate, reason = self._measure(), ""
        except AlertbenchError as error:
            rate, reason = None, " ".join(str(error).split())
        self.result.calibration.consumer_performance_per_s = rate
        for cell in self.result.cells:
            if cell.capacity is not None:
                tell_share(cell.capacity, rate, reason)
        self.store.save(self.result)

    def _measure(self) -> float:
        assert self._publisher is not None
        self._publisher.wait_for("done", timeout_s=120)
        if self.bench.config.kafka_config is not None:
            raise ComponentFailed("ConsumerPerformance is not told the settings of --kafka-config")
        return consumer_performance(
            bootstrap=self.bench.broker.bootstrap,
            topic=self._topic,
            readings=CONSUMED_READINGS,
            log=self._folder / "consumer-performance.log",
        )

    def stop(self) -> None:
        """End the publisher and remove the topic."""
        if self._publisher is not None:
            self._publisher.stop()
            Admin(self.bench.broker.bootstrap, self.bench.settings).delete([self._topic])


def tell_share(capacity: Capacity, consumer_per_s: float | None, reason: str) -> None:
    """Put ``passed`` as a share of ``consumer_per_s`` into ``capacity``, or the reason that there is none."""
    if capacity.passed is None:
        capacity.reasons[_SHARE] = "no rate passed"
    elif consumer_per_s is None:
        capacity.reasons[_SHARE] = reason
    else:
        capacity.share_of_consumer_performance = round(capacity.passed / consumer_per_s, 4)
        capacity.reasons.pop(_SHARE, None)
