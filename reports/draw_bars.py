"""Stacked bars: where the time of an alert goes, and where the machine's cores go."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from reports import style, words


def budget_bars(budget: pl.DataFrame) -> Figure:
    """Mean ms of each stage, stacked, a bar a cell and a panel (with an axis of its own) a trigger."""
    known = budget.drop_nulls("mean_ms")
    triggers = known["trigger"].unique(maintain_order=True).to_list()
    panels = [known.filter(trigger=trigger) for trigger in triggers]
    sizes = [panel["cell"].n_unique() for panel in panels]
    with style.styled():
        figure = style.new_figure(style.WIDTH, 0.95 + sum(0.32 * size + 0.62 for size in sizes))
        grid = figure.subplots(len(triggers), 1, squeeze=False, height_ratios=[size + 1.0 for size in sizes])
        for panel, axes in zip(panels, grid[:, 0], strict=True):
            ends = _stacked(axes, panel, "stage", "mean_ms", lambda stage: style.of_stage(stage)[0], words.ms)
            axes.set_title(panel["trigger"][0])
            axes.set_xlim(0, max(ends) * 1.1)
            axes.xaxis.set_major_locator(MaxNLocator(8))
        grid[-1][0].set_xlabel("mean over all alerts of the window (ms); every panel has its own scale")
        order = sorted(set(known["stage"]), key=style.stage_order)
        stages = dict.fromkeys(style.of_stage(stage) for stage in order)
        handles = [Patch(facecolor=colour, label=label) for colour, label in stages]
        figure.legend(handles=handles, loc="outside upper left", ncols=5)
    return figure


def cpu_bars(resources: pl.DataFrame, cores: int) -> Figure:
    """Cores used by each process, stacked, a bar a cell; a dotted line marks the machine's ``cores``."""
    with style.styled():
        figure = style.new_figure(style.WIDTH, 1.2 + 0.34 * resources["cell"].n_unique())
        axes = figure.subplots()
        ends = _stacked(axes, resources, "process", "cores", style.of_process, lambda value: f"{value:.2f}")
        axes.axvline(cores, color=style.INK, linewidth=1, linestyle=":")
        axes.set_xlim(0, max(cores, *ends, 0.1) * 1.06)
        axes.set_xlabel(f"cores in use, mean of the window (dotted: the machine's {words.plural(cores, 'core')})")
        handles = [Patch(facecolor=style.of_process(name), label=name) for name in dict.fromkeys(resources["process"])]
        figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure


def _stacked(
    axes: Axes,
    table: pl.DataFrame,
    parts: str,
    values: str,
    colour: Callable[[str], str],
    show: Callable[[float], str],
) -> list[float]:
    """Draw one stacked bar a cell, first cell on top, its sum at its end; returns the sums."""
    names = cell_names(table)
    ends = []
    for y, cell in enumerate(names):
        left = 0.0
        doubtful = table.filter(cell=cell)["verdict"][0] != "valid"
        for part, value in table.filter(cell=cell).select(parts, values).iter_rows():
            axes.barh(
                y,
                value,
                left=left,
                height=0.62,
                color=style.faded(colour(part)) if doubtful else colour(part),
                edgecolor=style.PAPER,
                linewidth=0.6,
            )
            left += value
        axes.text(left, y, f" {show(left)}", va="center", ha="left", fontsize=8.5)
        ends.append(left)
    axes.set_yticks(range(len(names)), list(names.values()))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    return ends


def cell_names(table: pl.DataFrame) -> dict[str, str]:
    """Names that tell the cells of ``table`` apart: trigger, partitions, variant and repeat, as needed."""
    cells = table.unique("cell", maintain_order=True)
    several = {name: cells[name].n_unique() > 1 for name in ("trigger", "variant", "repeat")}
    names = {}
    for row in cells.iter_rows(named=True):
        parts = [row["trigger"]] * several["trigger"]
        parts.append(words.plural(row["partitions"], "partition"))
        parts += [row["variant"]] * several["variant"] + [f"#{row['repeat']}"] * several["repeat"]
        parts += [] if row["verdict"] == "valid" else [row["verdict"].upper()]
        names[row["cell"]] = " · ".join(parts)
    return names
