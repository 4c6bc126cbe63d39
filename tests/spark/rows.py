"""The way from raw records to the job's input, and from its output back to alerts and rejects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession

from wire.topics import Topics

TOPICS = Topics(readings="sensor", alerts="alerts", rejects="sensor-rejected")
KAFKA_SCHEMA = "key binary, value binary, topic string, partition int, offset bigint"


def kafka_rows(spark: SparkSession, values: Sequence[bytes | None]) -> DataFrame:
    """Records as the Kafka source shows them: partition 3, offsets from 0, the offset as key."""
    rows = [(str(offset).encode(), value, TOPICS.readings, 3, offset) for offset, value in enumerate(values)]
    return spark.createDataFrame(rows, KAFKA_SCHEMA).coalesce(1)


def reading(**fields: Any) -> bytes:
    """A calm reading of sensor 7, with ``fields`` in their place; a field that is ... is left out."""
    calm = {
        "sensor_id": 7,
        "temperature": 25.0,
        "humidity": 50.0,
        "rainfall": 0.0,
        "wind_speed": 5.0,
        "UV_index": 3.0,
        "timestamp": 1732879703.5,
        "seq": 1,
    }
    return json.dumps({name: value for name, value in (calm | fields).items() if value is not ...}).encode()


def alerts_of(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The alerts among output rows, members in the order in which they stand."""
    return [json.loads(row.value) for row in rows if row.topic == TOPICS.alerts]


def rejects_of(rows: Iterable[Row]) -> dict[int, dict[str, str]]:
    """The headers of the rejects among output rows, by their record's offset."""
    found = [
        {header.key: bytes(header.value).decode() for header in row.headers}
        for row in rows
        if row.topic == TOPICS.rejects
    ]
    return {int(headers["offset"]): headers for headers in found}
