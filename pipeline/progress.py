"""Spark's own account of its batches, as raw JSON: a few calls a poll, however many batches there were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Any

import orjson
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from pipeline.transforms import OBSERVED_REJECTS


@dataclass(slots=True)
class Totals:
    """What all batches seen so far add up to; a real-time batch counts when it ends.

    ``rejects``: malformed records that the sink has no place for.
    """

    batches: int = 0
    rows: int = 0
    rejects: int = 0
    last_batch_ms: int | None = None

    def add(self, batch: dict[str, Any]) -> None:
        """Count one batch's progress."""
        self.batches += 1
        self.rows += batch["numInputRows"]
        self.rejects += batch.get("observedMetrics", {}).get(OBSERVED_REJECTS, {}).get("count", 0)
        self.last_batch_ms = batch_ms(batch)


def batch_ms(batch: dict[str, Any]) -> int:
    """How long the batch took from its trigger to its commit, in milliseconds."""
    return int(batch["durationMs"]["triggerExecution"])


class ProgressTail:
    """Follows one query; `poll` about once a second, and once more after the query has stopped.

    No listener: one in Python costs the driver some 125 ms a batch. ``file`` takes each batch's
    progress as a JSON line.
    """

    def __init__(self, spark: SparkSession, query: StreamingQuery, file: IO[bytes] | None = None) -> None:
        self._query: Any = query._jsq
        self._jvm: Any = spark._jvm
        self._file = file
        self._seen = -1
        self.totals = Totals()

    def poll(self) -> list[dict[str, Any]]:
        """The progress of the batches that ended since the last call, oldest first."""
        recent = self._query.recentProgress()
        newest = recent[len(recent) - 1].batchId() if len(recent) else self._seen
        if newest == self._seen:
            return []
        # One string for all of them: a progress object's text is its JSON.
        fresh = self._jvm.scala.collection.immutable.ArraySeq.unsafeWrapArray(recent).takeRight(newest - self._seen)
        batches = [batch for batch in orjson.loads(fresh.mkString("[", ",", "]")) if batch["batchId"] > self._seen]
        self._seen = newest
        for batch in batches:
            self.totals.add(batch)
            if self._file is not None:
                self._file.write(orjson.dumps(batch) + b"\n")
        if self._file is not None:
            self._file.flush()
        return batches
