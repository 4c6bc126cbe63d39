"""What the pipeline computes, whole: Kafka rows in, rows for the Kafka sink out."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame

from pipeline.rules import AlertRule
from pipeline.transforms import count_parsed, judge, parse, route
from wire.topics import Topics


def build_output(kafka_rows: DataFrame, rules: Sequence[AlertRule], topics: Topics) -> DataFrame:
    """Alerts and rejects as `topic`, `key`, `value`, `headers`; one row's topic tells which it is.

    ``kafka_rows`` has the Kafka source's `key`, `value`, `topic`, `partition` and `offset`, from a
    batch or a stream. A single query and a single sink, because real-time mode refuses two reads
    of one source; leave the sink's own `topic` option unset, for it would override the column.
    """
    return kafka_rows.transform(parse).transform(count_parsed).transform(judge(rules)).transform(route(topics))
