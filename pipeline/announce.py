"""What a running job tells: JSON lines to a program, plain lines on stderr to a person."""

from __future__ import annotations

import sys
import time
from typing import Any, Final

from base.jsonl import emit

_LINES: Final = {
    "session_ready": "Spark {spark} is ready on {master} after {seconds:.1f} s",
    "warmed": "warm after {seconds:.1f} s: {passes} drains, {short_batches} short batches",
    "started": "running: {topic} -> {alerts_topic} and {rejects_topic}, {trigger}, {profile}; Ctrl-C stops",
    "progress": "{rows:,} readings in {batches:,} batches, the last one took {last_batch_ms} ms",
    "stopped": "stopped ({reason}): {rows:,} readings in {batches:,} batches, {seconds:.0f} s",
}

#: A person is told about progress no more often than this.
_PROGRESS_EVERY_S: Final = 10.0


class Announcer:
    """Tells events either way; what they carry is the same."""

    def __init__(self, *, json_events: bool) -> None:
        self._json = json_events
        self._next_progress = 0.0

    def __call__(self, event: str, **fields: Any) -> None:
        """Tell one event."""
        if self._json:
            emit(event, **fields)
            return
        if event == "progress":
            if time.monotonic() < self._next_progress:
                return
            self._next_progress = time.monotonic() + _PROGRESS_EVERY_S
        if event in _LINES:
            shown = {key: len(value) if isinstance(value, list | tuple) else value for key, value in fields.items()}
            print(_LINES[event].format(**shown), file=sys.stderr, flush=True)
