"""``--search-rate`` as jobs for `bench.scheduler`: trials, made up as results come in, point after point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from bench.capacity.consumer import SHARE, ConsumerJob
from bench.capacity.load import (
    FIRST_DRAIN_S,
    Extent,
    GrowingStream,
    limits_of,
    trial_config,
    whole_rate,
    with_longest_warmup,
)
from bench.capacity.reckoning import read_trial
from bench.capacity.search import Bracket, Limits, Trial, bracket, ends_with, next_rate
from bench.capacity.slo import judge_trial, parse_slo, slo_of
from bench.capacity.trial import TrialCell, TrialJob, drain_told, lateness_of, measure_trial, second_half_ms
from bench.cell_parts import Bench, tail_s
from bench.conditions import Condition
from bench.jobs import CellJob
from bench.matrix import CellSpec
from bench.phases import RawCell, ReadBack
from bench.records import Capacity, CapacityTrial, Cell, Result
from bench.scheduler import Job
from bench.store import RunStore
from bench.summary import one_line
from pipeline.triggers import Trigger

#: Where a search begins, as a share of the rate at which Spark drains a backlog: publisher, broker and collector want
#: cores as well (METHOD).
DRAIN_SHARE: Final = 0.7
#: What of a trial is of no use once its numbers are known, and large.
BULKY: Final = (".parquet", ".bin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A trial with its cell; ``value``: the number that the SLO is about; ``cold``: as in `PointSearch.add`.

    ``folder``: where its files are.
    """

    trial: Trial
    cell: Cell
    value: float | None
    cold: bool
    folder: Path


