"""The figures of right and wrong: quality, delay, a sensor's day, the field; and what repeats and baselines tell."""

from __future__ import annotations

import polars as pl

from bench.records import Result
from reports import words
from reports.change import Change, change_table
from reports.detection import delays_table, judged, shares_table
from reports.draw_change import change_forest
from reports.draw_day import day_figure
from reports.draw_field import field_panels
from reports.draw_quality import delay_dots, quality_dots
from reports.draw_repeats import repeat_dots
from reports.drawn import Drawn, absent, drawn, why
from reports.field_map import field_map, field_words
from reports.repeats import repeats_table
from reports.sensor_day import SensorDay, sensor_day
from reports.stored import StoredRun

#: The files without which the map of the field cannot be drawn.
_FIELD = tuple(f"stream/{name}" for name in ("sensors", "truth", "intervals", "readings", "schedule"))


def shares(result: Result) -> Drawn:
    """``quality``: precision and recall of every rule, beside detectors that know nothing."""
    found = judged(result)
    if found is None:
        return absent("quality", "nothing was scored")
    where, quality = found
    table = shares_table(quality)
    ours = table.filter(detector="alerts").drop_nulls("value")
    told = [f"{row['metric']} of {row['of']} {words.share(row['value'])}" for row in ours.iter_rows(named=True)]
    alt = f"Precision and recall by rule, as dots with 95 % intervals, from {where}: {words.first_of(told, most=12)}."
    return drawn("quality", alt, table, lambda: quality_dots(table), "no rule was scored")


def delays(result: Result) -> Drawn:
    """``detection-delay``: how soon events are found, and how many are not."""
    found = judged(result)
    if found is None:
        return absent("detection-delay", "nothing was scored")
    where, quality = found
    table = delays_table(quality)
    interval_s = result.quality_cell.interval_s or result.scenario.interval_s
    told = [f"{row['of']} {row['median_s'] / 60:.1f} min" for row in table.drop_nulls("median_s").iter_rows(named=True)]
    alt = f"Time to detection in event time, by rule, from {where}; median {words.first_of(told) or 'not known'}."
    known = table.filter(pl.col("events") > 0)
    figure = drawn("detection-delay", alt, known, lambda: delay_dots(table, interval_s), "no rule had an event to find")
    return Drawn(figure.name, figure.alt, figure.png, table, figure.absent)


def day(run: StoredRun) -> Drawn:
    """``sensor-day``: one sensor's window, with what became of its alerts."""
    found = sensor_day(run)
    if found is None:
        return absent("sensor-day", why(run, ("stream/", "alerts"), "no sensor has an alert"))
    data = found.readings.with_columns(pl.col("fired").list.join(", "))
    return drawn("sensor-day", _day_alt(found), data, lambda: day_figure(found), "")


def _day_alt(found: SensorDay) -> str:
    counts = found.outcomes.group_by("rule", "outcome").len().sort("rule", "outcome")
    rows = counts.iter_rows(named=True)
    told = [f"{row['rule']} {row['outcome']} {words.plural(row['len'], 'time')}" for row in rows]
    faults = words.joined([f"{row['kind']} at {row['start_h']:.1f} h" for row in found.faults.iter_rows(named=True)])
    text = f"Five channels of sensor {found.sensor_id} over {found.hours:g} h of event time. "
    text += f"Alerts and missed hazards: {words.joined(told)}."
    return text + (f" Injected faults: {faults}." if faults else " It had no injected fault.")


def field(run: StoredRun) -> Drawn:
    """``field-map``: the sensors in their place, with weather, rain and faults."""
    found = field_map(run)
    if found is None:
        return absent("field-map", why(run, _FIELD, "no cell has ended"))
    return drawn("field-map", field_words(found), found.sensors, lambda: field_panels(found), "no sensor has truth")


def repeats(result: Result) -> Drawn:
    """``repeat-spread``: how far the repeats of a point lie from their mean."""
    table = repeats_table(result)
    ends = table.group_by("metric", maintain_order=True).agg(((pl.col("of_mean") - 1).abs().max()).alias("most"))
    told = [f"{row['metric']} by up to {words.share(row['most'])}" for row in ends.iter_rows(named=True)]
    alt = f"Each repeat of every point against the mean of its point; they differ in {words.joined(told)}."
    data = table.drop("status", "variant")
    why_not = "no cell was measured more than once (--repeats 3 does)"
    return drawn("repeat-spread", alt, data, lambda: repeat_dots(table), why_not)


def change_of(change: Change) -> Drawn:
    """``change``: this run over the baseline, metric by metric, with intervals."""
    table = change_table(change)
    alt = f"Forest plot of this run over the baseline {change.baseline.run.id}, metric by metric. {change.headline}."
    return drawn("change", alt, table, lambda: change_forest(table), "no metric of the two can be compared")
