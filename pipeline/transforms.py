"""The steps from Kafka rows to rows for the sinks, each ``DataFrame -> DataFrame`` for `.transform`.

No state, no Python in the row path: the same steps run in a batch, in micro-batches and in
real-time mode. Spark 4 is in ANSI mode, where a bad cast ends the query: no cast here can fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipeline.parser import parse_reading
from pipeline.rules import AlertRule
from wire.alert import ALERT_COLUMNS, ALERT_EXTRAS, NO_ALERT
from wire.reading import READING_FIELDS
from wire.reject import MAX_REJECT_BYTES, REJECT_HEADERS
from wire.topics import Topics

Step = Callable[[DataFrame], DataFrame]

#: Name under which Spark's progress tells how many records were rejects, where rejects are left out.
OBSERVED_REJECTS: Final = "rejects"

#: A reading in a table: the seven fields in the order in which they are written, without `seq`.
READING_COLUMNS: Final = tuple(name for name in READING_FIELDS if name != "seq")

_KAFKA = ("key", "value", "topic", "partition", "offset")

_COMPARE: dict[str, Callable[[Column, float], Column]] = {
    ">": lambda column, threshold: column > threshold,
    ">=": lambda column, threshold: column >= threshold,
    "<": lambda column, threshold: column < threshold,
    "<=": lambda column, threshold: column <= threshold,
}


def parse(rows: DataFrame) -> DataFrame:
    """Kafka's columns plus those of `PARSED`: a reading's fields, or the reason why there is none.

    Each record is parsed once, however often its fields are asked for: Spark takes a function such
    as this for expensive, and copies it neither into a filter nor from one projection into the next.
    """
    return rows.select(*_KAFKA, parse_reading(F.col("value")).alias("parsed")).select(*_KAFKA, "parsed.*")


def count_rejects(parsed: DataFrame) -> DataFrame:
    """The same rows, the rejects among them counted into the progress as `OBSERVED_REJECTS`.

    For sinks that have no place for rejects: what they leave out is told at least.
    """
    return parsed.observe(OBSERVED_REJECTS, F.count_if(F.col("reason").isNotNull()).alias("count"))


def judge(rules: Sequence[AlertRule]) -> Step:
    """What `parse` gives plus `rule`, `alert`, `fired` and `alert_id`; `rule` is null where no rule holds."""

    def step(parsed: DataFrame) -> DataFrame:
        holds = [(_COMPARE[rule.comparison](F.col(rule.field), rule.threshold), rule) for rule in rules]
        seq = F.coalesce(F.col("seq").cast("string"), F.concat(F.lit("t"), F.col("event_us").cast("string")))
        fired = F.array(*(F.when(condition, rule.id).otherwise("") for condition, rule in holds))
        return parsed.withColumns(
            {
                "rule": _first((condition, rule.id) for condition, rule in holds),
                "alert": _first((condition, rule.label) for condition, rule in holds).otherwise(NO_ALERT),
                # `array_compact` would be interpreted, condition by condition.
                "fired": F.array_remove(fired, ""),
            }
        ).withColumn("alert_id", F.concat_ws("-", F.col("sensor_id").cast("string"), seq, F.col("rule")))

    return step


def _first(cases: Iterable[tuple[Column, str]]) -> Column:
    """The text of the first condition that holds, else null: one expression, however many there are."""
    (condition, text), *others = cases
    return reduce(lambda column, case: column.when(*case), others, F.when(condition, text))


def route(topics: Topics) -> Step:
    """Alerts and rejects only, as the Kafka sink takes them: `topic`, `key`, `value`, `headers`.

    `key` and `value` are binary; `headers` is null for alerts. A reject keeps its key and its value,
    each up to `MAX_REJECT_BYTES`: a key as long as a record may be would leave no room for the
    headers, and a record that the sink's producer refuses ends the query.
    """

    def step(judged: DataFrame) -> DataFrame:
        rejected = F.col("reason").isNotNull()
        alert = F.to_json(F.struct(*ALERT_COLUMNS, *ALERT_EXTRAS), {"ignoreNullFields": "false"})
        told = (
            F.col("reason"),
            F.col("topic"),
            F.col("partition"),
            F.col("offset"),
            F.coalesce(F.length("value"), F.lit(0)),
        )
        headers = F.array(
            *(
                F.struct(F.lit(name).alias("key"), text.cast("string").cast("binary").alias("value"))
                for name, text in zip(REJECT_HEADERS, told, strict=True)
            )
        )
        return judged.where(rejected | F.col("rule").isNotNull()).select(
            F.when(rejected, topics.rejects).otherwise(F.lit(topics.alerts)).alias("topic"),
            F.when(rejected, F.substring("key", 1, MAX_REJECT_BYTES))
            .otherwise(F.col("alert_id").cast("binary"))
            .alias("key"),
            F.when(rejected, F.substring("value", 1, MAX_REJECT_BYTES)).otherwise(alert.cast("binary")).alias("value"),
            F.when(rejected, headers).alias("headers"),
        )

    return step


def only_readings(parsed: DataFrame) -> DataFrame:
    """The readings themselves as `READING_COLUMNS`; rejects are left out."""
    return parsed.where(F.col("reason").isNull()).select(*READING_COLUMNS)


def only_alerts(judged: DataFrame) -> DataFrame:
    """The alerts as `ALERT_COLUMNS`, in that order; rejects are left out."""
    return judged.where(F.col("reason").isNull() & F.col("rule").isNotNull()).select(*ALERT_COLUMNS)
