"""Heat maps of the matrix: numbers in coloured points, and hatched ones that may not be read as numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports import panels, style, words
from reports.points import HEAT_METRICS, SAYS, Metric

#: A map has room for so many partition counts if it shares its row with two others.
_SIDE_BY_SIDE = 12


def heat_maps(tables: Mapping[str, pl.DataFrame]) -> Figure:
    """A heat map a metric, at most three a row, and a block of rows a variant; ``tables``: `points.metric_tables`.

    Only valid points are coloured; the colours of all times share one logarithmic scale.
    """
    several = next(iter(tables.values()))["variant"].n_unique() > 1
    shown = {name: _run(table) for name, table in tables.items()} if several else tables
    points = next(iter(shown.values()))
    variants = points["variant"].unique(maintain_order=True).to_list()
    partitions = points["partitions"].n_unique()
    columns = max(1, min(3, len(shown), _SIDE_BY_SIDE // partitions))
    titles, maps = panels.blocks(variants, {name: HEAT_METRICS[name].title for name in shown}, columns)
    scales = _scales(shown)
    with style.styled():
        heights = _heights(points, rows=math.ceil(len(shown) / columns))
        figure, grid = panels.small_multiples(titles, columns=columns, height=heights)
        width_in = 0.9 * (style.WIDTH - 0.8) / columns / partitions
        for (variant, name), axes in zip(maps, grid, strict=True):
            _heat(axes, shown[name].filter(variant=variant), HEAT_METRICS[name], scales[name], width_in)
            if list(shown).index(name) % columns:
                axes.tick_params(labelleft=False)
        figure.supxlabel("partitions of the source topic", fontsize=9)
    return figure


def _heights(points: pl.DataFrame, *, rows: int) -> list[float]:
    """Inches of every row of maps: each variant has so many ``rows``, with room for its triggers and the titles."""
    triggers = points.group_by("variant", maintain_order=True).agg(pl.col("trigger").n_unique())["trigger"]
    return [0.55 + 0.5 * count for count in triggers for _ in range(rows)]


def _run(table: pl.DataFrame) -> pl.DataFrame:
    """The rows and columns in which a variant was run at all: a single cell beside a matrix is a single point."""
    was_run = pl.col("verdict") != "not run"
    return table.filter(was_run.any().over("variant", axis) for axis in ("trigger", "partitions"))


def _scales(tables: Mapping[str, pl.DataFrame]) -> dict[str, ScalarMappable]:
    """Metric -> its colours, light being good: little time, a large share, a high rate."""
    by_unit: dict[str, ScalarMappable] = {"share": ScalarMappable(Normalize(0, 1), style.HEAT_MAP_REVERSED)}
    for unit, colours in (("ms", style.HEAT_MAP), ("1/s", style.HEAT_MAP_REVERSED)):
        columns = [table["value"] for name, table in tables.items() if HEAT_METRICS[name].unit == unit]
        values = [value for column in columns for value in column.drop_nulls()]
        low, high = (max(min(values), 0.01), max(values)) if values else (1.0, 10.0)
        # At least a decade, so that near values get near colours.
        by_unit[unit] = ScalarMappable(LogNorm(low, max(high, 10 * low)), colours)
    return {name: by_unit[HEAT_METRICS[name].unit] for name in tables}


def _heat(axes: Axes, table: pl.DataFrame, metric: Metric, scale: ScalarMappable, width_in: float) -> None:
    """Every point of ``table``, triggers below each other; ``width_in`` is the room for the text of each, in inches."""
    triggers = table["trigger"].unique(maintain_order=True).to_list()
    partitions = table["partitions"].unique(maintain_order=True).to_list()
    for point in table.iter_rows(named=True):
        x, y = partitions.index(point["partitions"]), triggers.index(point["trigger"])
        if point["value"] is not None:
            fill = scale.to_rgba(np.array([point["value"]]))[0]
            _number(axes, x, y, metric.show(point["value"]), _behind(point), fill, width_in)
        elif point["verdict"] in SAYS:
            shown = "" if point["doubtful"] is None else metric.show(point["doubtful"])
            _no_number(axes, x, y, SAYS[point["verdict"]], shown, width_in)
        else:
            says = "not run" if point["verdict"] == "not run" else words.NOTHING
            _write(axes, x, y, says, 8.5, width_in, color=style.MUTED)
    axes.set_yticks(range(len(triggers)), triggers)
    axes.set_xticks(range(len(partitions)), [str(count) for count in partitions])
    axes.set_xlim(-0.5, len(partitions) - 0.5)
    axes.set_ylim(len(triggers) - 0.5, -0.5)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _number(axes: Axes, x: int, y: int, shown: str, behind: str, fill: tuple[float, ...], width_in: float) -> None:
    # Where white and the ink stand out alike.
    ink = style.PAPER if _luminance(fill) < 0.52 else style.INK
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=fill, edgecolor=style.PAPER, linewidth=2))
    _write(axes, x, y - 0.14, shown, 11, width_in, color=ink, fontweight="bold")
    _write(axes, x, y + 0.28, behind, 7.5, width_in, color=ink)


def _no_number(axes: Axes, x: int, y: int, says: str, doubtful: str, width_in: float) -> None:
    axes.add_patch(
        Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=style.DOUBT, edgecolor=style.PAPER, hatch="////", linewidth=2)
    )
    box = {"facecolor": style.DOUBT, "edgecolor": "none", "pad": 1.0}
    _write(axes, x, y - (0.14 if doubtful else 0), says, 8.5, width_in, fontweight="bold", bbox=box)
    if doubtful:
        _write(axes, x, y + 0.28, doubtful, 7.5, width_in, color=style.MUTED, bbox=box)


def _write(axes: Axes, x: float, y: float, text: str, size: float, width_in: float, **look: Any) -> None:
    """``text`` in the middle of a point, smaller than ``size`` (pt) where it would not fit into ``width_in``."""
    # The font's letters are at most 0.75 of its size wide on the average, bold capitals included.
    fits = 72 * width_in / (0.75 * len(text))
    axes.text(x, y, text, ha="center", va="center", fontsize=min(size, fits), **look)


def _behind(point: dict[str, Any]) -> str:
    pooled = "" if point["repeats"] == 1 else f"{point['valid']}/{point['repeats']}, "
    return f"{pooled}n = {point['n']:,}"


def _luminance(colour: tuple[float, ...]) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]
