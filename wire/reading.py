"""A reading: one sensor's seven fields at one instant, as JSON, keyed by its sensor."""

from __future__ import annotations

from typing import Final

#: The five measured channels, in the order in which they are written. °C, %, mm in the past hour,
#: m/s (peak gust since the last reading), UV index.
CHANNELS: Final = ("temperature", "humidity", "rainfall", "wind_speed", "UV_index")

#: A reading's fields as they stand in the JSON object. `seq` is the sensor's running number and may
#: be absent in readings from elsewhere; a failed channel is null.
READING_FIELDS: Final = ("sensor_id", *CHANNELS, "timestamp", "seq")

#: From this value on a `timestamp` is epoch milliseconds, below it epoch seconds.
MILLISECONDS_FROM: Final = 1e11


def key_of(sensor_id: int) -> bytes:
    """The Kafka key: the sensor's number as text, so that a sensor keeps to one partition."""
    return str(sensor_id).encode()


def epoch_seconds(timestamp: float) -> float:
    """A reading's `timestamp` in epoch seconds, whichever of the two units it came in."""
    return timestamp / 1000.0 if timestamp >= MILLISECONDS_FROM else float(timestamp)
