"""The statistics of a comparison: ratios, differences of shares, and what many tests at once bear. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

#: Every interval is of 95 %, and so much of chance is borne in all words of one family.
ALPHA = 0.05
_Z = NormalDist().inv_cdf(1 - ALPHA / 2)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A ratio or a difference, its 95 % interval, and the p-value of "there is none"; None where no spread is known."""

    value: float
    low: float | None = None
    high: float | None = None
    p: float | None = None


def ratio(a: Sequence[float], b: Sequence[float], *, log_sd: float | None = None) -> Estimate:
    """``b`` over ``a``, from the values of their repeats: (n,) each, n >= 1, all above 0, in the same unit.

    The ratio of the geometric means, with the t-interval on the difference of mean logs; the two may
    scatter differently (Welch 1947, Biometrika 34). ``log_sd`` is the known standard deviation of one
    repeat's log, if there is one: it counts, with the normal distribution, wherever it says more
    than the repeats do, because a few repeats may look calmer than the machine is. No interval
    without either: with a single repeat on a side, or with repeats that do not differ at all.
    """
    logs_a, logs_b = np.log(a), np.log(b)
    difference = float(logs_b.mean() - logs_a.mean())
    known = 0.0 if log_sd is None else log_sd * math.sqrt(1 / len(a) + 1 / len(b))
    error, freedom = max(_welch(logs_a, logs_b), (known, math.inf))
    if error == 0.0:
        return Estimate(math.exp(difference))
    from scipy import stats  # half a second to import: not before it is wanted

    half = float(stats.t.ppf(1 - ALPHA / 2, freedom)) * error
    p = 2 * float(stats.t.sf(abs(difference) / error, freedom))
    return Estimate(math.exp(difference), math.exp(difference - half), math.exp(difference + half), p)


def smallest_log_difference(*sides: tuple[float, int]) -> float:
    """The least difference of two mean logs that shows at 95 %; each side: known log_sd of a repeat, and repeats."""
    return 1.96 * math.sqrt(sum(log_sd**2 / repeats for log_sd, repeats in sides))


def _welch(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Standard error of the difference of means and its degrees of freedom; (0, 1) where it cannot be had."""
    if min(len(a), len(b)) < 2:
        return 0.0, 1.0
    # Equal numbers must have no variance; summing them leaves a rounding error of one.
    parts = [0.0 if np.ptp(x) == 0 else float(x.var(ddof=1)) / len(x) for x in (a, b)]
    if sum(parts) == 0.0:
        return 0.0, 1.0
    freedom = sum(parts) ** 2 / sum(part**2 / (len(x) - 1) for part, x in zip(parts, (a, b), strict=True))
    return math.sqrt(sum(parts)), freedom


def share_difference(a: tuple[int, int], b: tuple[int, int]) -> Estimate:
    """The share of ``b`` minus that of ``a``, each (how many, of how many >= 1).

    The interval joins the two Wilson score intervals: method 10 of Newcombe 1998, Statistics in
    Medicine 17, 873-890. ``p`` is where that interval would just touch 0. It takes the counts for
    independent; of two runs over the same readings they are not, and the interval is then too wide.
    """
    difference = b[0] / b[1] - a[0] / a[1]
    # The widest interval that leaves out 0, by bisection; at 40 sigma nothing is left of p.
    inside, outside = 0.0, 40.0
    for _ in range(60):
        middle = (inside + outside) / 2
        low, high = _newcombe(a, b, middle)
        inside, outside = (middle, outside) if low > 0 or high < 0 else (inside, middle)
    return Estimate(difference, *_newcombe(a, b, _Z), math.erfc(inside / math.sqrt(2)))


def _newcombe(a: tuple[int, int], b: tuple[int, int], z: float) -> tuple[float, float]:
    (low_a, high_a), (low_b, high_b) = _wilson(*a, z), _wilson(*b, z)
    share_a, share_b = a[0] / a[1], b[0] / b[1]
    difference = share_b - share_a
    return (
        difference - math.hypot(share_b - low_b, high_a - share_a),
        difference + math.hypot(high_b - share_b, share_a - low_a),
    )


def _wilson(hits: int, trials: int, z: float) -> tuple[float, float]:
    # Of any z, unlike `bench.quality.scores.wilson`, which is of 95 % and rounded.
    share, spread = hits / trials, z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    return middle - half, middle + half


def holm(p: Sequence[float]) -> list[float]:
    """The p-values of one family, adjusted: those below `ALPHA` hold together (Holm 1979, Scand. J. Statist. 6)."""
    adjusted, highest = [1.0] * len(p), 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        highest = max(highest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = highest
    return adjusted
