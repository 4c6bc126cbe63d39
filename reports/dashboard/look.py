"""How the dashboard's figures look: a colour means the same in all of them, on light and on dark.

Ink and grid have no colour here: the page's style sheet gives them that of the reader's scheme.
"""

from __future__ import annotations

from typing import Any, Final

import plotly.graph_objects as go

from base.palette import BLUE, GREEN, INK, MUTED, ORANGE, PAPER, PURPLE, SKY, VERMILION
from wire.alert import NO_ALERT

#: What a figure says that has nothing to show.
EMPTY: Final = "No Data Available"

#: Label of an alert -> colour: that of its channel. Labels of other rules share the last one.
ALERTS: Final = {
    "High Temperature": VERMILION,
    "Low Humidity": BLUE,
    "High UV Index": PURPLE,
    "Heavy Rainfall": SKY,
    "High Wind Speed": GREEN,
    NO_ALERT: MUTED,
}
OTHER_ALERT: Final = ORANGE

#: Channel -> colour of its line.
CHANNEL_COLOURS: Final = {
    "temperature": VERMILION,
    "humidity": BLUE,
    "UV_index": PURPLE,
    "rainfall": SKY,
    "wind_speed": GREEN,
}
LATENCY_P50: Final = BLUE
LATENCY_MAX: Final = ORANGE
BACKLOG: Final = BLUE
REJECTS: Final = (ORANGE, PURPLE, SKY, GREEN, BLUE)


def of_alert(label: str) -> str:
    """The colour of an alert's label."""
    return ALERTS.get(label, OTHER_ALERT)


def see_through(colour: str) -> str:
    """``#rrggbb`` as the ground of a band, through which the grid shows."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"


def figure(
    traces: list[go.Scatter | go.Bar],
    *,
    title: str,
    x: str,
    y: str,
    subtitle: str = "",
    legend_rows: int = 0,
    **layout: Any,
) -> go.Figure:
    """``traces`` under a title, axes with names and units; `EMPTY` in their place if there is no trace.

    Plotly would draw a legend over the title: there is room between them for ``legend_rows`` (0: no legend).
    """
    drawn = go.Figure(traces)
    drawn.update_layout(
        title={
            "text": title,
            "font": {"size": 15},
            "subtitle": {"text": subtitle, "font": {"size": 12}},
            **{"x": 0, "xref": "paper", "y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 10}},
        },
        # The same for good: what the reader has zoomed and hidden stays so from one tick to the next.
        uirevision="live",
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 12},
        margin={"l": 60, "r": 12, "t": 40 + (28 if subtitle else 0) + 20 * legend_rows, "b": 48},
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "xanchor": "left", "font": {"size": 11}},
        showlegend=legend_rows > 0,
        hovermode="x unified",
        # Colours of traces are no ground for text.
        hoverlabel={"bgcolor": PAPER, "bordercolor": MUTED, "font": {"color": INK}},
    )
    # Upright, so few that they stand side by side: turned, they would take the room of the curve.
    upright = {"tickangle": 0, "nticks": 5}
    drawn.update_xaxes(title={"text": x, "standoff": 8}, zeroline=False, automargin=True, **upright)
    drawn.update_yaxes(title={"text": y, "standoff": 8}, zeroline=False, automargin=True)
    drawn.update_layout(**layout)
    # Said either way: a graph that was empty takes over what is said, and nothing else.
    drawn.update_xaxes(showgrid=bool(traces), showticklabels=bool(traces))
    drawn.update_yaxes(showgrid=bool(traces), showticklabels=bool(traces))
    place = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False}
    drawn.update_layout(annotations=[] if traces else [{"text": EMPTY, "font": {"size": 16}, **place}])
    return drawn
