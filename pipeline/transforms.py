"""The steps from Kafka rows to rows for the sinks, each ``DataFrame -> DataFrame`` for `.transform`.

No state, no Python in the row path: the same steps run in a batch, in micro-batches and in
real-time mode. Spark 4 is in ANSI mode, where a bad cast ends the query: casts here are `try_cast`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipeline.reference import MAX_EVENT_US
from pipeline.rules import AlertRule
from pipeline.schema import CORRUPT, JSON_OPTIONS, READING
from wire.alert import ALERT_COLUMNS, ALERT_EXTRAS, NO_ALERT
from wire.reading import CHANNELS, MILLISECONDS_FROM, READING_FIELDS
from wire.reject import (
    EMPTY,
    MAX_REJECT_BYTES,
    NO_SENSOR_ID,
    NO_TIMESTAMP,
    NOT_FINITE,
    NOT_JSON,
    REJECT_HEADERS,
)
from wire.topics import Topics

Step = Callable[[DataFrame], DataFrame]

#: Name under which Spark's progress tells how many records were parsed.
OBSERVED: Final = "readings"

#: Name under which it tells how many of them were rejects, where rejects are left out.
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
    """Kafka's columns plus `reading` (`READING`, null for blank text) and `whole`: UTF-8, and one value.

    `from_json` reads the first JSON value and is silent about what follows it; it also mends
    invalid UTF-8 inside strings. `whole` is false for both.
    """
    text = F.col("value").cast("string")
    return rows.select(
        *_KAFKA,
        F.from_json(text, READING, JSON_OPTIONS).alias("reading"),
        (F.is_valid_utf8(text) & _one_value(text)).alias("whole"),
    )


def _one_value(text: Column) -> Column:
    """Whether the text holds a single JSON value, given that it begins with one.

    Nearly always the first ``}`` is the last byte, and no ``}`` before that says so: the general answer
    would cost as much as the parsing. (`contains` compares bytes; functions that tell where, compare
    strings at every byte.) That answer: text that closed the bracket set before it would give the same
    count twice; else the first count is the number of values it holds.
    """
    all_but_the_last = F.substring("value", F.lit(1), F.length("value") - 1).cast("string")
    alone, followed = (F.json_array_length(F.concat(F.lit("["), text, F.lit(end))) for end in ("]", ",0]"))
    return F.when(~all_but_the_last.contains("}"), F.lit(True)).otherwise(
        F.coalesce((alone == 1) & (followed == 2), F.lit(False))
    )


def count_parsed(parsed: DataFrame) -> DataFrame:
    """The same rows, counted into the progress as `OBSERVED`, behind a barrier for the optimizer.

    Without it Spark pushes the alert filter below the projection and parses every record twice:
    the job's rate falls to less than half.
    """
    return parsed.observe(OBSERVED, F.count(F.lit(1)).alias("count"))


def unpack(parsed: DataFrame) -> DataFrame:
    """Kafka's columns plus the reading's fields, `event_us` and `reason`, null unless the record is a reject.

    `timestamp` comes out in epoch seconds whichever unit it came in.
    """
    timestamp = F.col("reading.timestamp")
    seconds = F.when(timestamp >= MILLISECONDS_FROM, timestamp / F.lit(1000.0)).otherwise(timestamp)
    fields = [F.col(f"reading.{name}").alias(name) for name in READING_FIELDS if name != "timestamp"]
    flat = parsed.select(
        *_KAFKA,
        *fields,
        seconds.alias("timestamp"),
        # Ties to even, as Python rounds.
        F.rint(seconds * F.lit(1e6)).alias("event_us"),
        (F.col("whole") & F.col("reading").isNotNull() & F.col(f"reading.{CORRUPT}").isNull()).alias("readable"),
    )
    return flat.withColumn("reason", _reason()).drop("readable")


def count_rejects(unpacked: DataFrame) -> DataFrame:
    """The same rows, the rejects among them counted into the progress as `OBSERVED_REJECTS`.

    For sinks that have no place for rejects: what they leave out is told at least.
    """
    return unpacked.observe(OBSERVED_REJECTS, F.count_if(F.col("reason").isNotNull()).alias("count"))


def judge(rules: Sequence[AlertRule]) -> Step:
    """What `unpack` gives plus `rule`, `alert`, `fired` and `alert_id`; `rule` is null where no rule holds."""

    def step(unpacked: DataFrame) -> DataFrame:
        holds = [(_COMPARE[rule.comparison](F.col(rule.field), rule.threshold), rule) for rule in rules]
        seq = F.coalesce(
            F.col("seq").cast("string"),
            F.concat(F.lit("t"), F.col("event_us").try_cast("bigint").cast("string")),
        )
        return unpacked.withColumns(
            {
                "rule": F.coalesce(*(F.when(condition, rule.id) for condition, rule in holds)),
                "alert": F.coalesce(*(F.when(condition, rule.label) for condition, rule in holds), F.lit(NO_ALERT)),
                "fired": F.array_compact(F.array(*(F.when(condition, rule.id) for condition, rule in holds))),
            }
        ).withColumn("alert_id", F.concat_ws("-", F.col("sensor_id").cast("string"), seq, F.col("rule")))

    return step


def _reason() -> Column:
    not_finite = [F.abs(F.col(name)) == float("inf") for name in CHANNELS]
    return (
        F.when(F.col("value").isNull() | (F.length("value") == 0), EMPTY)
        .when(~F.col("readable"), NOT_JSON)
        .when(F.col("sensor_id").isNull(), NO_SENSOR_ID)
        .when(F.col("timestamp").isNull(), NO_TIMESTAMP)
        .when(reduce(or_, not_finite) | (F.abs("event_us") > MAX_EVENT_US), NOT_FINITE)
    )


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


def only_readings(unpacked: DataFrame) -> DataFrame:
    """The readings themselves as `READING_COLUMNS`; rejects are left out."""
    return unpacked.where(F.col("reason").isNull()).select(*READING_COLUMNS)


def only_alerts(judged: DataFrame) -> DataFrame:
    """The alerts as `ALERT_COLUMNS`, in that order; rejects are left out."""
    return judged.where(F.col("reason").isNull() & F.col("rule").isNotNull()).select(*ALERT_COLUMNS)
