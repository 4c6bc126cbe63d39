"""The map of the field, as a table."""

import polars as pl
import pytest
from unit.reports.stored_runs import SPEEDUP, ZERO_US, cell, result, store

from reports.field_map import field_map, field_words
from reports.stored import open_run

HOUR_US = 3_600_000_000


@pytest.fixture
def folder(tmp_path):
    """A stored run of eight sensors, with a storm of an hour."""
    folder = store(tmp_path / "run", result(cells=[cell()]))
    file = folder / "stream/intervals.parquet"
    known = pl.read_parquet(file)
    storm = known.with_columns(
        pl.lit("environment").alias("class"),
        kind=pl.lit("thunderstorm"),
        sensor_id=pl.lit(None, pl.Int32),
        field=pl.lit(None, pl.String),
    )
    late = known.with_columns(
        kind=pl.lit("drift"), start_us=pl.lit(ZERO_US + 25 * HOUR_US), end_us=pl.lit(ZERO_US + 26 * HOUR_US)
    )
    pl.concat([known, storm, late]).write_parquet(file)
    return folder


def test_each_sensor_has_its_place_weather_rain_and_faults(folder):
    """The temperature is that of the afternoon's reading; faults outside the window do not count."""
    truth = pl.read_parquet(folder / "stream/truth.parquet")
    wet = (pl.col("sensor_id") == 5) & pl.col("event_us").is_between(ZERO_US, ZERO_US + HOUR_US)
    truth.with_columns(true_rainfall=pl.when(wet).then(12.5).otherwise("true_rainfall")).write_parquet(
        folder / "stream/truth.parquet"
    )
    found = field_map(open_run(folder))
    assert (found.at_h, found.hours, found.events) == (15.0, 24.0, {"thunderstorm": 1})
    assert found.sensors["sensor_id"].to_list() == list(range(1, 9))
    by_number = {row["sensor_id"]: row for row in found.sensors.iter_rows(named=True)}
    assert [(row["x_km"], row["beacon"]) for row in by_number.values()] == [(n, n == 1) for n in range(1, 9)]
    assert (by_number[5]["most_rain_mm"], by_number[4]["most_rain_mm"]) == (12.5, 0.0)
    assert (by_number[3]["faults"], by_number[3]["kinds"]) == (1, "spike")
    assert (by_number[4]["faults"], by_number[4]["kinds"]) == (0, "")
    at_us = ZERO_US + 15 * HOUR_US
    nearest = truth.filter(sensor_id=2).sort((pl.col("event_us") - at_us).abs()).row(0, named=True)
    assert by_number[2]["temperature_c"] == nearest["true_temperature"]


def test_a_short_window_is_shown_in_its_middle(tmp_path):
    """No afternoon in it: the reading nearest to half of it."""
    one = cell().model_copy(update={"window_s": 6 * 3600 / SPEEDUP})
    assert field_map(open_run(store(tmp_path / "run", result(cells=[one])))).at_h == 3.0


def test_sensors_that_stand_nowhere_are_on_no_map(folder):
    """A recording has no places: the reason says so, and so does a file that is missing."""
    pl.DataFrame({"sensor_id": [1], "beacon": [False]}).write_parquet(folder / "stream/sensors.parquet")
    run = open_run(folder)
    assert field_map(run) is None
    assert "stand nowhere" in run.absent["stream/sensors.parquet"]
    (folder / "stream/sensors.parquet").unlink()
    run = open_run(folder)
    assert field_map(run) is None
    assert run.absent["stream/sensors.parquet"] == "is not there"


def test_the_map_is_told_in_words(folder):
    """Range of temperature, most rain, faulty sensors, events: with units."""
    told = field_words(field_map(open_run(folder)))
    assert told.startswith("Map of 8 sensors over 24 h of event time: true temperature ")
    assert "most rain in an hour 0 mm, 1 sensor with injected faults." in told
    assert told.endswith("Events of the environment: 1 thunderstorm.")
