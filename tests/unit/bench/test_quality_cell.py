"""The quality cell: the scenario under other seeds, until every rule had enough to find or the bound is reached."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from bench.judge import Judge
from bench.quality import cell
from bench.quality.scores import wilson
from bench.records import OtherStream
from pipeline.rules import load_rules
from sim.digest import stream_digest
from sim.encode import ready_to_send
from sim.scenario import load_scenario
from sim.simulate import collect
from sim.stream import resolve_stream

RULES = load_rules(None)
EVERY_DAY = ("high_temperature", "low_humidity")


def stream(scenario="hot-dry", **more):
    """What a run with so many sensors measures."""
    return resolve_stream(load_scenario(scenario), seed=42, sensors=1000, **more)


def streams(*readings):
    """Streams of so many readings."""
    return [OtherStream(seed=n, readings=one, stream_digest="d") for n, one in enumerate(readings)]


@pytest.fixture
def small(monkeypatch):
    """Streams of 50 sensors, and 12 events a rule."""
    monkeypatch.setattr(cell, "STREAM_READINGS", 7_200)
    monkeypatch.setattr(cell, "MOST_READINGS", 50_000)
    monkeypatch.setattr(cell, "WANTED_EVENTS", 12)


def test_it_is_other_weather_of_the_same_scenario(small):
    """Seeds after the stream's own, and the very readings that `sim.digest` names by them."""
    spec = stream()
    found = cell.quality_cell(spec, RULES)
    assert [one.seed for one in found.streams] == list(range(43, 43 + len(found.streams)))
    assert (found.sensors, found.interval_s, found.window_event_s) == (50, 600.0, 86_400.0)
    for one in found.streams:
        assert one.stream_digest == stream_digest(replace(spec, seed=one.seed, sensors=50), 0.0, 86_400.0)
    assert len({one.stream_digest for one in found.streams}) == len(found.streams)


def test_its_alerts_are_those_that_fidelity_asks_for():
    """On the default scenario's readings: sensor, number, label and fired rules as the reference evaluator has them."""
    spec = replace(stream("temperate-day"), sensors=60)
    whole = collect(spec, start_s=0.0, end_s=86_400.0)
    judged = [Judge(RULES)(stretch.values) for stretch in ready_to_send(whole.batches)]
    asked = pl.concat(judged).filter(pl.col("alert_id").is_not_null()).select("sensor_id", "seq", "rule", "fired")
    assert len(asked) > 200
    assert_frame_equal(cell.alerts_of(whole.batches, RULES), asked)


def test_every_rule_has_its_events_or_is_named_with_what_it_had(small):
    """What is missing in one day is found in the next; hot-dry has no heavy rain to wait for."""
    found = cell.quality_cell(stream(), RULES)
    assert found.quality is not None
    events = {rule: score.tp + score.fn for rule, score in found.quality.by_rule.items()}
    assert min(events[rule] for rule in EVERY_DAY) >= 12
    assert found.short == {rule: count for rule, count in events.items() if count < 12}
    assert found.short["heavy_rainfall"] == 0
    assert sum(one.readings for one in found.streams) <= 50_000
    score = found.quality.by_rule["high_temperature"]
    assert score.intervals["recall"] == wilson(score.tp, score.tp + score.fn)
    assert set(score.baselines) == {"never", "always_on", "random"}
    assert score.baselines["random"].metrics.point.f1 < score.metrics.point.f1


def test_a_scenario_without_hazards_ends_soon_and_says_so(small):
    """Calm weather has nothing to find, however long it is looked at: recall is undefined, not 0."""
    found = cell.quality_cell(stream("calm"), RULES)
    assert found.short == dict.fromkeys((rule.id for rule in RULES), 0)
    assert found.quality.all.recall is None
    assert sum(one.readings for one in found.streams) < 0.7 * 50_000


@pytest.mark.parametrize(
    ("events", "readings", "stops"),
    [
        ({"a": 0, "b": 0}, [], False),
        ({"a": 400, "b": 400}, [100_000], True),
        ({"a": 400, "b": 399}, [100_000], False),
        ({"a": 400, "b": 399}, [100_000] * 19, False),
        ({"a": 400, "b": 399}, [100_000] * 20, True),
        ({"a": 400, "b": 399}, [150_000] * 13, True),
        ({"a": 400, "b": 0}, [100_000] * 9, False),
        ({"a": 400, "b": 199}, [100_000] * 10, True),
        ({"a": 400, "b": 200}, [100_000] * 10, False),
        ({"a": 399, "b": 0}, [100_000] * 10, False),
    ],
)
def test_when_it_has_seen_enough(events, readings, stops):
    """400 events for every rule, or no room for one more stream; half-way, what will not come so far is let go."""
    assert cell.enough(events, streams(*readings)) is stops


def test_the_run_decides_nothing_but_interval_and_seed():
    """Rate and sensors of the run change how far apart readings are, and neither how long nor how many they are."""
    for spec in (stream(), stream(rate=48_000.0), resolve_stream(load_scenario("hot-dry"), seed=1, sensors=7)):
        one, window_event_s = cell.one_stream(spec)
        assert window_event_s == 86_400
        assert one.interval_s == spec.interval_s
        assert one.sensors * window_event_s / one.interval_s == pytest.approx(cell.STREAM_READINGS, rel=0.01)
    fast, _ = cell.one_stream(stream(speedup=1.0, rate=4800.0))
    assert (fast.interval_s, fast.sensors) == (cell.LEAST_INTERVAL_S, 50)


def test_without_weather_a_stream_is_as_long_as_its_readings():
    """Readings drawn by lot come one at a time, whatever the number of sensors."""
    spec = stream("seed")
    one, window_event_s = cell.one_stream(spec)
    assert one == spec
    assert window_event_s == 2.0 * cell.STREAM_READINGS


def test_a_recording_is_not_judged_stream(tmp_path):
    """It has no other weather."""
    text = 'name = "x"\ntitle = "x"\nstart = 2026-01-01T00:00:00Z\n[replay]\nfile = "x.csv"\n[replay.columns]\n'
    text += 'sensor_id = "sensor_id"\ntimestamp = "timestamp"\ntemperature = "temperature"\n'
    (tmp_path / "x.toml").write_text(text)
    (tmp_path / "x.csv").write_text("sensor_id,timestamp,temperature\n1,1767225600,20.0\n")
    spec = resolve_stream(load_scenario(str(tmp_path / "x.toml")), seed=1, sensors=1)
    found = cell.quality_cell(spec, RULES)
    assert (found.quality, found.streams) == (None, [])
    assert "recording" in found.reason
