"""Runs of true ticks as ranges, which of them overlap, and shares that may be undefined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Bools: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]
Longs: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Ranges:
    """Disjoint ranges [start, end) in order, (N,) each.

    Rows lie end to end: column c of row r is position ``r * ticks + c``, so that one array holds all sensors.
    """

    start: Longs
    end: Longs
    row: Longs

    def __len__(self) -> int:
        return len(self.start)

    @property
    def length(self) -> Longs:
        """Ticks in each range, (N,)."""
        return self.end - self.start


def ranges(mask: Bools) -> Ranges:
    """The runs of true ticks of ``mask``, (sensors, ticks); a run ends with its row."""
    # With a column behind each row that is never true, one pass over all rows finds every edge, and none between rows.
    padded = np.pad(np.atleast_2d(mask), ((0, 0), (0, 1)))
    edges = np.flatnonzero(np.diff(padded.ravel(), prepend=False))
    start, end = edges[::2], edges[1::2]
    row = start // padded.shape[1]
    return Ranges(start=start - row, end=end - row, row=row)


def counting(lengths: Longs) -> Longs:
    """0, 1, … n-1 for each n of ``lengths``, one after the other: (sum of lengths,)."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def overlaps(start: Numbers, end: Numbers, other_start: Numbers, other_end: Numbers) -> tuple[Longs, Longs]:
    """Every pair (i, j) of ranges with a point in common, by i, then j.

    Both sides are sorted and disjoint: (N,), (N,), (M,), (M,) -> (pairs,), (pairs,).
    """
    first = np.searchsorted(other_end, start, side="right")
    count = np.searchsorted(other_start, end, side="left") - first
    return np.repeat(np.arange(len(start)), count), counting(count) + np.repeat(first, count)


def distance(mask: Bools) -> Longs:
    """Ticks from each tick to the nearest true one of its row, (sensors, ticks); ``ticks`` where a row has none."""
    rows = np.atleast_2d(mask)
    ticks = rows.shape[1]
    column = np.arange(ticks)
    last = np.maximum.accumulate(np.where(rows, column, -ticks), axis=1)
    following = np.minimum.accumulate(np.where(rows, column, 2 * ticks)[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(np.minimum(column - last, following - column), ticks)


@dataclass(frozen=True, slots=True)
class Prf:
    """Precision, recall and F1 in [0, 1]; None where undefined."""

    precision: float | None
    recall: float | None
    f1: float | None


def ratio(part: float, whole: float) -> float | None:
    """A share, or None if it is a share of nothing."""
    return float(part) / float(whole) if whole else None


def prf(precision: float | None, recall: float | None) -> Prf:
    """With F1, the harmonic mean: undefined if one of the two is, 0 if both are 0."""
    if precision is None or recall is None:
        return Prf(precision, recall, None)
    return Prf(precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0)
