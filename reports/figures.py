"""The figures of a report: each drawn once, with the table it shows, its text and its file name."""

from __future__ import annotations

import polars as pl

from reports import speed_figures, tables, words
from reports.draw_bars import budget_bars, cpu_bars
from reports.draw_time import day_figure
from reports.drawn import Drawn, drawn, why
from reports.measured import measured_cells
from reports.sensor_day import SensorDay, sensor_day
from reports.stored import StoredRun


def draw_all(run: StoredRun) -> dict[str, Drawn]:
    """Every figure of the report by name; one that cannot be drawn has a reason instead of pixels."""
    cells = list(measured_cells(run))
    figures = [
        speed_figures.heat(run.result),
        speed_figures.percentiles(run, cells),
        speed_figures.cumulative(run, cells),
        speed_figures.over_time(run, cells),
        _budget(run),
        speed_figures.throughput(run, cells),
        speed_figures.batches(run.result),
        speed_figures.trade(run.result),
        _cpu(run),
        _day(run),
    ]
    return {figure.name: figure for figure in figures}


def _budget(run: StoredRun) -> Drawn:
    budget = tables.budget_table(run.result)
    data = budget.select("cell", "stage", "mean_ms")
    known = budget.drop_nulls("mean_ms")
    alt = "Stacked bars of the mean time an alert spends in each stage, for every cell."
    figure = drawn("latency-budget", alt, known, lambda: budget_bars(budget), "no cell has a latency budget")
    return Drawn(figure.name, figure.alt, figure.png, data, figure.absent)


def _cpu(run: StoredRun) -> Drawn:
    resources = tables.resources_table(run.result)
    data = resources.select("cell", "process", "cores", "cpu_s", "cpu_s_per_million", "rss_bytes")
    alt = "Stacked bars of the cores that each process used, for every cell."
    draw = lambda: cpu_bars(resources, run.result.env.cores)  # noqa: E731 - drawn only if there is anything
    return drawn("cpu-by-process", alt, data, draw, "no cell has measured its processes")


def _day(run: StoredRun) -> Drawn:
    day = sensor_day(run)
    if day is None:
        absent = why(run, ("stream/", "alerts"), "no sensor has an alert")
        return Drawn("sensor-day", "", None, pl.DataFrame(), absent)
    data = day.readings.with_columns(pl.col("fired").list.join(", "))
    return drawn("sensor-day", _day_alt(day), data, lambda: day_figure(day), "")


def _day_alt(day: SensorDay) -> str:
    rules = day.alerts.group_by("rule").agg(times=pl.len()).sort("rule")
    alerts = words.joined([f"{row['rule']} {row['times']} times" for row in rules.iter_rows(named=True)])
    faults = words.joined([f"{row['kind']} at {row['start_h']:.1f} h" for row in day.faults.iter_rows(named=True)])
    text = f"Five channels of sensor {day.sensor_id} over {day.hours:g} h of event time. Alerted: {alerts}."
    return text + (f" Injected faults: {faults}." if faults else " It had no injected fault.")
