"""PATE, proximity-aware time series anomaly evaluation (Ghorbani et al., KDD 2024; Raminghorbanii/PATE)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final

import numpy as np

from bench.metrics.ranges import Bools, Floats, Ranges, counting, ranges
from bench.metrics.thresholds import Ranked, as_ranked, ranked

#: Early and late buffers in ticks, every pair of which is averaged over: the defaults of the reference.
BUFFERS: Final = (0, 100)


def pate_f1(truth: Bools, alarm: Bools, *, buffers: Sequence[int] = BUFFERS) -> float | None:
    """PATE-F1 of alarms: the mean over all pairs of buffers; None without truth or without alarms."""
    if not truth.any() or not alarm.any():
        return None
    curves = _curves(truth, as_ranked(alarm), buffers)
    return float(np.mean([2 * p * r / (p + r) if p + r else 0.0 for (p,), (r,) in curves]))


def pate(truth: Bools, scores: Floats, *, buffers: Sequence[int] = BUFFERS) -> float | None:
    """PATE: the area under the weighted PR curve, the mean over all pairs of buffers.

    ``scores``: (sensors, ticks); alarms as 0 and 1 will do. None without truth or if all scores are equal. Costs a
    few passes over the scores for each pair of buffers, and one over the true ticks for each threshold.
    """
    if not truth.any() or scores.min() == scores.max():
        return None
    return float(np.mean([_area(precision, recall) for precision, recall in _curves(truth, ranked(scores), buffers)]))


def _curves(truth: Bools, found: Ranked, buffers: Sequence[int]) -> Iterator[tuple[Floats, Floats]]:
    """Precision and recall at each threshold, for each pair of an early and a late buffer."""
    events = ranges(truth)
    alarmed = found.until(found.rank)
    missed = _missed(events, found)
    for early, late in product(buffers, repeat=2):
        tp = _true_positives(events, found, early, late)
        # An alarmed tick of weight w is true to the degree w and false to the degree 1 - w.
        yield tp / alarmed, tp / (tp + missed)


def _true_positives(events: Ranges, found: Ranked, early: int, late: int) -> Floats:
    """The weights of the alarmed ticks, summed over all sensors at each threshold, (thresholds,).

    Ticks of an event weigh 1. A tick x of the ``late`` buffer, which ends at q, weighs (q - x) / (q - m), where m is
    the event's middle: 1 - sum |x - y| / sum |q - y| over its ticks y, in short. One of the ``early`` buffer weighs
    likewise, but only while the event itself is hit. Buffers end at the row and at the next event; a late buffer
    comes before the next event's early one.
    """
    rank = found.rank.ravel()
    ticks = found.rank.shape[1]
    row_start, row_end = events.row * ticks, (events.row + 1) * ticks
    middle = (events.start + events.end - 1) / 2
    late_end = np.minimum(np.minimum(events.end + late, row_end), np.append(events.start[1:], row_end[-1:]))
    early_start = np.maximum(np.maximum(events.start - early, row_start), np.append(row_start[:1], late_end[:-1]))

    inside = events.start.repeat(events.length) + counting(events.length)
    hit_at = np.minimum.reduceat(rank[inside], np.cumsum(events.length) - events.length)
    after = late_end - events.end
    behind, late_at = np.repeat(np.arange(len(events)), after), events.end.repeat(after) + counting(after)
    before = events.start - early_start
    ahead, early_at = np.repeat(np.arange(len(events)), before), early_start.repeat(before) + counting(before)
    last = late_end - 1
    return (
        found.until(rank[inside])
        + found.until(rank[late_at], (last[behind] - late_at) / (last - middle)[behind])
        + found.until(
            np.maximum(rank[early_at], hit_at[ahead]), (early_at - early_start[ahead]) / (middle - early_start)[ahead]
        )
    )


def _missed(events: Ranges, found: Ranked) -> Floats:
    """The weights of the true ticks without alarm, summed over all sensors at each threshold, (thresholds,).

    In an event that is not hit each weighs 1. In one that is, those up to onset + c do, where c is the length of the
    first run of alarms in it, as in the reference; tick j from the onset weighs 1 - (c + 1)(j - c/2) / (L (L - 1)/2)
    beyond: 1 - sum |j - y| over the ticks y up to c, by the same sum over the whole event for its last tick.
    """
    length = events.length
    event = np.repeat(np.arange(len(events)), length)
    j = counting(length)
    rank = found.rank.ravel()[events.start[event] + j]
    begins, beyond = np.cumsum(length) - length, length[event]
    whole = np.maximum(length * (length - 1) / 2, 1)[event]
    missed = np.empty(found.count)
    for threshold in range(found.count):
        alarmed = rank <= threshold
        first = np.minimum.reduceat(np.where(alarmed, j, beyond), begins)
        stop = np.minimum.reduceat(np.where(~alarmed & (j > first[event]), j, beyond), begins)
        covered = (stop - first)[event]
        full = (j <= covered) | (first == length)[event]
        weight = np.where(full, 1.0, 1 - (covered + 1) * (j - covered / 2) / whole)
        missed[threshold] = weight[~alarmed].sum()
    return missed


def _area(precision: Floats, recall: Floats) -> float:
    """Under the curve from recall 0, precision 1 on; points where recall falls, as weights allow, are dropped."""
    precision, recall = np.append(1.0, precision), np.append(0.0, recall)
    # Equal recalls are equal whatever the order in which their weights were added.
    rising = recall >= np.maximum.accumulate(recall) - 1e-12
    return float(np.trapezoid(precision[rising], recall[rising]))
