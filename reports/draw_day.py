"""One sensor's window, channel by channel: truth, readings, alerts as hit, false or neither, and what was missed."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from reports import style, words
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

#: Where the bars of hazards lie, as a share of a panel's height.
_HAZARDS_AT = 0.95


def day_figure(day: SensorDay) -> Figure:
    """One panel a channel: the truth and its hazards, what was reported, what became of alerts, injected faults."""
    with style.styled():
        figure = style.new_figure(style.WIDTH, 8.2)
        grid = figure.subplots(len(CHANNELS), 1, sharex=True, squeeze=False)
        for channel, axes in zip(CHANNELS, grid[:, 0], strict=True):
            _panel(axes, day, channel)
        last = grid[-1][0]
        last.set_xlim(0, day.hours)
        if day.hours == 24:
            last.xaxis.set_major_locator(MultipleLocator(3))
        last.set_xlabel("event time since the window began (h)")
        figure.align_ylabels()
        figure.legend(handles=_legend(day), loc="outside upper left", ncols=4)
    return figure


def _panel(axes: Axes, day: SensorDay, channel: str) -> None:
    for fault in day.faults.iter_rows(named=True):
        if fault["field"] in (None, channel):
            axes.axvspan(fault["start_h"], fault["end_h"], color=style.FAULTY, alpha=0.35, linewidth=0)
    for hazard in day.hazards.filter(channel=channel).iter_rows(named=True):
        # A hazard of one reading has no length, and yet is there: the marker shows it.
        axes.plot(
            [hazard["start_h"], hazard["end_h"]],
            [_HAZARDS_AT] * 2,
            color=style.MARGINAL if hazard["marginal"] else style.HAZARD,
            linewidth=4,
            marker="o",
            markersize=4,
            transform=axes.get_xaxis_transform(),
        )
    hours = day.readings["hour"]
    axes.plot(hours, day.readings[f"true_{channel}"], color=style.TRUE_LINE, linewidth=1.3)
    axes.plot(hours, day.readings[channel], "o", color=style.OBSERVED, markersize=2.6)
    for outcome in style.OUTCOMES:
        marks = day.outcomes.filter(channel=channel, outcome=outcome)
        axes.plot(marks["hour"], marks["value"], **style.of_outcome(outcome))
    label, least = _CHANNEL_AXES[channel]
    axes.set_ylabel(label)
    axes.set_ylim(*_limits(day, channel, least))


def _limits(day: SensorDay, channel: str, least: float) -> tuple[float, float]:
    """Limits that hold truth and readings with some room, and span ``least`` at least."""
    values = pl.concat([day.readings[f"true_{channel}"], day.readings[channel]]).drop_nulls().to_list() or [0.0]
    low, high = min(values), max(values)
    high = max(high, low + least)
    room = 0.14 * (high - low)
    return low - room, high + 2 * room


def _legend(day: SensorDay) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=style.TRUE_LINE, label="true value"),
        Line2D([], [], color=style.OBSERVED, marker="o", linestyle="", markersize=3, label="reported"),
    ]
    for marginal, colour, label in ((False, style.HAZARD, "hazard"), (True, style.MARGINAL, "marginal hazard")):
        if (day.hazards["marginal"] == marginal).any():
            handles.append(Line2D([], [], color=colour, linewidth=4, label=label))
    for outcome in style.OUTCOMES:
        if outcome in day.outcomes["outcome"]:
            handles.append(Line2D([], [], **style.of_outcome(outcome), label=style.OUTCOMES[outcome].label))
    if len(day.faults):
        kinds = words.joined(sorted({kind.replace("_", " ") for kind in day.faults["kind"]}))
        handles.append(Patch(facecolor=style.FAULTY, alpha=0.35, label=f"injected fault ({kinds})"))
    return handles
