"""Does a series rise over a run? A robust line through it, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import theilslopes

FloatArray = NDArray[np.float64]

#: A series is judged by the medians of so many stretches of the run (a minute each of an hour): some
#: series have a value every second, others one every half minute.
STRETCHES: Final = 60
#: With fewer values than this a line says nothing.
FEWEST: Final = 8

_HOUR_S: Final = 3600.0


class Verdict(StrEnum):
    """What became of a series."""

    FLAT = "flat"
    RISES = "rises"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A series' line and verdict. ``rise``: over the whole run, as a share of ``median`` (0.1: a tenth more),
    with its 95 % interval; ``slope_per_hour`` in the same measure. All None, with a ``reason``, if there
    is no line; ``intercept`` is the line's value at the run's begin, in the series' unit.
    """

    verdict: Verdict
    n: int
    tolerance: float
    median: float | None = None
    intercept: float | None = None
    slope_per_hour: float | None = None
    rise: float | None = None
    rise_low: float | None = None
    rise_high: float | None = None
    reason: str | None = None


def settled(at_s: FloatArray, values: FloatArray, *, settle_s: float, run_s: float) -> tuple[FloatArray, FloatArray]:
    """The medians of time (s) and value over each stretch that has values after ``settle_s``; both (m,)."""
    kept = at_s >= settle_s
    at_s, values = at_s[kept], values[kept]
    stretch = np.floor(at_s / (run_s / STRETCHES))
    each = [stretch == one for one in np.unique(stretch)]
    return (
        np.array([np.median(at_s[here]) for here in each]),
        np.array([np.median(values[here]) for here in each]),
    )


def drift(at_s: FloatArray, values: FloatArray, *, settle_s: float, run_s: float, tolerance: float) -> Drift:
    """Judge a series: ``values`` (n,), positive, at ``at_s`` (n,) seconds after the begin of a run of ``run_s``.

    The line is Theil's and Sen's (`scipy.stats.theilslopes`): the median of all slopes between two
    points, so that a few stalls bend nothing. *Flat*: it rises by no more than ``tolerance`` over the
    run. *Rises*: by more, and the slope's 95 % interval lies above zero. Else *unclear*.
    """
    at_s, values = settled(at_s, values, settle_s=settle_s, run_s=run_s)
    n = len(values)
    if n < FEWEST:
        reason = f"{n} values after the first {settle_s:g} s; a line wants {FEWEST}"
        return Drift(verdict=Verdict.UNCLEAR, n=n, tolerance=tolerance, reason=reason)
    slope, intercept, low, high = (float(value) for value in theilslopes(values, at_s))
    median = float(np.median(values))
    rise, rise_low, rise_high = (one * run_s / median for one in (slope, low, high))
    steep = Verdict.RISES if rise_low > 0 else Verdict.UNCLEAR
    verdict = Verdict.FLAT if rise <= tolerance else steep
    return Drift(
        verdict=verdict,
        n=n,
        tolerance=tolerance,
        median=median,
        intercept=intercept,
        slope_per_hour=slope * _HOUR_S / median,
        rise=rise,
        rise_low=rise_low,
        rise_high=rise_high,
        reason="the values scatter too much for their number" if verdict is Verdict.UNCLEAR else None,
    )
