"""Latency second by second, and one sensor's window: what runs along a time axis."""

from __future__ import annotations

import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from reports import panels, style, words
from reports.sensor_day import SensorDay
from wire.reading import CHANNELS

#: Channel -> what stands at its axis, and the least that the axis spans: a flat line shall look flat.
_CHANNEL_AXES = {
    "temperature": ("temperature\n(°C)", 10.0),
    "humidity": ("humidity\n(%)", 20.0),
    "rainfall": ("rainfall\n(mm in 1 h)", 10.0),
    "wind_speed": ("wind gust\n(m/s)", 5.0),
    "UV_index": ("UV index", 2.0),
}

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


def day_figure(day: SensorDay) -> Figure:
    """One panel a channel: the truth, what the sensor reported, what was alerted, and injected faults."""
    with style.styled():
        figure = style.new_figure(style.WIDTH, 7.6)
        grid = figure.subplots(len(CHANNELS), 1, sharex=True, squeeze=False)
        hours = day.readings["hour"]
        for channel, axes in zip(CHANNELS, grid[:, 0], strict=True):
            for fault in day.faults.iter_rows(named=True):
                if fault["field"] in (None, channel):
                    axes.axvspan(fault["start_h"], fault["end_h"], color=style.FAULTY, alpha=0.35, linewidth=0)
            axes.plot(hours, day.readings[f"true_{channel}"], color=style.TRUE_LINE, linewidth=1.3)
            axes.plot(hours, day.readings[channel], "o", color=style.OBSERVED, markersize=2.6)
            hits = day.alerts.filter(channel=channel)
            axes.plot(
                hits["hour"],
                hits["value"],
                "o",
                markerfacecolor="none",
                markeredgecolor=style.ALERTED,
                markersize=7,
                markeredgewidth=1.3,
            )
            label, least = _CHANNEL_AXES[channel]
            axes.set_ylabel(label)
            axes.set_ylim(*_limits(day, channel, least))
        last = grid[-1][0]
        last.set_xlim(0, day.hours)
        if day.hours == 24:
            last.xaxis.set_major_locator(MultipleLocator(3))
        last.set_xlabel("event time since the window began (h)")
        figure.align_ylabels()
        figure.legend(handles=_day_legend(day), loc="outside upper left", ncols=4)
    return figure


def _limits(day: SensorDay, channel: str, least: float) -> tuple[float, float]:
    """Limits that hold truth and readings with some room, and span ``least`` at least."""
    values = pl.concat([day.readings[f"true_{channel}"], day.readings[channel]]).drop_nulls().to_list() or [0.0]
    low, high = min(values), max(values)
    high = max(high, low + least)
    room = 0.14 * (high - low)
    return low - room, high + room


def _day_legend(day: SensorDay) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=style.TRUE_LINE, label="true value"),
        Line2D([], [], color=style.OBSERVED, marker="o", linestyle="", markersize=3, label="reported"),
        Line2D(
            [],
            [],
            marker="o",
            linestyle="",
            markerfacecolor="none",
            markeredgecolor=style.ALERTED,
            markersize=7,
            label="alerted",
        ),
    ]
    if len(day.faults):
        kinds = words.joined(sorted({kind.replace("_", " ") for kind in day.faults["kind"]}))
        handles.append(Patch(facecolor=style.FAULTY, alpha=0.35, label=f"injected fault ({kinds})"))
    return handles
