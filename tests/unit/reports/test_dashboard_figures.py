"""The dashboard's tables, and the figures that draw them and nothing else."""

from __future__ import annotations

import socket
import subprocess
import sys
from datetime import datetime

import polars as pl
import pytest
from dash import Dash
from unit.reports.dashboard_events import alert, batch, eventful, kept, reading

from base.errors import UsageError
from reports.dashboard import app, figures, look, tables
from reports.dashboard.events import About
from reports.dashboard.feed import Feed
from reports.dashboard.layout import GRAPHS
from reports.dashboard.serve import PageServer
from reports.dashboard.state import NOTHING
from wire.reading import CHANNELS

ABOUT = About(source="here", readings="all readings", latency="reading \u2192 alert")


@pytest.mark.parametrize("span_s", [0, 1, 299, 300, 3600, 86_400, 10**9])
def test_bins_suffice_for_any_time(span_s):
    """However long a time, no more than `MOST_POINTS` bins cover it; a short one has bins of a second."""
    width_us = tables.bin_us(span_s * 1_000_000)
    assert width_us >= 1_000_000
    # One more, where the first does not begin with a bin.
    assert span_s * 1_000_000 // width_us + 2 <= tables.MOST_POINTS + 1
    assert width_us == 1_000_000 or span_s >= 299


def test_all_sensors_are_a_median_in_a_band():
    """Each bin has percentiles of the readings in it, whatever one sensor says; a null counts for none of them."""
    rows = [reading(n, 0.4, temperature=float(n)) for n in range(1, 101)] + [reading(200, 0, temperature=None)]
    wrong = reading(101, 0.9, temperature=-999.0)
    table = tables.metrics_table(kept(batch(readings=[*rows, wrong, reading(1, 1, temperature=7.0)])), None)
    assert table["temperature"].to_list() == [50.0, 7.0]
    assert table["temperature_low"].to_list() == [5.0, 7.0]
    assert table["temperature_high"].to_list() == [95.0, 7.0]


def test_a_faulty_sensor_does_not_flatten_the_others():
    """Where -999 reaches the 5th percentile of a few bins, the axis holds the rest, and the page says so."""

    def drawn(faulty_bins: int):
        rows = [reading(n, s, temperature=20.0 + n) for s in range(60) for n in range(3)]
        wrong = [reading(9, s, temperature=-999.0) for s in range(faulty_bins)]
        table = tables.metrics_table(kept(batch(readings=[*rows, *wrong])), None)
        assert table["temperature_low"].min() == (-999.0 if faulty_bins else 20.0)
        return figures.metric_figure(table, "temperature", None)

    sound, faulty = drawn(0), drawn(4)
    assert sound.layout.yaxis.range is None
    assert 19.0 < faulty.layout.yaxis.range[0] < 20.0
    assert 22.0 < faulty.layout.yaxis.range[1] < 23.0
    assert faulty.layout.title.subtitle.text == f"{sound.layout.title.subtitle.text}, cut off"
    # What is drawn is all of it: who zooms out finds the fault.
    assert min(faulty.data[0].y) == -999.0


def test_one_sensor_is_its_own_readings_by_event_time():
    """A reading that came late stands where it was taken; no other sensor's is among them."""
    late = [reading(1, 5, temperature=5.0), reading(2, 1), reading(1, 2, at_ms=9000, temperature=2.0)]
    table = tables.metrics_table(kept(batch(readings=late)), 1)
    assert table["temperature"].to_list() == [2.0, 5.0]
    assert table["temperature_low"].to_list() == [None, None]


def test_alerts_are_counted_by_label_and_time():
    """Two of a kind in a second are 2; the same second's other kind is a row of its own."""
    alerts = [alert(n, 3, at_ms=4000) for n in (1, 2)] + [alert(3, 3, at_ms=4000, label="Low Humidity")]
    table = tables.alerts_table(kept(batch(alerts=alerts)))
    assert table.select("alert", "count").rows() == [("High Temperature", 2), ("Low Humidity", 1)]


def test_latency_is_told_by_when_alerts_arrived():
    """Median and longest of the alerts of a second of wall time; alerts without a latency count for nothing."""
    readings = [reading(n, 0, at_ms=0) for n in (1, 2, 3)]
    alerts = [alert(n, 0, at_ms=ms) for n, ms in ((1, 100), (2, 300), (3, 200), (9, 400))]
    table = tables.latency_table(kept(batch(readings=readings, alerts=alerts)))
    assert table.select("p50_ms", "max_ms").rows() == [(200.0, 300)]


