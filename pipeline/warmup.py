"""Make the session warm before anything is measured: the JVM compiles what it has run often.

First whole drains of a prepared backlog, until their rates agree: that is the warm drain rate. Then
many short batches of the mode that is measured, because the code between two batches runs once a batch
and stays cold for long: a real-time query of 30 s batches would need half an hour to get there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from base.errors import ComponentFailed
from base.kafka_security import PLAINTEXT, KafkaSecurity
from pipeline.failures import root_cause
from pipeline.job import job
from pipeline.profiles import Profile
from pipeline.progress import ProgressTail, batch_ms
from pipeline.rules import AlertRule
from wire.topics import Topics

#: Two passes agree if the slower one's rate is at least this share of the faster one's.
AGREEMENT: Final = 0.9

#: The drains may take this share of the limit, a pass that would take longer is cut off and does not
#: count; the short batches get what is left. In real-time mode that is more: there what is between two
#: batches is all that stands in the way of a reading.
_DRAIN_SHARE: Final = 0.7
_DRAIN_SHARE_REALTIME: Final = 0.4

SHORT_BATCH_ROWS: Final = 200
#: Real-time batches this short, ms. Spark's own floor of 5 s is a setting, and is back before the job starts.
SHORT_REALTIME_MS: Final = 100
_REALTIME_FLOOR: Final = "spark.sql.streaming.realTimeMode.minBatchDuration"
#: Of the sink in short batches: a producer's batch is full at times, and the socket takes a request in parts. Both are
#: rare, and come with the most alerts: Java, which has taken them for impossible until then, throws away the compiled
#: way of every alert, and a second or more is late until it is compiled anew (`jdk.Deoptimization`, unstable_if, in
#: MemoryRecordsBuilder.hasRoomFor and IOUtil.write). A request in parts has to be larger than what Linux takes at once
#: however small the buffer; a micro-batch of a few rows sends no such.
SMALL_SENDS: Final = {"kafka.batch.size": "4096", "kafka.send.buffer.bytes": "4096"}
LARGE_SENDS: Final = {"kafka.batch.size": "131072", "kafka.linger.ms": "50", "kafka.send.buffer.bytes": "4096"}
_FEWEST_SHORT: Final = 60
_SPAN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmed:
    """``passes``: readings per second of each whole drain. ``drain_per_s``: the mean of the two that
    agreed, else None. ``short_ms``: median time of the last short batches, less what a real-time one is to
    last. ``seconds``: all of it."""

    passes: tuple[float, ...]
    drain_per_s: float | None
    short_batches: int = 0
    short_ms: float | None = None
    seconds: float


def agreed_rate(passes: Sequence[float]) -> float | None:
    """The mean of the last two rates if they agree within `AGREEMENT`, else None."""
    if len(passes) < 2 or min(passes[-2:]) < AGREEMENT * max(passes[-2:]):
        return None
    return sum(passes[-2:]) / 2


def is_warm(batches_ms: Sequence[float]) -> bool:
    """Whether the latest short batches are hardly faster than those before them."""
    if len(batches_ms) < _FEWEST_SHORT:
        return False
    return median(batches_ms[-_SPAN:]) >= AGREEMENT * median(batches_ms[-2 * _SPAN : -_SPAN])


@dataclass(kw_only=True)
class Warmer:
    """Runs the job on ``topics.readings``, a bounded backlog that holds ``readings()`` by now, again and again.

    The query is the measured one; only its topics, its trigger and its checkpoints (in ``folder``)
    are scratch, and short batches send as the query does only at times. Methods raise `ComponentFailed`
    if a query dies.
    """

    spark: SparkSession
    bootstrap: str
    topics: Topics
    readings: Callable[[], int]
    rules: Sequence[AlertRule]
    profile: Profile
    folder: Path
    realtime: bool
    kafka: KafkaSecurity = PLAINTEXT
    _queries: int = 0

    def warm_up(self, limit_s: float, asked_to_stop: Callable[[], bool], *, whole: bool = False) -> Warmed:
        """Whole drains, then short batches, for at most ``limit_s``; for all of it if ``whole``, however warm it is."""
        started = time.monotonic()
        share = _DRAIN_SHARE_REALTIME if self.realtime else _DRAIN_SHARE
        passes = self._drains(started + share * limit_s, asked_to_stop)
        until, readings = started + limit_s, self.readings()

        # A real-time batch lasts as long as it is told to; what is beyond that is to become short.
        lasting_ms = SHORT_REALTIME_MS if self.realtime else 0

        def enough(batches: list[dict[str, Any]]) -> bool:
            return (
                time.monotonic() > until
                or asked_to_stop()
                or ((whole or not self.realtime) and sum(batch["numInputRows"] for batch in batches) >= readings)
                or (not whole and is_warm([batch_ms(batch) - lasting_ms for batch in batches]))
            )

        short: list[dict[str, Any]] = []
        while not enough([]):
            short += self._short_batches(enough)
            if not whole:
                break
        return Warmed(
            passes=tuple(passes),
            drain_per_s=agreed_rate(passes),
            short_batches=len(short),
            short_ms=median(map(batch_ms, short[-_SPAN:])) - lasting_ms if short else None,
            seconds=time.monotonic() - started,
        )

    def drain(self, limit_s: float) -> Warmed:
        """Whole drains alone, for at most ``limit_s``."""
        started = time.monotonic()
        passes = self._drains(started + limit_s, lambda: False)
        seconds = time.monotonic() - started
        return Warmed(passes=tuple(passes), drain_per_s=agreed_rate(passes), seconds=seconds)

    def _short_batches(self, enough: _Enough) -> list[dict[str, Any]]:
        if not self.realtime:
            options = {"maxOffsetsPerTrigger": str(SHORT_BATCH_ROWS)}
            return self._run({"processingTime": "0 seconds"}, enough, source=options, sink=SMALL_SENDS).batches
        self.spark.conf.set(_REALTIME_FLOOR, f"{SHORT_REALTIME_MS}ms")
        try:
            return self._run({"realTime": f"{SHORT_REALTIME_MS} milliseconds"}, enough, sink=LARGE_SENDS).batches
        finally:
            self.spark.conf.unset(_REALTIME_FLOOR)

    def _drains(self, until: float, asked_to_stop: Callable[[], bool]) -> list[float]:
        """Readings per second of each whole drain, until two agree or it is too late."""

        def enough(_: list[dict[str, Any]]) -> bool:
            return time.monotonic() > until or asked_to_stop()

        passes: list[float] = []
        while agreed_rate(passes) is None and not enough([]):
            drained = self._run({"availableNow": True}, enough)
            read = sum(batch["numInputRows"] for batch in drained.batches)
            if not drained.complete or not read:
                break
            passes.append(read * 1000 / sum(map(batch_ms, drained.batches)))
        return passes

    def _run(
        self,
        trigger: dict[str, Any],
        enough: _Enough,
        *,
        source: Mapping[str, str] | None = None,
        sink: Mapping[str, str] | None = None,
    ) -> _Run:
        self._queries += 1
        name = f"warm-{self._queries}"
        query = job(
            self.spark,
            bootstrap=self.bootstrap,
            topics=self.topics,
            rules=self.rules,
            profile=self.profile,
            checkpoint=self.folder / name,
            trigger=trigger,
            source=source,
            sink=sink,
            name=name,
            kafka=self.kafka,
        ).start()
        return _follow(self.spark, query, enough)


_Enough = Callable[[list[dict[str, Any]]], bool]


@dataclass(frozen=True, slots=True)
class _Run:
    """The batches of one warm-up query, and whether it ended by itself."""

    batches: list[dict[str, Any]]
    complete: bool


def _follow(spark: SparkSession, query: StreamingQuery, enough: _Enough) -> _Run:
    tail = ProgressTail(spark, query)
    batches: list[dict[str, Any]] = []
    complete = False
    try:
        while not complete and not enough(batches):
            # Half a second, so that the asking costs next to nothing; the end of a drain wakes it at once.
            complete = bool(query.awaitTermination(0.5))  # type: ignore[arg-type]
            batches += tail.poll()
    except Exception as error:
        cause = root_cause(query)
        if cause is None:
            raise
        raise ComponentFailed(f"the warm-up query died: {cause}") from error
    finally:
        if not complete:
            query.stop()
    return _Run(batches + tail.poll(), complete)
