"""Batches hold their invariants, travel as JSON, and hash to one digest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from base.errors import UsageError
from sim.batch import ReadingBatch
from sim.delivery_log import DELIVERY_LOG, DeliveryLog, read_delivery_log
from sim.digest import stream_digest
from sim.encode import encode
from sim.scenario import load_scenario
from sim.simulate import collect, simulate
from sim.stream import resolve_stream
from wire.reading import CHANNELS, READING_FIELDS

SCENARIO = load_scenario("temperate-day")
STREAM = resolve_stream(SCENARIO, seed=42, sensors=60)


def batch(**changes: object) -> ReadingBatch:
    """Two readings; keyword arguments replace columns."""
    columns = {
        "sensor_id": np.array([7, 9], dtype=np.int32),
        "seq": np.array([0, 3], dtype=np.int64),
        "copy": np.zeros(2, dtype=np.uint8),
        "event_us": np.array([1_782_000_000_551_722, 1_782_000_001_000_000], dtype=np.int64),
        "due_ns": np.array([5, 8], dtype=np.int64),
        "values": np.array([[21.5, 50.0, 0.0, 3.25, 0.0], [np.nan, 50.0, 0.2, 3.0, 8.01]]),
    }
    return ReadingBatch(**{**columns, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sensor_id": np.array([7, 9])}, "sensor_id is int64"),
        ({"seq": np.array([1], dtype=np.int64)}, r"seq is int64 \(1,\)"),
        ({"due_ns": np.array([8, 5])}, "due order"),
        ({"sensor_id": np.array([0, 9], dtype=np.int32)}, "count from 1"),
        ({"values": np.full((2, 5), np.inf)}, "infinite"),
        ({"values": np.zeros((2, 4))}, "values is float64"),
    ],
)
def test_a_batch_refuses_what_no_reading_can_be(changes: dict[str, object], reason: str):
    """Wrong types, lengths, order and values never get into a batch."""
    with pytest.raises(ValueError, match=reason):
        batch(**changes)


def test_a_batch_is_frozen():
    """Neither a column nor a value of it can be changed."""
    with pytest.raises(ValueError, match="read-only"):
        batch().seq[0] = 5


def test_encoding_one_reading():
    """Fields in wire order, integers as integers, shortest decimals, a null channel as null."""
    first, second = encode(batch())
    assert first == (
        b'{"sensor_id":7,"temperature":21.5,"humidity":50.0,"rainfall":0.0,"wind_speed":3.25,'
        b'"UV_index":0.0,"timestamp":1782000000.551722,"seq":0}'
    )
    assert second == (
        b'{"sensor_id":9,"temperature":null,"humidity":50.0,"rainfall":0.2,"wind_speed":3.0,'
        b'"UV_index":8.01,"timestamp":1782000001.0,"seq":3}'
    )


def test_an_empty_batch_encodes_to_nothing():
    """No rows, no messages."""
    assert list(encode(batch().take(slice(0, 0)))) == []


def test_decoding_gives_the_batch_back():
    """Every field of a simulated stretch survives the trip through JSON exactly, time to the microsecond."""
    for chunk in simulate(STREAM, start_s=0.0, end_s=6 * 3600.0):
        readings = chunk.readings
        decoded = [json.loads(line) for line in encode(readings)]
        assert all(tuple(one) == READING_FIELDS for one in decoded)
        assert [one["sensor_id"] for one in decoded] == readings.sensor_id.tolist()
        assert [one["seq"] for one in decoded] == readings.seq.tolist()
        assert [round(one["timestamp"] * 1e6) for one in decoded] == readings.event_us.tolist()
        values = np.array([[one[name] for name in CHANNELS] for one in decoded], dtype=np.float64)
        assert np.array_equal(values, readings.values, equal_nan=True)
        assert np.allclose(values * 100, np.rint(values * 100), atol=1e-9, equal_nan=True)


def test_ranges_are_half_open():
    """Two adjoining stretches hold every reading of their union once."""
    middle = STREAM.event_rel_us(30, 31)[0, 0] / 1e6
    whole = collect(STREAM, start_s=0.0, end_s=36_000.0).readings
    parts = [collect(STREAM, start_s=0.0, end_s=middle), collect(STREAM, start_s=middle, end_s=36_000.0)]
    assert pl.concat([part.readings for part in parts]).equals(whole)
    assert parts[1].readings["event_us"][0] == STREAM.scenario.start_us + round(middle * 1e6)


def test_the_schedule_is_in_due_order_and_on_time():
    """Each reading is due at its event time over the speedup, once, in order."""
    whole = collect(STREAM, start_s=-3600.0, end_s=3600.0)
    due = whole.schedule["due_ns"].to_numpy()
    event = whole.readings["event_us"].to_numpy() - SCENARIO.start_us
    assert np.array_equal(due, np.sort(due))
    assert np.allclose(due, event * 1000 / 2880, atol=0.51)
    assert due[0] < 0 < due[-1]


def test_an_endless_stream_goes_on():
    """Without an end the stream continues past any day, in chunks."""
    chunks = simulate(STREAM, start_s=0.0, end_s=None, chunk_readings=6000)
    event_us = [int(next(chunks).truth.event_us[-1]) for _ in range(4)]
    assert event_us == sorted(event_us)
    assert event_us[-1] - SCENARIO.start_us > 2 * 86_400_000_000


def test_a_start_before_the_lead_is_refused():
    """A warm-up longer than the scenario's history is a usage error that names the lead."""
    with pytest.raises(UsageError, match="lead of 1d"):
        simulate(STREAM, start_s=-100_000.0, end_s=0.0)
    with pytest.raises(UsageError, match="make it longer"):
        simulate(STREAM, start_s=10.0, end_s=10.0)


def test_digest_tells_streams_apart():
    """Same seed, same digest; another seed, speedup or number of sensors, another one."""
    digests = {
        stream_digest(resolve_stream(SCENARIO, seed=seed, sensors=sensors, speedup=speedup), 0.0, 7200.0)
        for seed, sensors, speedup in ((42, 60, None), (43, 60, None), (42, 61, None), (42, 60, 1440.0))
    }
    assert len(digests) == 4
    assert stream_digest(STREAM, 0.0, 7200.0) in digests


def test_delivery_log_round_trip(tmp_path: Path):
    """What is logged is read back; a record that was cut short is left out."""
    path = tmp_path / "sent.log"
    with DeliveryLog(path) as log:
        for first in (0, 2):
            numbers = np.arange(first, first + 2)
            log.write(sensor_id=numbers, seq=numbers, copy=numbers * 0, due_ns=numbers + 10**18, sent_ns=numbers)
    path.write_bytes(path.read_bytes() + b"cut")
    records = read_delivery_log(path)
    assert records.dtype == DELIVERY_LOG
    assert records["seq"].tolist() == [0, 1, 2, 3]
    assert records["due_ns"][3] == 10**18 + 3


def test_delivery_log_that_cannot_be_written(tmp_path: Path):
    """A folder that does not exist is a usage error that names the flag."""
    with pytest.raises(UsageError, match="--log"):
        DeliveryLog(tmp_path / "no" / "sent.log")