def test_a_sensor_is_alerted_until_it_has_had_three_readings_since():
    """The map shows the label of an alert behind one of a sensor's last three readings, and none that is older."""
    readings = [reading(n, second) for n in (1, 2) for second in range(4)]
    alerts = [alert(1, 0, at_ms=1), alert(2, 1, at_ms=1)]
    table = tables.map_table(kept(batch(readings=readings, alerts=alerts)), None)
    assert table.select("sensor_id", "alert").rows() == [(1, "No Alert"), (2, "High Temperature")]


def test_sensors_stand_where_they_are_said_to():
    """With positions a sensor is drawn there, and one without a position not at all."""
    places = pl.DataFrame({"sensor_id": [2], "x_km": [3.0], "y_km": [4.0]})
    table = tables.map_table(kept(batch(readings=[reading(1, 0), reading(2, 0)])), places)
    assert table.select("sensor_id", "x", "y").rows() == [(2, 3.0, 4.0)]


def test_without_positions_every_sensor_has_a_place_of_its_own():
    """Sensors stand in rows, none upon another."""
    table = tables.map_table(kept(batch(readings=[reading(n, 0) for n in range(1, 24)])), None)
    assert table.select("x", "y").n_unique() == 23


@pytest.mark.parametrize("sensor", [None, 3])
def test_every_figure_has_the_numbers_of_its_table(sensor):
    """Nothing is computed between a table and the traces that draw it."""
    state = eventful()
    drawn = dict(zip(GRAPHS, app.draw(state, ABOUT, sensor=sensor, positions=None), strict=True))
    metrics = tables.metrics_table(state, sensor)
    for channel in CHANNELS:
        traces = {trace.name: trace for trace in drawn[figures.METRICS[channel].graph].data}
        of_all = {"": "median", "_low": "5th percentile", "_high": "95th percentile"}
        names = of_all if sensor is None else {"": "sensor 3"}
        for ending, name in names.items():
            assert list(traces[name].y) == metrics[channel + ending].to_list()
            assert [datetime.fromisoformat(at) for at in traces[name].x] == metrics["time"].to_list()
    totals, (bars,) = tables.totals_table(state), drawn["alert-distribution"].data
    assert dict(zip(bars.x, bars.y, strict=True)) == dict(totals.rows()) == {"High Temperature": 30, "Low Humidity": 9}
    latency = {trace.name: list(trace.y) for trace in drawn["latency-trend"].data}
    table = tables.latency_table(state)
    assert latency == {"median": table["p50_ms"].to_list(), "longest": table["max_ms"].to_list()}
    (line,) = drawn["backlog-trend"].data
    assert list(line.y) == tables.backlog_table(state)["readings"].to_list()
    for graph, table in (
        ("alerts-over-time", tables.alerts_table(state)),
        ("rejects-trend", tables.rejects_table(state)),
    ):
        assert sum(sum(trace.y) for trace in drawn[graph].data) == table["count"].sum() > 0
    points = [at for trace in drawn["sensor-map"].data for at in zip(trace.x, trace.y, strict=True)]
    assert sorted(points) == sorted(tables.map_table(state, None).select("x", "y").rows())


def test_seed_titles_and_axes():
    """The metrics' graphs have the seed's ids, titles and axes, with units."""
    drawn = dict(zip(GRAPHS, app.draw(eventful(), ABOUT, sensor=None, positions=None), strict=True))
    seen = {
        name: (drawn[name].layout.title.text, drawn[name].layout.yaxis.title.text, drawn[name].layout.xaxis.title.text)
        for name in GRAPHS[:5]
    }
    assert seen == {
        "temperature-trend": ("Temperature Over Time", "Temperature (°C)", "Timestamp"),
        "humidity-trend": ("Humidity Over Time", "Humidity (%)", "Timestamp"),
        "UV-index-trend": ("UV Index Over Time", "UV Index", "Timestamp"),
        "rainfall-trend": ("Rainfall Over Time", "Rainfall (mm)", "Timestamp"),
        "wind-speed-trend": ("Wind Speed Over Time", "Wind Speed (m/s)", "Timestamp"),
    }
    assert "alert-distribution" in GRAPHS


