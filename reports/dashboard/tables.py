"""What the page shows, as tables: pure functions of the state. Each figure draws one of them, and nothing else."""

from __future__ import annotations

from typing import Final

import polars as pl

from reports.dashboard.state import Kept
from wire.alert import NO_ALERT
from wire.reading import CHANNELS

#: The most points of a line: more than a figure has pixels for.
MOST_POINTS: Final = 300
#: Widths of the bins in which events are counted, s.
WIDTHS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
#: A sensor is shown as alerted until it has had so many readings since.
ALERTED_FOR: Final = 3

_TIME: Final = pl.Datetime("us")


def bin_us(span_us: int) -> int:
    """The width, µs, of the bins for a time of ``span_us``: a whole, usual one, of which `MOST_POINTS` suffice."""
    for width_s in WIDTHS_S:
        if span_us <= width_s * 1_000_000 * (MOST_POINTS - 1):
            return width_s * 1_000_000
    days = -(-span_us // (WIDTHS_S[-1] * 1_000_000 * (MOST_POINTS - 1)))
    return days * WIDTHS_S[-1] * 1_000_000


def _binned(frame: pl.DataFrame, instant_us: pl.Expr) -> pl.DataFrame:
    """``frame`` with ``time``, the start of each row's bin, UTC, and ``bin_ms``, the bins' width."""
    timed = frame.with_columns(time=instant_us)
    first, last = timed["time"].min(), timed["time"].max()
    span_us = last - first if isinstance(first, int) and isinstance(last, int) else 0
    width_us = bin_us(span_us)
    start = (pl.col("time") // width_us * width_us).cast(_TIME)
    return timed.with_columns(time=start, bin_ms=pl.lit(width_us // 1000, pl.Int64))


def sensor_numbers(kept: Kept) -> list[int]:
    """The sensors whose readings are kept, ascending."""
    return kept.readings["sensor_id"].unique().sort().to_list()


def metrics_table(kept: Kept, sensor: int | None) -> pl.DataFrame:
    """The channels over event time: ``time``, and for each channel its value, ``_low`` and ``_high``.

    Of all sensors: median, 5th and 95th percentile of each bin, for a faulty sensor that says -999 would
    flatten the others' curves. Of one sensor: its latest readings as they are, without low and high.
    """
    if sensor is not None:
        own = kept.readings.filter(pl.col("sensor_id") == sensor).sort("event_us").tail(MOST_POINTS)
        nothing = [pl.lit(None, pl.Float64).alias(f"{c}_{end}") for c in CHANNELS for end in ("low", "high")]
        return own.select(pl.col("event_us").cast(_TIME).alias("time"), *CHANNELS, *nothing)
    return (
        _binned(kept.readings, pl.col("event_us"))
        .group_by("time")
        .agg(
            *(pl.col(c).median() for c in CHANNELS),
            *(pl.col(c).quantile(0.05).name.suffix("_low") for c in CHANNELS),
            *(pl.col(c).quantile(0.95).name.suffix("_high") for c in CHANNELS),
        )
        .sort("time")
    )


def totals_table(kept: Kept) -> pl.DataFrame:
    """Alerts by label since the dashboard began, the most frequent first: ``alert``, ``count``."""
    return kept.totals


def alerts_table(kept: Kept) -> pl.DataFrame:
    """The alerts kept by label over event time: ``time``, ``bin_ms``, ``alert``, ``count``."""
    binned = _binned(kept.alerts, pl.col("event_us"))
    return binned.group_by("time", "bin_ms", "alert").agg(count=pl.len().cast(pl.Int64)).sort("time", "alert")


def latency_table(kept: Kept) -> pl.DataFrame:
    """Latency over wall time: ``time``, ``p50_ms`` and ``max_ms`` of the alerts that arrived in each bin."""
    known = kept.alerts.filter(pl.col("latency_ms").is_not_null())
    return (
        _binned(known, pl.col("at_ms") * 1000)
        .group_by("time")
        .agg(p50_ms=pl.col("latency_ms").median(), max_ms=pl.col("latency_ms").max())
        .sort("time")
    )


def backlog_table(kept: Kept) -> pl.DataFrame:
    """The backlog at most, over wall time: ``time``, ``readings``, the greatest in each bin."""
    binned = _binned(kept.backlog, pl.col("at_ms") * 1000)
    return binned.group_by("time").agg(pl.col("readings").max()).sort("time")


def rejects_table(kept: Kept) -> pl.DataFrame:
    """The rejects kept by reason over wall time: ``time``, ``bin_ms``, ``reason``, ``count``."""
    binned = _binned(kept.rejects, pl.col("at_ms") * 1000)
    return binned.group_by("time", "bin_ms", "reason").agg(count=pl.len().cast(pl.Int64)).sort("time", "reason")


def map_table(kept: Kept, positions: pl.DataFrame | None) -> pl.DataFrame:
    """Each sensor: ``sensor_id``, ``x``, ``y``, the label of its ``alert``, and its latest reading's channels.

    ``positions``: sensor_id, x_km, y_km. Without it sensors stand in rows, by number. A sensor is alerted
    while the reading behind its latest alert is one of its last `ALERTED_FOR`.
    """
    ordered = kept.readings.sort("event_us")
    latest = ordered.group_by("sensor_id").agg(
        pl.col(CHANNELS).last(), since_us=pl.col("event_us").tail(ALERTED_FOR).first()
    )
    alerted = kept.alerts.sort("event_us").group_by("sensor_id").agg(pl.col("event_us", "alert").last())
    placed = latest.join(_places(latest, positions), on="sensor_id").join(alerted, on="sensor_id", how="left")
    is_recent = pl.col("event_us") >= pl.col("since_us")
    label = pl.when(is_recent).then(pl.col("alert")).otherwise(pl.lit(NO_ALERT)).alias("alert")
    return placed.select("sensor_id", "x", "y", label, *CHANNELS).sort("sensor_id")


def _places(sensors: pl.DataFrame, positions: pl.DataFrame | None) -> pl.DataFrame:
    """sensor_id, x, y of those of ``sensors`` that stand somewhere."""
    if positions is not None:
        return positions.select(pl.col("sensor_id").cast(pl.Int64), x="x_km", y="y_km")
    side = max(1, round(sensors.height**0.5))
    place = pl.int_range(pl.len())
    return sensors.sort("sensor_id").select("sensor_id", x=(place % side).cast(pl.Float64), y=-(place // side) * 1.0)