@dataclass(kw_only=True)
class PointSearch:
    """One point of the matrix, the ``number``-th, counted from 1, and what its trials came to."""

    number: int
    spec: CellSpec
    slo: Condition
    limits: Limits
    tried: list[Tried] = field(default_factory=list)
    #: How many sessions have been started for it; not all are wanted once their turn comes.
    started: int = 0

    @property
    def trials(self) -> list[Trial]:
        """All that have ended and count, in order."""
        return [one.trial for one in self.tried if not one.cold]

    def add(
        self, rate_per_s: float, cell: Cell, folder: Path, *, second_half: float | None = None, cold: bool = False
    ) -> Trial:
        """One more has ended, with ``cell``; ``second_half`` as `judge_trial` takes it.

        ``cold``: the broker had served none before. It does not count, whatever became of it: it warms the broker, and
        tells where to begin.
        """
        judged = judge_trial(cell, self.slo, second_half)
        outcome, reason = judged.outcome, judged.reason
        if cold:
            reason = f"the run's first trial, on a broker that has compiled little: {outcome}. {reason}".strip()
            outcome = "untold"
        trial = Trial(rate_per_s=rate_per_s, outcome=outcome, reason=reason)
        self.tried.append(Tried(trial=trial, cell=cell, value=judged.value, cold=cold, folder=folder))
        return trial

    def wanted(self, hint: float | None) -> float | None:
        """The rate to try next, readings/s; None: all has been tried."""
        return next_rate(self.trials, self.limits, hint)

    def ends_with(self, rate_per_s: float) -> bool:
        """Whether it is over if one more trial at ``rate_per_s`` comes out as most others say."""
        return ends_with(self.trials, self.limits, rate_per_s)

    def batches_per_s(self) -> float | None:
        """The highest rate (readings/s) at which slow micro-batches of a trial that passed worked off what they found.

        By p99 of those from which alerts came, weighed by the alerts. None in real-time mode, and before.
        """
        rates = [
            one.trial.rate_per_s * self.spec.trigger.seconds * 1e3 / one.cell.batch_ms.p99
            for one in self.tried
            if one.trial.outcome == "passed" and one.cell.batch_ms is not None and one.cell.batch_ms.p99
        ]
        return max(rates, default=None)

    def chosen(self, found: Bracket) -> Tried:
        """The trial that stands for the point: the last that passed at the rate that is told, rather one that is valid.

        Where none passed, the last at the lowest rate.
        """
        passed = found.passed is not None
        rate = found.passed if passed else min(trial.rate_per_s for trial in self.trials)
        candidates = [
            one
            for one in self.tried
            if not one.cold and one.trial.rate_per_s == rate and (one.trial.outcome == "passed") is passed
        ]
        return ([one for one in candidates if one.cell.verdict != "invalid"] or candidates)[-1]

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
            reasons=found.reasons | {SHARE: "the run ended before ConsumerPerformance was measured"},
        )
        cells = [one.cell for one in self.tried]
        whole = {"started": cells[0].started, "duration_s": round(sum(cell.duration_s for cell in cells), 2)}
        return self.chosen(found).cell.model_copy(update={"id": self.spec.id, "capacity": capacity, **whole})


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
        self._bench, self._store, self._result, self._began = bench, store, result, began
        self._stream = GrowingStream(bench.stream, with_longest_warmup(bench.config), tail_s=max(map(tail_s, cells)))
        self._slo = parse_slo(bench.config.slo, cells)
        #: What is searched, in order, and how many points of it are done.
        self._points = [self._point(number, spec) for number, spec in enumerate(cells, 1)]
        self._done = done
        #: Whether no trial has ended yet.
        self._cold = True
        #: What sessions drained (readings/s), one after the other.
        self._drains: list[float] = []
        #: The highest rate that passed at the last point of a trigger.
        self._passed_at: dict[Trigger, float] = {}
        for spec in cells[:done]:
            stored = next(cell for cell in result.cells if cell.id == spec.id)
            self._learn(spec, stored)

    def jobs(self) -> Iterator[Job]:
        """Every trial of every point, and at last what the capacities are a share of."""
        expected = self._done
        while self._done < len(self._points):
            search = self._points[expected]
            job = self._trial(search)
            yield job
            if job.unwanted:
                expected = self._done
            # It has run, but is not judged yet.
            elif search is not self._points[-1]:
                expected = self._done + search.ends_with(job.rate_per_s)
        yield ConsumerJob(bench=self._bench, store=self._store, result=self._result)

    def _point(self, number: int, spec: CellSpec) -> PointSearch:
        config = trial_config(self._bench.config, spec.trigger)
        limits = limits_of(self._bench.stream.spec, config, tail_s=tail_s(spec))
        return PointSearch(number=number, spec=spec, slo=slo_of(self._slo, spec.params), limits=limits)

    def _trial(self, search: PointSearch) -> TrialJob:
        # The first of all starts beside the feed, which fills the backlog that it would warm up on. It tells what it
        # drains once it is warm.
        meanwhile = any(point.started for point in self._points)
        search.started += 1
        spec = replace(search.spec, trial=search.started)
        config = trial_config(self._bench.config, spec.trigger)
        if not meanwhile:
            config = config.model_copy(update={"drain_s": FIRST_DRAIN_S})
        bench = replace(self._bench, config=config)

        def settle() -> tuple[float, Bench] | None:
            wanted = search.wanted(self._hint(search)) if search.number == self._done + 1 else None
            if wanted is None:
                return None
            rate = whole_rate(bench.stream.spec, wanted)
            bench.view.phase("preparing the load")
            return rate, replace(bench, stream=self._stream.at(rate))

        def ended(cell: Cell) -> None:
            trial = search.add(job.rate_per_s, cell, job.folder, second_half=job.second_half_ms, cold=self._cold)
            self._cold = False
            drained = drain_told(cell)
            if drained is not None:
                self._drains.append(drained)
            if trial.outcome != "passed":
                drop_bulky(job.folder)
            reason = f": {trial.reason}" if trial.reason else ""
            bench.view.note(f"  {search.spec.id}: {job.rate_per_s:,.0f}/s {trial.outcome}{reason}")
            if search.wanted(self._hint(search)) is None:
                self._keep(search)

        def reads(raw: RawCell, bench: Bench) -> ReadBack:
            sent = Extent.of(bench.stream.spec, bench.config, tail_s=tail_s(spec))
            return read_trial(raw, bench, self._stream.required(bench.judge, bench.rules, sent))

        def measures(raw: RawCell, read: ReadBack, bench: Bench, folder: Path) -> Cell:
            cell = measure_trial(raw, read, bench, folder)
            job.second_half_ms = second_half_ms(raw, folder, search.slo)
            return cell

        job = TrialJob(
            number=search.number,
            spec=spec,
            bench=bench,
            folder=self._store.cell_folder(search.spec.id) / f"trial-{spec.trial}",
            began=self._began,
            ended=ended,
            settle=settle,
            reads=reads,
            measures=measures,
            starts=partial(TrialCell, lateness=lateness_of(search.slo, spec.params), meanwhile=meanwhile),
        )
        return job

    def _hint(self, search: PointSearch) -> float | None:
        """Where the limit is expected, readings/s; None: nothing has been seen yet.

        At that of the last point of this trigger; else by how fast Spark works off what has gathered: a backlog by
        itself, or what this point's batches found beside publisher, broker and collector.
        """
        passed = self._passed_at.get(search.spec.trigger)
        if passed is not None:
            return passed
        drained = DRAIN_SHARE * median(self._drains) if self._drains else None
        return max((rate for rate in (drained, search.batches_per_s()) if rate is not None), default=None)

    def _learn(self, spec: CellSpec, cell: Cell) -> None:
        if cell.capacity is not None and cell.capacity.passed is not None:
            self._passed_at[spec.trigger] = cell.capacity.passed

    def _keep(self, search: PointSearch) -> None:
        """Store the row of a point that is done, and the files of the trial that it is of in the folder of its own."""
        self._done += 1
        found = bracket(search.trials, search.limits)
        home, chosen = self._store.cell_folder(search.spec.id), search.chosen(found).folder
        for one in search.tried:
            if one.folder != chosen:
                drop_bulky(one.folder)
        for path in chosen.iterdir():
            path.rename(home / path.name)
        chosen.rmdir()
        cell = search.row(found)
        cell.files = sorted(f"cells/{cell.id}/{path.name}" for path in home.iterdir() if path.is_file())
        self._learn(search.spec, cell)
        self._result.cells.append(cell)
        self._store.save(self._result)
        self._bench.view.note(f"[{len(self._result.cells)}/{len(self._points)}] {one_line(cell)}")


def drop_bulky(folder: Path) -> None:
    """Remove what nobody needs of a trial that has been judged; its logs stay."""
    for path in folder.iterdir():
        if path.suffix in BULKY:
            path.unlink()
