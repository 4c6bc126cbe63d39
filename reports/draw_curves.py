"""Curves of a latency's whole distribution: percentiles on an axis of nines, and the cumulative share."""

from __future__ import annotations

import math
from typing import Any, Final

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from reports import panels, style

#: The percentiles that are named, and marked on the curves.
_NAMED: Final = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99)


def percentile_curves(table: pl.DataFrame) -> Figure:
    """A panel a trigger and variant, a line a number of partitions; both axes are shared.

    ``table``: `curves.percentiles_table`. The x axis, -log10(1 - q), has as much room for each further nine.
    """
    with style.styled():
        figure, lines = _lines(table, height=2.3)
        for axes, line, look in lines:
            marked = [index for index, value in enumerate(line["percentile"]) if value in _NAMED]
            axes.plot([_nines(value) for value in line["percentile"]], line["ms"], markevery=marked, **look)
        panels.log_ms(figure.axes[0], "y", panels.log_limits(table["ms"]))
        _nines_axis(figure.axes[0], table)
        figure.supxlabel("percentile of due to seen (%), nines evenly spaced", fontsize=9)
        figure.supylabel("due to seen", fontsize=9)
    return figure


def cumulative_curves(table: pl.DataFrame) -> Figure:
    """A panel a trigger and variant, a line a number of partitions; both axes are shared.

    ``table``: `curves.cumulative_table`. A line that ends below 100 % is one that misses alerts.
    """
    with style.styled():
        figure, lines = _lines(table, height=2.1)
        for axes, line, look in lines:
            axes.plot(line["ms"], 100 * line["share"], markevery=0.25, **look)
        first = figure.axes[0]
        panels.log_ms(first, "x", panels.log_limits(table["ms"]), ticks=5)
        first.set_ylim(-3, 103)
        first.yaxis.set_major_locator(MultipleLocator(25))
        figure.supxlabel("due to seen", fontsize=9)
        figure.supylabel("alerts seen within that time (%)", fontsize=9)
    return figure


def _lines(table: pl.DataFrame, *, height: float) -> tuple[Figure, list[tuple[Axes, pl.DataFrame, dict[str, Any]]]]:
    """The figure with its panels and legend, and every line to draw: where, its rows, and how it looks."""
    shown = panels.by_trigger(table)
    titles = [f"{title} · {_samples(rows)}" for title, rows in shown.items()]
    figure, grid = panels.small_multiples(titles, columns=3, height=height, sharex=True, sharey=True)
    figure.legend(handles=panels.partitions_legend(table), loc="outside upper left", ncols=8)
    lines = [
        (axes, line, panels.line_of(line["partitions"][0], line["verdict"][0]))
        for rows, axes in zip(shown.values(), grid, strict=True)
        for line in rows.partition_by("partitions", maintain_order=True)
    ]
    return figure, lines


def _samples(table: pl.DataFrame) -> str:
    """How many samples stand behind each of the curves in ``table``: ``n = 1,440``, ``n = 1,440 to 4,320``."""
    counts = sorted(set(table["n"]))
    told = "n = " + " to ".join(f"{count:,}" for count in dict.fromkeys((counts[0], counts[-1])))
    # One word: no line of a title ends within it.
    return told.replace(" ", "\u00a0")


def _nines(percentile: float) -> float:
    return -math.log10(1 - percentile / 100)


def _nines_axis(axes: Axes, table: pl.DataFrame) -> None:
    """Name those of `_NAMED` that any curve reaches."""
    reached = max(table["percentile"])
    named = [percentile for percentile in _NAMED if percentile <= reached]
    axes.set_xticks([_nines(percentile) for percentile in named], [f"{percentile:g}" for percentile in named])
    axes.set_xlim(-0.05, _nines(reached) + 0.1)
