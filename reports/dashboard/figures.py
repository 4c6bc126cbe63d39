"""From tables to figures, each by itself: what stands in a trace stands in its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import plotly.graph_objects as go
import polars as pl

from reports.dashboard import look
from reports.dashboard.look import figure
from wire.alert import NO_ALERT
from wire.reading import CHANNELS


@dataclass(frozen=True, slots=True)
class Metric:
    """A channel's graph: its id on the page, the title's first words, and its axis with the unit."""

    graph: str
    name: str
    axis: str


#: Channel -> graph, in the order of the page.
METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    {
        "temperature": Metric("temperature-trend", "Temperature", "Temperature (°C)"),
        "humidity": Metric("humidity-trend", "Humidity", "Humidity (%)"),
        "UV_index": Metric("UV-index-trend", "UV Index", "UV Index"),
        "rainfall": Metric("rainfall-trend", "Rainfall", "Rainfall (mm)"),
        "wind_speed": Metric("wind-speed-trend", "Wind Speed", "Wind Speed (m/s)"),
    }
)
_WALL: Final = "Time of arrival (UTC)"
#: The axis of a median in a band holds all of the medians and all but a tenth of the band's edges; it gives up the rest
#: where they would take so many times the room: a few faulty sensors that say -999.
_EDGES: Final = 0.9
_FLATTENED: Final = 3.0


def _instants(table: pl.DataFrame) -> list[str]:
    return table["time"].dt.to_string("%Y-%m-%d %H:%M:%S%.f").to_list()


def metric_figure(table: pl.DataFrame, channel: str, sensor: int | None) -> go.Figure:
    """`metrics_table`: one channel over event time; of all sensors median, 5th and 95th percentile."""
    metric, colour = METRICS[channel], look.CHANNEL_COLOURS[channel]
    known = table.filter(pl.col(channel).is_not_null())
    at = _instants(known)
    traces = []
    if sensor is None and len(known):
        edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        traces = [
            go.Scatter(x=at, y=known[f"{channel}_low"].to_list(), name="5th percentile", **edge),
            go.Scatter(
                x=at,
                y=known[f"{channel}_high"].to_list(),
                name="95th percentile",
                fill="tonexty",
                fillcolor=look.see_through(colour),
                **edge,
            ),
        ]
    if len(known):
        name = "median" if sensor is None else f"sensor {sensor}"
        # A line through one point cannot be seen.
        mode = "lines" if len(known) > 1 else "markers"
        line = {"color": colour, "width": 1.8}
        traces.append(go.Scatter(x=at, y=known[channel].to_list(), name=name, mode=mode, line=line))
    shown = "all sensors: median, 5–95 %" if sensor is None else f"sensor {sensor}"
    drawn = figure(traces, title=f"{metric.name} Over Time", subtitle=shown, x="Timestamp", y=metric.axis)
    if channel != "temperature":
        # Nothing of it is below 0, and a night without sun is at the foot of its axis.
        drawn.update_yaxes(rangemode="tozero")
    if sensor is None and (bounds := _bounds(known, channel)) is not None:
        drawn.update_yaxes(range=bounds)
        drawn.update_layout(title_subtitle_text=f"{shown}, cut off")
    return drawn


def _bounds(known: pl.DataFrame, channel: str) -> list[float] | None:
    """Where a band is cut off that would flatten its median; None: nowhere."""
    if known.is_empty():
        return None
    values, lows, highs = (known[f"{channel}{edge}"].to_numpy() for edge in ("", "_low", "_high"))
    least = min(values.min(), np.quantile(lows, 1 - _EDGES, method="nearest"))
    most = max(values.max(), np.quantile(highs, _EDGES, method="nearest"))
    if highs.max() - lows.min() <= _FLATTENED * (most - least):
        return None
    margin = 0.06 * (most - least)
    return [float(least - margin), float(most + margin)]


def totals_figure(table: pl.DataFrame) -> go.Figure:
    """`totals_table`: a bar for each label."""
    labels, counts = table["alert"].to_list(), table["count"].to_list()
    colours = [look.of_alert(label) for label in labels]
    # Above the bars, for the page's ink is not made for their colours.
    told = {"text": counts, "textposition": "outside", "cliponaxis": False}
    traces = [go.Bar(x=labels, y=counts, marker={"color": colours}, name="alerts", **told)] if labels else []
    return figure(traces, title="Alerts by Type", x="Alert", y="Alerts", hovermode="closest", bargap=0.35)


def alerts_figure(table: pl.DataFrame) -> go.Figure:
    """`alerts_table`: alerts by label over event time, stacked."""
    return _stacked(table, "alert", look.of_alert, title="Alerts Over Time", x="Timestamp", y="Alerts")


def rejects_figure(table: pl.DataFrame) -> go.Figure:
    """`rejects_table`: rejects by reason over wall time, stacked."""
    reasons = table["reason"].unique().sort().to_list()

    def colour(reason: str) -> str:
        return look.REJECTS[reasons.index(reason) % len(look.REJECTS)]

    return _stacked(table, "reason", colour, title="Rejected Records", x=_WALL, y="Records")


def latency_figure(table: pl.DataFrame, meaning: str) -> go.Figure:
    """`latency_table`: median and longest over wall time; ``meaning``: from when to when, empty if nobody knows."""
    traces = []
    for column, name, colour in (("p50_ms", "median", look.LATENCY_P50), ("max_ms", "longest", look.LATENCY_MAX)):
        line = {"color": colour, "width": 1.8}
        y, style = table[column].to_list(), {"mode": "lines+markers", "marker": {"size": 4}}
        traces.append(go.Scatter(x=_instants(table), y=y, name=name, line=line, **style))
    drawn = traces if len(table) else []
    told = meaning or "cannot be told from this source"
    return figure(drawn, title="Latency", subtitle=told, x=_WALL, y="Latency (ms)", legend_rows=1)


def backlog_figure(table: pl.DataFrame) -> go.Figure:
    """`backlog_table`: how far the pipeline can be behind, over wall time."""
    line = {"color": look.BACKLOG, "width": 1.8}
    y = table["readings"].to_list()
    style = {"mode": "lines+markers", "marker": {"size": 4}, "fill": "tozeroy"}
    ground = look.see_through(look.BACKLOG)
    trace = go.Scatter(x=_instants(table), y=y, name="readings", line=line, fillcolor=ground, **style)
    meaning = "readings since the one alerted last"
    return figure([trace] if len(table) else [], title="Backlog, at Most", subtitle=meaning, x=_WALL, y="Readings")


def map_figure(table: pl.DataFrame, *, placed: bool) -> go.Figure:
    """`map_table`: each sensor where it stands, in the colour of its alert. ``placed``: x and y are km."""
    traces = []
    for label in sorted(table["alert"].unique(), key=lambda one: (one != NO_ALERT, one)):
        here = table.filter(pl.col("alert") == label)
        told = [
            f"sensor {row['sensor_id']}<br>"
            + "<br>".join(f"{METRICS[c].axis}: {'no value' if row[c] is None else f'{row[c]:g}'}" for c in CHANNELS)
            for row in here.iter_rows(named=True)
        ]
        marker = {"color": look.of_alert(label), "size": 7 if label == NO_ALERT else 11}
        hover = {"text": told, "hovertemplate": "%{text}<extra>%{fullData.name}</extra>"}
        x, y = here["x"].to_list(), here["y"].to_list()
        traces.append(go.Scatter(x=x, y=y, name=label, uid=label, mode="markers", marker=marker, **hover))
    names = ("East (km)", "North (km)") if placed else ("Sensors in rows, by number", "")
    drawn = figure(traces, title="Sensor Map", x=names[0], y=names[1], hovermode="closest", legend_rows=3)
    if traces:
        drawn.update_yaxes(scaleanchor="x", constrain="domain")
        drawn.update_xaxes(constrain="domain")
    if not placed:
        drawn.update_xaxes(showticklabels=False, showgrid=False)
        drawn.update_yaxes(showticklabels=False, showgrid=False)
    return drawn


def _stacked(table: pl.DataFrame, by: str, colour: Callable[[str], str], *, title: str, x: str, y: str) -> go.Figure:
    traces = []
    for name in table[by].unique().sort().to_list():
        own = table.filter(pl.col(by) == name)
        # By its uid a trace that was hidden stays so when others come and go.
        at, counts = _instants(own), own["count"].to_list()
        width = own["bin_ms"].to_list()
        traces.append(go.Bar(x=at, y=counts, width=width, name=name, uid=name, marker={"color": colour(name)}))
    return figure(traces, title=title, x=x, y=y, barmode="stack", legend_rows=len(traces))
