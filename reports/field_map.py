"""The sensors where they stand, with what the truth holds: weather that neighbours share, storms, faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from reports import words
from reports.sensor_day import event_zero_us
from reports.stored import StoredRun

#: The map of shared weather is of the afternoon, or of the middle of a window that ends before it, in h.
AFTERNOON_H: Final = 15.0


@dataclass(frozen=True)
class FieldMap:
    """One row a sensor of ``sensors``, by number.

    sensor_id, x_km, y_km, beacon; temperature_c, the true one at the reading nearest to ``at_h`` (hours of
    event time into the window); most_rain_mm, the most rain of an hour that the window truly had there; and
    of its injected faults in the window: faults, how many, and kinds, which. ``events``: kind of event of
    the environment -> how many overlap the window of ``hours``.
    """

    sensors: pl.DataFrame
    at_h: float
    hours: float
    events: dict[str, int]


def field_map(run: StoredRun) -> FieldMap | None:
    """The field of the run's first cell's window; None where a file is missing, or sensors stand nowhere."""
    sensors, truth, intervals = run.sensors(), run.truth(), run.intervals()
    readings, schedule = run.readings(), run.schedule()
    if sensors is None or truth is None or intervals is None or readings is None or schedule is None:
        return None
    if "x_km" not in sensors.columns:
        run.absent["stream/sensors.parquet"] = "has no places: sensors of this scenario stand nowhere"
        return None
    speedup = run.result.scenario.speedup
    start_us = event_zero_us(readings, schedule, speedup)
    if start_us is None or not run.result.cells:
        return None
    hours = run.result.cells[0].window_s * speedup / 3600
    at_h = AFTERNOON_H if hours > AFTERNOON_H else hours / 2
    end_us = start_us + round(hours * 3.6e9)
    window = truth.filter(pl.col("event_us").is_between(start_us, end_us, closed="left"))
    here = intervals.filter(pl.col("start_us") < end_us, pl.col("end_us") > start_us)
    events = here.filter(pl.col("class") == "environment").group_by("kind").len().sort("kind")
    return FieldMap(
        sensors=sensors_table(sensors, window, here, at_us=start_us + round(at_h * 3.6e9)),
        at_h=at_h,
        hours=hours,
        events=dict(events.iter_rows()),
    )


def sensors_table(sensors: pl.DataFrame, window: pl.DataFrame, intervals: pl.DataFrame, *, at_us: int) -> pl.DataFrame:
    """`FieldMap.sensors` of those that have truth in the ``window``; ``intervals``: those that overlap it."""
    nearest = (
        window.sort((pl.col("event_us") - at_us).abs(), maintain_order=True)
        .unique("sensor_id", keep="first", maintain_order=True)
        .select("sensor_id", temperature_c="true_temperature")
    )
    rain = window.group_by("sensor_id").agg(most_rain_mm=pl.col("true_rainfall").max())
    faults = (
        intervals.filter(pl.col("class") == "fault")
        .drop_nulls("sensor_id")
        .group_by("sensor_id")
        .agg(faults=pl.len().cast(pl.Int64), kinds=pl.col("kind").unique().sort().str.join(", "))
    )
    numbered = [frame.cast({"sensor_id": pl.Int64}) for frame in (nearest, rain, faults)]
    table = sensors.select(pl.col("sensor_id").cast(pl.Int64), "x_km", "y_km", "beacon")
    table = table.join(numbered[0], on="sensor_id", how="inner").join(numbered[1], on="sensor_id", how="left")
    joined = table.join(numbered[2], on="sensor_id", how="left").sort("sensor_id")
    return joined.with_columns(pl.col("faults").fill_null(0), pl.col("kinds").fill_null(""))


def field_words(field: FieldMap) -> str:
    """What the map shows, in a sentence or two."""
    weather = field.sensors.filter(~pl.col("beacon"))
    faulty = weather.filter(pl.col("faults") > 0)
    events = [words.plural(count, kind.replace("_", " ")) for kind, count in field.events.items()]
    cold, warm = (float(value) for value in _ends(weather["temperature_c"]))
    text = f"Map of {words.plural(len(field.sensors), 'sensor')} over {field.hours:g} h of event time: "
    text += f"true temperature {cold:.1f} to {warm:.1f} °C at {field.at_h:g} h, "
    text += f"most rain in an hour {words.number(_ends(weather['most_rain_mm'])[1])} mm, "
    text += f"{words.plural(len(faulty), 'sensor')} with injected faults. "
    return text + (f"Events of the environment: {words.joined(events)}." if events else "No event of the environment.")


def _ends(values: pl.Series) -> tuple[float, float]:
    known = values.drop_nulls().to_list() or [0.0]
    return min(known), max(known)
