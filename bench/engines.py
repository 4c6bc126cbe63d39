"""What is put under test: our Spark job, the same job without Spark, or anyone's command.

Only our Spark job speaks our events, and warms itself up. Any other pipeline is a command line: it is ready when
probe readings come back as alerts, has drained when more of them do, and is ended by SIGTERM.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from string import Formatter
from typing import Any, Final, Protocol

from base.errors import UsageError, did_you_mean
from base.process import Child, python_module
from bench.probes import Prober
from wire.topics import Topics

SPARK: Final = "spark"
PLAIN: Final = "plain"
COMMAND: Final = "command"
ENGINES: Final = (SPARK, PLAIN, COMMAND)

#: What a template may hold, and what it must.
PLACES: Final = ("bootstrap", "topic", "alerts_topic", "rejects_topic", "trigger", "partitions", "checkpoint", "rules")
NEEDED: Final = ("bootstrap", "topic", "alerts_topic")

#: The longest start of a pipeline, not counting its trigger, and the longest wait for its end, s.
START_S: Final = 90.0
STOP_S: Final = 30.0

#: A pipeline that nobody asked to drain the backlog.
_NO_DRAIN: Final[dict[str, Any]] = {"passes": [], "drain_per_s": None, "seconds": 0.0}


class Pipeline(Protocol):
    """A pipeline under test, its process started."""

    child: Child

    def warm_up(self, say: Callable[[str], None], prober: Prober) -> dict[str, Any]:
        """Return once it reads; what it told of its drains."""

    def end(self, say: Callable[[str], None]) -> None:
        """Have it end its query, all it has taken written."""

    def drain(self, say: Callable[[str], None], limit_s: float) -> dict[str, Any]:
        """What it tells of draining the backlog once more, ``limit_s`` at most."""


class SparkJob:
    """`pipeline.run`, which tells what it does in events, and may take ``warmup_s`` to warm its session up."""

    def __init__(self, child: Child, *, warmup_s: float) -> None:
        self.child = child
        self._warmed_s = START_S + warmup_s

    def warm_up(self, say: Callable[[str], None], prober: Prober) -> dict[str, Any]:
        """Wait for its session, let it warm up, wait for its query."""
        self.child.send("go")
        self.child.wait_for("session_ready", timeout_s=START_S)
        say("warming Spark up")
        warmed = self.child.wait_for("warmed", timeout_s=self._warmed_s)
        # Its query starts now, with all that stands in the topic.
        prober.ask(every_s=0.0)
        self.child.wait_for("started", timeout_s=START_S)
        return warmed

    def end(self, say: Callable[[str], None]) -> None:
        """Stop its query; the session stays."""
        say("ending the query")
        self.child.send("stop")
        self.child.wait_for("stopped", timeout_s=STOP_S)

    def drain(self, say: Callable[[str], None], limit_s: float) -> dict[str, Any]:
        """Wait for its last drains."""
        say("timing the drain")
        return self.child.wait_for("drained", timeout_s=limit_s + STOP_S)


class AnyCommand:
    """A program that knows nothing of us; at ``trigger_s`` its first alert may come that much later."""

    def __init__(self, child: Child, *, trigger_s: float) -> None:
        self.child = child
        self._start_s = START_S + trigger_s

    def warm_up(self, say: Callable[[str], None], prober: Prober) -> dict[str, Any]:
        """Wait until a probe comes back: it may begin with what comes after it, so there are many."""
        say("waiting for the pipeline's first alert")
        prober.until_answered(timeout_s=self._start_s, check=self.child.require_alive)
        return _NO_DRAIN

    def end(self, say: Callable[[str], None]) -> None:
        """SIGTERM to it and all its children; what does not end in time is killed."""
        say("ending the pipeline")
        self.child.stop()

    def drain(self, say: Callable[[str], None], limit_s: float) -> dict[str, Any]:
        """Nothing to ask for."""
        return _NO_DRAIN


def require_template(template: str, *, field: str) -> str:
    """``template``, a `UsageError` unless it is a command with the places that it needs, and no unknown one."""
    try:
        found = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
        words = shlex.split(template)
    except ValueError as error:
        raise UsageError(f"{field} '{template}': {error}; write it as for a shell, {{{{ for a brace") from None
    for name in sorted(found):
        if name not in PLACES:
            raise UsageError(f"{field}: {{{name}}} is no place{did_you_mean(name, PLACES)}")
    missing = [f"{{{name}}}" for name in NEEDED if name not in found]
    if missing or not words:
        what = " and ".join(missing) or "a program"
        raise UsageError(f"{field} '{template}': {what} is missing; write it where the program wants it")
    return template


def heeds_trigger(template: str) -> bool:
    """Whether the command is told a trigger: one that is not has one cell, whatever the triggers."""
    return any(name == "trigger" for _, name, _, _ in Formatter().parse(template))


def command_of(
    template: str, *, bootstrap: str, topics: Topics, trigger: str, partitions: int, checkpoint: Path, rules: Path
) -> list[str]:
    """The template's words with all places filled in; a value is one word, whatever stands in it."""
    filled = {
        "bootstrap": bootstrap,
        "topic": topics.readings,
        "alerts_topic": topics.alerts,
        "rejects_topic": topics.rejects,
        "trigger": trigger,
        "partitions": partitions,
        "checkpoint": checkpoint,
        "rules": rules,
    }
    return [word.format(**filled) for word in shlex.split(template)]


def plain_command(*, bootstrap: str, topics: Topics, more: Sequence[str]) -> list[str]:
    """The job without Spark."""
    command = python_module("pipeline.plain", "--bootstrap", bootstrap, "--topic", topics.readings, *more)
    return [*command, "--alerts-topic", topics.alerts, "--rejects-topic", topics.rejects]
