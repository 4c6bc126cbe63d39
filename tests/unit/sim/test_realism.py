"""The simulated weather has the statistics of observed weather; the statistics themselves have known answers."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from sim import realism
from sim.realism import STATISTICS, Line, around, compare, near
from sim.realism_sample import Sampled, sampled
from sim.realism_statistics import (
    between_sites,
    change_p99,
    correlation,
    daily_range,
    deviation,
    lag_1_with,
    lag_correlation,
    residual,
    weibull_shape,
    wet_after,
    within_days,
)
from sim.scenario import load_scenario
from sim.stream import resolve_stream

HOURS = np.arange(60 * 24)
DAY_CYCLE = np.cos(2.0 * np.pi * HOURS / 24.0)


def ou(phi: float, hours: int, sensors: int) -> np.ndarray:
    """An AR(1) process of unit variance, (hours, sensors)."""
    drawn = np.random.default_rng(1).standard_normal((hours, sensors))
    for hour in range(1, hours):
        drawn[hour] = phi * drawn[hour - 1] + math.sqrt(1.0 - phi**2) * drawn[hour]
    return drawn


@pytest.fixture(scope="module")
def weather() -> Sampled:
    """Sixty days of the default scenario at 200 places."""
    return sampled(resolve_stream(load_scenario("temperate-day"), seed=42, sensors=200), 60)


@pytest.fixture(scope="module")
def lines(weather: Sampled) -> dict[str, Line]:
    """The whole comparison, by statistic."""
    return {line.name: line for line in compare(weather)}


@pytest.mark.parametrize("name", [one.name for one in STATISTICS if one.band is not None])
def test_default_weather_is_in_the_band(lines: dict[str, Line], name: str):
    """200 sensors over 60 days have the statistics of stations."""
    assert lines[name].inside, lines[name]


def test_sample_is_on_the_hour_and_on_the_minute(weather: Sampled):
    """Both samples are of the same weather: every sixtieth minute is the hour."""
    assert weather.hourly.shape == (60 * 24, 200, 5)
    assert np.array_equal(weather.minutely[::60], weather.hourly[:, : weather.minutely.shape[1]])


def test_sun_is_highest_at_noon(weather: Sampled):
    """The sun of the sample stands as at 46° north in June: 16 h above the horizon, 0.92 at its height."""
    first_day = weather.sun[:1440]
    assert (first_day > 0.0).mean() * 24.0 == pytest.approx(15.6, abs=0.2)
    assert first_day.max() == pytest.approx(math.cos(math.radians(45.8 - 23.44)), abs=0.001)


def test_season_that_a_sample_lacks(weather: Sampled):
    """Of a year's seasonal variance, 10² / 2, two months at midsummer hold next to nothing."""
    assert 45.0 < weather.missing_season_c2 < 50.0


def test_year_correlation_is_that_of_a_year():
    """A year's correlation from two months of it and the season's variance; the two months alone have less."""
    season = 10.0 * np.cos(2.0 * np.pi * np.arange(365 * 24) / (365 * 24.0))
    year = (ou(0.97, 365 * 24, 20).T * 4.0 + season).T
    months = year[: 60 * 24]
    missing = 50.0 - season[: 60 * 24].var()
    assert lag_1_with(months, missing) == pytest.approx(lag_correlation(year, 1), abs=0.003)
    assert lag_correlation(months, 1) < lag_1_with(months, missing) - 0.01


