"""Readings that no weather made: drawn by lot as the seed project did, or replayed from a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from base.errors import UsageError
from sim.digest import stream_digest
from sim.faults import FAULT_BITS
from sim.generate import sensor_frame
from sim.scenario import load_scenario, parse_scenario
from sim.simulate import collect, simulate
from sim.stream import StreamSpec, resolve_stream

SEED = load_scenario("seed")
RANGES = {
    "temperature": (20, 40),
    "humidity": (30, 70),
    "rainfall": (0, 50),
    "wind_speed": (0, 20),
    "UV_index": (0, 11),
}


def test_the_seed_projects_generator():
    """A reading every 2 s in total, of any of a hundred sensors, uniform in its ranges, to two digits."""
    collected = collect(resolve_stream(SEED, seed=42, sensors=100), start_s=0.0, end_s=86400.0)
    readings = collected.readings
    assert len(readings) == 43_200
    assert set(np.diff(readings["event_us"])) == {2_000_000}
    assert set(readings["sensor_id"]) == set(range(1, 101))
    for name, (low, high) in RANGES.items():
        values = readings[name].to_numpy()
        assert low <= values.min() < values.max() <= high
        assert values.mean() == pytest.approx((low + high) / 2, rel=0.02)
        assert np.array_equal(values, np.round(values, 2))
    assert collected.truth.intervals.is_empty()
    assert not collected.truth.readings["beacon"].any()
    assert sensor_frame(resolve_stream(SEED, seed=42, sensors=3)).columns == ["sensor_id", "beacon"]


def test_a_rate_is_that_of_all_sensors_together():
    """`--rate` sets the interval between any two readings."""
    stream = resolve_stream(SEED, seed=42, sensors=100, rate=1000.0)
    assert (stream.interval_s, stream.rate_per_s) == (0.001, 1000.0)


def test_lots_do_not_show_the_cut():
    """Chunks and the start of emission change nothing."""
    stream = resolve_stream(SEED, seed=7, sensors=100)
    whole = pl.concat([chunk.readings.to_polars() for chunk in simulate(stream, start_s=-60.0, end_s=600.0)])
    cut = simulate(stream, start_s=100.0, end_s=600.0, chunk_readings=7)
    late = pl.concat([chunk.readings.to_polars() for chunk in cut])
    assert late.equals(whole.filter(pl.col("event_us") >= SEED.start_us + 100_000_000))
    assert late["seq"].is_sorted()


@pytest.mark.parametrize(
    ("extra", "part"),
    [
        ({"faults": {"spike": {"per_sensor_day": 0.1}}}, "no sensors to fail"),
        ({"beacons": {"share": 0.02}}, "leave the table `beacons` out"),
        ({"temperature": {"mean_c": 1.0}}, "unknown key 'temperature'"),
    ],
)
def test_what_needs_weather_is_refused(extra: dict[str, Any], part: str):
    """Faults, beacons and weather have no place among values drawn by lot."""
    with pytest.raises(UsageError, match=part):
        parse_scenario(
            SEED.model_dump(exclude={"faults", "beacons", "sensors", "delivery"}) | extra, source="mine.toml"
        )


HOUR_US = 3_600_000_000
FIRST = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def recording() -> pl.DataFrame:
    """Three stations, hourly for five days, at odd minutes; the last one lacks a value."""
    hours = np.arange(120)
    parts = [
        pl.DataFrame(
            {
                "station": [name] * len(hours),
                "time": (1e3 * (FIRST.timestamp() + 3600 * hours + 60 * number)).astype("datetime64[ms]"),
                "air": np.round(15 + 5 * np.sin(hours / 24 * 2 * np.pi) + number, 3),
                "rh": [60.0 + number] * len(hours),
            }
        )
        for number, name in enumerate(["north", "south", "west"])
    ]
    return pl.concat(parts).with_columns(
        air=pl.when((pl.col("station") == "west") & (pl.int_range(pl.len()) == 359)).then(None).otherwise("air")
    )


def replay(folder: Path, *, faults: dict[str, Any] | None = None, sensors: int = 10, **replayed: Any) -> StreamSpec:
    """The recording as a scenario, beside its file."""
    columns = {"sensor_id": "station", "timestamp": "time", "temperature": "air", "humidity": "rh"}
    table = {
        "name": "mine",
        "title": "Mine",
        "start": datetime(2026, 6, 21, tzinfo=UTC),
        "interval": "1h",
        "faults": faults or {},
        "replay": {"file": "readings.csv", "columns": columns} | replayed,
    }
    return resolve_stream(parse_scenario(table, source="mine.toml", folder=folder), seed=1, sensors=sensors)


def test_a_recording_is_sent_again(tmp_path: Path, recording: pl.DataFrame):
    """Every reading, in order of time, moved to the scenario's start, with the columns mapped."""
    recording.sample(fraction=1.0, shuffle=True, seed=1).write_csv(tmp_path / "readings.csv")
    stream = replay(tmp_path)
    collected = collect(stream, start_s=0.0, end_s=10 * 86400.0)
    readings = collected.readings
    assert len(readings) == 360
    assert readings["event_us"].is_sorted()
    assert readings["event_us"][0] == stream.scenario.start_us
    south = readings.filter(pl.col("sensor_id") == 2)
    assert south["seq"].to_list() == list(range(120))
    assert south["temperature"].to_list() == recording.filter(station="south")["air"].round(2).to_list()
    assert readings["rainfall"].null_count() == 360
    assert readings.filter(pl.col("sensor_id") == 3)["temperature"][-1] is None
    assert collected.truth.readings["true_temperature"].drop_nans().len() == 359
    assert collected.truth.intervals.is_empty()


