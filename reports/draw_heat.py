"""Heat maps of the matrix: numbers in coloured points, and hatched ones that may not be read as numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports import style, words

#: What a point of the matrix says where it may not be read as a number.
_SAYS = {"invalid": "INVALID", "inconclusive": "INCONCLUSIVE", "broken": "BROKEN"}

#: Heat map -> its title, and whether it shows milliseconds (else a share).
_HEAT_TITLES = {
    "p50_ms": ("p50 of due to seen", True),
    "p99_ms": ("p99 of due to seen", True),
    "recall_1s": ("alerts seen within 1 s of due", False),
}


def heat_maps(tables: dict[str, pl.DataFrame]) -> Figure:
    """One heat map a metric (columns) and variant (rows); ``tables``: metric -> `tables.heat_table`.

    Only valid points are coloured; the colours of all times share one logarithmic scale.
    """
    first = next(iter(tables.values()))
    variants = first["variant"].unique(maintain_order=True).to_list()
    triggers = first["trigger"].unique(maintain_order=True).to_list()
    partitions = first["partitions"].unique(maintain_order=True).to_list()
    scales = _scales(tables)
    with style.styled():
        height = len(variants) * (0.62 * len(triggers) + 0.75) + 0.15
        figure = style.new_figure(style.WIDTH, max(height, 1.6))
        grid = figure.subplots(len(variants), len(tables), squeeze=False)
        for row, variant in enumerate(variants):
            for column, (metric, table) in enumerate(tables.items()):
                axes = grid[row][column]
                title, is_ms = _HEAT_TITLES[metric]
                axes.set_title(title if len(variants) == 1 else f"{title} · {variant}")
                _heat(axes, table.filter(variant=variant), triggers, partitions, scales[metric], is_ms=is_ms)
                axes.set_yticks(range(len(triggers)), triggers if column == 0 else [""] * len(triggers))
                if row == len(variants) - 1:
                    axes.set_xlabel("partitions of the source topic")
    return figure


def _scales(tables: dict[str, pl.DataFrame]) -> dict[str, ScalarMappable]:
    """Metric -> its colours: light is little time, or a large share."""
    times = [value for name, table in tables.items() if _HEAT_TITLES[name][1] for value in table["value"].drop_nulls()]
    low, high = (max(min(times), 0.01), max(times)) if times else (1.0, 10.0)
    # At least a decade, so that near values get near colours.
    time_scale = ScalarMappable(LogNorm(low, max(high, 10 * low)), style.HEAT_MAP)
    share_scale = ScalarMappable(Normalize(0, 1), style.HEAT_MAP_REVERSED)
    return {name: time_scale if _HEAT_TITLES[name][1] else share_scale for name in tables}


def _heat(
    axes: Axes, table: pl.DataFrame, triggers: list[str], partitions: list[int], scale: ScalarMappable, *, is_ms: bool
) -> None:
    show = words.ms if is_ms else words.share
    for point in table.iter_rows(named=True):
        x, y = partitions.index(point["partitions"]), triggers.index(point["trigger"])
        value = point["value"]
        if value is not None:
            fill = scale.to_rgba(np.array([value]))[0]
            ink = "#ffffff" if _luminance(fill) < 0.45 else style.INK
            axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=fill, edgecolor=style.PAPER, linewidth=2))
            axes.text(x, y - 0.08, show(value), ha="center", va="center", color=ink, fontsize=11, fontweight="bold")
            axes.text(x, y + 0.28, _behind(point), ha="center", va="center", color=ink, fontsize=7.5)
            continue
        if point["verdict"] == "not run":
            axes.text(x, y, "not run", ha="center", va="center", fontsize=8.5, color=style.MUTED)
            continue
        axes.add_patch(
            Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=style.DOUBT, edgecolor=style.PAPER, hatch="////", linewidth=2)
        )
        says = _SAYS.get(point["verdict"], words.NOTHING)
        box = {"facecolor": style.DOUBT, "edgecolor": "none", "pad": 1.5}
        lift = 0.1 if point["doubtful"] is not None else 0
        axes.text(x, y - lift, says, ha="center", va="center", fontsize=8.5, fontweight="bold", bbox=box)
        if point["doubtful"] is not None:
            axes.text(
                x,
                y + 0.26,
                show(point["doubtful"]),
                ha="center",
                va="center",
                fontsize=7.5,
                color=style.MUTED,
                bbox=box,
            )
    axes.set_xlim(-0.5, len(partitions) - 0.5)
    axes.set_ylim(len(triggers) - 0.5, -0.5)
    axes.set_xticks(range(len(partitions)), [str(count) for count in partitions])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _behind(point: dict[str, float]) -> str:
    if point["repeats"] == 1:
        return f"n = {point['n']:,}"
    return f"median of {point['valid']}/{point['repeats']}, n = {point['n']:,}"


def _luminance(colour: tuple[float, ...]) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]
