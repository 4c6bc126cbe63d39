"""Formulas of the air, arrays in and arrays out, each with its source. No state, no randomness."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pvlib import solarposition
from scipy.special import gamma, log_ndtr, ndtri

from sim.arrays import Floats


def saturation_vapour_pressure_hpa(temperature_c: Floats | float) -> Floats:
    """Magnus formula over water, in hPa: 6.112 exp(17.62 T / (243.12 + T)) (WMO guide no. 8)."""
    temperature = np.asarray(temperature_c, dtype=np.float64)
    pressure: Floats = 6.112 * np.exp(17.62 * temperature / (243.12 + temperature))
    return pressure


def relative_humidity(temperature_c: Floats | float, dew_point_c: Floats | float) -> Floats:
    """Relative humidity in % of air at ``temperature_c`` whose dew point is ``dew_point_c`` (°C).

    The quotient of two saturation pressures by the Magnus formula (`saturation_vapour_pressure_hpa`).
    """
    air, dew = np.asarray(temperature_c, dtype=np.float64), np.asarray(dew_point_c, dtype=np.float64)
    # One exponential of the difference, for this is asked of every reading.
    humidity: Floats = 100.0 * np.exp(17.62 * (dew / (243.12 + dew) - air / (243.12 + air)))
    return humidity


def uv_index(cos_zenith: Floats | float, ozone_du: float) -> Floats:
    """Clear-sky UV index: 12.5 mu^2.42 (ozone / 300 DU)^-1.23, 0 below the horizon (Madronich 2007)."""
    mu = np.maximum(np.asarray(cos_zenith, dtype=np.float64), 0.0)
    index: Floats = 12.5 * mu**2.42 * (ozone_du / 300.0) ** -1.23
    return index


def cos_zenith(epoch_s: Floats, latitude: float, longitude: float) -> Floats:
    """Cosine of the sun's zenith angle at each epoch second, shape (W,); NREL's algorithm by pvlib."""
    times = pd.DatetimeIndex(pd.to_datetime(epoch_s, unit="s", utc=True))
    zenith = solarposition.spa_python(times, latitude, longitude)["zenith"].to_numpy()
    cosine: Floats = np.cos(np.radians(zenith))
    return cosine


def solar_hour(epoch_s: Floats | float, longitude: float) -> Floats:
    """Mean solar time of day in hours [0, 24) at ``longitude`` degrees east."""
    return (np.asarray(epoch_s, dtype=np.float64) / 3600.0 + longitude / 15.0) % 24.0


def day_cycle(hour: Floats | float, *, coldest_hour: float = 6.0, warmest_hour: float = 15.0) -> Floats:
    """The asymmetric day of the temperature: -0.5 at the coldest hour, +0.5 at the warmest.

    Two half cosines: it warms in nine hours and cools in fifteen. ``hour`` is solar time.
    """
    since_coldest = (np.asarray(hour, dtype=np.float64) - coldest_hour) % 24.0
    rise = warmest_hour - coldest_hour
    warming = -0.5 * np.cos(np.pi * since_coldest / rise)
    cooling = 0.5 * np.cos(np.pi * (since_coldest - rise) / (24.0 - rise))
    return np.where(since_coldest < rise, warming, cooling)


def weibull_from_normal(normal: Floats, *, mean: float, shape: float) -> Floats:
    """Weibull values with this mean and shape, by the probability transform of standard normals."""
    scale = mean / float(gamma(1.0 + 1.0 / shape))
    # -log(1 - Phi(z)) without the cancellation: the upper tail is what matters for wind.
    values: Floats = scale * (-log_ndtr(-normal)) ** (1.0 / shape)
    return values


def ou_coefficients(step_s: float, tau_s: float) -> tuple[float, float]:
    """(phi, sigma) of x' = phi x + sigma z, which keeps a unit-variance process mean-reverting in tau."""
    return float(np.exp(-step_s / tau_s)), float(np.sqrt(-np.expm1(-2.0 * step_s / tau_s)))


def latent_correlation(share: float, correlation: float) -> float:
    """Correlation of two standard normals whose lowest ``share`` of values occur with ``correlation``.

    Its inverse is Plackett's (1954): P(both) - share² is the integral over 0..r of
    exp(-h² / (1 + r)) / (2 pi sqrt(1 - r²)), h being the threshold; with r = sin t the root cancels.
    ``correlation`` in (0, 1); the result is kept far enough from 0 and 1 to have a logarithm.
    """
    angle = np.linspace(0.0, np.pi / 2.0, 2001)
    density = np.exp(-(float(ndtri(share)) ** 2) / (1.0 + np.sin(angle)))
    both = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    # The far end is known: two equal normals have equal events. It takes the quadrature's error away.
    latent = np.sin(np.interp(correlation, both / both[-1], angle))
    return float(np.clip(latent, 1e-9, 1.0 - 1e-9))
