"""The formulas of the air agree with numbers from outside."""

from __future__ import annotations

import numpy as np
import pytest

from sim.atmosphere import (
    cos_zenith,
    day_cycle,
    latent_correlation,
    ou_coefficients,
    relative_humidity,
    saturation_vapour_pressure_hpa,
    solar_hour,
    uv_index,
    weibull_from_normal,
)

MIDSUMMER_NOON = 1_782_043_200.0  # 2026-06-21T12:00:00Z


def test_humidity_of_the_reference_case():
    """Air of 25 °C with a dew point of 15 °C has 53.85 % by the Magnus formula."""
    assert relative_humidity(25.0, 15.0) == pytest.approx(53.85, abs=0.005)


def test_humidity_limits():
    """Air at its dew point is saturated, and warming it dries it."""
    assert relative_humidity(12.0, 12.0) == pytest.approx(100.0)
    assert relative_humidity(35.0, 12.0) < relative_humidity(20.0, 12.0)


@pytest.mark.parametrize(("celsius", "hpa"), [(5.0, 8.72), (10.0, 12.27), (18.0, 20.63), (25.0, 31.67)])
def test_vapour_pressure_near_bolton(celsius: float, hpa: float):
    """Within 0.3 % of the values of MetPy's tests, which use Bolton's constants."""
    assert saturation_vapour_pressure_hpa(celsius) == pytest.approx(hpa, rel=3e-3)


@pytest.mark.parametrize(("zenith", "index"), [(0, 12.50), (30, 8.83), (45, 5.40), (60, 2.34), (70, 0.93)])
def test_uv_index_of_madronich(zenith: float, index: float):
    """At 300 DU the UV index at these zenith angles is as published."""
    assert uv_index(np.cos(np.radians(zenith)), 300.0) == pytest.approx(index, abs=0.005)


def test_no_uv_below_the_horizon_and_less_under_more_ozone():
    """The night has exactly 0, and ozone shields."""
    assert uv_index(-0.2, 300.0) == 0.0
    assert uv_index(0.9, 350.0) < uv_index(0.9, 300.0)


def test_sun_at_midsummer_noon():
    """At 0° E, 50° N on 21 June the noon sun stands 26.6° off the zenith, and midnight is dark."""
    noon, midnight = cos_zenith(np.array([MIDSUMMER_NOON, MIDSUMMER_NOON + 43_200.0]), 50.0, 0.0)
    assert np.degrees(np.arccos(noon)) == pytest.approx(50.0 - 23.44, abs=0.1)
    assert midnight < 0.0


def test_solar_hour_follows_longitude():
    """At noon UTC it is 13 h on 15° E and 11 h on 15° W."""
    assert solar_hour(MIDSUMMER_NOON, 15.0) == pytest.approx(13.0)
    assert solar_hour(MIDSUMMER_NOON, -15.0) == pytest.approx(11.0)


def test_day_cycle_is_asymmetric_and_closes():
    """Coldest at 6 h, warmest at 15 h, range 1, continuous over midnight."""
    assert day_cycle(6.0) == pytest.approx(-0.5)
    assert day_cycle(15.0) == pytest.approx(0.5)
    hours = np.linspace(0.0, 24.0, 2000)
    assert np.abs(np.diff(day_cycle(hours))).max() < 0.003
    assert day_cycle(0.0) == pytest.approx(day_cycle(24.0))


def test_ou_keeps_unit_variance():
    """phi² + sigma² is 1, and a step of tau forgets all but 1/e."""
    phi, sigma = ou_coefficients(600.0, 3600.0)
    assert phi**2 + sigma**2 == pytest.approx(1.0)
    assert ou_coefficients(3600.0, 3600.0)[0] == pytest.approx(np.exp(-1))


@pytest.mark.parametrize("correlation", [0.1, 0.37, 0.68, 0.95])
def test_latents_of_rare_events(correlation: float):
    """Normals with the latent correlation are below the 6.5 % threshold together as often as asked for."""
    latent = latent_correlation(0.065, correlation)
    generator = np.random.Generator(np.random.PCG64(1))
    first, other = generator.normal(size=(2, 1_000_000))
    second = latent * first + np.sqrt(1.0 - latent**2) * other
    threshold = np.quantile(first, 0.065)
    assert np.corrcoef(first < threshold, second < threshold)[0, 1] == pytest.approx(correlation, abs=0.01)


def test_latents_of_even_events():
    """For halves the answer is the sine of Sheppard (1899): sin(pi/2 correlation)."""
    assert latent_correlation(0.5, 0.4) == pytest.approx(np.sin(np.pi / 2 * 0.4), abs=1e-6)


def test_weibull_has_its_mean_and_shape():
    """Normals become a Weibull of the mean asked for; with shape 2 the median is mean x 0.9394."""
    values = weibull_from_normal(np.random.Generator(np.random.PCG64(1)).normal(size=200_000), mean=4.5, shape=2.0)
    assert values.mean() == pytest.approx(4.5, rel=0.01)
    assert np.median(values) == pytest.approx(4.5 * 0.9394, rel=0.01)
