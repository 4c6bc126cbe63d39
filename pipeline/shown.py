"""What a running job shows on stdout: alerts of the console sink, answers from the memory table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from base.errors import UsageError
from pipeline.announce import Announcer
from pipeline.failures import first_line
from pipeline.sinks import MEMORY_TABLE
from pipeline.transforms import READING_COLUMNS
from wire.alert import ALERT_COLUMNS

#: The most rows of a table that are shown at once.
SHOWN_ROWS: Final = 20


class Console:
    """Takes the console sink's batches on Spark's thread, shows them on ours.

    Not Spark's own console sink: that prints in the JVM, whose stdout is a log file here; it first
    collects a whole batch in the driver; and it shows `timestamp` as 1.7E9.
    """

    def __init__(self, announce: Announcer) -> None:
        self._announce = announce
        self._batches: SimpleQueue[tuple[int, int, list[tuple[Any, ...]]]] = SimpleQueue()

    def take(self, batch: DataFrame, batch_id: int) -> None:
        """Keep what is to be shown of one batch: the number of its alerts and the first `SHOWN_ROWS`."""
        # Two looks at it, and each would read Kafka and parse again.
        batch.persist()
        try:
            alerts = batch.count()
            if alerts:
                self._batches.put((batch_id, alerts, [tuple(row) for row in batch.take(SHOWN_ROWS)]))
        finally:
            batch.unpersist()

    def poll(self) -> None:
        """Show what has come since the last call; a batch without alerts is not shown."""
        while True:
            try:
                batch_id, alerts, rows = self._batches.get_nowait()
            except Empty:
                return
            title = f"console: batch {batch_id}, {alerts:,} alert{'s' * (alerts != 1)}"
            self._announce.table("alerts", title, ALERT_COLUMNS, rows, total=alerts, batch=batch_id)


class MemoryTable:
    """Asks the memory sink's table every so often, and keeps it from growing for ever.

    A table in memory is never emptied by Spark. Ours is, once it holds ``limit`` readings, and starts
    over with those that follow: the job goes on, and what the table tells is of whole readings still.
    """

    def __init__(
        self, spark: SparkSession, announce: Announcer, *, limit: int, questions: Sequence[str], every_s: float
    ) -> None:
        self._spark, self._announce = spark, announce
        self._limit, self._questions, self._every_s = limit, questions, every_s
        self._next_s = time.monotonic() + every_s

    def require_answerable(self) -> None:
        """Raise `UsageError` for a question that Spark cannot read; call it before the sink is started."""
        # An empty table of the same columns; the sink replaces it.
        empty = [f"CAST(0 AS {'BIGINT' if name == 'sensor_id' else 'DOUBLE'}) AS {name}" for name in READING_COLUMNS]
        self._spark.range(0).selectExpr(*empty).createOrReplaceTempView(MEMORY_TABLE)
        for sql in self._questions:
            try:
                self._spark.sql(sql)
            except PySparkException as error:
                columns = ", ".join(READING_COLUMNS)
                raise UsageError(
                    f"--sql '{sql}': {first_line(str(error))}; {MEMORY_TABLE} has the columns {columns}"
                ) from None

    def poll(self) -> None:
        """Answer the questions if it is time, then empty the table if it is full; nothing once the sink has ended."""
        query = next((query for query in self._spark.streams.active if query.name == MEMORY_TABLE), None)
        if query is None:
            return
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + self._every_s
            for sql in self._questions:
                answer = self._spark.sql(sql)
                rows = [tuple(row) for row in answer.take(SHOWN_ROWS + 1)]
                more = len(rows) > SHOWN_ROWS
                self._announce.table(
                    "answer",
                    f"sql: {sql}",
                    answer.columns,
                    rows[:SHOWN_ROWS],
                    total=None if more else len(rows),
                    sql=sql,
                )
        table: Any = query._jsq.streamingQuery().sink()
        readings = table.allData().size()
        if readings >= self._limit:
            table.clear()
            self._announce("emptied", table=MEMORY_TABLE, readings=readings)
