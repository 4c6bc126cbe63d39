"""How right the rules are and how soon: dots with intervals, a row a rule."""

from __future__ import annotations

from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from reports import style, words
from reports.detection import SHARES

#: Inches for a row, and for titles, axis and legend together.
_ROW, _REST = 0.42, 1.35


def quality_dots(shares: pl.DataFrame) -> Figure:
    """Precision and recall, a panel each; ``shares``: `detection.shares_table`.

    The rules' own dot carries its 95 % interval and, at the right, its value and n; detectors that know
    nothing are hollow.
    """
    names = shares["of"].unique(maintain_order=True).to_list()
    detectors = [name for name in style.DETECTORS if name in shares["detector"]]
    with style.styled():
        figure, grid = _panels(names, 2)
        for metric, axes in zip(SHARES, grid, strict=True):
            axes.set_title(metric)
            _percent_axis(axes)
            here = shares.filter(metric=metric)
            for detector in reversed(detectors):
                _dots(axes, here.filter(detector=detector), names, detector)
            for row in here.filter(detector="alerts").iter_rows(named=True):
                said = "nothing to count" if row["value"] is None else f"{words.share(row['value'])}  n = {row['n']:,}"
                _beside(axes, names.index(row["of"]), said)
        grid[0].set_xlabel("of the alarms, those that met an event (%)")
        grid[1].set_xlabel("of the events, those with an alarm (%)")
        figure.legend(handles=[_handle(name) for name in detectors], loc="outside upper left", ncols=len(detectors))
    return figure


#: Column of `detection.delays_table` -> marker and colour.
_TIMES = {"median_s": ("o", style.BLUE), "restricted_mean_s": ("D", style.PURPLE)}


def delay_dots(delays: pl.DataFrame, interval_s: float) -> Figure:
    """Time to detection in minutes of event time, and the share missed; ``delays``: `detection.delays_table`.

    A dotted line stands at ``interval_s``, the time between two readings: nothing is told sooner.
    """
    with style.styled():
        figure, (times, missed) = _panels(delays["of"].to_list(), 2)
        times.axvline(interval_s / 60, color=style.MUTED, linewidth=1, linestyle=":")
        for y, row in enumerate(delays.iter_rows(named=True)):
            _times(times, y, row)
            _missed(missed, y, row)
        longest = max([value for name in _TIMES for value in delays[name].drop_nulls()], default=0.0)
        end_min = max(1.08 * longest, 1.2 * interval_s) / 60
        times.set(title="time to detection", xlim=(-0.03 * end_min, end_min))
        times.set_xlabel("event time since the event began (min)")
        times.xaxis.set_major_locator(MaxNLocator(6))
        missed.set(title="missed", xlabel="of the events, those without an alarm (%)")
        _percent_axis(missed)
        figure.legend(handles=_delay_legend(delays), loc="outside upper left", ncols=4)
    return figure


def _times(axes: Axes, y: int, row: dict[str, Any]) -> None:
    known = [row[name] / 60 for name in _TIMES if row[name] is not None]
    axes.plot(known, [y] * len(known), color=style.MARGINAL, linewidth=2, zorder=1)
    for name, (marker, colour) in _TIMES.items():
        if row[name] is not None:
            axes.plot(row[name] / 60, y, marker, color=colour, markersize=7)
    _beside(axes, y, " / ".join(_minutes(row[name]) for name in _TIMES))


def _missed(axes: Axes, y: int, row: dict[str, Any]) -> None:
    if row["missed_share"] is None:
        _beside(axes, y, "no event")
        return
    if row["missed_low"] is not None:
        axes.plot([row["missed_low"], row["missed_high"]], [y, y], color=style.INK, linewidth=1.6)
    mark = style.OUTCOMES["missed"]
    axes.plot(row["missed_share"], y, mark.marker, color=mark.colour, markersize=8)
    _beside(axes, y, f"{words.share(row['missed_share'])}  n = {row['events']:,}")


def _panels(names: list[str], columns: int) -> tuple[Figure, list[Axes]]:
    figure = style.new_figure(style.WIDTH, _REST + _ROW * len(names))
    grid = list(figure.subplots(1, columns, sharey=True))
    grid[0].set_yticks(range(len(names)), names)
    grid[0].set_ylim(len(names) - 0.4, -0.6)
    for axes in grid:
        axes.grid(visible=False, axis="y")
    return figure, grid


def _percent_axis(axes: Axes) -> None:
    axes.set_xlim(-0.03, 1.03)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=None))


def _dots(axes: Axes, rows: pl.DataFrame, names: list[str], detector: str) -> None:
    mark, ours = style.DETECTORS[detector], detector == "alerts"
    for row in rows.drop_nulls("value").iter_rows(named=True):
        y = names.index(row["of"])
        if ours and row["low"] is not None:
            axes.plot([row["low"], row["high"]], [y, y], color=style.INK, linewidth=1.6)
        fill = mark.colour if ours else style.PAPER
        axes.plot(row["value"], y, mark.marker, color=mark.colour, markerfacecolor=fill, markersize=7)


def _beside(axes: Axes, y: float, text: str) -> None:
    """``text`` at the right of a panel, beside row ``y``."""
    axes.annotate(
        text, (1.0, y), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center", fontsize=8
    )


def _handle(detector: str) -> Line2D:
    mark = style.DETECTORS[detector]
    fill = mark.colour if detector == "alerts" else style.PAPER
    label = f"{mark.label}, 95 % interval" if detector == "alerts" else mark.label
    return Line2D([], [], color=mark.colour, marker=mark.marker, markerfacecolor=fill, linestyle="", label=label)


def _delay_legend(delays: pl.DataFrame) -> list[Line2D]:
    restricted_s = delays["restricted_to_s"].drop_nulls().to_list()
    mean = f"mean of all, a miss as {max(restricted_s) / 3600:g} h" if restricted_s else "mean of all"
    labels = {"median_s": "median of the events found", "restricted_mean_s": mean}
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", label=labels[name])
        for name, (marker, colour) in _TIMES.items()
    ]
    handles.append(Line2D([], [], color=style.MUTED, linestyle=":", label="time between two readings"))
    mark = style.OUTCOMES["missed"]
    handles.append(Line2D([], [], color=mark.colour, marker=mark.marker, linestyle="", label="missed, 95 % interval"))
    return handles


def _minutes(seconds: float | None) -> str:
    return words.NOTHING if seconds is None else f"{seconds / 60:.1f} min"
