"""How repeats scatter: a dot a repeat, a row a point of the matrix, on the band of the machine's noise."""

from __future__ import annotations

from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from reports import panels, style, words

#: Metric -> the title of its panel.
_TITLES = {"p50": "p50 of due to seen", "p99": "p99 of due to seen", "drain": "drain rate", "CPU": "CPU per reading"}
#: What tells the points of a matrix apart.
_KEYS = ("variant", "trigger", "partitions")
#: An axis spans so much to each side at least: what hardly scatters shall look so.
_LEAST = 0.05


def repeat_dots(repeats: pl.DataFrame) -> Figure:
    """Each repeat over the mean of its point; ``repeats``: `repeats.repeats_table`. All panels share their scale."""
    points = repeats.select(_KEYS).unique(maintain_order=True).rows()
    metrics = repeats["metric"].unique(maintain_order=True).to_list()
    ends = pl.concat([repeats["of_mean"], repeats["noise_low"], repeats["noise_high"]]).drop_nulls()
    widest = max(_LEAST, *(abs(value - 1) for value in ends)) * 1.12
    with style.styled():
        figure = style.new_figure(style.WIDTH, 1.35 + 0.3 * len(points))
        grid = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for metric, axes in zip(metrics, grid, strict=True):
            axes.set_title(_TITLES.get(metric, metric))
            panels.percent_change_axis(axes, (1 - widest, 1 + widest), ticks=4)
            axes.grid(visible=False, axis="y")
            for y, point in enumerate(points):
                _point(axes, repeats.filter(metric=metric, **dict(zip(_KEYS, point, strict=True))), y)
        grid[0].set_yticks(range(len(points)), _names(points))
        grid[0].set_ylim(len(points) - 0.4, -0.6)
        figure.supxlabel("difference from the mean of the point’s repeats (%)", fontsize=9)
        figure.legend(handles=_legend(repeats), loc="outside upper left", ncols=3)
    return figure


def _names(points: list[tuple[str, str, int]]) -> list[str]:
    several = len({variant for variant, _, _ in points}) > 1
    names = []
    for variant, trigger, partitions in points:
        name = f"{trigger} · {words.plural(partitions, 'partition')}"
        names.append(f"{name} · {variant}" if several else name)
    return names


def _point(axes: Axes, rows: pl.DataFrame, y: int) -> None:
    if rows.is_empty():
        return
    low, high = rows["noise_low"][0], rows["noise_high"][0]
    if low is not None:
        axes.barh(y, high - low, left=low, height=0.8, color=style.MARGINAL, alpha=0.45, linewidth=0, zorder=0)
    axes.plot([1, 1], [y - 0.4, y + 0.4], color=style.MUTED, linewidth=1)
    for of_mean, verdict in rows.select("of_mean", "verdict").iter_rows():
        fill = style.BLUE if verdict == "valid" else "none"
        axes.plot(of_mean, y, "o", color=style.BLUE, markerfacecolor=fill, markersize=6, alpha=0.8)


def _legend(repeats: pl.DataFrame) -> list[Line2D | Patch]:
    dot: dict[str, Any] = {"marker": "o", "linestyle": "", "color": style.BLUE, "markersize": 6}
    handles: list[Line2D | Patch] = [Line2D([], [], label="a repeat", **dot)]
    if (repeats["verdict"] != "valid").any():
        handles.append(Line2D([], [], markerfacecolor="none", label="a repeat that is not valid", **dot))
    if repeats["noise_low"].count():
        label = "the machine’s noise: 95 % of repeats"
        handles.append(Patch(facecolor=style.MARGINAL, alpha=0.45, label=label))
    return handles
