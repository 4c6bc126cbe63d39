"""One sensor's window: what was true, what it reported, which alerts were right, what was missed, and its faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from bench.records import Cell
from reports.stored import StoredRun
from reports.tables import ordered_cells
from wire.reading import CHANNELS


@dataclass(frozen=True)
class SensorDay:
    """The tables behind the figure of one sensor. Times are hours of event time into the window.

    ``readings``: hour, seq, true_<channel>, the observed <channel> (null: failed or never sent),
    ``fired``, the rules alerted on the reading, and ``outcomes``, what became of each in words.
    ``outcomes``: seq, hour, channel, value, rule, outcome (of `style.OUTCOMES`), one row for each rule that
    fired on a reading, and for each hazard that no alert met, on its first reading. ``hazards``: rule,
    channel, marginal, start_h, end_h. ``faults``: kind, field (null: all channels), start_h, end_h.
    """

    sensor_id: int
    cell: str
    start_us: int
    hours: float
    readings: pl.DataFrame
    outcomes: pl.DataFrame
    hazards: pl.DataFrame
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
            return _day_of(chosen, cell.id, start_us, hours, truth, readings, alerts, intervals, run.hazards())
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
    hazards: pl.DataFrame | None,
) -> SensorDay:
    mine = pl.col("sensor_id") == sensor
    fired = alerts.filter(mine).unique("seq", keep="first", maintain_order=True).select("seq", "fired")
    rows = (
        truth.filter(mine)
        .select(pl.col("seq").cast(pl.Int64), "event_us", "fault_mask", *(f"true_{channel}" for channel in CHANNELS))
        .join(readings.filter(mine).select(pl.col("seq").cast(pl.Int64), *CHANNELS), on="seq", how="left")
        .join(fired, on="seq", how="left")
        .with_columns(hour=(pl.col("event_us") - start_us) / 3.6e9)
        .filter(pl.col("hour").is_between(0, hours, closed="left"))
        .sort("seq")
    )
    here = None
    if hazards is not None:
        inside = (pl.col("last_seq") >= rows["seq"].min()) & (pl.col("first_seq") <= rows["seq"].max())
        here = hazards.filter(mine, inside)
    judged = outcomes(rows, here)
    told = judged.group_by("seq").agg(outcomes=pl.format("{}: {}", "rule", "outcome").str.join(", "))
    columns = ("hour", "seq", *(f"true_{channel}" for channel in CHANNELS), *CHANNELS, "fired", "outcomes")
    return SensorDay(
        sensor_id=sensor,
        cell=cell,
        start_us=start_us,
        hours=hours,
        readings=rows.join(told, on="seq", how="left", maintain_order="left").select(columns),
        outcomes=judged,
        hazards=_spans(here, start_us, hours),
        faults=_faults(intervals, sensor, start_us, hours),
    )


#: Of the outcomes' frame.
_OUTCOMES: Final = {
    "seq": pl.Int64,
    "hour": pl.Float64,
    "channel": pl.String,
    "value": pl.Float64,
    "rule": pl.String,
    "outcome": pl.String,
}


def outcomes(rows: pl.DataFrame, hazards: pl.DataFrame | None) -> pl.DataFrame:
    """What became of one sensor's alerts and hazards, as `bench.quality.scores` counts them: see `SensorDay.outcomes`.

    ``rows``: one sensor's readings by seq, with hour, fault_mask, fired, and the channels. A run of readings on
    which a rule fired is a *hit* where it touches a hazard; else *neither* right nor wrong where it touches a
    marginal one or a faulty reading; else *false*. ``hazards``: of the sensor; None: nothing can be judged.
    """
    at = {row["seq"]: row for row in rows.iter_rows(named=True)}
    alerted: dict[str, list[int]] = {}
    for seq, row in at.items():
        for rule in row["fired"] or []:
            alerted.setdefault(rule, []).append(seq)
    found = []
    for rule, seqs in alerted.items():
        own = hazards.filter(rule=rule) if hazards is not None else None
        for run in _runs(seqs):
            outcome = _judged(run, own, at)
            found += [_marker(at[seq], rule, outcome, observed=True) for seq in run]
    for hazard in hazards.filter(~pl.col("marginal")).iter_rows(named=True) if hazards is not None else []:
        alerts = alerted.get(hazard["rule"], [])
        inside = [seq for seq in at if hazard["first_seq"] <= seq <= hazard["last_seq"]]
        if inside and not any(hazard["first_seq"] <= seq <= hazard["last_seq"] for seq in alerts):
            found.append(_marker(at[inside[0]], hazard["rule"], "missed", observed=False))
    return pl.DataFrame(found, schema=_OUTCOMES).sort("seq", "rule")


def _runs(seqs: list[int]) -> list[list[int]]:
    """Consecutive numbers of an ascending list together."""
    runs: list[list[int]] = []
    for seq in seqs:
        if runs and runs[-1][-1] == seq - 1:
            runs[-1].append(seq)
        else:
            runs.append([seq])
    return runs


def _judged(run: list[int], hazards: pl.DataFrame | None, at: dict[int, dict[str, Any]]) -> str:
    if hazards is None:
        return "unjudged"
    touched = hazards.filter(pl.col("first_seq") <= run[-1], pl.col("last_seq") >= run[0])["marginal"].to_list()
    if not all(touched):
        return "hit"
    return "neither" if touched or any(at[seq]["fault_mask"] for seq in run) else "false"


def _marker(row: dict[str, Any], rule: str, outcome: str, *, observed: bool) -> dict[str, Any]:
    """An alert stands where the sensor reported it, a hazard that was missed where it was."""
    channel = channel_of(rule)
    value = row[channel if observed else f"true_{channel}"] if channel else None
    place = {"seq": row["seq"], "hour": row["hour"], "channel": channel, "value": value}
    return {**place, "rule": rule, "outcome": outcome}


def _spans(hazards: pl.DataFrame | None, start_us: int, hours: float) -> pl.DataFrame:
    """When the hazards were, in hours of the window, from their first reading to their last."""
    columns = {"rule": pl.String, "channel": pl.String, "marginal": pl.Boolean}
    schema = columns | dict.fromkeys(("start_h", "end_h"), pl.Float64)
    rows = [
        {"rule": one["rule"], "channel": channel_of(one["rule"]), "marginal": one["marginal"]}
        | {"start_h": max((one["first_us"] - start_us) / 3.6e9, 0.0)}
        | {"end_h": min((one["last_us"] - start_us) / 3.6e9, hours)}
        for one in (hazards.iter_rows(named=True) if hazards is not None else [])
    ]
    return pl.DataFrame(rows, schema=schema)


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
