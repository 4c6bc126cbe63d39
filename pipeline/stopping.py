"""How a running job is told to go on and to end: a word on stdin, a signal, or its time is up."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType


class Stop:
    """Set once, by whoever comes first; ``reason`` then says who.

    Reasons: ``SIGTERM``, ``SIGINT``, ``stdin``, ``duration``.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._go = threading.Event()
        self.reason: str | None = None

    def ask(self, reason: str) -> None:
        """Ask for the end; later reasons do not count."""
        self.reason = self.reason or reason
        self._event.set()
        self._go.set()

    def asked(self) -> bool:
        """Whether someone has asked."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until someone asks, ``seconds`` at most; whether someone has."""
        return self._event.wait(seconds)

    def let_go(self) -> bool:
        """Whether `wait_for_go` would return at once."""
        return self._go.is_set()

    def wait_for_go(self) -> None:
        """Wait for a line ``go`` on stdin, or until someone asks for the end."""
        self._go.wait()

    def heed_signals(self) -> None:
        """SIGTERM and the first SIGINT ask; a second SIGINT interrupts at once. Main thread only.

        Call it again after the Spark session has started, which takes SIGINT for itself.
        """
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, signal.default_int_handler if self.asked() else self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.ask(signal.Signals(number).name)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def heed_stdin(self) -> None:
        """A line ``go`` on stdin lets go; ``stop`` asks, as does its end: the process that started us is gone."""
        threading.Thread(target=self._read_stdin, daemon=True, name="stdin").start()

    def _read_stdin(self) -> None:
        # Not through sys.stdin: a thread that blocks in it holds a lock the interpreter wants at exit.
        text = b""
        while chunk := os.read(0, 4096):
            *lines, text = (text + chunk).split(b"\n")
            words = [line.strip() for line in lines]
            if b"stop" in words:
                break
            if b"go" in words:
                self._go.set()
        self.ask("stdin")
