"""What a trigger interval buys and costs: recall, latency, CPU and drain rate, and the time that a batch takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from reports import panels, style
from reports.points import TRADE_METRICS, Metric

#: Panels in a row: the names of triggers need room.
_COLUMNS = 2

#: Points of different numbers of partitions at the same trigger stand so far apart, in decades.
_APART = 0.06


def trade_off(tables: Mapping[str, pl.DataFrame]) -> Figure:
    """A panel a metric and variant over the trigger interval, a line a number of partitions through its valid points.

    ``tables``: `points.metric_tables` of `TRADE_METRICS`. Real-time mode stands at the left end of the axis.
    """
    first = next(iter(tables.values()))
    variants = first["variant"].unique(maintain_order=True).to_list()
    places = panels.trigger_places(first["trigger"].unique(maintain_order=True).to_list())
    titles, shown = panels.blocks(variants, {name: TRADE_METRICS[name].title for name in tables}, _COLUMNS)
    with style.styled():
        figure, grid = panels.small_multiples(titles, columns=_COLUMNS, height=1.6, sharex=True)
        for (variant, name), axes in zip(shown, grid, strict=True):
            for points in tables[name].filter(variant=variant).partition_by("partitions", maintain_order=True):
                _line(axes, points, places)
            _value_axis(axes, TRADE_METRICS[name], tables[name])
        _trigger_axis(grid[0], places)
        figure.supxlabel("trigger interval (log scale; real-time mode has none)", fontsize=9)
        figure.legend(handles=_legend(pl.concat(tables.values())), loc="outside upper left", ncols=8)
    return figure


def _line(axes: Axes, points: pl.DataFrame, places: Mapping[str, float]) -> None:
    here = points.with_columns(x=pl.col("trigger").replace_strict(places, return_dtype=pl.Float64)).sort("x")
    valid, doubtful = here.drop_nulls("value"), here.drop_nulls("doubtful")
    partitions = points["partitions"][0]
    axes.plot(valid["x"], valid["value"], **panels.line_of(partitions, "valid"))
    axes.plot(doubtful["x"], doubtful["doubtful"], **(panels.line_of(partitions, "invalid") | {"linestyle": ""}))


def _value_axis(axes: Axes, metric: Metric, table: pl.DataFrame) -> None:
    """One scale for all panels of a metric: logarithmic for times, from zero on for everything else."""
    if metric.unit == "ms":
        panels.log_ms(axes, "y", panels.log_limits(table["value"], table["doubtful"]), ticks=6)
        return
    if metric.unit == "share":
        axes.set_ylim(-0.05, 1.1)
        axes.yaxis.set_major_locator(MultipleLocator(0.25))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
        return
    axes.set_ylim(0, 1.15 * max([*table["value"].drop_nulls(), *table["doubtful"].drop_nulls()], default=1.0))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def batch_times(table: pl.DataFrame) -> Figure:
    """p50 (marker) and p99 (end of its whisker) of batch time over the trigger interval, a panel a variant; log axes.

    ``table``: `tables.batch_table`. Where a batch takes longer than the trigger's interval, the next one is late.
    """
    variants = {str(variant): rows for (variant,), rows in table.group_by("variant", maintain_order=True)}
    places = panels.trigger_places(table["trigger"].unique(maintain_order=True).to_list())
    counts = sorted(set(table["partitions"]))
    intervals_ms = [1000 * seconds for name in places if (seconds := panels.interval_s(name))]
    limits = panels.log_limits(table["p50_ms"], table["p99_ms"], pl.Series(intervals_ms, dtype=pl.Float64))
    with style.styled():
        titles = [panels.title("batch time", variant, list(variants)) for variant in variants]
        figure, grid = panels.small_multiples(titles, columns=_COLUMNS, height=2.8, sharex=True, sharey=True)
        for rows, axes in zip(variants.values(), grid, strict=True):
            for row in rows.iter_rows(named=True):
                x = places[row["trigger"]] + _APART * (counts.index(row["partitions"]) - (len(counts) - 1) / 2)
                _batch_time(axes, x, row)
            _keeping_up(axes, intervals_ms, limits[1])
            panels.log_ms(axes, "y", limits)
        _trigger_axis(grid[0], places)
        figure.supxlabel("trigger interval (log scale)", fontsize=9)
        figure.legend(handles=[*_legend(table), *_batch_legend()], loc="outside upper left", ncols=6)
    return figure


def _batch_time(axes: Axes, x: float, row: Mapping[str, Any]) -> None:
    look = panels.line_of(row["partitions"], row["verdict"])
    axes.plot([x], [row["p50_ms"]], **look)
    if row["p99_ms"] is not None:
        axes.plot([x, x], [row["p50_ms"], row["p99_ms"]], **(look | {"marker": "", "linewidth": 1.2}))
        axes.plot([x], [row["p99_ms"]], **(look | {"marker": "_", "markersize": 7}))


def _keeping_up(axes: Axes, intervals_ms: Sequence[float], top_ms: float) -> None:
    """The line on which a batch takes as long as the trigger's interval, and the ground above it."""
    if intervals_ms:
        ends_ms = [min(intervals_ms) / 2.5, max(intervals_ms) * 3]
        places = [math.log10(end / 1000) for end in ends_ms]
        axes.plot(places, ends_ms, color=style.INK, linewidth=1, linestyle=":")
        axes.fill_between(places, ends_ms, max(top_ms, *ends_ms), color=style.DOUBT, linewidth=0, zorder=0)


def _batch_legend() -> list[Artist]:
    return [
        Line2D([], [], color=style.INK, marker="o", linestyle="", label="p50"),
        Line2D([], [], color=style.INK, marker="_", markersize=7, linestyle="", label="p99"),
        Line2D([], [], color=style.INK, linewidth=1, linestyle=":", label="batch time = trigger interval"),
        Patch(facecolor=style.DOUBT, label="longer: the next batch is late"),
    ]


def _trigger_axis(axes: Axes, places: Mapping[str, float]) -> None:
    axes.set_xticks(list(places.values()), list(places))
    axes.set_xlim(min(places.values()) - 0.5, max(places.values()) + 0.5)


def _legend(table: pl.DataFrame) -> Sequence[Line2D]:
    return panels.partitions_legend(table.filter(pl.col("verdict").is_in(["valid", "invalid", "inconclusive"])))
