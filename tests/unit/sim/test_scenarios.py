"""Each shipped scenario keeps the promise for which it exists."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest

from sim.arrays import Bools, Floats
from sim.scenario import WeatherScenario, load_scenario
from sim.simulate import collect
from sim.stream import resolve_stream
from sim.weather import Weather, sample
from wire.reading import CHANNELS

DAY_S = 86400.0
SENSORS = 100
#: Readings of a sensor in an hour and in a day.
PER_HOUR, PER_DAY = 6, 144

# The five rules of the project this one starts from; the simulator itself knows none.
RULES = {"temperature": 35.0, "humidity": -20.0, "rainfall": 50.0, "wind_speed": 20.0, "UV_index": 8.0}


@cache
def truth(name: str, days: int, seed: int = 42) -> Floats:
    """The true weather of a scenario's first days at every reading: (ticks, sensors, 5), beacons' places too."""
    stream = resolve_stream(load_scenario(name), seed=seed, sensors=SENSORS)
    weather, found = Weather(stream), []
    for day in range(days):
        event_us = stream.event_rel_us(day * PER_DAY, (day + 1) * PER_DAY)
        window = weather.window(float(event_us.min()) / 1e6, float(event_us.max()) / 1e6)
        found.append(sample(window, event_us, stream))
    return np.concatenate(found)


def channel(name: str, days: int, which: str, seed: int = 42) -> Floats:
    """One channel of `truth`, (ticks, sensors)."""
    return truth(name, days, seed)[..., CHANNELS.index(which)]


def exceedance(name: str, days: int, which: str, seed: int = 42) -> tuple[Floats, float]:
    """(values, threshold) of a rule such that it holds where the value is above: humidity is turned round."""
    values = channel(name, days, which, seed)
    return (-values if which == "humidity" else values), RULES[which]


def holds(name: str, days: int, which: str, seed: int = 42) -> Bools:
    """Where a rule holds, (ticks, sensors)."""
    values, threshold = exceedance(name, days, which, seed)
    return values > threshold


def by_day(values: Bools) -> Floats:
    """Share of the sensors that meet something at least once on each day, (days,)."""
    return values.reshape(-1, PER_DAY, SENSORS).any(axis=1).mean(axis=1)


def beginnings(values: Floats, above: float, again_below: float) -> float:
    """How often per sensor values pass ``above``, counted anew only after they fell to ``again_below``."""
    on, count = np.zeros(values.shape[1], dtype=np.bool_), 0
    for row in values:
        now = np.where(on, row > again_below, row > above)
        count += int((now & ~on).sum())
        on = now
    return count / values.shape[1]


@pytest.mark.parametrize("seed", [42, 43])
def test_calm_fires_no_rule(seed: int):
    """In a calm week no rule ever holds."""
    assert not any(holds("calm", 7, which, seed).any() for which in RULES)


@pytest.mark.parametrize("seed", [42, 43])
def test_heat_wave_passes_35_degrees_on_most_afternoons(seed: int):
    """Days two to four are above 35 °C at most sensors; when the wave is gone, hardly any is."""
    reached = by_day(holds("heat-wave", 8, "temperature", seed))
    assert reached[1:4].min() > 0.6
    assert reached[5:].max() < 0.15


@pytest.mark.parametrize("seed", [42, 43])
def test_hot_dry_is_below_20_percent_in_a_tenth_of_all_hours(seed: int):
    """The humidity is below 20 % in about a tenth of all hours, hardly ever by night; it never rains."""
    dry = holds("hot-dry", 9, "humidity", seed)
    assert 0.05 < dry.mean() < 0.15
    by_hour = dry.reshape(9, 24, -1).mean(axis=(0, 2))
    assert by_hour[12:20].mean() > 2 * dry.mean()
    assert by_hour[:8].max() < 0.02
    assert channel("hot-dry", 9, "rainfall", seed).max() == 0.0


@pytest.mark.parametrize("seed", [42, 43])
def test_tropical_sun_passes_8_every_day(seed: int):
    """On every day the UV index is above 8 at most sensors; nights stay warm; some see a downpour."""
    assert by_day(holds("tropical", 5, "UV_index", seed)).min() > 0.6
    assert channel("tropical", 5, "temperature", seed).min() > 18.0
    assert holds("tropical", 5, "rainfall", seed).any()


@pytest.mark.parametrize("seed", [42, 43])
def test_winter_freezes_and_is_foggy_by_night(seed: int):
    """Nearly always frost, hardly any sun, saturated air in nights of fog; of the rules only the wind's holds."""
    assert (channel("winter", 6, "temperature", seed) < 0.0).mean() > 0.8
    saturated = (channel("winter", 6, "humidity", seed) > 99.0).mean(axis=1).reshape(6, 24, PER_HOUR).mean(axis=2)
    night, noon = saturated[:, :4].mean(axis=1), saturated[:, 10:14].mean(axis=1)
    assert np.sort(night)[-3:].min() > 0.9
    assert night.mean() > noon.mean() + 0.25
    assert channel("winter", 6, "UV_index", seed).max() < 0.5
    assert [which for which in RULES if holds("winter", 6, which, seed).any()] == ["wind_speed"]


