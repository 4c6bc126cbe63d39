"""Latencies from stamps: exact percentiles, with missing alerts as infinite, and only where n bears them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from bench.records import Quantiles, Spread, Stalls

FloatArray = npt.NDArray[np.float64]

#: The percentiles that a result carries, by the name they have in it.
PERCENTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99, "p999": 0.999}


def samples_needed(q: float) -> int:
    """How many samples the quantile ``q`` needs: ten beyond it, 10 / (1 - q)."""
    return math.ceil(10 / (1 - q) - 1e-9)


def exact_quantile(sorted_ms: FloatArray, q: float) -> float:
    """The smallest sample with at least a share ``q`` of all samples at or below it; (n,) sorted, n >= 1."""
    rank = math.ceil(q * len(sorted_ms) - 1e-9)
    return float(sorted_ms[max(rank, 1) - 1])


def quantiles(latency_ms: FloatArray) -> Quantiles:
    """Percentiles of ``latency_ms`` (n,), one value for each *expected* alert, ``inf`` where it is missing."""
    n = len(latency_ms)
    result = Quantiles(n=n, supported=[])
    ordered = np.sort(latency_ms)
    for name, q in PERCENTILES.items():
        needed = samples_needed(q)
        if n < needed:
            result.reasons[name] = f"needs {needed} samples, has {n}"
            continue
        result.supported.append(name)
        value = exact_quantile(ordered, q)
        if math.isinf(value):
            result.reasons[name] = "infinite: so many expected alerts are missing"
        else:
            setattr(result, name, round(value, 4))
    if n == 0:
        result.reasons["max"] = "no samples"
    elif math.isinf(ordered[-1]):
        result.reasons["max"] = "infinite: an expected alert is missing"
    else:
        result.max = round(float(ordered[-1]), 4)
    return result


def spread(values_ms: FloatArray) -> Spread:
    """Median, p99 and maximum of some measured milliseconds (n,), with the same rule of support."""
    full = quantiles(values_ms)
    median = exact_quantile(np.sort(values_ms), 0.5) if len(values_ms) else None
    return Spread(n=full.n, p50=median, p99=full.p99, max=full.max)


def recall_at_deadlines(latency_ms: FloatArray, deadlines_s: tuple[float, ...]) -> dict[str, float | None]:
    """The share of expected alerts seen within each deadline; None for all where none was expected."""
    n = len(latency_ms)
    return {
        f"{deadline:g}": round(float((latency_ms <= deadline * 1000).sum()) / n, 6) if n else None
        for deadline in deadlines_s
    }


#: From 10 ms to 30 s: what a trigger interval costs.
DEADLINES_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

#: Readings due this close to a boundary between two real-time batches belong to it.
BOUNDARY_REACH_S = 1.0


def near_boundary(due_ns: npt.NDArray[np.int64], boundaries_ns: list[int]) -> npt.NDArray[np.bool_]:
    """Which of ``due_ns`` (n,) lie within a second of any boundary."""
    near = np.zeros(len(due_ns), dtype=bool)
    for boundary in boundaries_ns:
        near |= np.abs(due_ns - boundary) <= BOUNDARY_REACH_S * 1e9
    return near


def boundary_stalls(due_ns: npt.NDArray[np.int64], latency_ms: FloatArray, boundaries_ns: list[int]) -> Stalls:
    """The longest latency among alerts due within a second of each boundary; both arrays (n,)."""
    each = []
    for boundary in boundaries_ns:
        close = latency_ms[near_boundary(due_ns, [boundary])]
        if len(close) and np.isfinite(close).any():
            each.append(round(float(close[np.isfinite(close)].max()), 3))
    return Stalls(each=each, median=float(np.median(each)) if each else None, max=max(each) if each else None)
