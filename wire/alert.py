"""An alert: the eight columns every sink carries, and what ours adds to them."""

from __future__ import annotations

from typing import Final

#: The columns of an alert, in this order, in every sink.
ALERT_COLUMNS: Final = (
    "sensor_id",
    "temperature",
    "humidity",
    "timestamp",
    "rainfall",
    "wind_speed",
    "UV_index",
    "alert",
)

#: What the Kafka sink adds: the reading's number, the id of the rule that named the alert, the ids
#: of all rules that hold, and the alert's own id.
ALERT_EXTRAS: Final = ("seq", "rule", "fired", "alert_id")

#: The label of a reading on which no rule holds.
NO_ALERT: Final = "No Alert"


def alert_id(sensor_id: int, seq: int | None, rule: str, event_us: int) -> str:
    """The id that a replay of the same reading yields again.

    `event_us` (event time in microseconds) stands in, as ``t<event_us>``, where there is no `seq`.
    """
    number = f"t{event_us}" if seq is None else str(seq)
    return f"{sensor_id}-{number}-{rule}"
