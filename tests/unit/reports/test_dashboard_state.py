"""What the dashboard remembers: latency, backlog, totals, and never more than it may."""

from __future__ import annotations

import polars as pl
from unit.reports.dashboard_events import ZERO_MS, alert, batch, kept, reading

from reports.dashboard import state
from reports.dashboard.events import ALERT, READING, REJECT, Batch


def test_an_alert_finds_its_reading_by_sensor_and_event_time():
    """Latency is the alert's arrival minus that of its reading, be it of the same batch or an earlier one."""
    first = batch(readings=[reading(1, 0), reading(2, 0)], alerts=[alert(2, 0, at_ms=7)])
    later = batch(readings=[reading(1, 5)], alerts=[alert(1, 0, at_ms=900)])
    assert kept(first, later).alerts["latency_ms"].to_list() == [7, 900]


def test_of_a_reading_that_came_twice_the_first_counts():
    """A copy that arrives later neither doubles the alert nor shortens its latency."""
    copies = [reading(1, 0), reading(1, 0, at_ms=500)]
    remembered = kept(batch(readings=copies, alerts=[alert(1, 0, at_ms=600)]))
    assert remembered.alerts["latency_ms"].to_list() == [600]


def test_an_alert_without_its_reading_has_no_latency():
    """It counts as an alert; its latency is null, not zero."""
    remembered = kept(batch(readings=[reading(1, 0)], alerts=[alert(1, 99, at_ms=5)]))
    assert remembered.alerts["latency_ms"].to_list() == [None]
    assert remembered.totals.rows() == [("High Temperature", 1)]
    assert remembered.backlog.is_empty()


def test_a_source_whose_arrivals_cannot_be_told_apart_has_no_latency():
    """Alerts of a Parquet folder arrive with their readings: 0 ms would be a lie."""
    remembered = kept(batch(readings=[reading(1, 0)], alerts=[alert(1, 0, at_ms=0)]), timed=False)
    assert remembered.alerts["latency_ms"].to_list() == [None]
    assert remembered.backlog.is_empty()


def test_the_backlog_counts_what_came_after_the_reading_alerted_last():
    """Three readings after it are a backlog of three; one that was passed over stays one until it is overtaken."""
    first = batch(now_ms=1000, readings=[reading(n, 0, at_ms=n) for n in (1, 2, 3, 4)], alerts=[alert(1, 0, at_ms=9)])
    second = batch(now_ms=2000, readings=[reading(1, 1, at_ms=1500)], skipped=1)
    third = batch(now_ms=3000, alerts=[alert(1, 1, at_ms=2500)])
    fourth = batch(now_ms=4000, readings=[reading(1, 3)], alerts=[alert(1, 3, at_ms=3500)])
    backlog = kept(first, second, third, fourth).backlog
    assert backlog.rows() == [(ZERO_MS + 1000, 3), (ZERO_MS + 2000, 5), (ZERO_MS + 3000, 1), (ZERO_MS + 4000, 0)]


def test_totals_outlive_what_is_kept(monkeypatch):
    """Alerts are counted since the start, though only the latest are kept."""
    monkeypatch.setattr(state, "MOST_ALERTS", 3)
    alerts = [alert(1, n, at_ms=n, label="Low Humidity" if n % 2 else "High Temperature") for n in range(11)]
    remembered = kept(*(batch(alerts=[one]) for one in alerts))
    assert remembered.alerts.height == 3
    assert remembered.totals.rows() == [("High Temperature", 6), ("Low Humidity", 5)]


def test_memory_is_bounded(monkeypatch):
    """However much comes, and however many labels there are, no frame grows beyond its limit; the latest stay."""
    for name, most in (("READINGS", 50), ("ALERTS", 40), ("REJECTS", 30), ("BACKLOGS", 20), ("LABELS", 10)):
        monkeypatch.setattr(state, f"MOST_{name}", most)
    remembered = state.NOTHING
    for second in range(200):
        remembered = state.remember(
            remembered,
            batch(
                now_ms=second * 1000,
                readings=[reading(n, second) for n in range(1, 8)],
                alerts=[alert(1, second, at_ms=second * 1000, label=f"label {second}")],
                rejects=[{"reason": "empty record", "at_ms": ZERO_MS + second * 1000}] * 3,
            ),
            timed=True,
        )
    frames = (remembered.readings, remembered.alerts, remembered.rejects, remembered.backlog, remembered.totals)
    assert [frame.height for frame in frames] == [50, 40, 30, 20, 10]
    assert remembered.readings["at_ms"].max() == ZERO_MS + 199_000
    assert remembered.readings_seen == 1400
    assert remembered.rejects_seen == 600


def test_one_batch_larger_than_the_limit_keeps_its_latest(monkeypatch):
    """The rows that arrived last are the ones that stay."""
    monkeypatch.setattr(state, "MOST_READINGS", 4)
    remembered = kept(batch(readings=[reading(1, second) for second in range(10)]))
    assert remembered.readings["number"].to_list() == [6, 7, 8, 9]


def test_the_newest_event_is_known_whatever_it_was():
    """The age of the data counts from the latest reading, alert or reject."""
    remembered = kept(
        batch(readings=[reading(1, 1)]),
        batch(rejects=[{"reason": "empty record", "at_ms": ZERO_MS + 8000}]),
        batch(alerts=[alert(1, 1, at_ms=3000)]),
    )
    assert remembered.newest_ms == ZERO_MS + 8000
    assert kept().newest_ms is None


def test_an_empty_batch_changes_nothing_but_the_time():
    """A look at a source that had nothing keeps every frame, and tells what troubles the source."""
    before = kept(batch(readings=[reading(1, 0)]))
    after = state.remember(before, Batch(now_ms=ZERO_MS + 5000, trouble="gone"), timed=True)
    assert after.readings.equals(before.readings)
    assert (after.now_ms, after.trouble, after.newest_ms) == (ZERO_MS + 5000, "gone", before.newest_ms)


def test_the_frames_of_an_empty_batch_have_their_columns():
    """A source that has nothing to tell says so in the same form."""
    empty = Batch(now_ms=0)
    for frame, schema in ((empty.readings, READING), (empty.alerts, ALERT), (empty.rejects, REJECT)):
        assert frame.schema == pl.Schema(schema)
