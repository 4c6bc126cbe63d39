"""The dashboard's page in a browser: all of it there, legible and true, whatever the window and the scheme."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import polars as pl
import pytest
from browser.looking import contrast, figure, overflow_px, overlap, wait_for_data
from unit.reports.dashboard_events import alert, batch, eventful_batches, kept, reading

from reports.dashboard import tables
from reports.dashboard.app import dashboard
from reports.dashboard.events import About, Batch
from reports.dashboard.feed import Feed
from reports.dashboard.figures import METRICS
from reports.dashboard.layout import GRAPHS
from reports.dashboard.notebook import NotebookDashboard
from reports.dashboard.serve import PageServer

pytestmark = pytest.mark.browser

#: Longer than a tick takes on a busy machine: Dash drops the answer to a tick when the next one is asked.
REFRESH_S = 1.0


class Told:
    """A source that tells given batches, one a look, and then nothing more, unless it ``grows`` by a reading a look."""

    about = About(source="a test", readings="all readings", latency="reading \u2192 alert", live=False)

    def __init__(self, batches: list[Batch], *, grows: bool = False) -> None:
        self._batches, self._grows = list(batches), grows
        self._looks = 0

    def poll(self, timeout_s: float) -> Batch:
        """As in `Source`."""
        if self._batches:
            one = self._batches.pop(0)
            return replace(one, ended=not self._batches and not self._grows)
        time.sleep(0.05)
        if not self._grows:
            return batch()
        self._looks += 1
        second = 60 + self._looks
        alerts = [alert(1, second, at_ms=second * 1000 + 30)]
        return batch(now_ms=second * 1000, readings=[reading(1, second)], alerts=alerts)

    def close(self) -> None:
        """As in `Source`."""


@contextmanager
def served(source: Told, *, refresh_s: float = REFRESH_S, positions: pl.DataFrame | None = None) -> Iterator[str]:
    """The page over ``source``; its URL."""
    feed = Feed(source)
    with PageServer(dashboard(feed, refresh_s=refresh_s, positions=positions), 0) as server, feed:
        yield server.url


@pytest.fixture(scope="module")
def eventful_url() -> Iterator[str]:
    """The page of an eventful minute, all of it told."""
    places = pl.DataFrame({"sensor_id": [1, 2, 3, 4], "x_km": [1.0, 9.0, 4.0, 6.0], "y_km": [2.0, 3.0, 8.0, 5.0]})
    with served(Told(eventful_batches()), positions=places) as url:
        yield url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_figure_is_there_and_legible(opened, eventful_url, width, scheme):
    """Each has marks for its traces, fits the window, and its words are inside it and in contrast to the ground."""
    with opened(eventful_url, width=width, scheme=scheme) as page:
        for name in GRAPHS:
            wait_for_data(page, name)
        assert overflow_px(page) <= 0
        for name in GRAPHS:
            seen = figure(page, name)
            left, top, right, bottom = seen["box"]
            assert right - left > 300, name
            assert bottom - top > 250, name
            assert left >= 0, name
            assert right <= width, name
            assert seen["card"][1] <= top < bottom <= seen["card"][3], name
            assert seen["data"], name
            assert seen["marks"] >= len(seen["data"]), name
            assert seen["empty"] == [], name
            assert len(seen["inks"]) == 1, name
            assert contrast(seen["inks"][0], seen["ground"]) > 7, name
            for box in seen["texts"]:
                assert box[0] >= left - 1, (name, box)
                assert box[2] <= right + 1, (name, box)
            assert not any(overlap(title, legend) for title in seen["title"] for legend in seen["legend"]), name


def test_figures_hold_the_numbers_of_the_tables(opened, eventful_url):
    """What the browser draws is what the tables say, trace by trace."""
    state = kept(*eventful_batches())
    metrics = tables.metrics_table(state, None)
    with opened(eventful_url) as page:
        for name in GRAPHS:
            wait_for_data(page, name)
        for channel, metric in METRICS.items():
            traces = {trace["name"]: trace for trace in figure(page, metric.graph)["data"]}
            for ending, name in (("", "median"), ("_low", "5th percentile"), ("_high", "95th percentile")):
                assert traces[name]["y"] == pytest.approx(metrics[channel + ending].to_list())
                assert [datetime.fromisoformat(at) for at in traces[name]["x"]] == metrics["time"].to_list()
        (bars,) = figure(page, "alert-distribution")["data"]
        assert list(zip(bars["x"], bars["y"], strict=True)) == tables.totals_table(state).rows()
        by_label = {trace["name"]: sum(trace["y"]) for trace in figure(page, "alerts-over-time")["data"]}
        assert by_label == dict(tables.totals_table(state).rows())
        latency = {trace["name"]: trace["y"] for trace in figure(page, "latency-trend")["data"]}
        table = tables.latency_table(state)
        assert latency == {"median": table["p50_ms"].to_list(), "longest": table["max_ms"].to_list()}
        (line,) = figure(page, "backlog-trend")["data"]
        assert line["y"] == tables.backlog_table(state)["readings"].to_list()
        (bars,) = figure(page, "rejects-trend")["data"]
        assert sum(bars["y"]) == 6
        placed = [at for trace in figure(page, "sensor-map")["data"] for at in zip(trace["x"], trace["y"], strict=True)]
        assert sorted(placed) == [(1.0, 2.0), (4.0, 8.0), (6.0, 5.0), (9.0, 3.0)]


def test_before_the_first_event(opened):
    """The seed's headings stand there, and every figure says that there is no data."""
    with served(Told([])) as url, opened(url) as page:
        page.wait_for_function("(n) => document.querySelectorAll('.annotation-text').length === n", arg=len(GRAPHS))
        assert page.title() == "IoT Alerts Dashboard"
        assert page.locator("h1").inner_text() == "IoT Alerts Dashboard"
        headings = page.locator("h2").all_inner_texts()
        assert {"Sensor Metrics Over Time", "Number of Alerts"} <= set(headings)
        assert {name: figure(page, name)["empty"] for name in GRAPHS} == {
            name: ["No Data Available"] for name in GRAPHS
        }