def test_parquet_numbers_and_a_chosen_zero(tmp_path: Path, recording: pl.DataFrame):
    """Whole-numbered sensors keep their numbers; epoch seconds do as well; a zero leaves history before it."""
    numbered = recording.with_columns(
        station=pl.col("station").replace_strict({"north": 5, "south": 7, "west": 900}),
        time=pl.col("time").dt.epoch("s"),
    )
    numbered.write_parquet(tmp_path / "readings.parquet")
    stream = replay(tmp_path, file="readings.parquet", zero=datetime(2020, 1, 2, tzinfo=UTC), sensors=100)
    whole = collect(stream, start_s=-86400.0, end_s=86400.0)
    assert set(whole.readings["sensor_id"]) == {5, 7}
    assert len(whole.readings) == 96
    assert len(collect(stream, start_s=0.0, end_s=86400.0).readings) == 48
    chunks = list(simulate(stream, start_s=-86400.0, end_s=86400.0, chunk_readings=10))
    assert len(chunks) > 5
    pieces = pl.concat([chunk.readings.to_polars() for chunk in chunks])
    assert pieces.equals(pl.concat([batch.to_polars() for batch in whole.batches]))
    assert stream_digest(stream, -86400.0, 86400.0) == stream_digest(stream, -86400.0, 86400.0)


def test_faults_on_top(tmp_path: Path, recording: pl.DataFrame):
    """A recording fails as a simulated sensor does: labelled where it changed, held values from before the onset."""
    recording.write_csv(tmp_path / "readings.csv")
    stuck = {"per_sensor_day": 0.5, "duration": "6h"}
    stream = replay(tmp_path, faults={"stuck_at": stuck, "bias": stuck | {"levels": ["high"]}})
    collected = collect(stream, start_s=0.0, end_s=5 * 86400.0)
    seen = collected.truth.readings.join(
        collected.readings.select("sensor_id", "seq", "temperature"), on=["sensor_id", "seq"]
    ).sort("sensor_id", "seq")
    differs = seen["temperature"].ne_missing(seen["clean_temperature"].fill_nan(None))
    assert differs.sum() > 20
    assert differs.to_list() == (seen["fault_mask"] > 0).to_list()
    intervals = collected.truth.intervals.filter(kind="stuck_at")
    assert len(intervals) > 2
    for row in intervals.iter_rows(named=True):
        mine = seen.filter(pl.col("sensor_id") == row["sensor_id"])
        before = mine.filter(pl.col("event_us") < row["start_us"])
        inside = mine.filter(pl.col("event_us").is_between(row["start_us"], row["end_us"], closed="left"))
        if len(before) and len(inside):
            assert inside["temperature"].unique().to_list() == [before["clean_temperature"][-1]]
    assert set(seen.filter(pl.col("fault_mask") & FAULT_BITS["bias"] > 0)["sensor_id"]) <= {1, 2, 3}


