"""The capability table against the installed Spark: what it calls impossible is tried, and refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter
from spark.traffic import fresh_topics, send

from base.jars import SPARK_VERSION
from pipeline.capabilities import LIMITS, Combination, Mode, Operator, Progress, Source, Writer, refusal
from pipeline.sinks import ASYNC_OPTION
from wire.topics import Topics

pytestmark = [pytest.mark.spark, pytest.mark.broker]

MAJOR, MINOR = map(int, SPARK_VERSION.split(".")[:2])
POSSIBLE = Combination(mode=Mode.MICRO_BATCH, writer=Writer.KAFKA, spark=(MAJOR, MINOR))


@pytest.fixture(scope="module")
def topics(broker) -> Topics:
    """Topics with a little in them, shared by all attempts."""
    made = fresh_topics(broker.bootstrap, partitions=1)
    send(broker.bootstrap, made.readings, [b"1", b"2"], partitions=1)
    return made


def impossible() -> Iterator[Any]:
    """For every limit and every value that it excludes, the combination that breaks this limit alone."""
    for limit in LIMITS:
        kind: type[StrEnum] = type(next(iter(limit.needs)))
        for value in kind:
            changes: Any = {limit.axis: limit.value, limit.of: value}
            wanted = replace(POSSIBLE, **changes)
            if value not in limit.needs and limit.broken_by(wanted):
                yield pytest.param(wanted, id=f"{limit.value}-{value}")


def outcome(spark: SparkSession, bootstrap: str, topics: Topics, wanted: Combination, folder: Path) -> str | None:
    """Start the combination; what Spark says against it, or None once it has processed something."""
    query = None
    try:
        query = attempt(spark, bootstrap, topics, wanted, folder).start()
        while not query.recentProgress:
            if query.awaitTermination(1):
                break
    except PySparkException as error:
        return str(error)
    finally:
        if query is not None:
            query.stop()
    return None


def attempt(spark: SparkSession, bootstrap: str, topics: Topics, wanted: Combination, folder: Path) -> DataStreamWriter:
    """The combination as a writer."""
    kafka = {"kafka.bootstrap.servers": bootstrap, "startingOffsets": "earliest", "subscribe": topics.readings}
    match wanted.source:
        case Source.KAFKA:
            rows = spark.readStream.format("kafka").options(**kafka).load()
        case Source.RATE:
            rows = spark.readStream.format("rate").load()
        case Source.FILES:
            spark.createDataFrame([("1",)], "value string").write.parquet(str(folder / "in"))
            rows = spark.readStream.schema("value string").parquet(str(folder / "in"))
    rows = rows.select(F.col("value").cast("string").alias("value"))
    if wanted.operator == Operator.STATEFUL:
        rows = rows.groupBy("value").count().select("value")
    # Files take append only. Real-time mode takes update only, but looks at the sink first.
    writer = rows.writeStream.outputMode("append" if wanted.writer == Writer.PARQUET else "update")
    match wanted.writer:
        case Writer.KAFKA:
            writer = writer.format("kafka").option("kafka.bootstrap.servers", bootstrap).option("topic", topics.alerts)
        case Writer.FOREACH:
            writer = writer.foreach(print)
        case Writer.FOREACH_BATCH:
            writer = writer.foreachBatch(lambda batch, _: batch.count())
        case Writer.PARQUET:
            writer = writer.format("parquet").option("path", str(folder / "out"))
        case Writer.MEMORY:
            writer = writer.format("memory").queryName("attempt")
        case Writer.CONSOLE | Writer.NOOP:
            writer = writer.format(wanted.writer)
    if wanted.progress == Progress.ASYNC:
        writer = writer.option(ASYNC_OPTION, "true")
    trigger = {"realTime": "5 seconds"} if wanted.mode == Mode.REAL_TIME else {"processingTime": "0 seconds"}
    return writer.option("checkpointLocation", str(folder / "checkpoint")).trigger(**trigger)


#: Words of Spark's that say which limit it was, by axis and by what the limit is of.
SPARKS_WORDS = {
    ("progress", "mode"): "ASYNC_PROGRESS_TRACKING_NOT_SUPPORTED",
    ("progress", "operator"): "Stateful streaming queries does not support async progress tracking",
    ("progress", "writer"): "does not support async progress tracking",
    ("mode", "source"): "STREAMING_REAL_TIME_MODE.INPUT_STREAM_NOT_SUPPORTED",
    ("mode", "writer"): "not in the sink allowlist for Real-Time Mode",
    ("mode", "operator"): "not in the operator allowlist for Real-Time Mode",
}


@pytest.mark.parametrize("wanted", [*impossible()])
def test_spark_refuses_what_the_table_refuses(spark, broker, topics, tmp_path, wanted):
    """Each combination that breaks one limit is refused by Spark, and for that limit."""
    refused = refusal(wanted)
    assert refused is not None
    said = outcome(spark, broker.bootstrap, topics, wanted, tmp_path)
    assert said is not None
    assert SPARKS_WORDS[refused.limit.axis, refused.limit.of] in said


@pytest.mark.parametrize("writer", [Writer.KAFKA, Writer.MEMORY])
def test_spark_takes_asynchronous_tracking(spark, broker, topics, tmp_path, writer):
    """Kafka and memory run with asynchronous progress tracking, as the table says."""
    wanted = replace(POSSIBLE, writer=writer, progress=Progress.ASYNC)
    assert refusal(wanted) is None
    assert outcome(spark, broker.bootstrap, topics, wanted, tmp_path) is None