def test_a_sensor_is_picked(opened, eventful_url):
    """The picker offers every sensor that reported; the graphs then show the one that was picked."""
    with opened(eventful_url) as page:
        wait_for_data(page)
        page.click("#sensor-picker")
        page.get_by_text("Sensor 3", exact=True).click()
        page.wait_for_function(
            "document.querySelector('#humidity-trend .js-plotly-plot').data.some((one) => one.name === 'sensor 3')"
        )
        (line,) = figure(page, "humidity-trend")["data"]
        assert line["y"] == tables.metrics_table(kept(*eventful_batches()), 3)["humidity"].to_list()


def points(page) -> int:
    """How many points the temperature has."""
    return len(figure(page, "temperature-trend")["data"][-1]["y"])


def test_traces_grow_and_zoom_survives(opened):
    """From tick to tick points are added, and the stretch of time that the reader chose stays chosen."""
    with served(Told(eventful_batches(), grows=True)) as url, opened(url) as page:
        wait_for_data(page)
        plot = "document.querySelector('#temperature-trend .js-plotly-plot')"
        place = page.locator("#temperature-trend .nsewdrag").bounding_box()
        page.mouse.move(place["x"] + 0.3 * place["width"], place["y"] + 0.5 * place["height"])
        page.mouse.down()
        page.mouse.move(place["x"] + 0.6 * place["width"], place["y"] + 0.5 * place["height"], steps=5)
        page.mouse.up()
        page.wait_for_function(f"{plot}.layout.xaxis.autorange === false")
        chosen, before = page.evaluate(f"{plot}.layout.xaxis.range"), points(page)
        page.wait_for_function(
            "(n) => document.querySelector('#temperature-trend .js-plotly-plot').data.at(-1).y.length >= n",
            arg=before + 10,
        )
        assert page.evaluate(f"{plot}.layout.xaxis.range") == chosen


def test_pause_holds_the_page_and_resume_goes_on(opened):
    """While it is paused nothing is asked for and nothing changes; then it catches up."""
    with served(Told(eventful_batches(), grows=True)) as url, opened(url) as page:
        wait_for_data(page)
        page.click("#pause")
        page.get_by_text("Resume", exact=True).wait_for()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        before = points(page)
        # The time of three ticks, any of which would be seen.
        page.wait_for_timeout(3000 * REFRESH_S)
        assert (asked, points(page)) == ([], before)
        assert page.locator("#status").inner_text().startswith("Paused at")
        page.click("#pause")
        page.wait_for_function(
            "(n) => document.querySelector('#temperature-trend .js-plotly-plot').data.at(-1).y.length > n", arg=before
        )


def test_two_readers_see_the_same(opened):
    """A second page takes nothing from the first: both show all that was kept."""
    with served(Told(eventful_batches())) as url, opened(url) as one, opened(url) as other:
        for page in (one, other):
            wait_for_data(page, "rejects-trend")
        assert figure(one, "alerts-over-time")["data"] == figure(other, "alerts-over-time")["data"]


def test_in_a_notebook(opened, tmp_path):
    """What Jupyter shows of the value of a cell is the page, alive in a frame, until it is closed."""
    shown = NotebookDashboard(Told(eventful_batches()), refresh_s=REFRESH_S)
    cell = tmp_path / "cell.html"
    cell.write_text(f"<!doctype html><title>a notebook</title>{shown._repr_html_()}")
    with opened(cell.as_uri(), hosts={"127.0.0.1"}) as page:
        frame = page.frame_locator("iframe")
        frame.locator("#rejects-trend .barlayer .point").first.wait_for()
        assert frame.locator("h1").inner_text() == "IoT Alerts Dashboard"
    shown.close()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(shown.url, timeout=5)
