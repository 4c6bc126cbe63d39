"""The change against a baseline: a forest plot, a panel a metric and a row a cell."""

from __future__ import annotations

from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import panels, style

#: Metric, as `bench.compare` labels it -> the title of its panel.
_TITLES = {
    "p50": "p50 of due to seen",
    "p99": "p99 of due to seen",
    "batch": "batch time",
    "drain": "drain rate (more is better)",
    "CPU": "CPU per reading",
    "stall": "boundary stall",
}
#: Outcome -> colour, whether its dot is filled, and what the legend says.
_LOOKS = {
    "better": (style.GREEN, True, "better"),
    "worse": (style.VERMILION, True, "worse"),
    "unchanged": (style.BLUE, True, "no change shown"),
    "shown": (style.MUTED, False, "shown only"),
    "untold": (style.MUTED, False, "cannot be told"),
}
#: An axis spans so much to each side of no change at least.
_LEAST = 0.1


def change_forest(changes: pl.DataFrame) -> Figure:
    """Ratio to the baseline with its 95 % interval; ``changes``: `change.change_table`. Panels have own scales."""
    cells = changes["cell"].unique(maintain_order=True).to_list()
    metrics = changes["metric"].unique(maintain_order=True).to_list()
    metrics.sort(key=lambda name: list(_TITLES).index(name) if name in _TITLES else len(_TITLES))
    with style.styled():
        titles = [_TITLES.get(name, name) for name in metrics]
        figure, grid = panels.small_multiples(titles, columns=3, height=0.75 + 0.27 * len(cells), sharey=True)
        for metric, axes in zip(metrics, grid, strict=True):
            _panel(axes, changes.filter(metric=metric), cells)
        for axes in grid[::3]:
            axes.set_yticks(range(len(cells)), cells)
        grid[0].set_ylim(len(cells) - 0.4, -0.6)
        figure.supxlabel("this run against the baseline (%)", fontsize=9)
        shown = [name for name in _LOOKS if name in changes["outcome"]]
        handles = [Line2D([], [], marker="o", linestyle="", label=_LOOKS[name][2], **_dot(name)) for name in shown]
        figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure


def _panel(axes: Axes, rows: pl.DataFrame, cells: list[str]) -> None:
    axes.axvline(1.0, color=style.INK, linewidth=1)
    axes.grid(visible=False, axis="y")
    for row in rows.iter_rows(named=True):
        y, look = cells.index(row["cell"]), _dot(row["outcome"])
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [y, y], color=look["color"], linewidth=1.6)
        axes.plot(row["ratio"], y, "o", **look)
    ends = pl.concat([rows["ratio"], rows["low"], rows["high"]]).drop_nulls()
    widest = 1.1 * max(_LEAST, *(abs(value - 1) for value in ends))
    panels.percent_change_axis(axes, (max(1 - widest, -0.02), 1 + widest), ticks=5)


def _dot(outcome: str) -> dict[str, Any]:
    colour, filled, _ = _LOOKS[outcome]
    return {"color": colour, "markerfacecolor": colour if filled else style.PAPER, "markersize": 6}
