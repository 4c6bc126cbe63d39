"""How a publisher is told to start and to stop: signals, and a parent that writes to its stdin."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from base.errors import ExitCode


class Control:
    """The wish of whoever started us. ``listen`` reads stdin for ``go`` and ``stop``, and takes its end as a stop."""

    def __init__(self, *, listen: bool) -> None:
        self.interrupted = False
        self._stop = False
        self._go = threading.Event()
        self._zero_wall_ns: int | None = None
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        if listen:
            threading.Thread(target=self._listen, name="stdin", daemon=True).start()

    def stopped(self) -> bool:
        """Whether to end now, and cleanly."""
        return self._stop

    def wait_for_go(self) -> int | None:
        """Wait for the start; the wall instant (ns) of event time zero if one was named."""
        while not self._stop and not self._go.wait(0.1):
            pass
        return self._zero_wall_ns

    def leave(self) -> None:
        """End the process with 130 if it was interrupted; else do nothing."""
        if self.interrupted:
            raise SystemExit(int(ExitCode.INTERRUPTED))

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = self.interrupted or number == signal.SIGINT
        self._stop = True

    def _listen(self) -> None:
        pending = b""
        # Not sys.stdin: a thread that waits in its buffer would hold its lock while we exit.
        while received := os.read(0, 4096):
            *lines, pending = (pending + received).split(b"\n")
            for line in lines:
                if line.strip() == b"stop":
                    self._stop = True
                    return
                zero_wall_ns = parse_go(line)
                if zero_wall_ns is not None:
                    self._zero_wall_ns = zero_wall_ns or None
                    self._go.set()
        self._stop = True


def parse_go(line: bytes) -> int | None:
    """``go`` is 0, ``go <wall ns of event time zero>`` that instant, any other line None."""
    words = line.split()
    if words == [b"go"]:
        return 0
    if len(words) == 2 and words[0] == b"go" and words[1].isdigit():
        return int(words[1])
    if words:
        print(f"stdin: '{line.decode(errors='replace')}' is not understood; write go, go <ns> or stop", file=sys.stderr)
    return None
