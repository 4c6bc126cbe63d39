"""Which readings lie where: consecutive ticks of every sensor, as flat rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.arrays import Longs
from sim.stream import StreamSpec


@dataclass(frozen=True)
class Stretch:
    """The readings of the ticks [first, end) of all S sensors. Row k S + i: tick first + k, column i."""

    stream: StreamSpec
    first_tick: int
    end_tick: int

    def tick_from(self, column: Longs, instant_us: Longs) -> Longs:
        """The first tick of each column's sensor whose reading is not before the instant; (E,)."""
        return -((self.stream.phases_us[column] - instant_us) // self.stream.interval_us)

    def inside(self, column: Longs, start_us: Longs, end_us: Longs) -> tuple[Longs, Longs]:
        """(which, row): for each reading here in one of the E intervals, which one, and its row."""
        low = np.maximum(self.tick_from(column, start_us), self.first_tick)
        high = np.minimum(self.tick_from(column, end_us), self.end_tick)
        counts = np.maximum(high - low, 0)
        which = np.repeat(np.arange(len(column)), counts)
        tick = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts) + low[which]
        return which, self.row(tick, column[which])

    def last_before(self, column: Longs, instant_us: Longs) -> Longs:
        """The tick of each column's last reading before the instant; the stream's first where there is none."""
        return np.maximum(self.tick_from(column, instant_us) - 1, self.stream.first_tick)

    def row(self, tick: Longs, column: Longs) -> Longs:
        """The rows of ticks that lie here."""
        return (tick - self.first_tick) * self.stream.sensors + column
