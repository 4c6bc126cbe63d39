"""Readings as they are taken, before any fault, and where each one lies: what every source makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sim.arrays import Bools, Floats, Ints, Longs
from sim.stream import StreamSpec


@dataclass(frozen=True)
class Stretch:
    """All R readings with event time in [start, end), microseconds relative to event time zero.

    ``true`` and ``clean`` are (R, 5): the environment, and what a healthy sensor makes of it. Rows are in
    the source's own order; ``order`` (R,) sorts them by event time, then sensor. Nothing of a later stretch
    is due before ``later_due_us``; None: there is none.
    """

    start_us: int
    end_us: int
    later_due_us: int | None
    sensor_id: Ints
    seq: Longs
    event_us: Longs
    true: Floats
    clean: Floats
    order: Longs

    def __len__(self) -> int:
        return len(self.sensor_id)

    def inside(self, column: Longs, start_us: Longs, end_us: Longs) -> tuple[Longs, Longs]:
        """(which, row): each reading in one of the E intervals of sensors ``column`` + 1, and its row."""
        raise NotImplementedError

    def row_before(self, column: Longs, instant_us: Longs) -> Longs:
        """The row of each sensor's last reading before the instant, (E,); -1 if that lies in another stretch.

        Where a sensor has no reading before it in the whole stream, its first one stands in.
        """
        raise NotImplementedError


class Source(Protocol):
    """Where readings come from: the simulated weather, plain random numbers, or a file."""

    @property
    def beacon(self) -> Bools:
        """Which sensors are beacons, (S,)."""

    def stretches(self, start_us: int, end_us: int | None, chunk_readings: int) -> Iterator[Stretch]:
        """Stretches that together hold all of [start, end), for ever without an end; about so many readings each."""

    def recall(self, instant_us: int, column: Longs, before_us: Longs) -> Iterator[tuple[Longs, Floats]]:
        """(which, clean (., 5)) of the last readings before ``before_us`` that were taken before ``instant_us``.

        To be asked for once, before the first stretch, which then begins at ``instant_us``.
        """


@dataclass(frozen=True)
class GridStretch(Stretch):
    """The ticks [first, end) of all S sensors of a stream. Row k S + i: tick first + k, column i."""

    stream: StreamSpec
    first_tick: int
    end_tick: int

    def inside(self, column: Longs, start_us: Longs, end_us: Longs) -> tuple[Longs, Longs]:
        """As in `Stretch`."""
        low = np.maximum(tick_from(self.stream, column, start_us), self.first_tick)
        high = np.minimum(tick_from(self.stream, column, end_us), self.end_tick)
        counts = np.maximum(high - low, 0)
        which = np.repeat(np.arange(len(column)), counts)
        tick = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts) + low[which]
        return which, (tick - self.first_tick) * self.stream.sensors + column[which]

    def row_before(self, column: Longs, instant_us: Longs) -> Longs:
        """As in `Stretch`."""
        tick = tick_before(self.stream, column, instant_us)
        here = (tick >= self.first_tick) & (tick < self.end_tick)
        return np.where(here, (tick - self.first_tick) * self.stream.sensors + column, -1)


def tick_from(stream: StreamSpec, column: Longs, instant_us: Longs) -> Longs:
    """The first tick of each column's sensor whose reading is not before the instant; (E,)."""
    return -((stream.phases_us[column] - instant_us) // stream.interval_us)


def tick_before(stream: StreamSpec, column: Longs, instant_us: Longs) -> Longs:
    """The tick of each column's last reading before the instant; the stream's first where there is none."""
    return np.maximum(tick_from(stream, column, instant_us) - 1, stream.first_tick)
