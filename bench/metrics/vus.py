"""Volume under the surface of range-based curves (Paparrizos et al., PVLDB 15(11), 2022; TimeEval's correction)."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from bench.metrics.ranges import Bools, Floats, distance, ranges
from bench.metrics.thresholds import Ranked, ranked

#: Twice the window of 100 that TSB-AD takes by default (Liu & Paparrizos, NeurIPS 2024), in ticks.
MOST_BUFFER: Final = 200

Slope = Literal["linear", "sqrt"]


def areas(truth: Bools, scores: Floats, *, most_buffer: int, slope: Slope = "linear") -> tuple[Floats, Floats]:
    """Areas under the PR and the ROC curve for each buffer 0 … ``most_buffer`` in ticks, (most_buffer + 1,) each.

    With buffer b a tick at distance d <= b // 2 from an event is true to the degree 1 - (1 - 1/sqrt 2) d / (b // 2)
    (``linear``, TimeEval), or sqrt(1 - d / b) (``sqrt``, the paper). The nearest event of the sensor counts, and
    every event stays one however far buffers reach; the paper's code adds overlapping slopes and merges events.
    Counts are summed over the sensors at each threshold. NaN in the ROC curve if every tick is true.

    Costs a sort of the scores and memory for three arrays of their size, whatever the buffer; what grows with the
    buffer, most_buffer^2 x thresholds + most_buffer x events, is small.
    """
    found = ranked(scores)
    reach = most_buffer // 2
    away = distance(truth)
    near = away <= reach
    # Ticks by distance and threshold: all buffers weigh the same ticks, each in its own way.
    counted = np.bincount(away[near] * found.count + found.rank[near], minlength=(reach + 1) * found.count)
    alarmed_at = np.cumsum(counted.reshape(reach + 1, found.count), axis=1)
    degrees = _degrees(most_buffer, slope)
    tp = degrees @ alarmed_at
    positives = (alarmed_at[0, -1] + tp[:, -1:]) / 2
    alarmed = found.until(found.rank)
    recall = np.minimum(tp / positives, 1) * _share_hit(truth, found, reach)[np.arange(most_buffer + 1) // 2]
    negatives = truth.size - positives
    with np.errstate(invalid="ignore", divide="ignore"):
        fpr = np.where(negatives > 0, (alarmed - tp) / negatives, np.nan)
    zero, one = np.zeros((most_buffer + 1, 1)), np.ones((most_buffer + 1, 1))
    pr = np.trapezoid(np.hstack([one, tp / alarmed]), np.hstack([zero, recall]), axis=1)
    roc = np.trapezoid(np.hstack([zero, recall, one]), np.hstack([zero, fpr, one]), axis=1)
    return pr, roc


def vus(
    truth: Bools, scores: Floats, *, most_buffer: int = MOST_BUFFER, slope: Slope = "linear"
) -> tuple[float | None, float | None]:
    """VUS-PR and VUS-ROC: the means of `areas` over the buffers; None without truth or if all scores are equal."""
    if not truth.any() or scores.min() == scores.max():
        return None, None
    pr, roc = areas(truth, scores, most_buffer=most_buffer, slope=slope)
    return float(pr.mean()), None if np.isnan(roc).any() else float(roc.mean())


def _degrees(most_buffer: int, slope: Slope) -> Floats:
    """How true a tick is by buffer and distance, (most_buffer + 1, most_buffer // 2 + 1)."""
    buffer = np.arange(most_buffer + 1)[:, None]
    away = np.arange(most_buffer // 2 + 1)[None, :]
    inside = away <= buffer // 2
    if slope == "sqrt":
        return np.where(inside, np.sqrt(1 - np.where(inside, away, 0) / np.maximum(buffer, 1)), 0.0)
    return np.where(inside, 1 - (1 - np.sqrt(0.5)) * away / np.maximum(buffer // 2, 1), 0.0)


def _share_hit(truth: Bools, found: Ranked, reach: int) -> Floats:
    """The share of events with an alarm at most 0 … ``reach`` ticks away, by threshold, (reach + 1, thresholds)."""
    events = ranges(truth)
    ticks = found.rank.shape[1]
    # A column at either side of each row, never alarmed: what lies beyond it is clipped to it.
    padded = np.pad(found.rank, ((0, 0), (1, 1)), constant_values=found.count).ravel()
    row_start = events.row * (ticks + 2)
    first = row_start + events.start - events.row * ticks + 1
    last = row_start + events.end - events.row * ticks
    best = np.minimum.reduceat(padded, np.stack([first, last + 1], axis=1).ravel())[::2]
    hit = np.empty((reach + 1, found.count))
    for away in range(reach + 1):
        before, after = np.maximum(first - away, row_start), np.minimum(last + away, row_start + ticks + 1)
        best = np.minimum(best, np.minimum(padded[before], padded[after]))
        hit[away] = found.until(best)
    return hit / len(events)
