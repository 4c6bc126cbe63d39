"""Load second by second: what was offered and processed, and beside it what waits."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports import panels, style

#: The load is the same whatever the cell: a broad pale line behind those of the cells.
_OFFERED: Final[dict[str, Any]] = {"color": style.faded(style.MUTED), "linewidth": 3}


def throughput_over_time(seconds: pl.DataFrame) -> Figure:
    """Two panels a trigger and variant: rates on the left, the backlog on the right, each on a scale of its own.

    ``seconds``: `throughput.throughput_over_time`.
    """
    shown = panels.by_trigger(seconds)
    titles = [f"{title} · {what}" for title in shown for what in ("readings/s", "readings that wait")]
    with style.styled():
        figure, grid = panels.small_multiples(titles, columns=2, height=1.5, sharex=True)
        for (rates, backlog), here in zip(zip(grid[::2], grid[1::2], strict=True), shown.values(), strict=True):
            for cell in here.partition_by("cell", maintain_order=True):
                look = panels.line_of(cell["partitions"][0], cell["verdict"][0]) | {"marker": ""}
                rates.stairs(cell["offered_per_s"], _edges(cell), baseline=None, **_OFFERED)
                rates.plot(cell["second"] + 0.5, cell["processed_per_s"], **look)
                backlog.plot(cell["second"] + 1, cell["backlog"], **look)
            for axes in (rates, backlog):
                panels.shade_unscored(axes, here)
                _counts_axis(axes)
        panels.seconds_axis(figure, grid, seconds)
        figure.legend(handles=_legend(seconds), loc="outside upper left", ncols=6)
    return figure


def _edges(cell: pl.DataFrame) -> list[int]:
    seconds = cell["second"].to_list()
    return [*seconds, seconds[-1] + 1]


def _counts_axis(axes: Axes) -> None:
    # From a little below zero, so that a line at zero is no part of the frame, to one reading at least.
    top = max(axes.get_ylim()[1], 1.0)
    axes.set_ylim(-0.05 * top, top)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _legend(seconds: pl.DataFrame) -> list[Artist]:
    offered = Line2D([], [], label="offered", **_OFFERED)
    return [offered, *panels.partitions_legend(seconds), *panels.unscored_legend(seconds)]
