"""Small multiples: the panels of a figure, what each is called, and the axes that several figures share."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from base.durations import parse_duration_s
from reports import style, words

#: Letters of a panel's title that fit beside each other on the width of a figure.
_TITLE_LETTERS: Final = 90


def by_trigger(table: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Title -> rows: a panel a trigger and variant; the variant is named where there are several."""
    variants = table["variant"].unique().to_list()
    groups = table.group_by("variant", "trigger", maintain_order=True)
    return {title(str(trigger), str(variant), variants): rows for (variant, trigger), rows in groups}


def title(what: str, variant: str, variants: Sequence[str]) -> str:
    """``what`` a panel shows, and of which of the ``variants`` if there are several."""
    return f"{what} · {variant}" if len(variants) > 1 else what


def blocks(
    variants: Sequence[str], titles: Mapping[str, str], columns: int
) -> tuple[list[str | None], list[tuple[str, str]]]:
    """The titles of a panel for each name in ``titles`` of each variant, and (variant, name) of every panel.

    A variant begins a row of its own: None, an empty place, fills the row before it.
    """
    empty = [None] * (-len(titles) % columns)
    named = [[*(title(what, variant, variants) for what in titles.values()), *empty] for variant in variants]
    return [place for row in named for place in row], [(variant, name) for variant in variants for name in titles]


def small_multiples(
    titles: Sequence[str | None],
    *,
    columns: int,
    height: float | Sequence[float],
    sharex: bool = False,
    sharey: bool = False,
) -> tuple[Figure, list[Axes]]:
    """A figure of a panel a title, ``columns`` a row; call it inside `style.styled`.

    None among the titles is an empty place. ``height``: inches of every row, or of each of them. ``sharex``,
    ``sharey``: as of `Figure.subplots`.
    """
    columns = min(columns, len(titles))
    rows = math.ceil(len(titles) / columns)
    heights = [height] * rows if isinstance(height, float) else list(height)
    figure = style.new_figure(style.WIDTH, 0.8 + sum(heights))
    grid = figure.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey, height_ratios=heights)
    places = list(grid.flat)
    named = [*titles, *[None] * (len(places) - len(titles))]
    for number, (name, axes) in enumerate(zip(named, places, strict=True)):
        if name is None:
            axes.remove()
            continue
        axes.set_title(_wrapped(name, _TITLE_LETTERS // columns))
        # Where the place below is empty, the panel is the last of its column.
        is_last = number + columns >= len(named) or named[number + columns] is None
        axes.tick_params(labelbottom=is_last or not sharex)
    return figure, [axes for name, axes in zip(named, places, strict=True) if name is not None]


def _wrapped(name: str, letters: int) -> str:
    """``name`` in lines of so many ``letters``; a dot between its parts ends a line and begins none."""
    bound = name.replace(" · ", "\u00a0· ")
    return textwrap.fill(bound, letters, break_on_hyphens=False).replace("\u00a0", " ")


def log_ms(axes: Axes, axis: Literal["x", "y"], limits: tuple[float, float], *, ticks: int = 8) -> None:
    """Milliseconds on a logarithmic ``axis``, with at most ``ticks`` decades named, and thirds where these are few."""
    axes.set(**{f"{axis}scale": "log", f"{axis}lim": limits})
    steps = (1.0, 3.0) if limits[1] / limits[0] < 100 else (1.0,)
    of_axis = axes.xaxis if axis == "x" else axes.yaxis
    of_axis.set_major_locator(LogLocator(base=10, subs=steps, numticks=ticks))
    of_axis.set_major_formatter(FuncFormatter(_decade))
    of_axis.set_minor_formatter(NullFormatter())


def _decade(value: float, _: int | None) -> str:
    return f"{value / 1000:g} s" if value >= 1000 else f"{value:g} ms"


def log_limits(*columns: pl.Series) -> tuple[float, float]:
    """Limits of a logarithmic axis that hold every value with some room, and span a decade at least."""
    values = pl.concat(columns).drop_nulls().to_list() or [1.0]
    low, high = max(min(values), 0.01), max([*values, 0.01])
    room = max(1.5, (10 * low / high) ** 0.5)
    return low / room, high * room


def interval_s(trigger: str) -> float | None:
    """How often a micro-batch trigger looks for new readings; None in real-time mode, which has no interval."""
    return None if trigger.startswith("realtime") else parse_duration_s(trigger, field="trigger")


def trigger_places(triggers: Sequence[str]) -> dict[str, float]:
    """Where each trigger stands on an axis of log10 of its seconds: at the left end ``0s``, and before it real-time."""
    intervals = {name: interval_s(name) for name in triggers}
    places = {name: math.log10(seconds) for name, seconds in intervals.items() if seconds}
    left = min(places.values(), default=0.0)
    unplaced = [name for name in triggers if name not in places]
    for name in sorted(unplaced, key=lambda name: intervals[name] is None):
        left -= 0.9
        places[name] = left
    return places


def percent_change_axis(axes: Axes, limits: tuple[float, float], *, ticks: int) -> None:
    """Ratios along the x axis, told as the change from 1 in percent, at up to so many ``ticks``."""
    axes.set_xlim(limits)
    axes.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10]))
    # Rounded, since a tick at 1 may be off by the last bit; and without a zero that is negative.
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(100 * (value - 1), 6) + 0.0:+.3g}"))


def seconds_axis(figure: Figure, grid: Sequence[Axes], seconds: pl.DataFrame) -> None:
    """The seconds of ``seconds`` along the shared x axis of ``grid``."""
    column = seconds["second"].to_list()
    grid[0].set_xlim(min(column), max(column) + 1)
    figure.supxlabel("wall time since the window began (s)", fontsize=9)


def shade_unscored(axes: Axes, seconds: pl.DataFrame) -> None:
    """A grey ground behind the seconds of ``seconds`` that lie before the window and after it."""
    for phase in ("warm-up", "tail"):
        column = seconds.filter(phase=phase)["second"].to_list()
        if column:
            axes.axvspan(min(column), max(column) + 1, color=style.DOUBT, linewidth=0, zorder=0)


def unscored_legend(seconds: pl.DataFrame) -> list[Artist]:
    """What the grey ground says, where there is any."""
    phases = [phase for phase in ("warm-up", "tail") if phase in seconds["phase"]]
    return [Patch(facecolor=style.DOUBT, label=f"{' and '.join(phases)}: not scored")] if phases else []


def line_of(partitions: int, verdict: str) -> dict[str, Any]:
    """How the line of a number of partitions looks: its colour and marker; dashed and hollow where it is not valid."""
    colour, marker = style.of_partitions(partitions)
    if verdict == "valid":
        return {"color": colour, "marker": marker}
    return {"color": colour, "marker": marker, "linestyle": "--", "markerfacecolor": "none", "alpha": 0.6}


def partitions_legend(table: pl.DataFrame) -> list[Line2D]:
    """What colours and markers say, and, where ``table`` has a verdict that is not valid, what hollow ones say."""
    handles = []
    for count in sorted(set(table["partitions"])):
        colour, marker = style.of_partitions(count)
        handles.append(Line2D([], [], color=colour, marker=marker, label=words.plural(count, "partition")))
    if (table["verdict"] != "valid").any():
        look = line_of(1, "invalid") | {"color": style.INK}
        handles.append(Line2D([], [], label="not valid", **look))
    return handles
