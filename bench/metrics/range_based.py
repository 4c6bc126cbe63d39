"""Range-based precision and recall (Tatbul et al., NeurIPS 2018)."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from bench.metrics.ranges import Bools, Longs, Numbers, Prf, Ranges, overlaps, prf, ranges

Cardinality = Literal["one", "reciprocal"]
Bias = Literal["flat", "front", "middle", "back"]

CARDINALITIES: Final = ("one", "reciprocal")
BIASES: Final = ("flat", "front", "middle", "back")


def weight_until(t: Longs, length: Longs, bias: Bias) -> Numbers:
    """The positional bias of the first ``t`` positions of a range, summed.

    Position u from 1 on weighs 1 (flat), length - u + 1 (front), u (back), or u up to the middle and
    length - u + 1 beyond it.
    """
    if bias == "flat":
        return t
    if bias == "back":
        return t * (t + 1) / 2
    if bias == "front":
        return t * (2 * length - t + 1) / 2
    rising = np.minimum(t, length // 2)
    return (
        weight_until(rising, length, "back") + weight_until(t, length, "front") - weight_until(rising, length, "front")
    )


def mean_reward(of: Ranges, by: Ranges, *, cardinality: Cardinality, bias: Bias, alpha: float) -> float | None:
    """How well ranges are covered by others, on average: alpha [any overlap] + (1 - alpha) gamma(n) sum omega.

    omega is the share of a range's positional weight that one of the n overlaps covers; gamma(n) is 1 or 1/n.
    None without ranges.
    """
    if not len(of):
        return None
    i, j = overlaps(of.start, of.end, by.start, by.end)
    begin = np.maximum(of.start[i], by.start[j]) - of.start[i]
    end = np.minimum(of.end[i], by.end[j]) - of.start[i]
    length = of.length[i]
    omega = (weight_until(end, length, bias) - weight_until(begin, length, bias)) / weight_until(length, length, bias)
    n = np.bincount(i, minlength=len(of))
    gamma = 1 / np.maximum(n, 1) if cardinality == "reciprocal" else 1.0
    covered = gamma * np.bincount(i, weights=omega, minlength=len(of))
    return float((alpha * (n > 0) + (1 - alpha) * covered).mean())


def range_based(
    truth: Bools, alarm: Bools, *, cardinality: Cardinality = "one", bias: Bias = "flat", alpha: float = 0.0
) -> Prf:
    """Averages over all alarmed ranges (precision) and all true ranges (recall) of all sensors.

    ``bias`` and ``alpha``, the reward for finding an event at all, belong to recall: where in an *alarm* the event
    lies says nothing, so precision is flat with alpha 0, as the paper advises.
    """
    events, runs = ranges(truth), ranges(alarm)
    return prf(
        mean_reward(runs, events, cardinality=cardinality, bias="flat", alpha=0.0),
        mean_reward(events, runs, cardinality=cardinality, bias=bias, alpha=alpha),
    )
