"""Byte strings as columns: one buffer and where in it each begins and ends, no Python object for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self, overload

import numpy as np
import pyarrow as pa

from sim.arrays import Bytes, Longs

_NEWLINE: Final = ord("\n")


@dataclass(frozen=True, eq=False)
class Texts(Sequence[bytes]):
    """N byte strings: text ``i`` is ``data[starts[i]:stops[i]]``. ``data`` is uint8, contiguous; shapes (N,)."""

    data: Bytes
    starts: Longs
    stops: Longs

    @classmethod
    def of_lines(cls, lines: bytes) -> Self:
        """The lines of a text of which every one ends with a newline, without those."""
        data = np.frombuffer(lines, dtype=np.uint8)
        stops = np.flatnonzero(data == _NEWLINE)
        starts = np.empty_like(stops)
        starts[:1], starts[1:] = 0, stops[:-1] + 1
        return cls(data, starts, stops)

    @classmethod
    def of_arrow(cls, array: pa.BinaryArray) -> Self:
        """The elements of an Arrow array of binary, none of them null; nothing is copied."""
        _, offsets, data = array.buffers()
        ends = np.frombuffer(offsets, dtype=np.int32)[array.offset : array.offset + len(array) + 1].astype(np.int64)
        return cls(np.frombuffer(data, dtype=np.uint8) if data else np.empty(0, np.uint8), ends[:-1], ends[1:])

    def to_arrow(self) -> pa.BinaryArray:
        """As an Arrow array of binary."""
        return pa.array(list(self), type=pa.binary())

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, row: int) -> bytes: ...
    @overload
    def __getitem__(self, row: slice) -> Self: ...
    def __getitem__(self, row: int | slice) -> bytes | Self:
        if isinstance(row, slice):
            return type(self)(self.data, self.starts[row], self.stops[row])
        return self.data[self.starts[row] : self.stops[row]].tobytes()

    def __iter__(self) -> Iterator[bytes]:
        data = self.data.data
        for start, stop in zip(self.starts.tolist(), self.stops.tolist(), strict=True):
            yield data[start:stop].tobytes()

    @cached_property
    def address(self) -> int:
        """Where ``data`` lies in memory, for C; valid while this object lives."""
        address: int = self.data.ctypes.data
        return address
