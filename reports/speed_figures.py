"""The figures of latency and throughput, each with the table it shows and its text."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from bench.records import Result
from reports import curves, points, tables, words
from reports.draw_curves import cumulative_curves, percentile_curves
from reports.draw_heat import heat_maps
from reports.draw_throughput import throughput_over_time
from reports.draw_time import latency_over_time
from reports.draw_trade import batch_times, trade_off
from reports.drawn import Drawn, drawn, why
from reports.measured import Measured
from reports.over_time import latency_over_time as seconds_of
from reports.stored import StoredRun
from reports.throughput import throughput_over_time as rates_of

#: The files without which a figure over stamps cannot be drawn.
_STAMPS = ("stream/schedule", "stamps")
_NO_STAMPS = "no cell has enough beacons in its window"


def heat(result: Result) -> Drawn:
    """``heat-maps``: trigger x partitions, a map a metric that the run has."""
    maps = points.metric_tables(result, points.HEAT_METRICS)
    names = words.joined([points.HEAT_METRICS[name].title for name in maps])
    alt = f"Heat maps of trigger by partitions: {names}. Repeats are pooled by the median."
    return drawn("heat-maps", alt, points.one_table(maps), lambda: heat_maps(maps), "no cell has been measured")


def percentiles(run: StoredRun, cells: Sequence[Measured]) -> Drawn:
    """``latency-percentiles``: due to seen on an axis of nines."""
    table = curves.percentiles_table(run.result, cells)
    ends = table.drop_nulls("ms").group_by("variant", "trigger", "partitions", maintain_order=True).last()
    told = [f"{_point(row)} {words.ms(row['ms'])} at {row['percentile']:g} %" for row in ends.iter_rows(named=True)]
    alt = f"Percentiles of due to seen, a line a point of the matrix, up to {words.first_of(told)}."
    return drawn("latency-percentiles", alt, table, lambda: percentile_curves(table), why(run, _STAMPS, _NO_STAMPS))


def cumulative(run: StoredRun, cells: Sequence[Measured]) -> Drawn:
    """``latency-cdf``: the share of alerts seen within any time."""
    table = curves.cumulative_table(run.result, cells)
    ends = table.group_by("variant", "trigger", "partitions", maintain_order=True).last()
    told = [f"{_point(row)} {words.share(row['share'])} at {words.ms(row['ms'])}" for row in ends.iter_rows(named=True)]
    alt = f"Cumulative share of the alerts by due to seen, a line a point, up to {words.first_of(told)}."
    return drawn("latency-cdf", alt, table, lambda: cumulative_curves(table), why(run, _STAMPS, _NO_STAMPS))


def over_time(run: StoredRun, cells: Sequence[Measured]) -> Drawn:
    """``latency-over-time``: due to seen second by second, with what stood still."""
    seconds, boundaries, stills = seconds_of(run, cells)
    scored = seconds.filter(phase="window")
    ranges = [_range(name, cell) for (name,), cell in scored.group_by("cell", maintain_order=True)]
    alt = f"Latency over the seconds of every cell, on a logarithmic scale: {words.first_of(ranges)}."
    data = seconds.drop("status", "variant")
    draw = lambda: latency_over_time(seconds, boundaries, stills)  # noqa: E731 - drawn only if there is anything
    return drawn("latency-over-time", alt, data, draw, why(run, _STAMPS, _NO_STAMPS))


def throughput(run: StoredRun, cells: Sequence[Measured]) -> Drawn:
    """``throughput-over-time``: readings offered and processed, and the backlog, second by second."""
    seconds = rates_of(run, cells)
    most = seconds.filter(phase="window").group_by("cell", maintain_order=True).agg(pl.col("backlog").max())
    told = [f"{words.count(row['backlog'])} in {row['cell']}" for row in most.iter_rows(named=True)]
    alt = f"Readings offered and processed in every second, and how many waited, at most: {words.first_of(told)}."
    data = seconds.select("cell", "second", "phase", "offered_per_s", "processed_per_s", "backlog")
    absent = why(run, (*_STAMPS, "deliveries.bin"), _NO_STAMPS)
    return drawn("throughput-over-time", alt, data, lambda: throughput_over_time(seconds), absent)


def batches(result: Result) -> Drawn:
    """``batch-time``: how long a batch takes, against how often one may begin."""
    table = tables.batch_table(result)
    told = [f"{words.ms(row['p50_ms'])} in {row['cell']}" for row in table.iter_rows(named=True)]
    alt = f"Batch time over trigger interval, with the line on which they are equal; p50 {words.first_of(told)}."
    data = table.select("cell", "trigger", "verdict", "batches", "n", "p50_ms", "p99_ms", "max_ms")
    return drawn("batch-time", alt, data, lambda: batch_times(table), "no cell has measured micro-batches")


def trade(result: Result) -> Drawn:
    """``trade-off``: what a trigger interval buys and costs, of the variants that were measured at several."""
    maps = points.with_several_triggers(points.metric_tables(result, points.TRADE_METRICS))
    names = words.joined([points.TRADE_METRICS[name].title for name in maps])
    alt = f"Over the trigger interval, a line for every number of partitions: {names}."
    absent = "fewer than two triggers were measured"
    return drawn("trade-off", alt, points.one_table(maps), lambda: trade_off(maps), absent)


def _point(row: dict[str, object]) -> str:
    return f"{row['trigger']} x {row['partitions']} ({row['variant']})"


def _range(name: object, cell: pl.DataFrame) -> str:
    low, high = cell["max_ms"].min(), cell["max_ms"].max()
    if not isinstance(low, float) or not isinstance(high, float):
        return f"{name} saw none"
    return f"{name} has its slowest alert of a second between {words.ms(low)} and {words.ms(high)}"
