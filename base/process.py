"""Child processes that never outlive us, and that talk to us in JSON lines.

Every child runs under `base.guard`: closing our end of its pipe ends it and all its descendants,
and so does our own death, however sudden.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psutil

from base.errors import ComponentFailed
from base.jsonl import parse_line

#: How long a child may take to leave after SIGTERM, before SIGKILL.
GRACE_S = 10.0


def interrupt_on_sigterm() -> None:
    """From now on an ended terminal or a scheduler's `kill` gets the same tidy end as Ctrl-C.

    It is no SIGINT that is raised: what a shell started in the background ignores those.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log, or a remark that there is none: never an error of its own."""
    try:
        text = path.read_text(errors="replace").strip()
    except OSError:
        return "(no log was written)"
    return "\n".join(text.splitlines()[-lines:]) or "(the log is empty)"


class Child:
    """A guarded child process.

    ``name`` stands in messages; ``log`` (a file) takes its stderr. With ``events`` its stdout is
    read as JSON lines, each handed to ``on_event`` on a reader thread and kept for `wait_for`, but for those
    called one of ``passing``, of which there may be any number; lines that are no JSON objects go to the log.
    Without, stdout joins stderr in the log. ``scratch`` is a folder of the caller's, who removes it; if the caller is
    gone, the guard does.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | os.PathLike[str]],
        *,
        log: Path,
        events: bool = False,
        on_event: Callable[[dict[str, Any]], None] | None = None,
        passing: Collection[str] = (),
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        grace_s: float = GRACE_S,
        scratch: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._on_event = on_event
        self._passing = passing
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._grace_s = grace_s
        self._reader: threading.Thread | None = None
        read_end, self._write_end = os.pipe()
        with log.open("ab") as log_file:
            # -S -E: the guard needs the standard library alone and starts in a few milliseconds.
            self._popen = subprocess.Popen(
                [
                    sys.executable,
                    "-S",
                    "-E",
                    _GUARD,
                    str(read_end),
                    str(grace_s),
                    os.fspath(scratch or ""),
                    *(os.fspath(word) for word in command),
                ],
                stdin=subprocess.PIPE if events else subprocess.DEVNULL,
                stdout=subprocess.PIPE if events else log_file,
                stderr=log_file,
                pass_fds=(read_end,),
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
            )
        os.close(read_end)
        if events:
            assert self._popen.stdout is not None
            self._reader = threading.Thread(
                target=self._read, args=(self._popen.stdout,), daemon=True, name=f"{name}-events"
            )
            self._reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream, self.log.open("ab") as log_file:
            for line in stream:
                event = parse_line(line)
                if event is None:
                    log_file.write(line)
                    log_file.flush()
                    continue
                if self._on_event is not None:
                    self._on_event(event)
                if event.get("event") not in self._passing:
                    self._events.put(event)
        self._events.put(None)

    def wait_for(self, *names: str, timeout_s: float) -> dict[str, Any]:
        """The next event called one of ``names``; events before it are dropped.

        Raises `ComponentFailed`, with the end of the log, if the child ends, sends ``failed`` or
        stays silent for ``timeout_s``.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise self._failure(f"sent no '{names[0]}' within {timeout_s:g} s") from None
            if event is None:
                raise self._failure(f"ended with status {self.wait(1.0)} before '{names[0]}'")
            if event.get("event") in names:
                return event
            if event.get("event") == "failed":
                raise ComponentFailed(f"{self.name} failed: {event.get('reason', 'no reason given')}")

    def _failure(self, what: str) -> ComponentFailed:
        return ComponentFailed(f"{self.name} {what}; the end of {self.log.name}:\n{tail(self.log)}")

    def send(self, line: str) -> None:
        """Write one line to the child's stdin; a child that is gone is noticed by `wait_for`."""
        assert self._popen.stdin is not None, "only a child with events has a stdin"
        with contextlib.suppress(BrokenPipeError):
            self._popen.stdin.write(line.encode() + b"\n")
            self._popen.stdin.flush()

    @property
    def alive(self) -> bool:
        """Whether the command (or a descendant of it) still runs."""
        return self._popen.poll() is None

    def require_alive(self) -> None:
        """Raise `ComponentFailed`, with the end of the log, if the command has ended."""
        if not self.alive:
            raise self._failure(f"ended with status {self.wait(1.0)}")

    def wait(self, timeout_s: float) -> int | None:
        """The exit status, or None if it still runs after ``timeout_s``."""
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def processes(self) -> list[psutil.Process]:
        """The command and its descendants that run now, without the guard itself."""
        try:
            return psutil.Process(self._popen.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """SIGKILL to every process of the child now: for brokers and drivers that must die hard."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.stop()

    def stop(self) -> int | None:
        """End the child and all its descendants; returns the exit status. Safe to call twice."""
        if self._write_end >= 0:
            # Whoever stops waits for a tidy end; without a word the guard takes us for dead.
            with contextlib.suppress(BrokenPipeError):
                os.write(self._write_end, b".")
            os.close(self._write_end)
            self._write_end = -1
        if self._popen.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._popen.stdin.close()
        status = self.wait(self._grace_s + 2.0)
        if self._reader is not None:
            self._reader.join(1.0)
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


_GUARD = os.fspath(Path(__file__).with_name("guard.py"))


def python_module(module: str, *args: str) -> list[str]:
    """The command line that runs one of our modules with the interpreter in use."""
    return [sys.executable, "-m", module, *args]
