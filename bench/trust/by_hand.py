"""The seed's five rules, written out by hand: an oracle that shares no code with the rules it judges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import orjson

from wire.topics import PROBE_SENSOR_ID

#: Below what the air is too dry, %.
DRY: Final = 20.0


class AlertName(NamedTuple):
    """What an alert is known by: the reading, and the rule that labels it."""

    sensor_id: int
    seq: int
    rule: str


def seed_alert(reading: Mapping[str, float | None], dry: float = DRY) -> tuple[str, list[str]]:
    """The label and the ids of all rules that hold on one parsed reading; ``dry`` moves one threshold."""
    temperature, humidity = reading.get("temperature"), reading.get("humidity")
    uv, rain, wind = reading.get("UV_index"), reading.get("rainfall"), reading.get("wind_speed")
    label = "No Alert"
    fired = []
    if wind is not None and wind > 20:
        label = "High Wind Speed"
        fired.append("high_wind_speed")
    if rain is not None and rain > 50:
        label = "Heavy Rainfall"
        fired.append("heavy_rainfall")
    if uv is not None and uv > 8:
        label = "High UV Index"
        fired.append("high_uv_index")
    if humidity is not None and humidity < dry:
        label = "Low Humidity"
        fired.append("low_humidity")
    if temperature is not None and temperature > 35:
        label = "High Temperature"
        fired.append("high_temperature")
    return label, fired[::-1]


def alerts_of(values: Iterable[bytes | None], dry: float = DRY) -> list[AlertName]:
    """The alerts that well-formed readings with ``seq`` must raise, one for each copy; probes raise none here."""
    found = []
    for value in values:
        reading = orjson.loads(value or b"{}")
        _, fired = seed_alert(reading, dry)
        if fired and reading["sensor_id"] != PROBE_SENSOR_ID:
            found.append(AlertName(reading["sensor_id"], reading["seq"], fired[0]))
    return found
