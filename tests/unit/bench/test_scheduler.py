"""One job runs while nothing else does, the next starts while it is finished off, and all that started ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.scheduler import Job, run_in_turn


class Noting:
    """A job that notes what is asked of it, and fails where it is told to."""

    def __init__(self, name: str, said: list[str], fails: str = "") -> None:
        self._name, self._said, self._fails = name, said, fails

    def _say(self, what: str) -> None:
        self._said.append(f"{what} {self._name}")
        if what == self._fails:
            raise RuntimeError(f"{self._name} failed")

    def start(self) -> None:
        """Note it."""
        self._say("start")

    def run(self) -> None:
        """Note it."""
        self._say("run")

    def finish(self) -> None:
        """Note it."""
        self._say("finish")

    def stop(self) -> None:
        """Note it."""
        self._say("stop")


def test_the_next_job_starts_after_a_run_and_before_its_finish():
    """Nothing is started, finished or stopped while a job runs."""
    said: list[str] = []
    run_in_turn([Noting(name, said) for name in "abc"])
    assert said == [
        "start a", "run a",
        "start b", "finish a",
        "run b",
        "start c", "finish b",
        "run c", "finish c",
        "stop c", "stop b", "stop a",
    ]  # fmt: skip


@pytest.mark.parametrize("fails", ["start", "run", "finish"])
def test_an_error_stops_all_that_started(fails: str):
    """The failing job and the one that is coming up beside it are stopped; the error goes on."""
    said: list[str] = []
    jobs = [Noting("a", said), Noting("b", said, fails), Noting("c", said)]
    with pytest.raises(RuntimeError, match="b failed"):
        run_in_turn(jobs)
    stopped = [entry for entry in said if entry.startswith("stop")]
    assert stopped == [f"stop {name}" for name in ("cba" if fails == "finish" else "ba")]


def test_jobs_are_asked_for_when_the_one_before_has_run():
    """So a job can be made up of what the one before the last came to."""
    said: list[str] = []

    def jobs() -> Iterator[Job]:
        for name in "ab":
            yield Noting(name, said)
            said.append(f"ask after {name}")

    run_in_turn(jobs())
    assert said == [
        "start a", "run a",
        "ask after a", "start b", "finish a",
        "run b",
        "ask after b", "finish b",
        "stop b", "stop a",
    ]  # fmt: skip


def test_nothing_to_do():
    """No job, no error."""
    run_in_turn([])
