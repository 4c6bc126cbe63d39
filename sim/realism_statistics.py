"""Statistics of the weather over time and place, as meteorologists compute them: arrays in, numbers out.

Each is computed per sensor, and the median over sensors is told; what is rare (rain, large changes) is
counted over all sensors together. H hours or minutes, S sensors, P pairs.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.optimize import brentq
from scipy.special import gamma

from sim.arrays import Bools, Floats

#: Days of the running mean that `residual` takes away.
MEAN_DAYS: Final = 15

_HOURS: Final = 24


def residual(values: Floats) -> Floats:
    """Hourly (H, S) less the mean of the 15 days around each hour, and then less the mean of each hour of day.

    Only hours whose 15 days are all there are left: (H - 360, S). H is a whole number of days above 15.
    """
    hours = MEAN_DAYS * _HOURS
    summed = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    running = (summed[hours:-1] - summed[: -hours - 1]) / hours
    passing = values[hours // 2 : -(hours // 2)] - running
    by_day = passing.reshape(-1, _HOURS, values.shape[1])
    left: Floats = (by_day - by_day.mean(axis=0)).reshape(passing.shape)
    return left


def correlation(a: Floats, b: Floats, axis: int = 0) -> Floats:
    """Pearson's correlation along ``axis``; NaN where one of the two never changes."""
    a, b = a - a.mean(axis=axis, keepdims=True), b - b.mean(axis=axis, keepdims=True)
    with np.errstate(invalid="ignore"):
        found: Floats = (a * b).sum(axis=axis) / np.sqrt((a * a).sum(axis=axis) * (b * b).sum(axis=axis))
    return found


def lag_correlation(values: Floats, lag: int) -> float:
    """Correlation of each sensor's (H, S) with itself ``lag`` steps later."""
    return _median(correlation(values[:-lag], values[lag:]))


def lag_1_with(values: Floats, missing: float) -> float:
    """Correlation after one step that (H, S) would have if its variance were larger by ``missing``.

    For variance that a short sample lacks because it is slow, such as the season's: changes from one
    step to the next are as they are without it.
    """
    change = (np.diff(values, axis=0) ** 2).mean(axis=0)
    return _median(1.0 - change / (2.0 * (values.var(axis=0) + missing)))


def overall(a: Floats, b: Floats) -> float:
    """Correlation of each sensor's two (H, S)."""
    return _median(correlation(a, b))


def within_days(a: Floats, b: Floats) -> float:
    """Correlation of two hourly (H, S) within each sensor's day; the median over sensors and days."""
    by_day = (-1, _HOURS, a.shape[1])
    return _median(correlation(a.reshape(by_day), b.reshape(by_day), axis=1))


def between_sites(values: Floats, x_km: Floats, y_km: Floats, *, low_km: float, high_km: float) -> float:
    """Correlation of (H, S) at two sites in [low, high) of each other; the median over pairs, NaN without any."""
    distance_km = np.hypot(x_km[:, None] - x_km, y_km[:, None] - y_km)
    first, second = np.nonzero(np.triu((distance_km >= low_km) & (distance_km < high_km), 1))
    return _median(correlation(values[:, first], values[:, second])) if len(first) else math.nan


def daily_range(values: Floats) -> float:
    """Mean over days and sensors of the largest less the smallest hourly value (H, S) of a day."""
    return float(np.ptp(values.reshape(-1, _HOURS, values.shape[1]), axis=1).mean())


def mean(values: Floats) -> float:
    """Mean of each sensor's (H, S)."""
    return _median(values.mean(axis=0))


def deviation(values: Floats) -> float:
    """Standard deviation of each sensor's (H, S)."""
    return _median(values.std(axis=0))


def change_p99(values: Floats) -> float:
    """99th percentile of the absolute change from one step of (H, S) to the next, all sensors together."""
    return float(np.quantile(np.abs(np.diff(values, axis=0)), 0.99))


def wet_after(wet: Bools, state: bool) -> float:
    """Share of the hours (H, S) that are wet, or dry, after which the next is wet; all sensors together."""
    return float(wet[1:][wet[:-1] == state].mean())


def weibull_shape(values: Floats) -> float:
    """Shape k of the Weibull distribution with the mean and the deviation of each sensor's (H, S) > 0."""
    ratios = values.std(axis=0) / values.mean(axis=0)
    return _median(np.array([_shape(float(ratio)) for ratio in ratios]))


def _shape(ratio: float) -> float:
    def excess(shape: float) -> float:
        return float(gamma(1.0 + 2.0 / shape) / gamma(1.0 + 1.0 / shape) ** 2 - 1.0 - ratio**2)

    return float(brentq(excess, 0.2, 100.0))


def _median(values: Floats) -> float:
    return float(np.nanmedian(values))
