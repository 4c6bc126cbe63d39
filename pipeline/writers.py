"""The sinks beside Kafka's: from the Kafka source's rows to an unstarted writer each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql.streaming.readwriter import DataStreamWriter

from pipeline.alerts import build_alerts, build_readings
from pipeline.profiles import Profile
from pipeline.rules import AlertRule
from pipeline.sinks import MEMORY_TABLE
from pipeline.triggers import Trigger


def memory_writer(rows: DataFrame, *, trigger: Trigger, profile: Profile, checkpoint: Path) -> DataStreamWriter:
    """Readings to the table `MEMORY_TABLE` of the session. ``checkpoint`` must be fresh: Spark cannot resume it."""
    return (
        build_readings(rows)
        .writeStream.format("memory")
        .queryName(MEMORY_TABLE)
        .outputMode("append")
        .options(**profile.tracking)
        .option("checkpointLocation", str(checkpoint))
        .trigger(**trigger.spark_kwargs)
    )


def console_writer(
    rows: DataFrame,
    rules: Sequence[AlertRule],
    show: Callable[[DataFrame, int], None],
    *,
    trigger: Trigger,
    checkpoint: Path,
) -> DataStreamWriter:
    """Alerts to ``show(batch, batch_id)``, which Spark calls on a thread of its own, once a batch."""
    return (
        build_alerts(rows, rules)
        .writeStream.foreachBatch(show)
        .queryName("console")
        .outputMode("append")
        .option("checkpointLocation", str(checkpoint))
        .trigger(**trigger.spark_kwargs)
    )


def parquet_writer(
    rows: DataFrame, rules: Sequence[AlertRule], *, trigger: Trigger, folder: Path, checkpoint: Path
) -> DataStreamWriter:
    """Alerts to Parquet files in ``folder``; with the same ``checkpoint`` every alert is there exactly once."""
    return (
        build_alerts(rows, rules)
        .writeStream.format("parquet")
        .queryName("parquet")
        .outputMode("append")
        .option("path", str(folder))
        .option("checkpointLocation", str(checkpoint))
        .trigger(**trigger.spark_kwargs)
    )
