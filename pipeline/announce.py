"""What a running job tells: JSON lines to a program; to a person plain lines on stderr, tables on stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from base.jsonl import emit
from pipeline.tables import text_table

_LINES: Final = {
    "session_ready": "Spark {spark} is ready on {master} after {seconds:.1f} s; Ctrl-C stops",
    "warmed": "warm after {seconds:.1f} s: {passes} drains, {short_batches} short batches",
    "started": "running: {topic} -> {to}, {trigger}, {profile}",
    "progress": "{sink}: {rows:,} readings in {batches:,} batches, the last one took {last_batch_ms} ms",
    "left_out": "{sink}: {rejects:,} malformed records left out so far; --sink kafka sends them to a topic",
    "emptied": "{table} held {readings:,} readings and was emptied; it starts over whenever it is full (--memory-rows)",
    "stopped": "stopped ({reason}): {sink} had {rows:,} readings in {batches:,} whole batches, {seconds:.0f} s",
}

#: A person is told these no more often than this, for each sink.
_SELDOM_S: Final = {"progress": 10.0, "left_out": 60.0, "emptied": 600.0}


class Announcer:
    """Tells events either way; what they carry is the same."""

    def __init__(self, *, json_events: bool) -> None:
        self._json = json_events
        self._next: dict[tuple[str, Any], float] = {}

    def __call__(self, event: str, **fields: Any) -> None:
        """Tell one event."""
        if self._json:
            emit(event, **fields)
            return
        if event in _SELDOM_S:
            key = event, fields.get("sink")
            if time.monotonic() < self._next.get(key, 0.0):
                return
            self._next[key] = time.monotonic() + _SELDOM_S[event]
        if event in _LINES:
            shown = {key: len(value) if isinstance(value, list | tuple) else value for key, value in fields.items()}
            print(_LINES[event].format(**shown), file=sys.stderr, flush=True)

    def table(
        self,
        event: str,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        *,
        total: int | None,
        **fields: Any,
    ) -> None:
        """Tell rows of a table, ``total`` in all; None if there are more than these and nobody counted."""
        plain = [[_plain(value) for value in row] for row in rows]
        if self._json:
            emit(event, **fields, total=total, columns=list(columns), rows=plain)
            return
        if len(rows) < (total or len(rows) + 1):
            title += f"; the first {len(rows)}"
        print(f"{title}\n{text_table(columns, plain)}\n", flush=True)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