def test_what_is_empty_says_so_and_keeps_its_title():
    """Before the first event every figure reads `No Data Available`, and has no trace."""
    for drawn in app.draw(NOTHING, ABOUT, sensor=None, positions=None):
        assert [note.text for note in drawn.layout.annotations] == ["No Data Available"]
        assert not drawn.data
        assert drawn.layout.title.text


def test_zoom_survives_a_tick():
    """`uirevision` is the same from state to state, for every figure."""
    both = [app.draw(state, ABOUT, sensor=None, positions=None) for state in (NOTHING, eventful())]
    assert {drawn.layout.uirevision for figures_ in both for drawn in figures_} == {"live"}


def test_a_label_has_one_colour():
    """The five labels of the seed have colours of their own; one of somebody's own rule has one as well."""
    colours = [look.of_alert(label) for label in look.ALERTS]
    assert len(set(colours)) == len(colours)
    assert look.of_alert("Frost") not in colours


class Silent:
    """A source that has nothing to tell."""

    about = ABOUT

    def poll(self, timeout_s):
        """As in `Source`."""
        return batch()

    def close(self):
        """As in `Source`."""


def told(state, *, live=True, paused=False):
    """The status of ``state``."""
    return app.status(state, About(source="here", readings="all", live=live), paused=paused)


def test_status_tells_age_and_trouble():
    """Empty, fresh, stale, in trouble, paused and replayed: each is told, with what was seen."""
    fresh = batch(now_ms=4000, readings=[reading(1, 0)])
    assert told(NOTHING) == ("No Data Available. Waiting for the first.", "empty")
    assert told(kept(fresh)) == ("Data are 4 s old at 12:00:04 UTC. 1 readings, 0 alerts, 0 rejects.", "fresh")
    text, tone = told(kept(fresh, batch(now_ms=61_000)))
    assert (text.startswith("Stale: nothing new for 61 s"), tone) == (True, "stale")
    text, tone = told(kept(fresh, batch(now_ms=5000, trouble="No Kafka answers")))
    assert (text.startswith("No Kafka answers. Data are 5 s old."), tone) == (True, "trouble")
    assert told(kept(fresh), paused=True)[1] == "paused"
    assert told(kept(fresh, batch(now_ms=9000, ended=True)), live=False)[0].startswith("Ended at 2026-06-21 12:00:09")
    assert "; 7 readings passed over" in told(kept(batch(readings=[reading(1, 0)], skipped=7)))[0]
    assert told(kept(batch(trouble="Topic sensor does not exist yet"))) == (
        "Topic sensor does not exist yet.",
        "trouble",
    )


def test_one_clock_and_one_callback():
    """All figures are outputs of a single callback, which one clock of the seed's 5,000 ms calls."""
    made = app.dashboard(Feed(Silent()))
    (output,) = made.callback_map
    assert all(f"{name}.figure" in output for name in GRAPHS)
    assert made.layout["interval-component"].interval == 5000
    assert [one for one in made.layout if type(made.layout[one]).__name__ == "Interval"] == ["interval-component"]
    assert set(GRAPHS) <= set(made.layout)


def test_a_port_that_is_taken_is_refused():
    """It is told with what to give instead; it does not end the process."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--port {port}: cannot listen on 127.0.0.1"):
            PageServer(Dash("reports.dashboard"), port)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--refresh", "1ms"], "--refresh 1ms: a page cannot be drawn as often"),
        (["--parquet", "a", "--run", "b"], "--parquet and --run are two sources"),
        (["--cell", "a"], "--cell a: it is a finished run's"),
        (["--run", "nowhere"], "RUN nowhere: no result there"),
        (["--pace", "0"], "--pace 0: give a number above 0"),
        (["--positions", "nowhere.csv"], "--positions nowhere.csv"),
    ],
)
def test_a_wrong_flag_is_one_line(flags, said):
    """What cannot be shown is refused with the flag's name and a remedy, exit 2."""
    command = [sys.executable, "-m", "reports.dashboard", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert said in done.stderr


def test_the_dashboard_draws_without_matplotlib():
    """Its figures are Plotly's; the other library would cost every dashboard 30 MB."""
    code = "import sys, reports.dashboard.__main__; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
