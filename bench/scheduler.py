"""Runs jobs one after the other; while one is finished off, the next is already starting.

Only `Job.run` may be measured: nothing else is under way then. Starting a JVM and scoring what was
collected have a core each, so together they take as long as the longer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import zip_longest
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


def run_in_turn(jobs: Sequence[Job]) -> None:
    """Start, run and finish every job in order; at the end, or at an error, all that started is stopped."""
    with ExitStack() as started:

        def start(job: Job) -> None:
            started.callback(job.stop)
            job.start()

        for index, (job, following) in enumerate(zip_longest(jobs, jobs[1:])):
            if index == 0:
                start(job)
            job.run()
            if following is not None:
                start(following)
            job.finish()
