"""Runs jobs one after the other; while one is finished off, the next is already starting.

Only `Job.run` may be measured: nothing else is under way then. Starting a JVM and scoring what was
collected have a core each, so together they take as long as the longer one.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Protocol


class Job(Protocol):
    """One thing that a run does. What goes wrong in it and need not end the run, it keeps to itself."""

    def start(self) -> None:
        """Begin what takes long and disturbs nobody but a measurement; return at once."""

    def run(self) -> None:
        """Do what wants the machine for itself."""

    def finish(self) -> None:
        """Make numbers of it, while the next job starts."""

    def stop(self) -> None:
        """Leave no process and no topic behind; called last, whatever happened. Safe to call twice."""


class Idle:
    """A job that does nothing; those with less to do than four steps begin from it."""

    def start(self) -> None:
        """Nothing."""

    def run(self) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""


def run_in_turn(jobs: Iterable[Job]) -> None:
    """Start, run and finish every job in order; at the end, or at an error, all that started is stopped.

    Each is asked for when the one before it has run and is not finished yet, so that ``jobs`` may be made up as
    results come in.
    """
    coming = iter(jobs)
    with ExitStack() as started:

        def start_next() -> Job | None:
            job = next(coming, None)
            if job is not None:
                started.callback(job.stop)
                job.start()
            return job

        job = start_next()
        while job is not None:
            job.run()
            following = start_next()
            job.finish()
            job = following
