"""Start the queries, tell how they fare, end them together."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from base.errors import ComponentFailed
from pipeline.announce import Announcer
from pipeline.failures import root_cause, spark_failures
from pipeline.progress import ProgressTail
from pipeline.sinks import Sink, SinkName
from pipeline.stopping import Stop

_POLL_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One sink's writer, not started. ``told``: what its `started` event carries beside the run's id;
    ``to`` in it says in words where its rows go."""

    sink: Sink
    writer: DataStreamWriter
    told: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    name: SinkName
    query: StreamingQuery
    tail: ProgressTail

    def totals(self) -> dict[str, Any]:
        totals = self.tail.totals
        fields = {"batches": totals.batches, "rows": totals.rows, "last_batch_ms": totals.last_batch_ms}
        return {"sink": str(self.name), **fields}

    def require_alive(self, log: Path) -> None:
        if not self.query.isActive:
            cause = root_cause(self.query) or "it was stopped from elsewhere"
            raise ComponentFailed(f"the {self.name} sink's query died: {cause} (log: {log})")


def serve(
    spark: SparkSession,
    outputs: Sequence[Output],
    *,
    chores: Sequence[Callable[[], None]] = (),
    for_s: float | None,
    log: Path,
    progress: IO[bytes] | None,
    announce: Announcer,
    stop: Stop,
) -> None:
    """Run all ``outputs`` until ``stop`` is asked for, or ``for_s`` is over.

    ``chores`` are called about once a second, and once more after the queries have ended. Raises
    `ComponentFailed`, naming the sink, if one of the queries cannot start or dies: all end then.
    """
    running = [_start(spark, output, log, progress, announce) for output in outputs]
    began = time.monotonic()
    while not stop.wait(_POLL_S):
        for one in running:
            _tell_progress(one, announce)
        for chore in chores:
            chore()
        for one in running:
            one.require_alive(log)
        if for_s is not None and time.monotonic() - began >= for_s:
            stop.ask("duration")
    # Whoever signals a whole process group takes the JVM along: its last words are lost then, which
    # is no failure.
    with contextlib.suppress(Exception) if stop.reason == "SIGTERM" else contextlib.nullcontext():
        for one in running:
            one.require_alive(log)
        for one in running:
            one.query.stop()
            one.tail.poll()
        for chore in chores:
            chore()
    seconds = time.monotonic() - began
    for one in running:
        announce("stopped", reason=stop.reason, **one.totals(), seconds=seconds)


def _start(spark: SparkSession, output: Output, log: Path, progress: IO[bytes] | None, announce: Announcer) -> _Running:
    name = output.sink.name
    with spark_failures(log, about=f"the {name} sink: "):
        query = output.writer.start()
    announce("started", sink=str(name), trigger=output.sink.trigger.name, **output.told, run_id=str(query.runId))
    return _Running(name=name, query=query, tail=ProgressTail(spark, query, progress))


def _tell_progress(one: _Running, announce: Announcer) -> None:
    before = one.tail.totals.rejects
    if one.tail.poll():
        announce("progress", **one.totals())
        if one.tail.totals.rejects > before:
            announce("left_out", sink=str(one.name), rejects=one.tail.totals.rejects)