def test_residual_knows_neither_season_nor_time_of_day():
    """A slow trend and a day cycle leave nothing; what changes from day to day stays."""
    smooth = (0.01 * HOURS + 5.0 * DAY_CYCLE)[:, None]
    assert np.abs(residual(smooth)).max() < 1e-9
    odd_days = np.where(HOURS // 24 % 2, 1.0, -1.0)[:, None]
    left = residual(smooth + odd_days)
    assert left.shape == (45 * 24, 1)
    assert np.sqrt((left**2).mean()) == pytest.approx(1.0, abs=0.05)


def test_correlation_of_known_series():
    """A series with itself 1, with its opposite -1, cosine and sine 0; one that never changes has none."""
    sine = np.sin(2.0 * np.pi * HOURS / 24.0)
    a = np.stack([DAY_CYCLE, DAY_CYCLE, DAY_CYCLE, DAY_CYCLE], axis=1)
    b = np.stack([DAY_CYCLE, -DAY_CYCLE, sine, np.ones(len(HOURS))], axis=1)
    found = correlation(a, b)
    assert found[:3] == pytest.approx([1.0, -1.0, 0.0], abs=1e-9)
    assert np.isnan(found[3])


def test_lag_correlation_of_an_ar1():
    """After k steps an AR(1) of phi has phi^k; a day cycle alone has cos 15° after an hour."""
    assert lag_correlation(ou(0.9, 5000, 50), 1) == pytest.approx(0.9, abs=0.01)
    assert lag_correlation(ou(0.9, 5000, 50), 6) == pytest.approx(0.9**6, abs=0.03)
    assert lag_correlation(DAY_CYCLE[:, None], 1) == pytest.approx(math.cos(math.radians(15.0)), abs=1e-3)


def test_within_days_is_blind_to_what_changes_from_day_to_day():
    """Two series that oppose each other within days and go together between them have -1."""
    days = (HOURS // 24 * 10.0)[:, None]
    cycle = DAY_CYCLE[:, None]
    assert within_days(days + cycle, days - cycle) == pytest.approx(-1.0)
    assert correlation(days + cycle, days - cycle)[0] > 0.9


def test_between_sites_takes_pairs_of_that_distance():
    """Of three sites only the two 25 km apart count; without a pair there is no number."""
    noise = np.random.default_rng(2).standard_normal((4000, 3))
    values = np.stack([noise[:, 0], 0.8 * noise[:, 0] + 0.6 * noise[:, 1], noise[:, 2]], axis=1)
    x_km, y_km = np.array([0.0, 15.0, 300.0]), np.array([0.0, 20.0, 0.0])
    assert between_sites(values, x_km, y_km, low_km=20.0, high_km=30.0) == pytest.approx(0.8, abs=0.02)
    assert math.isnan(between_sites(values, x_km, y_km, low_km=100.0, high_km=110.0))


def test_sizes_of_a_day_cycle():
    """A cosine of amplitude 5: range 10 a day, deviation 5 / sqrt(2), at most 5 sin 15° more or less in an hour."""
    values = 5.0 * DAY_CYCLE[:, None]
    assert daily_range(values) == pytest.approx(10.0)
    assert deviation(values) == pytest.approx(5.0 / math.sqrt(2.0))
    assert change_p99(values) == pytest.approx(10.0 * math.sin(math.radians(7.5)), rel=0.02)


def test_wet_after_counts_pairs_of_hours():
    """Of three wet hours that another follows, two are wet; of three dry ones, one."""
    wet = np.array([[1, 1, 1, 0, 0, 0, 1]], dtype=bool).T
    assert wet_after(wet, state=True) == pytest.approx(2 / 3)
    assert wet_after(wet, state=False) == pytest.approx(1 / 3)


@pytest.mark.parametrize("shape", [1.0, 2.0, 3.4])
def test_weibull_shape_is_found_again(shape: float):
    """The shape of drawn Weibull values comes back, whatever the scale."""
    values = 7.0 * np.random.default_rng(3).weibull(shape, (20000, 3))
    assert weibull_shape(values) == pytest.approx(shape, rel=0.03)


def test_bands_are_wider_than_what_stations_show():
    """Sizes by a quarter, correlations by 0.05 and no further than 1."""
    assert around(4.0, 8.0) == (3.0, 10.0)
    assert near(0.5, 0.8) == pytest.approx((0.45, 0.85))
    assert near(0.9, 0.98)[1] == 1.0


def test_another_climate_is_shown_and_not_judged(weather: Sampled):
    """Elsewhere only what holds everywhere is judged: no UV by night, no dew point above the temperature."""
    stream = resolve_stream(load_scenario("winter"), seed=42, sensors=200)
    other = Sampled(stream, weather.hourly, weather.minutely, weather.sun)
    judged = [line for line in compare(other) if line.inside is not None]
    assert [line.name for line in judged] == [one.name for one in STATISTICS if not one.climate]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--days", "10"], "--days 10"),
        (["--sensors", "5"], "--sensors 5"),
        (["--json", "--markdown"], "choose one"),
        (["--scenario", "seed"], "no weather"),
    ],
)
def test_refusals(flags: list[str], words: str):
    """What cannot be compared is refused in one line."""
    done = CliRunner().invoke(realism.app, flags)
    assert done.exit_code == 2
    assert words in done.stderr


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, weather: Sampled) -> None:
    """The command with the sample that is there already."""
    monkeypatch.setattr(realism, "sampled", lambda *_, **__: weather)


@pytest.mark.usefixtures("quick")
def test_command_prints_json_and_markdown():
    """Both forms have every statistic; the exit code is 0 as long as every band holds."""
    done = CliRunner().invoke(realism.app, ["--json"])
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert [one["name"] for one in found["statistics"]] == [one.name for one in STATISTICS]
    table = CliRunner().invoke(realism.app, ["--markdown"]).stdout.splitlines()
    assert len(table) == 2 + len(STATISTICS)
    assert table[0].startswith("| statistic | observed | band | ours |")


@pytest.mark.usefixtures("quick")
def test_missed_band_is_exit_code_1(monkeypatch: pytest.MonkeyPatch):
    """A statistic outside its band is marked, and the command fails."""
    wrong = realism.Statistic("day of the week", "7", (7.0, 7.0), lambda _: 8.0)
    monkeypatch.setattr(realism, "STATISTICS", (*STATISTICS, wrong))
    done = CliRunner().invoke(realism.app, ["--markdown"])
    assert done.exit_code == 1
    assert "| day of the week | 7 | 7.00 to 7.00 | 8.00 | OUT |" in done.stdout