@pytest.mark.parametrize("seed", [42, 43])
def test_storm_front_brings_gusts_and_a_fall_of_temperature(seed: int):
    """At every sensor the temperature falls by 4 °C or more in one hour, with gusts above 20 m/s around it."""
    temperature, gust = (channel("storm-front", 2, which, seed) for which in ("temperature", "wind_speed"))
    fall = temperature[PER_HOUR:] - temperature[:-PER_HOUR]
    assert fall.min(axis=0).max() < -4.0
    around = np.arange(-3, PER_HOUR + 3)[:, None] + np.clip(fall.argmin(axis=0), 3, len(gust) - PER_HOUR - 3)
    assert (gust[around, np.arange(SENSORS)].max(axis=0) > 20.0).mean() > 0.9
    assert np.median(gust) < 10.0


# How far back each value must go before a crossing counts anew: beyond what turbulence does.
DEAD_BANDS = {"temperature": 1.0, "humidity": 2.0, "wind_speed": 5.0}


@pytest.mark.parametrize("which", DEAD_BANDS)
def test_chatter_begins_ten_times_as_often_without_a_dead_band(which: str):
    """A bare threshold is crossed at least ten times as often as one with a dead-band, and 15 times a day."""
    values, threshold = exceedance("chatter", 2, which)
    bare = beginnings(values, threshold, threshold)
    assert bare > 2 * 15
    assert bare > 10 * beginnings(values, threshold, threshold - DEAD_BANDS[which])


def test_chatter_hovers_at_8_around_noon():
    """The UV index passes 8 more than twice a day, where a dead-band of 1 would leave once."""
    values, threshold = exceedance("chatter", 2, "UV_index")
    assert beginnings(values, threshold, threshold) > 2 * 2
    assert beginnings(values, threshold, threshold - 1.0) < 2 * 1.5


@pytest.mark.parametrize("which", ["temperature", "humidity", "wind_speed", "UV_index"])
def test_chatter_crosses_more_often_than_a_temperate_day(which: str):
    """Each hovering value crosses its threshold at least five times as often as in the default scenario."""
    values, threshold = exceedance("chatter", 2, which)
    usual, _ = exceedance("temperate-day", 2, which)
    assert beginnings(values, threshold, threshold) > 5 * beginnings(usual, threshold, threshold) > 0


def test_hostile_is_the_default_weather():
    """Hostile differs from the default in faults and delivery alone: scores compare on the same truth."""
    hostile, default = load_scenario("hostile"), load_scenario("temperate-day")
    same = set(WeatherScenario.model_fields) - {"name", "title", "faults", "delivery"}
    assert hostile.model_dump(include=same) == default.model_dump(include=same)


def test_hostile_fails_a_fifth_of_its_readings_and_loses_a_tenth():
    """About 20 % of the readings are faulty, about 10 % never arrive, 30 % of the rest come after a younger one."""
    day = collect(resolve_stream(load_scenario("hostile"), seed=42, sensors=500), start_s=0.0, end_s=DAY_S)
    readings = day.truth.readings.filter(~pl.col("beacon"))
    assert (readings["fault_mask"] != 0).mean() == pytest.approx(0.20, abs=0.03)
    arrived = day.readings.join(readings.select("sensor_id", "seq"), on=["sensor_id", "seq"], how="semi")
    silent = len(readings) - len(arrived)
    assert silent / len(readings) == pytest.approx(0.12, abs=0.03)  # 10 % lost, the rest silent dropouts
    overtaken = arrived.select(pl.col("seq") < pl.col("seq").cum_max().over("sensor_id")).to_series().mean()
    assert overtaken == pytest.approx(0.30, abs=0.05)
