"""The Dash application: one clock, one callback, which draws what the feed has kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl
from dash import Dash, Input, Output, Patch, State, no_update

from reports.dashboard import figures, tables
from reports.dashboard import layout as on_page
from reports.dashboard.events import About
from reports.dashboard.feed import Feed
from reports.dashboard.state import Kept

#: The seed's: the page is drawn anew so often, s.
REFRESH_S: Final = 5.0
#: Data older than this are told to be old, s: twice the seed's trigger.
STALE_S: Final = 60.0


def dashboard(feed: Feed, *, refresh_s: float = REFRESH_S, positions: pl.DataFrame | None = None) -> Dash:
    """The application over ``feed``; ``positions``: sensor_id, x_km, y_km of the map, if they are known."""
    # All scripts and styles come from this process: the page asks no other host for anything.
    app = Dash("reports.dashboard", title=on_page.TITLE, update_title="", serve_locally=True)
    app.index_string = app.index_string.replace("<html>", '<html lang="en">')
    app.layout = on_page.page(feed.about, refresh_s)

    @app.callback(
        output={
            "figures": [Output(name, "figure") for name in on_page.GRAPHS],
            "status": Output(on_page.STATUS, "children"),
            "tone": Output(on_page.STATUS, "className"),
            "sensors": Output(on_page.PICKER, "options"),
            "button": Output(on_page.PAUSE, "children"),
            "paused": Output(on_page.CLOCK, "disabled"),
        },
        inputs=[
            Input(on_page.CLOCK, "n_intervals"),
            Input(on_page.PICKER, "value"),
            Input(on_page.PAUSE, "n_clicks"),
        ],
        state=[State(on_page.PICKER, "options")],
    )
    def tick(_: int, picked: int | None, clicks: int, offered: list[Any]) -> dict[str, Any]:
        kept, paused = feed.kept(), clicks % 2 == 1
        options = on_page.sensor_options(tables.sensor_numbers(kept))
        text, tone = status(kept, feed.about, paused=paused)
        return {
            "figures": [changes(one) for one in draw(kept, feed.about, sensor=picked or None, positions=positions)],
            "status": text,
            "tone": f"status {tone}",
            # A picker that is open is left alone unless there is something new to pick.
            "sensors": no_update if options == offered else options,
            "button": "Resume" if paused else "Pause",
            "paused": paused,
        }

    return app


def draw(kept: Kept, about: About, *, sensor: int | None, positions: pl.DataFrame | None) -> list[go.Figure]:
    """All figures of the page, in the order of `GRAPHS`; ``sensor``: whose metrics, None for all."""
    metrics = tables.metrics_table(kept, sensor)
    return [
        *(figures.metric_figure(metrics, channel, sensor) for channel in figures.METRICS),
        figures.totals_figure(tables.totals_table(kept)),
        figures.alerts_figure(tables.alerts_table(kept)),
        figures.latency_figure(tables.latency_table(kept), about.latency),
        figures.backlog_figure(tables.backlog_table(kept)),
        figures.rejects_figure(tables.rejects_table(kept)),
        figures.map_figure(tables.map_table(kept, positions), placed=positions is not None),
    ]


def changes(figure: go.Figure) -> Patch:
    """What of a graph becomes as ``figure`` has it; where its axes begin and end is the reader's, who may have zoomed.

    Sent whole, a figure would undo that at each tick: Dash lends its copy of the layout to Plotly, which writes the
    zoom into it, and then takes it for something that the application asked for and now asks for no more.
    """
    patch, stated = Patch(), figure.to_plotly_json()
    patch["data"] = stated["data"]
    # An empty list is no statement to Plotly, and would leave what stood there.
    for name, value in ({"annotations": []} | stated["layout"]).items():
        if name in ("xaxis", "yaxis"):
            for part, one in value.items():
                patch["layout"][name][part] = one
        else:
            patch["layout"][name] = value
    return patch


def status(kept: Kept, about: About, *, paused: bool) -> tuple[str, str]:
    """The line below the title, and its tone: ``empty``, ``fresh``, ``stale``, ``trouble`` or ``paused``."""
    if kept.newest_ms is None or kept.now_ms is None:
        return (
            (f"{kept.trouble}.", "trouble") if kept.trouble else ("No Data Available. Waiting for the first.", "empty")
        )
    counts = f"{kept.readings_seen:,} readings, {kept.totals['count'].sum():,} alerts, {kept.rejects_seen:,} rejects"
    if kept.skipped:
        counts += f"; {kept.skipped:,} readings passed over, too many to draw"
    at = datetime.fromtimestamp(kept.now_ms / 1000, UTC)
    age_s = max(0, (kept.now_ms - kept.newest_ms) // 1000)
    if kept.trouble:
        return f"{kept.trouble}. Data are {age_s:,} s old. {counts}.", "trouble"
    if paused:
        return f"Paused at {at:%H:%M:%S} UTC. {counts}.", "paused"
    if not about.live:
        return f"{'Ended' if kept.ended else 'Replaying, now'} at {at:%Y-%m-%d %H:%M:%S} UTC. {counts}.", "fresh"
    if age_s > STALE_S:
        return f"Stale: nothing new for {age_s:,} s, at {at:%H:%M:%S} UTC. {counts}.", "stale"
    return f"Data are {age_s:,} s old at {at:%H:%M:%S} UTC. {counts}.", "fresh"