def test_truth_and_intervals_from_files(tmp_path: Path, recording: pl.DataFrame):
    """True values stand beside the recorded ones, and known intervals among the injected."""
    recording.write_csv(tmp_path / "readings.csv")
    recording.with_columns(air=pl.col("air") + 1.0).head(300).write_csv(tmp_path / "truth.csv")
    known = pl.DataFrame(
        {
            "kind": ["spike", "heat_wave"],
            "class": ["fault", "environment"],
            "sensor_id": ["south", None],
            "field": ["temperature", None],
            "start": ["2020-01-02T00:00:00Z", "2020-01-03T00:00:00Z"],
            "end": ["2020-01-02T02:00:00Z", "2020-01-05T00:00:00Z"],
        }
    )
    known.write_csv(tmp_path / "known.csv")
    stream = replay(tmp_path, truth="truth.csv", intervals="known.csv")
    truth = collect(stream, start_s=0.0, end_s=6 * 86400.0).truth
    first = truth.readings.filter(pl.col("sensor_id") == 1)
    assert (first["true_temperature"] - first["clean_temperature"]).round(1).unique().to_list() == [1.0]
    spike, wave = truth.intervals.iter_rows(named=True)
    assert (spike["kind"], spike["sensor_id"], spike["scope"]) == ("spike", 2, "sensor")
    assert spike["start_us"] == stream.scenario.start_us + 24 * HOUR_US
    assert (wave["class"], wave["scope"], wave["sensor_id"]) == ("environment", "region", None)
    assert collect(stream, start_s=0.0, end_s=3600.0).truth.intervals.is_empty()


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"file": "absent.csv"}, r"replay.file: cannot read .*absent.csv"),
        ({"file": "readings.xlsx"}, r"replay.file = 'readings.xlsx': write a file that ends in .csv or .parquet"),
        ({"columns": {"sensor_id": "sation", "temperature": "air"}}, r"no column 'sation'; did you mean 'station'\?"),
        ({"columns": {"sensor_id": "station", "timestamp": "rh", "temperature": "station"}}, r"what is no number"),
        ({"columns": {"sensor_id": "station", "timestamp": "station", "humidity": "rh"}}, r"no ISO 8601 instant"),
        ({"columns": {"sensor_id": "station"}}, r"no channel has a column"),
        ({"zero": datetime(2021, 1, 1, tzinfo=UTC)}, r"no reading in the stretch"),
        ({"truth": "readings.csv", "intervals": "readings.csv"}, r"no column 'kind'"),
    ],
)
def test_bad_files_are_one_line(tmp_path: Path, recording: pl.DataFrame, changes: dict[str, Any], part: str):
    """What is missing or unreadable is named, with what would be right."""
    recording.write_csv(tmp_path / "readings.csv")
    with pytest.raises(UsageError, match=part) as caught:
        collect(replay(tmp_path, **changes), start_s=0.0, end_s=86400.0)
    assert "\n" not in str(caught.value)


def test_a_recordings_rate_is_its_own(tmp_path: Path, recording: pl.DataFrame):
    """`--rate` is refused with what to give instead."""
    recording.write_csv(tmp_path / "readings.csv")
    with pytest.raises(UsageError, match="give --speedup"):
        resolve_stream(replay(tmp_path).scenario, seed=1, sensors=1, rate=5.0)
