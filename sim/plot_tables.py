"""What the pictures of `sim.plot` show, as tables: one sensor's days, and a field at an instant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from sim.sensors import positions
from sim.simulate import Collected
from sim.stream import StreamSpec
from wire.reading import CHANNELS

#: What happens around the sensors rather than in one of them.
_AROUND = (pl.col("class") == "environment") | pl.col("sensor_id").is_null()


@dataclass(frozen=True)
class SensorDays:
    """One sensor in [start, end). Times are epoch microseconds.

    ``readings``: per reading taken true_us, true_<channel>, arrived, and what was reported: event_us and
    <channel> (null: the field failed, or the reading was not sent, or lost on its way). ``faults``: kind,
    field (null: the whole reading), start_us, end_us. ``events``: kind, start_us, end_us of what happened
    around the sensor. Both are cut to the stretch.
    """

    sensor_id: int
    start_us: int
    end_us: int
    readings: pl.DataFrame
    faults: pl.DataFrame
    events: pl.DataFrame


@dataclass(frozen=True)
class FieldMap:
    """A channel in the whole region at ``at_us`` (epoch microseconds).

    ``sensors``: sensor_id, x_km, y_km, beacon, and value, the true one at the sensor's reading nearest
    to the instant. ``faults``: kind, sensor_id, x_km, y_km, one row a sensor and kind. ``events``: the
    kinds of event under way.
    """

    field: str
    at_us: int
    extent_km: float
    sensors: pl.DataFrame
    faults: pl.DataFrame
    events: list[str]


def choose_sensor(intervals: pl.DataFrame, beacons: Iterable[int], sensors: int) -> int:
    """The sensor 1..``sensors``, no beacon, with the most fault episodes; the lowest number wins a tie."""
    left_out = set(beacons)
    ranked = (
        intervals.filter(pl.col("class") == "fault")
        .drop_nulls("sensor_id")
        .filter(~pl.col("sensor_id").is_in(list(left_out)))
        .group_by("sensor_id")
        .len()
        .sort(["len", "sensor_id"], descending=[True, False])
    )
    if len(ranked):
        return int(ranked["sensor_id"][0])
    return next((number for number in range(1, sensors + 1) if number not in left_out), 1)


def sensor_days(collected: Collected, sensor_id: int, *, start_us: int, end_us: int) -> SensorDays:
    """What sensor ``sensor_id`` met and reported in [start, end), epoch microseconds."""
    mine = pl.col("sensor_id") == sensor_id
    reported = collected.readings.filter(mine).select("seq", "event_us", *CHANNELS, arrived=pl.lit(value=True))
    readings = (
        collected.truth.readings.filter(mine)
        .select("seq", *(f"true_{channel}" for channel in CHANNELS), true_us=pl.col("event_us"))
        .join(reported, on="seq", how="left")
        .with_columns(pl.col("arrived").fill_null(value=False))
        .sort("true_us")
    )
    intervals = collected.truth.intervals.with_columns(
        pl.col("start_us").clip(lower_bound=start_us), pl.col("end_us").clip(upper_bound=end_us)
    ).filter((pl.col("start_us") < pl.col("end_us")) & (mine | pl.col("sensor_id").is_null()))
    return SensorDays(
        sensor_id=sensor_id,
        start_us=start_us,
        end_us=end_us,
        readings=readings,
        faults=intervals.filter(~_AROUND).select("kind", "field", "start_us", "end_us"),
        events=intervals.filter(_AROUND).select("kind", "start_us", "end_us"),
    )


def field_map(stream: StreamSpec, collected: Collected, field: str, at_us: int) -> FieldMap:
    """The true ``field`` (a channel) around ``at_us``, epoch microseconds, at every sensor."""
    x_km, y_km = positions(stream.key, stream.sensor_ids, stream.weather.extent_km)
    places = pl.DataFrame({"sensor_id": stream.sensor_ids, "x_km": x_km, "y_km": y_km})
    nearest = (
        collected.truth.readings.select("sensor_id", "beacon", "event_us", value=f"true_{field}")
        .sort((pl.col("event_us") - at_us).abs(), maintain_order=True)
        .unique("sensor_id", keep="first")
        .drop("event_us")
    )
    active = collected.truth.intervals.filter((pl.col("start_us") <= at_us) & (pl.col("end_us") > at_us))
    return FieldMap(
        field=field,
        at_us=at_us,
        extent_km=stream.weather.extent_km,
        sensors=places.join(nearest, on="sensor_id", how="inner").sort("sensor_id"),
        faults=active.filter(~_AROUND)
        .select("kind", "sensor_id")
        .unique()
        .join(places, on="sensor_id", how="inner")
        .sort("kind", "sensor_id"),
        events=sorted(set(active.filter(_AROUND)["kind"])),
    )
