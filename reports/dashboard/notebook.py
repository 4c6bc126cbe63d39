"""The dashboard inside a notebook: the value of a cell, shown as the page in a frame."""

from __future__ import annotations

from contextlib import ExitStack
from html import escape
from typing import Final

import polars as pl

from reports.dashboard.app import REFRESH_S, dashboard
from reports.dashboard.events import Source
from reports.dashboard.feed import Feed
from reports.dashboard.layout import TITLE
from reports.dashboard.serve import PageServer

#: Height of the frame, CSS pixels.
HEIGHT_PX: Final = 900


class NotebookDashboard:
    """A dashboard over ``source`` that lives until `close`, or as long as the notebook's kernel."""

    def __init__(self, source: Source, *, refresh_s: float = REFRESH_S, positions: pl.DataFrame | None = None) -> None:
        feed = Feed(source)
        with ExitStack() as stack:
            server = stack.enter_context(PageServer(dashboard(feed, refresh_s=refresh_s, positions=positions), 0))
            stack.enter_context(feed)
            self.url = server.url
            self._stack = stack.pop_all()

    def close(self) -> None:
        """End it. Safe to call twice."""
        self._stack.close()

    def _repr_html_(self) -> str:
        """What Jupyter shows."""
        return f'<iframe src="{escape(self.url)}" title="{TITLE}" width="100%" height="{HEIGHT_PX}"></iframe>'
