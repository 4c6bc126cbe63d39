"""What a person sees while a run goes on: one live panel on a terminal, else a line every five seconds; in a long
phase, such as a soak, and where a line would say nothing new, every half minute.

The view is told things, and whoever likes asks it what it knows; a run is the same with it or without.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from base.plain_text import printable
from bench.checks import STEAL_SHARE
from bench.host import largest_share
from bench.hostmeter import cpu_seconds
from bench.matrix import CellSpec

#: Without a terminal, how often a line is written; after the first minutes of a phase, and of lines that are the same,
#: only one in so many.
LINE_EVERY_S = 5.0
LONG_PHASE_S = 120.0
LINES_OF_LONG_PHASE = 6
#: Latency is shown over the alerts of this many last seconds.
ROLLING_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is known of a run at one instant; None: not known, or not yet."""

    phase: str
    #: When the phase ends, wall ns.
    phase_until_ns: int | None
    #: The cell under way, its number from 1 (0 before the first), and how many the run has.
    cell: CellSpec | None
    number: int
    total: int
    #: How long the run will still take.
    eta_s: float
    offered_per_s: float | None
    sent_per_s: float | None
    #: Of the cell, so far.
    alerts: int
    #: Due to seen of the alerts of the last `ROLLING_S`.
    p50_ms: float | None
    p99_ms: float | None
    #: The last batch, as the pipeline tells it.
    batch_ms: float | None
    #: The share of the CPU time that the hypervisor has taken since the phase began.
    steal: float | None


