"""The job's shell: Kafka source, `build_output`, Kafka sink. Nothing runs until the writer is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from base.kafka_security import PLAINTEXT, KafkaSecurity, spark_options
from pipeline.alerts import build_output
from pipeline.profiles import Profile
from pipeline.rules import AlertRule
from wire.topics import Topics


def kafka_rows(
    spark: SparkSession,
    *,
    bootstrap: str,
    topic: str,
    profile: Profile,
    starting_offsets: str = "earliest",
    source: Mapping[str, str] | None = None,
    kafka: KafkaSecurity = PLAINTEXT,
) -> DataFrame:
    """The Kafka source's stream of one topic, for any sink; ``source``: more options, over the profile's."""
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", topic)
        .option("startingOffsets", starting_offsets)
        .options(**{**spark_options(kafka), **profile.source, **(source or {})})
        .load()
    )


def job(
    spark: SparkSession,
    *,
    bootstrap: str,
    topics: Topics,
    rules: Sequence[AlertRule],
    profile: Profile,
    checkpoint: Path,
    trigger: Mapping[str, Any],
    starting_offsets: str = "earliest",
    source: Mapping[str, str] | None = None,
    sink: Mapping[str, str] | None = None,
    name: str = "alerts",
    kafka: KafkaSecurity = PLAINTEXT,
) -> DataStreamWriter:
    """The unstarted writer of the Kafka sink, alerts and rejects.

    ``trigger``: the keywords of ``writeStream.trigger``; ``source``: more options of the Kafka
    source, such as ``maxOffsetsPerTrigger``, ``sink`` of the sink, both over the profile's; ``name``: the
    query's, unique in the session; ``kafka``: how source and sink connect.
    """
    rows = kafka_rows(
        spark,
        bootstrap=bootstrap,
        topic=topics.readings,
        profile=profile,
        starting_offsets=starting_offsets,
        source=source,
        kafka=kafka,
    )
    # The option is refused with any other trigger, a drain's included.
    tracking = profile.tracking if "processingTime" in trigger else {}
    realtime = profile.realtime_sink if "realTime" in trigger else {}
    return (
        build_output(rows, rules, topics)
        .writeStream.format("kafka")
        .queryName(name)
        # Real-time mode takes no other; for a query without state it means the same as append.
        .outputMode("update")
        .option("kafka.bootstrap.servers", bootstrap)
        .options(**{**spark_options(kafka), **profile.sink, **realtime, **tracking, **(sink or {})})
        .option("checkpointLocation", str(checkpoint))
        .trigger(**trigger)
    )
