"""Readings as they are taken, before any fault, and where each one lies: what every source makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl

from sim.arrays import Floats, Ints, Longs
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
        """(which, row): each reading in one of the E intervals of the columns' sensors, and its row."""
        raise NotImplementedError

    def row_before(self, column: Longs, instant_us: Longs) -> Longs:
        """The row of each sensor's last reading before the instant, (E,); -1 if that lies in another stretch.

        Where a sensor has no reading before it in the whole stream, its first one stands in.
        """
        raise NotImplementedError


class Source(Protocol):
    """Where readings come from: the simulated weather, plain random numbers, or a file."""

    def stretches(self, start_us: int, end_us: int | None, chunk_readings: int) -> Iterator[Stretch]:
        """Stretches that together hold all of [start, end), for ever without an end; about so many readings each."""

    def intervals(self, start_us: int, end_us: int) -> pl.DataFrame:
        """What is known to happen in [start, end) beside the faults: columns of `sim.truth.INTERVAL_SCHEMA`."""

    def recall(self, instant_us: int, column: Longs, before_us: Longs) -> Iterator[tuple[Longs, Floats]]:
        """(which, clean (., 5)) of the last readings before ``before_us`` that were taken before ``instant_us``.

        To be asked for once, before the first stretch, which then begins at ``instant_us``.
        """


@dataclass(frozen=True)
class GridStretch(Stretch):
    """The ticks [first, end) of a stream's S sensors. Row k S + i: tick first + k, column i."""

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
        return which, (tick - self.first_tick) * len(self.stream.sensor_ids) + column[which]

    def row_before(self, column: Longs, instant_us: Longs) -> Longs:
        """As in `Stretch`."""
        tick = tick_before(self.stream, column, instant_us)
        here = (tick >= self.first_tick) & (tick < self.end_tick)
        return np.where(here, (tick - self.first_tick) * len(self.stream.sensor_ids) + column, -1)


def tick_from(stream: StreamSpec, column: Longs, instant_us: Longs) -> Longs:
    """The first tick of each column's sensor whose reading is not before the instant; (E,)."""
    return -((stream.phases_us[column] - instant_us) // stream.interval_us)


def tick_before(stream: StreamSpec, column: Longs, instant_us: Longs) -> Longs:
    """The tick of each column's last reading before the instant; the stream's first where there is none."""
    return np.maximum(tick_from(stream, column, instant_us) - 1, stream.first_tick)


@dataclass(frozen=True)
class TableStretch(Stretch):
    """Readings at any instants, the whole of a stream: rows by sensor, then event time.

    ``first_row`` (S + 1,) is where the rows of each of the stream's sensors begin, and where the last one's end.
    """

    first_row: Longs

    def inside(self, column: Longs, start_us: Longs, end_us: Longs) -> tuple[Longs, Longs]:
        """As in `Stretch`."""
        low, high = self._row_from(column, start_us), self._row_from(column, end_us)
        counts = high - low
        which = np.repeat(np.arange(len(column)), counts)
        return which, np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts) + low[which]

    def row_before(self, column: Longs, instant_us: Longs) -> Longs:
        """As in `Stretch`."""
        row = np.maximum(self._row_from(column, instant_us) - 1, self.first_row[column])
        return np.where(row < self.first_row[column + 1], row, -1)

    def _row_from(self, column: Longs, instant_us: Longs) -> Longs:
        """The first row of each sensor that is not before the instant."""
        first, end = self.first_row[column], self.first_row[column + 1]
        places = zip(first.tolist(), end.tolist(), instant_us.tolist(), strict=True)
        return np.array(
            [low + np.searchsorted(self.event_us[low:high], at) for low, high, at in places], dtype=np.int64
        )
