"""Latency second by second, and one sensor's window: what runs along a time axis."""

from __future__ import annotations

import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import panels, style

#: What stood still -> its marker, and what the legend says.
_STILLS = {
    "gc": ("x", "a JVM collected garbage"),
    "jvm": ("1", "a JVM stood still otherwise"),
    "machine": ("+", "the machine hiccuped"),
}


def latency_over_time(seconds: pl.DataFrame, boundaries: pl.DataFrame, stills: pl.DataFrame) -> Figure:
    """Median (line) and slowest (dots) alert of each second, one panel a trigger and variant, log axis.

    ``seconds``, ``boundaries``, ``stills``: `over_time.latency_over_time`. All panels share both axes.
    """
    shown = panels.by_trigger(seconds)
    columns = 1 if len(shown) <= 4 else 2
    limits = panels.log_limits(seconds["p50_ms"], seconds["max_ms"], stills["ms"])
    with style.styled():
        figure, grid = panels.small_multiples(list(shown), columns=columns, height=1.75, sharex=True, sharey=True)
        for here, axes in zip(shown.values(), grid, strict=True):
            cells = here.select("cell", "partitions").unique(maintain_order=True)
            for cell in here.partition_by("cell", maintain_order=True):
                _over_time(axes, cell)
            for mark in boundaries.join(cells, on=["cell", "partitions"]).iter_rows(named=True):
                axes.axvline(mark["at_s"], color=style.of_partitions(mark["partitions"])[0], linewidth=1, linestyle=":")
            for (what,), marks in stills.join(cells, on=["cell", "partitions"]).group_by("what", maintain_order=True):
                marker = _STILLS[str(what)][0]
                axes.plot(marks["at_s"], marks["ms"], marker, color=style.INK, markersize=4, alpha=0.6)
            panels.shade_unscored(axes, here)
            panels.log_ms(axes, "y", limits)
        panels.seconds_axis(figure, grid, seconds)
        figure.supylabel("due to seen", fontsize=9)
        figure.legend(handles=_over_time_legend(seconds, boundaries, stills), loc="outside upper left", ncols=5)
    return figure


def _over_time(axes: Axes, cell: pl.DataFrame) -> None:
    look = panels.line_of(cell["partitions"][0], cell["verdict"][0])
    middle = cell["second"] + 0.5
    axes.plot(middle, cell["p50_ms"], **(look | {"marker": ""}))
    axes.plot(middle, cell["max_ms"], **(look | {"linestyle": "", "markersize": 3.5, "alpha": 0.75}))


def _over_time_legend(seconds: pl.DataFrame, boundaries: pl.DataFrame, stills: pl.DataFrame) -> list[Artist]:
    handles: list[Artist] = [*panels.partitions_legend(seconds)]
    handles.append(Line2D([], [], color=style.INK, label="median of the second"))
    handles.append(Line2D([], [], color=style.INK, marker="o", linestyle="", label="its slowest alert"))
    if len(boundaries):
        handles.append(Line2D([], [], color=style.INK, linestyle=":", label="a real-time batch ends"))
    for what, (marker, label) in _STILLS.items():
        if what in stills["what"]:
            handles.append(Line2D([], [], color=style.INK, marker=marker, linestyle="", alpha=0.6, label=label))
    return handles + panels.unscored_legend(seconds)
