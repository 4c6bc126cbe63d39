"""What the pipeline computes, whole: Kafka rows in, a sink's rows out. Every record is parsed once."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame

from pipeline.rules import AlertRule
from pipeline.transforms import count_rejects, judge, only_alerts, only_readings, parse, route
from wire.topics import Topics


def build_output(kafka_rows: DataFrame, rules: Sequence[AlertRule], topics: Topics) -> DataFrame:
    """Alerts and rejects as `topic`, `key`, `value`, `headers`; one row's topic tells which it is.

    ``kafka_rows`` has the Kafka source's `key`, `value`, `topic`, `partition` and `offset`, from a
    batch or a stream. A single query and a single sink, because real-time mode refuses two reads
    of one source; leave the sink's own `topic` option unset, for it would override the column.
    """
    return kafka_rows.transform(parse).transform(judge(rules)).transform(route(topics))


def build_readings(kafka_rows: DataFrame) -> DataFrame:
    """The readings among Kafka's rows as a table: `READING_COLUMNS`, `timestamp` in epoch seconds."""
    return kafka_rows.transform(parse).transform(count_rejects).transform(only_readings)


def build_alerts(kafka_rows: DataFrame, rules: Sequence[AlertRule]) -> DataFrame:
    """The alerts as a table: `ALERT_COLUMNS`, `timestamp` in epoch seconds."""
    return kafka_rows.transform(parse).transform(count_rejects).transform(judge(rules)).transform(only_alerts)
