"""Truth, clean, observed: each layer does its own thing and no more."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from sim.beacons import beacon_values, is_beacon
from sim.rng import key_from_seed
from sim.scenario import load_scenario
from sim.scenario_sensors import Beacons, PerChannel, Sensors
from sim.sensors import Instruments, positions, two_digits
from sim.simulate import Collected, collect
from sim.storms import storms_between
from sim.stream import resolve_stream
from sim.truth import INTERVAL_SCHEMA
from wire.reading import CHANNELS

SCENARIO = load_scenario("temperate-day")
STREAM = resolve_stream(SCENARIO, seed=42, sensors=1000)
DAY_S = 86400.0


@pytest.fixture(scope="module")
def day() -> Collected:
    """One day of the default scenario."""
    return collect(STREAM, start_s=0.0, end_s=DAY_S)


# The five rules of the project this one starts from; the simulator itself knows none.
RULES = {"temperature": 35.0, "UV_index": 8.0, "rainfall": 50.0, "wind_speed": 20.0}


def hazards(truth: pl.DataFrame) -> dict[str, float]:
    """Share of readings, beacons apart, whose true weather crosses each threshold, and any of them."""
    rules = {name: pl.col(f"true_{name}") > level for name, level in RULES.items()}
    rules["humidity"] = pl.col("true_humidity") < 20.0
    shares = truth.filter(~pl.col("beacon")).select(
        **{name: rule.mean() for name, rule in rules.items()}, any=pl.any_horizontal(*rules.values()).mean()
    )
    return shares.row(0, named=True)


@pytest.mark.parametrize("seed", [41, 42, 43, 44, 45, 46])
def test_default_day_has_every_hazard(seed: int):
    """All five kinds of hazard occur in a day of 1000 sensors, and 1 to 10 % of the readings are hazardous."""
    stream = resolve_stream(SCENARIO, seed=seed, sensors=1000)
    shares = hazards(collect(stream, start_s=0.0, end_s=DAY_S).truth.readings)
    # One in ten thousand are fourteen readings: several sensors, or more than a moment.
    assert min(shares.values()) > 0.0001
    assert 0.01 < shares["any"] < 0.10


def test_calm_has_no_hazard_and_no_fault():
    """The calm scenario never crosses a threshold, neither in truth nor as its sensors see it."""
    calm = collect(resolve_stream(load_scenario("calm"), seed=42, sensors=500), start_s=0.0, end_s=DAY_S)
    assert set(hazards(calm.truth.readings).values()) == {0.0}
    seen = calm.truth.readings.rename({f"clean_{name}": f"seen_{name}" for name in CHANNELS}).filter(~pl.col("beacon"))
    assert seen["seen_humidity"].min() > 20.0
    assert all(seen[f"seen_{name}"].max() < level for name, level in RULES.items())
    assert calm.truth.intervals.is_empty()


def test_truth_is_physical(day: Collected):
    """Humidity is in (0, 100], rain, wind and UV are not negative, and there is no UV at midnight."""
    truth = day.truth.readings
    assert truth["true_humidity"].is_between(0.0, 100.0, closed="right").all()
    for name in ("rainfall", "wind_speed", "UV_index"):
        assert truth[f"true_{name}"].min() >= 0.0
    night = truth.filter(pl.col("event_us") < SCENARIO.start_us + 3600 * 1_000_000)
    assert night["true_UV_index"].max() == 0.0


def test_temperature_and_humidity_oppose_each_other(day: Collected):
    """Within a day the correlation of temperature and humidity is strongly negative."""
    truth = day.truth.readings.filter(~pl.col("beacon"))
    per_sensor = truth.group_by("sensor_id").agg(r=pl.corr("true_temperature", "true_humidity"))
    assert -0.95 < per_sensor["r"].median() < -0.55


def test_weather_is_continuous(day: Collected):
    """Ten minutes change the true temperature by less than 5 °C, storms included."""
    truth = day.truth.readings.filter(~pl.col("beacon")).sort("sensor_id", "seq")
    steps = truth.select(pl.col("true_temperature").diff().over("sensor_id").abs())
    assert steps.to_series().max() < 5.0


def test_weather_does_not_depend_on_the_rate():
    """A sensor that reads twice as often is in the same weather."""
    often = resolve_stream(SCENARIO, seed=42, sensors=50, rate=480.0)
    seldom = resolve_stream(SCENARIO, seed=42, sensors=50)
    a, b = (
        collect(spec, start_s=0.0, end_s=DAY_S).truth.readings.filter(~pl.col("beacon")) for spec in (often, seldom)
    )
    daily = [frame.group_by("sensor_id").agg(pl.col("true_temperature").mean()).sort("sensor_id") for frame in (a, b)]
    assert np.abs(daily[0]["true_temperature"].to_numpy() - daily[1]["true_temperature"].to_numpy()).max() < 0.1


def test_clean_without_noise_is_the_rounded_truth():
    """An instrument without offset, noise and quantum shows the truth to two digits."""
    truth = np.array([[21.2345, 50.0, 0.0, 2.499, 0.0]])
    zero = np.zeros(1, dtype=int)
    clean = Instruments(1, np.array([1]), Sensors()).measure(truth, zero, zero, zero)
    assert clean.tolist() == [[21.23, 50.0, 0.0, 2.5, 0.0]]


def test_quantum_and_range():
    """Values come in steps of the quantum and stay in the channel's range; an exact zero stays zero."""
    settings = Sensors(
        noise_sigma=PerChannel(temperature=1, humidity=50, rainfall=5, wind_speed=5, UV_index=5),
        quantum=PerChannel(temperature=0.5, rainfall=0.2),
    )
    truth = np.tile([20.0, 50.0, 0.0, 3.0, 0.0], (500, 1))
    zeros = np.zeros(500, dtype=int)
    clean = Instruments(7, np.arange(1, 501), settings).measure(truth, np.arange(500), zeros, zeros)
    assert np.array_equal(clean[:, 0] * 2, np.rint(clean[:, 0] * 2))
    assert clean[:, 0].std() == pytest.approx(1.0, abs=0.15)
    assert clean[:, 1].min() == 0.0
    assert clean[:, 1].max() == 100.0
    assert not clean[:, [2, 4]].any()
    assert clean[:, 3].min() >= 0.0


