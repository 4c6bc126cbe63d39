"""What a person sees while a run goes on: one live panel on a terminal, else a line every five seconds.

The view is told things and never asked; a run is the same with it or without.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bench.matrix import CellSpec

#: Without a terminal, how often a line is written.
LINE_EVERY_S = 5.0
#: Latency is shown over the alerts of this many last seconds.
ROLLING_S = 5.0


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
        self._cell_started = time.monotonic()
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
            self._console.print(Text(text), soft_wrap=True)

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

    def _words(self) -> tuple[str, str]:
        """The head line (cell, phase, ETA) and the figures line."""
        with self._lock:
            if self._cell is None:
                return self._phase, ""
            phase = self._phase
            if self._phase_until_ns is not None:
                phase += f" {max(0.0, (self._phase_until_ns - time.time_ns()) / 1e9):.0f} s left"
            cell = f"trigger={self._cell.trigger.name} parts={self._cell.partitions} {self._cell.profile}"
            eta = time.strftime("%M:%S", time.gmtime(self._eta_s()))
            head = f"[{self._number}/{self._total}] {cell}  {phase}  ETA {eta}"
            figures = []
            if self._published:
                # The first report of a stream has no rate yet.
                offered, sent = (self._published.get(name) or 0.0 for name in ("offered_per_s", "sent_per_s"))
                figures.append(f"offered {offered:,.0f}/s  sent {sent:,.0f}/s")
            if self._alerts:
                figures.append(f"alerts {self._alerts:,}")
            recent = [ms for at, ms in self._samples if at > time.monotonic() - ROLLING_S]
            if recent:
                p50, p99 = np.percentile(recent, [50, 99])
                # Little's law: readings under way = rate x time under way.
                backlog = (self._published.get("sent_per_s") or 0) * p50 / 1e3
                figures.append(f"backlog ~{backlog:,.0f}  p50 {show_ms(p50)}  p99 {show_ms(p99)}")
            if self._batch_ms is not None:
                figures.append(f"batch {show_ms(self._batch_ms)}")
            return head, "  ".join(figures)

    def _render(self) -> Table:
        head, figures = self._words()
        grid = Table.grid()
        grid.add_row(Text(head, style="bold", overflow="ellipsis", no_wrap=True))
        grid.add_row(Text("  " + figures, overflow="ellipsis", no_wrap=True))
        return grid

    def _tick(self) -> None:
        while not self._stop.wait(LINE_EVERY_S):
            head, figures = self._words()
            print(f"{head}  {figures}".rstrip(), file=sys.stderr, flush=True)


def show_ms(ms: float) -> str:
    """Milliseconds as people read them: ``3.2 ms``, ``812 ms``, ``1.34 s``."""
    if ms >= 1000:
        return f"{ms / 1000:.2f} s"
    return f"{ms:.0f} ms" if ms >= 100 else f"{ms:.1f} ms"
