"""The figures of a report: each drawn once, with the table it shows, its text and its file name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl
from matplotlib.figure import Figure

from reports import style, tables, words
from reports.draw_bars import budget_bars, cpu_bars
from reports.draw_heat import heat_maps
from reports.draw_time import day_figure, latency_over_time
from reports.over_time import latency_over_time as seconds_of
from reports.sensor_day import SensorDay, sensor_day
from reports.stored import StoredRun


@dataclass(frozen=True)
class Drawn:
    """One figure of the report, or, where ``png`` is None, why it could not be drawn."""

    #: Also the name of its file below ``figures/``.
    name: str
    #: What a reader who does not see the figure is told.
    alt: str
    png: bytes | None
    data: pl.DataFrame
    absent: str | None = None


def draw_all(run: StoredRun) -> dict[str, Drawn]:
    """Every figure of the report by name; one that cannot be drawn has a reason instead of pixels."""
    return {drawn.name: drawn for drawn in (_heat(run), _over_time(run), _budget(run), _cpu(run), _day(run))}


def _drawn(name: str, alt: str, data: pl.DataFrame, draw: Callable[[], Figure], absent: str) -> Drawn:
    if data.is_empty():
        return Drawn(name, alt, None, data, absent)
    return Drawn(name, alt, style.png(draw()), data)


def _heat(run: StoredRun) -> Drawn:
    maps = {metric: tables.heat_table(run.result, metric) for metric in tables.HEAT_METRICS}
    data = pl.concat([table.select(pl.lit(metric).alias("metric"), pl.all()) for metric, table in maps.items()])
    alt = "Heat maps of trigger by partitions: median and 99th percentile of the latency, share seen within 1 s. "
    alt += "The numbers are in the matrix table."
    return _drawn("heat-maps", alt, data, lambda: heat_maps(maps), "no cell has ended")


def _over_time(run: StoredRun) -> Drawn:
    seconds, boundaries, stills = seconds_of(run)
    alt = "Latency over the seconds of the window, on a logarithmic scale, for every cell: "
    alt += words.joined([_range(name, cell) for (name,), cell in seconds.group_by("cell", maintain_order=True)]) + "."
    data = seconds.drop("status", "variant")
    draw = lambda: latency_over_time(seconds, boundaries, stills)  # noqa: E731 - drawn only if there is anything
    return _drawn("latency-over-time", alt, data, draw, _why(run, ("stream/schedule", "stamps"), "no cell has stamps"))


def _range(name: object, cell: pl.DataFrame) -> str:
    low, high = cell["max_ms"].min(), cell["max_ms"].max()
    if not isinstance(low, float) or not isinstance(high, float):
        return f"{name} saw none"
    return f"{name} has its slowest alert of a second between {words.ms(low)} and {words.ms(high)}"


def _budget(run: StoredRun) -> Drawn:
    budget = tables.budget_table(run.result)
    data = budget.select("cell", "stage", "mean_ms")
    known = budget.drop_nulls("mean_ms")
    alt = "Stacked bars of the mean time an alert spends in each stage, for every cell."
    drawn = _drawn("latency-budget", alt, known, lambda: budget_bars(budget), "no cell has a latency budget")
    return Drawn(drawn.name, drawn.alt, drawn.png, data, drawn.absent)


def _cpu(run: StoredRun) -> Drawn:
    resources = tables.resources_table(run.result)
    data = resources.select("cell", "process", "cores", "cpu_s", "cpu_s_per_million", "rss_bytes")
    alt = "Stacked bars of the cores that each process used, for every cell."
    draw = lambda: cpu_bars(resources, run.result.env.cores)  # noqa: E731 - drawn only if there is anything
    return _drawn("cpu-by-process", alt, data, draw, "no cell has measured its processes")


def _day(run: StoredRun) -> Drawn:
    day = sensor_day(run)
    if day is None:
        absent = _why(run, ("stream/", "alerts"), "no sensor has an alert")
        return Drawn("sensor-day", "", None, pl.DataFrame(), absent)
    data = day.readings.with_columns(pl.col("fired").list.join(", "))
    return _drawn("sensor-day", _day_alt(day), data, lambda: day_figure(day), "")


def _day_alt(day: SensorDay) -> str:
    rules = day.alerts.group_by("rule").agg(times=pl.len()).sort("rule")
    alerts = words.joined([f"{row['rule']} {row['times']} times" for row in rules.iter_rows(named=True)])
    faults = words.joined([f"{row['kind']} at {row['start_h']:.1f} h" for row in day.faults.iter_rows(named=True)])
    text = f"Five channels of sensor {day.sensor_id} over {day.hours:g} h of event time. Alerted: {alerts}."
    return text + (f" Injected faults: {faults}." if faults else " It had no injected fault.")


def _why(run: StoredRun, parts: tuple[str, ...], otherwise: str) -> str:
    return "; ".join(_matching(run, parts)) or otherwise


def _matching(run: StoredRun, parts: tuple[str, ...]) -> Iterator[str]:
    for name, reason in sorted(run.absent.items()):
        if any(part in name for part in parts):
            yield f"{name} {reason}"
