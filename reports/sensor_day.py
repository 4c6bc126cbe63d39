"""One sensor's window: what was true, what it reported, what was alerted, and which faults it had."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from bench.records import Cell
from reports.stored import StoredRun
from reports.tables import ordered_cells
from wire.reading import CHANNELS


@dataclass(frozen=True)
class SensorDay:
    """The tables behind the figure of one sensor. Times are hours of event time into the window.

    ``readings``: hour, seq, true_<channel>, the observed <channel> (null: failed or never sent), and
    ``fired``, the rules alerted on the reading. ``alerts``: hour, channel, value, rule, one row for
    each rule that fired. ``faults``: kind, field (null: all channels), start_h, end_h.
    """

    sensor_id: int
    cell: str
    start_us: int
    hours: float
    readings: pl.DataFrame
    alerts: pl.DataFrame
    faults: pl.DataFrame


def channel_of(rule: str) -> str | None:
    """The channel whose name the rule's id holds (``high_uv_index``: UV_index); None if there is none."""
    return next((channel for channel in CHANNELS if channel.lower() in rule.lower()), None)


def choose_sensor(alerts: pl.DataFrame, intervals: pl.DataFrame, beacons: set[int]) -> int | None:
    """The sensor with most to see: most kinds of rules alerted, then kinds of faults, then alerts.

    Beacons are left out; the lowest number wins a tie; None if nobody alerted.
    """
    faults = (
        intervals.filter(pl.col("class") == "fault")
        .group_by(pl.col("sensor_id").cast(pl.Int64))
        .agg(kinds=pl.col("kind").n_unique())
    )
    ranked = (
        alerts.drop_nulls(["sensor_id", "fired"])
        .filter(~pl.col("sensor_id").is_in(list(beacons)))
        .explode("fired", empty_as_null=True, keep_nulls=True)
        .group_by("sensor_id")
        .agg(rules=pl.col("fired").n_unique(), alerts=pl.len())
        .join(faults, on="sensor_id", how="left")
        .with_columns(pl.col("kinds").fill_null(0))
        .sort(["rules", "kinds", "alerts", "sensor_id"], descending=[True, True, True, False])
    )
    return int(ranked["sensor_id"][0]) if len(ranked) else None


def event_zero_us(readings: pl.DataFrame, schedule: pl.DataFrame, speedup: float) -> int | None:
    """Event time zero in epoch us: the event time of a reading due at the start of the window."""
    first = schedule.filter(pl.col("copy") == 0).head(1000)
    both = readings.join(first, on=["sensor_id", "seq"], how="inner")
    middle = (both["event_us"] - (both["due_ns"] * speedup / 1e3).round().cast(pl.Int64)).median()
    return round(middle) if isinstance(middle, float) else None


def sensor_day(run: StoredRun) -> SensorDay | None:
    """The day of the chosen sensor, with the alerts of the first valid cell (else the first that has any).

    None where a file is missing (``run.absent`` names it) or nothing was alerted.
    """
    truth, readings, intervals, schedule = run.truth(), run.readings(), run.intervals(), run.schedule()
    if truth is None or readings is None or intervals is None or schedule is None:
        return None
    beacons = set(truth.filter("beacon")["sensor_id"].unique().to_list())
    start_us = event_zero_us(readings, schedule, run.result.scenario.speedup)
    # Of a search for the highest rate, the tables hold the sensors of the first rate alone.
    told = pl.col("sensor_id").is_in(truth["sensor_id"].unique().to_list())
    for cell in _candidates(run):
        alerts = run.alerts(cell.id)
        alerts = alerts.filter(told) if alerts is not None else None
        chosen = choose_sensor(alerts, intervals, beacons) if alerts is not None else None
        if alerts is not None and chosen is not None and start_us is not None:
            hours = cell.window_s * run.result.scenario.speedup / 3600
            return _day_of(chosen, cell.id, start_us, hours, truth, readings, alerts, intervals)
    return None


def _candidates(run: StoredRun) -> list[Cell]:
    done = [cell for cell in ordered_cells(run.result) if cell.status == "done"]
    return sorted(done, key=lambda cell: cell.verdict != "valid")


def _day_of(
    sensor: int,
    cell: str,
    start_us: int,
    hours: float,
    truth: pl.DataFrame,
    readings: pl.DataFrame,
    alerts: pl.DataFrame,
    intervals: pl.DataFrame,
) -> SensorDay:
    mine = pl.col("sensor_id") == sensor
    fired = alerts.filter(mine).unique("seq", keep="first", maintain_order=True).select("seq", "fired")
    rows = (
        truth.filter(mine)
        .select(pl.col("seq").cast(pl.Int64), "event_us", *(f"true_{channel}" for channel in CHANNELS))
        .join(readings.filter(mine).select(pl.col("seq").cast(pl.Int64), *CHANNELS), on="seq", how="left")
        .join(fired, on="seq", how="left")
        .with_columns(hour=(pl.col("event_us") - start_us) / 3.6e9)
        .filter(pl.col("hour").is_between(0, hours, closed="left"))
        .sort("seq")
    )
    return SensorDay(
        sensor_id=sensor,
        cell=cell,
        start_us=start_us,
        hours=hours,
        readings=rows.select("hour", "seq", *(f"true_{channel}" for channel in CHANNELS), *CHANNELS, "fired"),
        alerts=_markers(rows),
        faults=_faults(intervals, sensor, start_us, hours),
    )


def _markers(rows: pl.DataFrame) -> pl.DataFrame:
    markers = [
        {"hour": row["hour"], "channel": channel, "value": row[channel] if channel else None, "rule": rule}
        for row in rows.drop_nulls("fired").iter_rows(named=True)
        for rule in row["fired"]
        for channel in [channel_of(rule)]
    ]
    schema = {"hour": pl.Float64, "channel": pl.String, "value": pl.Float64, "rule": pl.String}
    return pl.DataFrame(markers, schema=schema)


def _faults(intervals: pl.DataFrame, sensor: int, start_us: int, hours: float) -> pl.DataFrame:
    return (
        intervals.filter(pl.col("class") == "fault", pl.col("sensor_id") == sensor)
        .select(
            "kind",
            "field",
            start_h=((pl.col("start_us") - start_us) / 3.6e9).clip(lower_bound=0),
            end_h=((pl.col("end_us") - start_us) / 3.6e9).clip(upper_bound=hours),
        )
        .filter(pl.col("start_h") < pl.col("end_h"))
        .sort("start_h", "kind")
    )