def test_two_digits_leaves_no_minus_zero_and_keeps_null():
    """-0.001 becomes plain 0, NaN stays NaN."""
    rounded = two_digits(np.array([-0.001, 1.005, np.nan]))
    assert not np.signbit(rounded[0])
    assert rounded[1] in (1.0, 1.01)
    assert np.isnan(rounded[2])


def test_positions_fill_the_square():
    """Sensors stand everywhere in the square of the extent."""
    for axis in positions(key_from_seed(1), np.arange(1, 2001), 60.0):
        assert 0.0 < axis.min() < 1.0
        assert 59.0 < axis.max() < 60.0


def test_storms_are_every_day_and_findable_from_any_window():
    """Each day has its storms, the same ones whether one looks at a week or at a moment."""
    key = key_from_seed(42)
    week = storms_between(SCENARIO, key, 0.0, 7 * DAY_S)
    assert len(week) == 7 * SCENARIO.storms.per_day
    middle = (week[5].start_s + week[5].end_s) / 2
    assert week[5] in storms_between(SCENARIO, key, middle, middle + 1.0)
    assert week[5] not in storms_between(SCENARIO, key, week[5].end_s, week[5].end_s + 1.0)


def test_interval_table(day: Collected):
    """Intervals carry the promised columns; storms are environment, of the whole region."""
    intervals = day.truth.intervals
    assert dict(intervals.schema) == INTERVAL_SCHEMA
    assert (intervals["start_us"] < intervals["end_us"]).all()
    storms = intervals.filter(pl.col("class") == "environment")
    assert storms["kind"].to_list() == ["thunderstorm"] * SCENARIO.storms.per_day
    assert storms["sensor_id"].null_count() == len(storms)
    assert intervals["event"].n_unique() == len(intervals)


def test_which_sensors_are_beacons():
    """At 2 % every fiftieth sensor, from the first; at 0 none."""
    ids = np.arange(1, 201)
    assert np.flatnonzero(is_beacon(ids, Beacons())).tolist() == [0, 50, 100, 150]
    assert not is_beacon(ids, Beacons(share=0.0)).any()


def test_beacons_alternate_and_neighbours_oppose():
    """A beacon's field jumps with every reading, its neighbour's the other way; the rest is neutral."""
    values = beacon_values(np.array([1, 51]), np.arange(4)[:, None], Beacons())
    assert values[..., 0].tolist() == [[20.0, 45.0], [45.0, 20.0], [20.0, 45.0], [45.0, 20.0]]
    assert np.array_equal(values[..., 1:], np.broadcast_to([50.0, 0.0, 2.0, 0.0], (4, 2, 4)))


def test_beacons_are_what_they_say(day: Collected):
    """Beacons are marked, free of noise and faults, and cross evenly over the day."""
    beacons = day.truth.readings.filter("beacon").join(day.readings, on=["sensor_id", "seq"])
    assert beacons["sensor_id"].n_unique() == 20
    assert (beacons["temperature"] == beacons["true_temperature"]).all()
    assert beacons["fault_mask"].sum() == 0
    high = beacons.filter(pl.col("temperature") == 45.0)
    per_hour = ((high["event_us"] - SCENARIO.start_us) // 3_600_000_000).value_counts()["count"]
    assert per_hour.min() >= 50
    assert per_hour.max() <= 70
