"""Functions of one number, tabulated: a look in place of an inverse or a power, with a bounded error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.arrays import Floats, Singles


class Lookup:
    """``function`` on [low, high], linear between ``points`` equal steps; beyond the ends it stays as it is there."""

    def __init__(self, function: Callable[[Floats], Floats], low: float, high: float, points: int = 4096) -> None:
        self._low, self._per_unit = low, points / (high - low)
        self._values: Floats = np.asarray(function(np.linspace(low, high, points + 1)), dtype=np.float64)
        self._slopes: Floats = np.append(np.diff(self._values), 0.0)
        self._last = float(points)

    def __call__(self, at: Floats | Singles) -> Floats:
        """The function at each number; shape of ``at``."""
        place = np.clip((at - self._low) * self._per_unit, 0.0, self._last)
        below = place.astype(np.int32)
        values: Floats = np.take(self._values, below) + np.take(self._slopes, below) * (place - below)
        return values
