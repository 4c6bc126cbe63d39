"""One trial of a search: a cell that is given up once it has failed, and what its window says.

Spark need not know the rate: a trial's session comes up while the trial before is scored, and is ended again if that
was the last.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import polars as pl

from bench.cell_parts import Bench
from bench.conditions import Condition
from bench.jobs import CellJob
from bench.latency import PERCENTILES, quantiles
from bench.matrix import CellSpec
from bench.measure import measure
from bench.phases import RawCell, ReadBack, StartedCell
from bench.probes import NotDrained
from bench.records import Cell, Params
from bench.stamps import latency_ms

#: How long a trial's pipeline may take, beyond three of its triggers, to catch up once the load has ended, s. One
#: that needs longer has failed.
CATCH_UP_S: Final = 10.0
#: A trial is given up once so many times as many alerts are late as its SLO allows, counted on samples; or once half of
#: a second's are late by so much more than the SLO's limit, s.
HOPELESS: Final = 5.0
HOPELESS_S: Final = 3.0

#: The high percentiles that an SLO may be about: their names, and the share of the alerts that may be late.
_PERCENTILES: Final = {
    f"latency_ms.due_to_seen.{name}": (name, 1 - PERCENTILES[name]) for name in ("p95", "p99", "p999")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """What is late by an SLO on a high percentile: beyond ``limit_ms``; of all alerts the ``share`` may be."""

    limit_ms: float
    share: float


def lateness_of(slo: Condition, params: Params) -> Lateness | None:
    """What is late by ``slo``; None if that holds no high percentile to a limit."""
    if slo.path.text not in _PERCENTILES or slo.op not in ("<", "<="):
        return None
    _, share = _PERCENTILES[slo.path.text]
    return Lateness(limit_ms=slo.limit(params), share=share)


class TrialCell(StartedCell):
    """A cell that may well be overtaxed, and is given up once that is certain.

    Late alerts are counted in the second half of its window: what is late before may tell of a pipeline that is not
    warm yet (`judge_trial`). ``lateness``: None for an SLO of another kind. ``meanwhile``: its Spark warms up from its
    start on, while the trial before is being scored; its drains are timed once it has the machine for itself.
    """

    #: As the publisher gathers for other cells, some 2,000 times a second, it and the broker take 1.2 of two cores for
    #: 66,000 readings/s in four partitions; so, 0.5.
    tick_s = 0.002

    def __init__(
        self, spec: CellSpec, bench: Bench, folder: Path, lateness: Lateness | None = None, *, meanwhile: bool = False
    ) -> None:
        self._lateness = lateness
        if meanwhile:
            self.pipeline_flags = ("--warm-meanwhile",)
        self._lag_ms = 0.0
        #: In how many seconds' worth of alerts all were late.
        self._late_s = 0.0
        #: Why it is given up.
        self._hopeless = ""
        super().__init__(spec, bench, folder)

    def notice_publisher(self, lag_ms: float) -> None:
        """Keep how late the publisher ever was: that is nothing the pipeline could help."""
        self._lag_ms = max(self._lag_ms, lag_ms)

    def notice_alerts(self, samples: Sequence[tuple[float, int]]) -> None:
        """Add up which part of the alerts that came in a second was late, and see how late half of them were."""
        if self._lateness is None or self.zero_ns is None:
            return
        zero_ns, middle_ns = self.zero_ns, self.zero_ns + round(self._half_s * 1e9)
        limit_ms, share = self._lateness.limit_ms, self._lateness.share
        due = [(self.bench.stream.due_ns(event_s, zero_ns), seen_ns) for event_s, seen_ns in samples]
        waits_ms = [(at_ns, (seen_ns - at_ns) / 1e6 - self._lag_ms) for at_ns, seen_ns in due]
        late = sum(at_ns >= middle_ns and ms > limit_ms for at_ns, ms in waits_ms)
        self._late_s += late / max(1, len(samples))
        in_window = [ms for at_ns, ms in waits_ms if at_ns >= zero_ns]
        if in_window and median(in_window) > limit_ms + HOPELESS_S * 1e3:
            why = f"half of the alerts of a second were seen {median(in_window):,.0f} ms late or later"
        elif self._late_s > HOPELESS * share * self._half_s:
            part = f"{self._late_s / self._half_s:.0%} of the alerts due in the second half of the window"
            why = f"{part} had been late by then, where {share:.2g} of all may be"
        else:
            return
        self._hopeless = f"given up: {why}; late is what takes over {limit_ms:,.0f} ms"

    def check(self) -> None:
        """As in `StartedCell`; raises `NotDrained` for a cell that has failed, whatever comes now."""
        super().check()
        if self._hopeless:
            raise NotDrained(self._hopeless)

    @property
    def _half_s(self) -> float:
        return self.bench.config.window_s / 2

    @property
    def drained_within_s(self) -> float:
        """As in `StartedCell`."""
        trigger = self.spec.trigger
        return CATCH_UP_S + (0.0 if trigger.is_realtime else 3 * trigger.seconds)


def measure_trial(raw: RawCell, read: ReadBack, bench: Bench, folder: Path) -> Cell:
    """As any cell, but for quality: what the rules make of the weather does not depend on the rate."""
    return measure(raw, read, bench, folder, with_quality=False)


def second_half_ms(raw: RawCell, folder: Path, slo: Condition) -> float | None:
    """The percentile that ``slo`` is about over the second half of a measured trial's window, ms.

    None: it is about something else, or too few beacons were due for it.
    """
    if slo.path.text not in _PERCENTILES:
        return None
    name, _ = _PERCENTILES[slo.path.text]
    stamps = pl.read_parquet(folder / "stamps.parquet", columns=["due_ns", "seen_ns", "beacon"])
    middle_ns = (raw.zero_ns + raw.window_end_ns) // 2
    later = stamps.filter("beacon", pl.col("due_ns").is_between(middle_ns, raw.window_end_ns, closed="left"))
    found: float | None = getattr(quantiles(latency_ms(later, "due_ns", "seen_ns")), name)
    return found


def drain_told(cell: Cell) -> float | None:
    """The rate (readings/s) at which the cell's Spark drained its backlog, as good as it was measured."""
    agreed: float | None = cell.warmup.get("drain_per_s")
    if agreed is not None:
        return agreed
    return max((*cell.warmup.get("passes", ()), *cell.drain.get("passes", ())), default=None)


@dataclass(kw_only=True)
class TrialJob(CellJob):
    """One trial; at which rate is settled when its turn comes, and the trial before it has been judged.

    ``settle`` says None if none is wanted any more.
    """

    settle: Callable[[], tuple[float, Bench] | None]
    rate_per_s: float = 0.0
    #: Whether it was one too many.
    unwanted: bool = False
    second_half_ms: float | None = None

    def run(self) -> None:
        """Prepare the load while Spark comes up, then as any cell; one that is not wanted is ended."""
        settled = self.settle()
        if settled is None:
            self.unwanted = True
            self.stop()
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        self.rate_per_s, self.bench = settled
        if self._started is not None:
            self._started.bench = self.bench
        super().run()

    def finish(self) -> None:
        """As any cell."""
        if not self.unwanted:
            super().finish()
