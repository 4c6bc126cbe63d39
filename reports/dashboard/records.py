"""Kafka's records of a pipeline's three topics as rows; what is no reading or alert is passed over.

The pipeline judges records, and says what is malformed in its topic of rejects. Here it is enough to draw none of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import orjson
import polars as pl
from confluent_kafka import Message

from reports.dashboard.events import ALERT, READING, REJECT
from wire.reading import CHANNELS, epoch_seconds
from wire.reject import REJECT_HEADERS
from wire.topics import PROBE_SENSOR_ID

#: Beyond it, and before its negative, an instant in µs is no 64-bit integer any more.
_MOST_US: Final = 9e18


def readings_frame(messages: Sequence[Message]) -> pl.DataFrame:
    """The readings among ``messages``, with the columns of `READING`; the bench's probes are none."""
    rows = []
    for message in messages:
        reading = _object(message)
        named = _named(reading)
        if named is not None:
            rows.append((*named, *(_number(reading.get(channel)) for channel in CHANNELS), message.timestamp()[1]))
    return pl.DataFrame(rows, schema=READING, orient="row")


def alerts_frame(messages: Sequence[Message]) -> pl.DataFrame:
    """The alerts among ``messages``, with the columns of `ALERT`; those of probes are none."""
    rows = []
    for message in messages:
        alert = _object(message)
        named, label = _named(alert), alert.get("alert")
        if named is not None and isinstance(label, str):
            rows.append((*named, label, message.timestamp()[1]))
    return pl.DataFrame(rows, schema=ALERT, orient="row")


def rejects_frame(messages: Sequence[Message]) -> pl.DataFrame:
    """Every one of ``messages`` as a reject, with the columns of `REJECT`."""
    return pl.DataFrame([(_reason(one), one.timestamp()[1]) for one in messages], schema=REJECT, orient="row")


def _object(message: Message) -> dict[str, Any]:
    try:
        value = orjson.loads(message.value() or b"")
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _named(fields: dict[str, Any]) -> tuple[int, int] | None:
    """Sensor and event time, µs, by which reading and alert find each other."""
    sensor_id, timestamp = fields.get("sensor_id"), _number(fields.get("timestamp"))
    if type(sensor_id) is not int or sensor_id == PROBE_SENSOR_ID or not abs(sensor_id) < 2**63 or timestamp is None:
        return None
    event_us = epoch_seconds(timestamp) * 1e6
    return (sensor_id, round(event_us)) if abs(event_us) < _MOST_US else None


def _number(value: object) -> float | None:
    """``value`` if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _reason(message: Message) -> str:
    headers = dict(message.headers() or [])
    reason = headers.get(REJECT_HEADERS[0])
    return reason.decode(errors="replace") if isinstance(reason, bytes) else "no reason given"
