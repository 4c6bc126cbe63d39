"""The score of the Numenta Anomaly Benchmark (Lavin & Ahmad, ICMLA 2015; numenta/NAB, nab/sweeper.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.metrics.ranges import Bools, Floats, ranges


@dataclass(frozen=True, slots=True)
class Profile:
    """What a found event earns, and what a false alarm and a missed event cost."""

    tp: float
    fp: float
    fn: float


#: config/profiles.json of the benchmark.
PROFILES: Final = {
    "standard": Profile(tp=1.0, fp=0.11, fn=1.0),
    "low_fp": Profile(tp=1.0, fp=0.22, fn=1.0),
    "low_fn": Profile(tp=1.0, fp=0.11, fn=2.0),
}


def sigma(y: Floats) -> Floats:
    """The benchmark's sigmoid 2/(1 + e^5y) - 1 of the position y in a window: -1 its left edge, 0 its right."""
    return np.where(y > 3.0, -1.0, -np.tanh(2.5 * y))


def raw_score(truth: Bools, alarm: Bools, profile: Profile) -> float:
    """The unscaled score over all sensors; a window is a true event, and no tick is exempt.

    The earliest alarm in a window earns ``tp`` by how early it is; a window without costs ``fn``. An alarm outside
    costs ``fp``, less of it the closer it follows a window. (The benchmark itself widens its windows around the labels
    and exempts the first 15 %; our truth has exact onsets.)
    """
    windows = ranges(truth)
    at = np.flatnonzero(alarm)
    earliest = np.append(at, np.iinfo(np.int64).max)[np.searchsorted(at, windows.start)]
    found = earliest < windows.end
    position = -(windows.end - earliest)[found] / windows.length[found]
    earned = profile.tp * (sigma(position) / sigma(np.array(-1.0))).sum() - profile.fn * (~found).sum()

    false = np.flatnonzero(np.ravel(alarm & ~truth))
    window = np.searchsorted(windows.end, false, side="right") - 1
    known = np.append(windows.row, -1)[window] == false // np.atleast_2d(truth).shape[1]
    after, window = false[known], window[known]
    # A window of one tick has no width to measure by: what follows it is as wrong as can be.
    width = windows.length[window] - 1
    past = np.divide(after - (windows.end[window] - 1), width, out=np.full(len(after), np.inf), where=width > 0)
    return float(earned + profile.fp * (sigma(past).sum() - (~known).sum()))


def scaled(raw: float, events: int, profile: Profile) -> float | None:
    """100 for every event found at its onset and nothing else, 0 for silence; None without events."""
    if not events:
        return None
    null, perfect = -profile.fn * events, profile.tp * events
    return 100.0 * (raw - null) / (perfect - null)


def nab(truth: Bools, alarm: Bools, profile: Profile) -> float | None:
    """The scaled score over all sensors: their raw scores are added first."""
    return scaled(raw_score(truth, alarm, profile), len(ranges(truth)), profile)
