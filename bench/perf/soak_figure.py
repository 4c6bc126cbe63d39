"""A soak as one picture: a panel for each judged measure, a colour for each mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import StrMethodFormatter

from base.figure_style import WIDTH, new_figure, styled
from base.palette import BLUE, GREEN, MUTED, PURPLE, VERMILION
from bench.perf.soak_series import BATCH, FILES, HEAP, RESIDENT, Measure, Mode

PANELS: Final = (HEAP, FILES, BATCH, *RESIDENT.values())
COLUMNS: Final = 3

_LINE: Final = "bold: Theil-Sen line over what is judged; batch time in real-time mode: the pause at a boundary"

_COLOURS: Final = (BLUE, VERMILION, GREEN, PURPLE)


def soak_figure(samples: pl.DataFrame, modes: Sequence[Mode]) -> Figure:
    """Values (faint) and their lines (bold, over what is judged) in minutes; every axis begins at zero.

    ``samples``: rows of `soak_series.SCHEMA`. Axes reach as far as what is judged wants: a cold start's
    batches, many times as long, leave the picture.
    """
    with styled():
        rows = -(-len(PANELS) // COLUMNS)
        figure = new_figure(WIDTH, 0.6 + 2.6 * rows)
        grid = figure.subplots(rows, COLUMNS, squeeze=False)
        for measure, axes in zip(PANELS, grid.flat, strict=True):
            axes.set_title(f"{measure.title} ({measure.unit})")
            for mode, colour in zip(modes, _COLOURS, strict=False):
                _series(axes, samples.filter(trigger=mode.trigger, measure=measure.name), mode, measure, colour)
            axes.set_xlim(0, max((mode.seconds / 60 for mode in modes), default=1))
            axes.set_ylim(0, _highest(samples.filter(measure=measure.name), modes))
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        for axes in grid[-1]:
            axes.set_xlabel("time since the begin (min)")
        figure.legend(handles=_legend(modes), loc="outside upper left", ncols=len(_COLOURS) + 1)
    return figure


def _series(axes: Axes, rows: pl.DataFrame, mode: Mode, measure: Measure, colour: str) -> None:
    axes.plot(rows["at_s"] / 60, rows["value"], color=colour, linewidth=0.8, alpha=0.4)
    line = mode.series[measure.name]
    if line.intercept is None or line.slope_per_hour is None or line.median is None:
        return
    at_s = np.array([mode.settle_s, mode.seconds])
    axes.plot(at_s / 60, line.intercept + line.slope_per_hour * line.median * at_s / 3600, color=colour, linewidth=2.2)


def _highest(rows: pl.DataFrame, modes: Sequence[Mode]) -> float:
    """The upper end of an axis: a third above all that is judged, or above all there is."""
    kept = [rows.filter(pl.col("trigger") == one.trigger, pl.col("at_s") >= one.settle_s)["value"] for one in modes]
    values = pl.concat([*kept, pl.Series("value", [], dtype=pl.Float64)])
    highest = (rows["value"] if values.is_empty() else values).max()
    return highest * 4 / 3 if isinstance(highest, float) and highest > 0 else 1.0


def _legend(modes: Sequence[Mode]) -> list[Line2D]:
    keys = [
        Line2D([], [], color=colour, linewidth=2.2, label=mode.trigger)
        for mode, colour in zip(modes, _COLOURS, strict=False)
    ]
    return [*keys, Line2D([], [], color=MUTED, linewidth=2.2, label=_LINE)]
