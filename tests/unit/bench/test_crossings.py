"""Crossings and hazards are counted as the pipeline's rules see the truth, however the stream is cut."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import orjson
import pytest
from typer.testing import CliRunner

from bench import crossings
from bench.crossings import ANY, Counter, cells, exposures
from pipeline.reference import evaluate_all
from pipeline.rules import AlertRule, load_rules
from sim.scenario import load_scenario
from sim.simulate import simulate
from sim.stream import resolve_stream
from sim.truth import TruthBatch
from wire.reading import CHANNELS

HOT = AlertRule(id="hot", field="temperature", comparison=">", threshold=35.0, label="Hot")
DRY = AlertRule(id="dry", field="humidity", comparison="<=", threshold=20.0, label="Dry")
RULES = load_rules()
STREAM = resolve_stream(load_scenario("temperate-day"), seed=42, sensors=150)


def batch(sensor_id: list[int], temperature: list[float], humidity: float = 50.0, beacon: int = 0) -> TruthBatch:
    """Readings in the order given; only temperature and humidity are more than calm."""
    true = np.tile([0.0, humidity, 0.0, 2.0, 0.0], (len(sensor_id), 1))
    true[:, 0] = temperature
    ids = np.array(sensor_id, dtype=np.int32)
    at = np.arange(len(ids), dtype=np.int64)
    return TruthBatch(
        sensor_id=ids,
        seq=at,
        event_us=at,
        true=true,
        clean=true,
        fault_mask=np.zeros(len(ids), dtype=np.uint16),
        beacon=ids == beacon,
    )


def test_a_run_is_one_crossing():
    """Two sensors in turn: one is hot twice with a pause, the other all the time."""
    counter = Counter([HOT, DRY], sensors=2)
    counter.add(batch([1, 2, 1, 2, 1, 2, 1, 2], [36, 40, 36, 40, 30, 40, 36, 40]))
    found = counter.exposures(days=1.0)
    assert found["hot"].crossings_per_sensor_day == (2 + 1) / 2
    assert found["hot"].hazard_share == 7 / 8
    assert found["dry"].crossings_per_sensor_day == found["dry"].hazard_share == 0.0
    assert found[ANY] == found["hot"]


def test_a_run_goes_on_in_the_next_batch():
    """What held in a sensor's last reading is no new crossing in the next batch; `<=` holds at its threshold."""
    counter = Counter([HOT, DRY], sensors=3)
    for temperature in ([36.0, 30.0], [36.0, 35.0], [30.0, 36.0]):
        counter.add(batch([1, 3], temperature, humidity=20.0))
    found = counter.exposures(days=2.0)
    assert found["hot"].crossings_per_sensor_day == (1 + 1) / (2 * 2)
    assert found["dry"].crossings_per_sensor_day == (1 + 1) / (2 * 2)
    assert found["dry"].hazard_share == 1.0


def test_beacons_do_not_count():
    """A beacon is neither a crossing, nor a reading, nor a sensor."""
    counter = Counter([HOT], sensors=2)
    counter.add(batch([1, 2, 1, 2], [45.0, 36.0, 20.0, 36.0], beacon=1))
    assert counter.exposures(days=1.0)["hot"].crossings_per_sensor_day == 1.0
    assert counter.exposures(days=1.0)["hot"].hazard_share == 1.0


def test_counts_are_those_of_the_reference_evaluator():
    """Encoded, judged one by one and followed sensor by sensor, the truth gives the same numbers."""
    (chunk,) = simulate(STREAM, start_s=0.0, end_s=86400.0)
    truth = chunk.truth.to_polars().filter(~chunk.truth.to_polars()["beacon"]).sort("sensor_id", "seq")
    readings = [
        orjson.dumps(
            {
                "sensor_id": row["sensor_id"],
                "timestamp": row["event_us"] / 1e6,
                **{channel: row[f"true_{channel}"] for channel in CHANNELS},
            }
        )
        for row in truth.iter_rows(named=True)
    ]
    fired = [set(one.fired) for one in evaluate_all(readings, RULES)]
    sensor, days = truth["sensor_id"].to_list(), truth["sensor_id"].n_unique()
    found = exposures(STREAM, RULES, days=1)
    for rule in (rule.id for rule in RULES):
        begins = sum(
            rule in now and (mine != before or rule not in then)
            for (before, then), (mine, now) in pairwise([(0, set()), *zip(sensor, fired, strict=True)])
        )
        assert found[rule].crossings_per_sensor_day == begins / days
        assert found[rule].hazard_share == sum(rule in one for one in fired) / len(fired)
    assert found[ANY].hazard_share == sum(map(bool, fired)) / len(fired)
    assert found[ANY].hazard_share > 0.0


def test_however_the_stream_is_cut():
    """Small chunks give the numbers of large ones."""
    counter = Counter(RULES, STREAM.sensors)
    for chunk in simulate(STREAM, start_s=0.0, end_s=86400.0, chunk_readings=500):
        counter.add(chunk.truth)
    assert counter.exposures(days=1.0) == exposures(STREAM, RULES, days=1)


def test_cells_dash_what_never_happens():
    """Crossings and share in one cell; nothing at all is a dash."""
    counter = Counter([HOT, DRY], sensors=1)
    counter.add(batch([1, 1, 1, 1], [36, 30, 36, 30]))
    assert cells(counter.exposures(days=1.0)) == ["2, 50 %", "–", "2, 50 %"]


def test_command_prints_each_scenario():
    """Markdown has a row a scenario and a column a rule; JSON has the numbers."""
    small = ["--scenario", "calm", "--sensors", "60"]
    table = CliRunner().invoke(crossings.app, [*small, "--markdown"]).stdout.splitlines()
    assert table[0] == f"| scenario | {' | '.join(rule.id for rule in RULES)} | {ANY} |"
    assert table[2:] == ["| calm | – | – | – | – | – | – |"]
    found = json.loads(CliRunner().invoke(crossings.app, [*small, "--json"]).stdout)
    assert found["sensors"] == 60
    assert set(found["scenarios"]["calm"]) == {*(rule.id for rule in RULES), ANY}
    assert found["scenarios"]["calm"][ANY] == {"crossings_per_sensor_day": 0.0, "hazard_share": 0.0}


@pytest.mark.parametrize(
    ("flags", "words"),
    [(["--days", "0"], "--days 0"), (["--json", "--markdown"], "choose one"), (["--scenario", "clam"], "calm")],
)
def test_refusals(flags: list[str], words: str):
    """Nonsense is refused in one line."""
    done = CliRunner().invoke(crossings.app, flags)
    assert done.exit_code == 2
    assert words in done.stderr
