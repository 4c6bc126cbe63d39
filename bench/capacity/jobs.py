"""``--search-rate`` as jobs for `bench.scheduler`: trials, made up as results come in, point after point."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from bench.capacity.consumer import SHARE, ConsumerJob
from bench.capacity.load import Extent, GrowingStream, limits_of, trial_config, whole_rate, with_longest_warmup
from bench.capacity.reckoning import read_trial
from bench.capacity.search import Bracket, Limits, Trial, bracket, next_rate
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
    """A trial with its cell; ``value``: the number that the SLO is about; ``cold``: as in `PointSearch.add`."""

    trial: Trial
    cell: Cell
    value: float | None
    cold: bool


@dataclass(kw_only=True)
class PointSearch:
    """One point of the matrix, and what its trials came to."""

    spec: CellSpec
    slo: Condition
    limits: Limits
    tried: list[Tried] = field(default_factory=list)

    @property
    def trials(self) -> list[Trial]:
        """All that have ended and count, in order."""
        return [one.trial for one in self.tried if not one.cold]

    def add(self, rate_per_s: float, cell: Cell, second_half: float | None, *, cold: bool = False) -> Trial:
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
        self.tried.append(Tried(trial=trial, cell=cell, value=judged.value, cold=cold))
        return trial

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

    def chosen(self, found: Bracket) -> int:
        """Which trial, counted from 0, stands for the point: the last that passed at the highest rate.

        Where none passed, the last at the lowest rate.
        """
        passed = found.passed is not None
        rate = found.passed if passed else min(trial.rate_per_s for trial in self.trials)
        return max(
            number
            for number, one in enumerate(self.tried)
            if not one.cold and one.trial.rate_per_s == rate and (one.trial.outcome == "passed") is passed
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
            reasons=found.reasons | {SHARE: "the run ended before ConsumerPerformance was measured"},
        )
        cells = [one.cell for one in self.tried]
        whole = {"started": cells[0].started, "duration_s": round(sum(cell.duration_s for cell in cells), 2)}
        return cells[self.chosen(found)].model_copy(update={"id": self.spec.id, "capacity": capacity, **whole})


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
        for number, spec in enumerate(self._cells[self._done :], self._done + 1):
            yield from self._point(number, spec)
        yield ConsumerJob(bench=self._bench, store=self._store, result=self._result)

    def _point(self, number: int, spec: CellSpec) -> Iterator[Job]:
        config = trial_config(self._bench.config, spec.trigger)
        bench = replace(self._bench, config=config)
        limits = limits_of(bench.stream.spec, config, tail_s=tail_s(spec))
        search = PointSearch(spec=spec, slo=slo_of(self._slo, spec.params), limits=limits)
        for count in itertools.count(1):
            job = self._trial(number, replace(spec, trial=count), search, bench)
            yield job
            if job.unwanted:
                break
        self._keep(search)

    def _trial(self, number: int, spec: CellSpec, search: PointSearch, bench: Bench) -> TrialJob:
        def settle() -> tuple[float, Bench] | None:
            wanted = next_rate(search.trials, search.limits, self._hint(search))
            if wanted is None:
                return None
            rate = whole_rate(bench.stream.spec, wanted)
            bench.view.phase("preparing the load")
            return rate, replace(bench, stream=self._stream.at(rate))

        def ended(cell: Cell) -> None:
            trial = search.add(job.rate_per_s, cell, job.second_half_ms, cold=self._cold)
            self._cold = False
            drained = drain_told(cell)
            if drained is not None:
                self._drains.append(drained)
            if trial.outcome != "passed":
                drop_bulky(job.folder)
            reason = f": {trial.reason}" if trial.reason else ""
            bench.view.note(f"  {search.spec.id}: {job.rate_per_s:,.0f}/s {trial.outcome}{reason}")

        def reads(raw: RawCell, bench: Bench) -> ReadBack:
            sent = Extent.of(bench.stream.spec, bench.config, tail_s=tail_s(spec))
            return read_trial(raw, bench, self._stream.required(bench.judge, bench.rules, sent))

        def measures(raw: RawCell, read: ReadBack, bench: Bench, folder: Path) -> Cell:
            cell = measure_trial(raw, read, bench, folder)
            job.second_half_ms = second_half_ms(raw, folder, search.slo)
            return cell

        # The first of all starts beside the feed, which fills the backlog that it would warm up on.
        meanwhile = spec.trial > 1 or number > self._done + 1
        folder = self._store.cell_folder(search.spec.id) / trial_folder(spec.trial)
        job = TrialJob(
            number=number,
            spec=spec,
            bench=bench,
            folder=folder,
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
        """Store the point's row, and the files of the trial that it is of in the folder of its own."""
        found = bracket(search.trials, search.limits)
        home, chosen = self._store.cell_folder(search.spec.id), search.chosen(found) + 1
        for count in range(1, len(search.tried) + 1):
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


def trial_folder(count: int) -> str:
    """Where the files of a point's trial are, below the point's folder."""
    return f"trial-{count}"


def drop_bulky(folder: Path) -> None:
    """Remove what nobody needs of a trial that has been judged; its logs stay."""
    for path in folder.iterdir():
        if path.suffix in BULKY:
            path.unlink()