class View:
    """Progress of a run on stderr; ``event_to_wall_ns`` maps an alert's event time to its due instant."""

    def __init__(self, *, total: int, cell_estimate_s: Callable[[CellSpec], float], quiet: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live_wanted = self._console.is_terminal and not quiet and os.environ.get("TERM") != "dumb"
        self._quiet = quiet
        self._total = total
        self._estimate_s = cell_estimate_s
        self._lock = threading.Lock()
        self._number = 0
        self._cell: CellSpec | None = None
        self._left: list[CellSpec] = []
        self._phase = "preparing"
        self._phase_until_ns: int | None = None
        self._phase_began = self._cell_started = time.monotonic()
        self._cpu_before = cpu_seconds()
        self._due_of: Callable[[float], int] | None = None
        self._published: dict[str, Any] = {}
        self._alerts = 0
        self._batch_ms: float | None = None
        self._samples: deque[tuple[float, float]] = deque(maxlen=5000)
        self._live: Live | None = None
        self._stop = threading.Event()
        self._ticker: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._live_wanted:
            self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=2, transient=True)
            self._live.__enter__()
        elif not self._quiet:
            self._ticker = threading.Thread(target=self._tick, daemon=True, name="view")
            self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._live is not None:
            self._live.__exit__(None, None, None)
            self._live = None
        if self._ticker is not None:
            self._ticker.join(1.0)

    def note(self, text: str) -> None:
        """One line that stays, above the live panel."""
        if not self._quiet:
            self._console.print(Text(printable(text)), soft_wrap=True)

    def cell(self, number: int, spec: CellSpec, left: list[CellSpec], due_of: Callable[[float, int], int]) -> None:
        """Cell ``number`` begins; ``left`` come after it. ``due_of(event time, zero)`` gives wall ns."""
        with self._lock:
            self._number, self._cell, self._left = number, spec, left
            self._cell_started = time.monotonic()
            self._event_to_due = due_of
            self._due_of = None
            self._published, self._alerts, self._batch_ms = {}, 0, None
            self._samples.clear()

    def window(self, zero_ns: int, end_ns: int) -> None:
        """The measuring window is settled: latencies can be told from now on."""
        with self._lock:
            self._due_of = lambda event_s: self._event_to_due(event_s, zero_ns)

    def phase(self, name: str, until_ns: int | None = None) -> None:
        """What goes on now, and until when if that is known."""
        with self._lock:
            self._phase, self._phase_until_ns = name, until_ns
            self._phase_began = time.monotonic()
            self._cpu_before = cpu_seconds()

    def publisher(self, event: dict[str, Any]) -> None:
        """The publisher's progress."""
        if event["event"] == "progress":
            with self._lock:
                self._published = event

    def collector(self, event: dict[str, Any]) -> None:
        """The collector's count, and samples of alerts just seen."""
        if event["event"] != "progress":
            return
        with self._lock:
            self._alerts = event["alerts"]
            if self._due_of is not None:
                now = time.monotonic()
                for event_s, seen_ns in event["samples"]:
                    self._samples.append((now, (seen_ns - self._due_of(event_s)) / 1e6))

    def pipeline(self, event: dict[str, Any]) -> None:
        """The pipeline's own progress: the time of its last batch."""
        if event["event"] == "progress":
            with self._lock:
                self._batch_ms = event.get("last_batch_ms")

    def _eta_s(self) -> float:
        if self._cell is None:
            return 0.0
        spent = time.monotonic() - self._cell_started
        return max(0.0, self._estimate_s(self._cell) - spent) + sum(map(self._estimate_s, self._left))

    def _steal(self) -> float | None:
        cpu, _, stolen = zip(self._cpu_before, cpu_seconds(), strict=True)
        return largest_share(list(stolen), list(cpu), 1)

    def snapshot(self) -> Snapshot:
        """What is known now."""
        with self._lock:
            since = time.monotonic() - ROLLING_S
            recent = [ms for at, ms in self._samples if at > since]
            p50_ms, p99_ms = np.percentile(recent, [50, 99]).tolist() if recent else (None, None)
            return Snapshot(
                phase=self._phase,
                phase_until_ns=self._phase_until_ns,
                cell=self._cell,
                number=self._number,
                total=self._total,
                eta_s=self._eta_s(),
                offered_per_s=self._published.get("offered_per_s"),
                sent_per_s=self._published.get("sent_per_s"),
                alerts=self._alerts,
                p50_ms=p50_ms,
                p99_ms=p99_ms,
                batch_ms=self._batch_ms,
                steal=self._steal(),
            )

    def _words(self) -> tuple[str, str]:
        """The head line (cell, phase, ETA) and the figures line."""
        now = self.snapshot()
        if now.cell is None:
            return now.phase, ""
        phase = now.phase
        if now.phase_until_ns is not None:
            phase += f" {max(0.0, (now.phase_until_ns - time.time_ns()) / 1e9):.0f} s left"
        cell = f"trigger={now.cell.trigger.name} parts={now.cell.partitions} {now.cell.profile}"
        head = f"[{now.number}/{now.total}] {cell}  {phase}  ETA {show_left(now.eta_s)}"
        figures = []
        if now.phase_until_ns is not None and now.steal is not None and now.steal > STEAL_SHARE:
            # First, for a narrow terminal: nobody need wait an hour to hear that the machine was too busy for it.
            figures.append(f"steal {now.steal:.1%} ({STEAL_SHARE:.0%} allowed)")
        # The first report of a stream has no rate yet.
        if now.offered_per_s is not None and now.sent_per_s is not None:
            figures.append(f"offered {now.offered_per_s:,.0f}/s  sent {now.sent_per_s:,.0f}/s")
        if now.alerts:
            figures.append(f"alerts {now.alerts:,}")
        if now.p50_ms is not None and now.p99_ms is not None:
            # Little's law: readings under way = rate x time under way.
            backlog = (now.sent_per_s or 0.0) * now.p50_ms / 1e3
            figures.append(f"backlog ~{backlog:,.0f}  p50 {show_ms(now.p50_ms)}  p99 {show_ms(now.p99_ms)}")
        if now.batch_ms is not None:
            figures.append(f"batch {show_ms(now.batch_ms)}")
        return head, "  ".join(figures)

    def _render(self) -> Table:
        head, figures = self._words()
        grid = Table.grid()
        grid.add_row(Text(head, style="bold", overflow="ellipsis", no_wrap=True))
        grid.add_row(Text("  " + figures, overflow="ellipsis", no_wrap=True))
        return grid

    def _tick(self) -> None:
        said = ""
        for tick in itertools.count():
            if self._stop.wait(LINE_EVERY_S):
                return
            line = "  ".join(self._words()).rstrip()
            seldom = line == said or time.monotonic() - self._phase_began > LONG_PHASE_S
            if seldom and tick % LINES_OF_LONG_PHASE:
                continue
            print(line, file=sys.stderr, flush=True)
            said = line


def show_left(seconds: float) -> str:
    """Seconds as a clock counts down: ``07:23``, ``1:04:10``."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute:02}:{second:02}"


def show_ms(ms: float) -> str:
    """Milliseconds as people read them: ``3.2 ms``, ``812 ms``, ``1.34 s``."""
    if ms >= 1000:
        return f"{ms / 1000:.2f} s"
    return f"{ms:.0f} ms" if ms >= 100 else f"{ms:.1f} ms"
