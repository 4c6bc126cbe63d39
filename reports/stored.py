"""A stored run, opened: its result, and the frames beside it. The only reader of files in this room.

A file that is absent or unreadable is no error: the frame is None, and `StoredRun.absent` says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
import polars as pl

from bench.records import Result
from bench.store import load, load_due_ns
from wire.reading import CHANNELS

_T = TypeVar("_T")


@dataclass(frozen=True)
class StoredRun:
    """One run's folder; frames are read when asked for."""

    folder: Path
    result: Result
    #: File relative to the folder -> why it could not be used.
    absent: dict[str, str] = field(default_factory=dict)

    def frame(self, name: str, columns: list[str] | None = None) -> pl.DataFrame | None:
        """``columns`` (None: all) of the Parquet file ``name``; None if it cannot be had."""
        path = self.folder / name
        if not path.is_file():
            self.absent[name] = "is not there"
            return None
        try:
            # Read as bytes: a memory-mapped file must not change under its reader.
            return pl.read_parquet(path.read_bytes(), columns=columns)
        except (OSError, pl.exceptions.PolarsError) as error:
            self.absent[name] = f"cannot be read ({str(error).splitlines()[0]})"
            return None

    def stamps(self, cell: str) -> pl.DataFrame | None:
        """sensor_id, seq, beacon, due_ns, alert_appended_ns, seen_ns of every expected alert of ``cell``."""
        columns = ["sensor_id", "seq", "beacon", "due_ns", "alert_appended_ns", "seen_ns"]
        return self.frame(f"cells/{cell}/stamps.parquet", columns)

    def due(self, cell: str) -> pl.Series | None:
        """When each delivery of ``cell`` was due, wall ns, in the order of sending; None if its log cannot be had."""
        name = f"cells/{cell}/deliveries.bin"
        try:
            return pl.Series("due_ns", load_due_ns(self.folder / name))
        except OSError as error:
            self.absent[name] = f"cannot be read ({error.strerror})"
            return None

    def alerts(self, cell: str) -> pl.DataFrame | None:
        """sensor_id, seq, alert, fired of every alert that ``cell`` emitted."""
        return self.frame(f"cells/{cell}/alerts.parquet", ["sensor_id", "seq", "alert", "fired"])

    def schedule(self) -> pl.DataFrame | None:
        """sensor_id, seq, copy, due_ns (relative to event time zero) of every delivery."""
        return self.frame("stream/schedule.parquet", ["sensor_id", "seq", "copy", "due_ns"])

    def readings(self) -> pl.DataFrame | None:
        """sensor_id, seq, event_us and the channels, as observed."""
        return self.frame("stream/readings.parquet", ["sensor_id", "seq", "event_us", *CHANNELS])

    def truth(self) -> pl.DataFrame | None:
        """sensor_id, seq, event_us, beacon, fault_mask and true_<channel>, readings never sent included."""
        columns = [f"true_{channel}" for channel in CHANNELS]
        return self.frame("stream/truth.parquet", ["sensor_id", "seq", "event_us", "beacon", "fault_mask", *columns])

    def intervals(self) -> pl.DataFrame | None:
        """class, kind, sensor_id, field, start_us, end_us of every fault and event."""
        columns = ["class", "kind", "sensor_id", "field", "start_us", "end_us"]
        return self.frame("stream/intervals.parquet", columns)

    def sensors(self) -> pl.DataFrame | None:
        """sensor_id, beacon and, where the sensors stand anywhere, x_km and y_km."""
        return self.frame("stream/sensors.parquet")

    def hazards(self) -> pl.DataFrame | None:
        """rule, sensor_id, first_seq, last_seq, first_us, last_us, marginal of all that the rules should find."""
        return self.frame("stream/hazards.parquet")

    def pauses(self, cell: str) -> pl.DataFrame | None:
        """end_ns, ms and gc (to collect garbage) of every pause of both JVMs inside the window."""
        return self.frame(f"cells/{cell}/pauses.parquet", ["process", "end_ns", "ms", "gc"])

    def hiccups(self, cell: str) -> pl.DataFrame:
        """wall_ns, ms: the longest hiccup of each second that the host meter noted; empty if it is not known."""
        rows = self._lines(f"cells/{cell}/host.jsonl", lambda second: (second["wall_ns"], max(second["hiccups_ms"])))
        return pl.DataFrame(rows, schema={"wall_ns": pl.Int64, "ms": pl.Float64}, orient="row")

    def batch_ends_ns(self, cell: str) -> list[int]:
        """When each batch of ``cell`` ended, wall ns, by Spark's own progress; empty if it is not known."""

        def end_ns(progress: Any) -> int:
            start_ms = datetime.fromisoformat(progress["timestamp"]).timestamp() * 1e3
            execution_ms: float = progress["durationMs"]["triggerExecution"]
            return round(start_ms + execution_ms) * 1_000_000

        return self._lines(f"cells/{cell}/progress.jsonl", end_ns)

    def _lines(self, name: str, read: Callable[[Any], _T]) -> list[_T]:
        """``read`` of each line of the JSON lines file ``name``; none if it is not there."""
        path = self.folder / name
        found = []
        for line in path.read_bytes().splitlines() if path.is_file() else []:
            try:
                found.append(read(orjson.loads(line)))
            except (ValueError, KeyError, TypeError):
                # A last line cut short by a kill, a batch that did nothing, a second without a nap.
                continue
        return found


def open_run(folder: Path) -> StoredRun:
    """The run in ``folder``; raises `UsageError` if it holds no readable result."""
    return StoredRun(folder, load(folder))
