"""From scores to alarms at falling thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.metrics.ranges import Bools, Floats, Longs, Numbers

#: As many as VUS and PATE take by default.
MOST = 250


@dataclass(frozen=True, slots=True)
class Ranked:
    """The first of ``count`` falling thresholds at which each tick is alarmed, (sensors, ticks); ``count`` at none."""

    rank: Longs
    count: int

    def until(self, rank: Numbers, weights: Numbers | None = None) -> Floats:
        """The sum of ``weights`` (or the number) of what is alarmed at each threshold, (count,)."""
        return np.cumsum(np.bincount(np.ravel(rank), weights=weights, minlength=self.count + 1)[: self.count])


def ranked(scores: Floats) -> Ranked:
    """Thresholds at up to `MOST` evenly spaced ranks of all scores, the largest and the smallest among them."""
    falling = np.sort(scores, axis=None)[::-1]
    thresholds = np.unique(falling[np.linspace(0, falling.size - 1, min(MOST, falling.size)).astype(int)])
    rank = len(thresholds) - np.searchsorted(thresholds, np.atleast_2d(scores), side="right")
    return Ranked(rank=rank, count=len(thresholds))


def as_ranked(alarm: Bools) -> Ranked:
    """Alarms that exist already, as the only threshold."""
    return Ranked(rank=np.where(np.atleast_2d(alarm), 0, 1), count=1)
