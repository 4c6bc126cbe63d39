"""The page: headings, graphs by their ids, a picker, a pause, one clock."""

from __future__ import annotations

from typing import Final

from dash import dcc, html
from dash.development.base_component import Component

from reports.dashboard.events import About
from reports.dashboard.figures import METRICS
from reports.dashboard.look import EMPTY, figure

TITLE: Final = "IoT Alerts Dashboard"

TOTALS: Final = "alert-distribution"
OVER_TIME: Final = "alerts-over-time"
LATENCY: Final = "latency-trend"
BACKLOG: Final = "backlog-trend"
REJECTS: Final = "rejects-trend"
MAP: Final = "sensor-map"
#: Every graph of the page, in its order.
GRAPHS: Final = (*(metric.graph for metric in METRICS.values()), TOTALS, OVER_TIME, LATENCY, BACKLOG, REJECTS, MAP)

CLOCK: Final = "interval-component"
PICKER: Final = "sensor-picker"
PAUSE: Final = "pause"
STATUS: Final = "status"
#: Heights of the graphs, CSS pixels.
GRAPH_PX: Final = 330
MAP_PX: Final = 560
#: The picker's value for all sensors together.
ALL: Final = 0


def page(about: About, refresh_s: float) -> Component:
    """The whole page of a source, still without data."""
    return html.Main(
        [
            html.Header(
                [
                    html.H1(TITLE),
                    html.P(EMPTY, id=STATUS, className="status"),
                    html.P(f"From {about.source}.", className="source"),
                ]
            ),
            html.Div(
                [
                    html.Label("Sensor", htmlFor=PICKER),
                    dcc.Dropdown(id=PICKER, options=sensor_options([]), value=ALL, clearable=False),
                    html.Button("Pause", id=PAUSE, n_clicks=0, type="button"),
                ],
                className="controls",
            ),
            _section("Sensor Metrics Over Time", [one.graph for one in METRICS.values()], f"Of {about.readings}."),
            _section("Number of Alerts", [TOTALS, OVER_TIME]),
            _section("Pipeline", [LATENCY, BACKLOG, REJECTS]),
            _section("Sensors", [MAP]),
            dcc.Interval(id=CLOCK, interval=round(refresh_s * 1000), n_intervals=0),
        ]
    )


def sensor_options(sensors: list[int]) -> list[dict[str, str | int]]:
    """What the picker offers."""
    options: list[dict[str, str | int]] = [{"label": "All sensors", "value": ALL}]
    options += [{"label": f"Sensor {n}", "value": n} for n in sensors]
    return options


def _section(heading: str, graphs: list[str], remark: str = "") -> Component:
    drawn = [_graph(name) for name in graphs]
    told = [html.P(remark, className="remark")] if remark else []
    return html.Section([html.H2(heading), *told, html.Div(drawn, className="graphs")])


def _graph(name: str) -> Component:
    empty = figure([], title="", x="", y="")
    # Without one of its own a responsive graph is as high as the plot within it, which is as high as the graph.
    style = {"height": f"{MAP_PX if name == MAP else GRAPH_PX}px"}
    return dcc.Graph(
        id=name, figure=empty, config={"displaylogo": False, "responsive": True}, className="graph", style=style
    )
