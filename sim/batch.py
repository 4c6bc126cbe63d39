"""A batch of readings as columns, in the order in which they are due."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from sim.arrays import AnyArray, Bytes, Floats, Ints, Longs
from wire.reading import CHANNELS

_DTYPES = {
    "sensor_id": np.int32,
    "seq": np.int64,
    "copy": np.uint8,
    "event_us": np.int64,
    "due_ns": np.int64,
    "values": np.float64,
}


@dataclass(frozen=True)
class ReadingBatch:
    """N deliveries of readings, by due instant.

    ``sensor_id`` int32, ``seq`` int64 and ``copy`` uint8 name a delivery; ``event_us`` int64 is event
    time in epoch microseconds; ``due_ns`` int64 is wall nanoseconds relative to event time zero;
    ``values`` float64 (N, 5) are the channels in the order of `wire.reading.CHANNELS`, NaN for null.
    Raises `ValueError` where columns disagree, are out of order or hold what no reading can.
    """

    sensor_id: Ints
    seq: Longs
    copy: Bytes
    event_us: Longs
    due_ns: Longs
    values: Floats

    def __post_init__(self) -> None:
        rows = len(self.sensor_id)
        for name, dtype in _DTYPES.items():
            column: AnyArray = getattr(self, name)
            shape = (rows, len(CHANNELS)) if name == "values" else (rows,)
            if column.dtype != dtype or column.shape != shape:
                raise ValueError(f"{name} is {column.dtype} {column.shape}, not {np.dtype(dtype).name} {shape}")
        if rows and (self.sensor_id.min() < 1 or self.seq.min() < 0):
            raise ValueError("sensors count from 1 and readings from 0")
        if np.any(np.diff(self.due_ns) < 0):
            raise ValueError("deliveries are not in due order")
        if np.isinf(self.values).any():
            raise ValueError("a channel is infinite")
        for name in _DTYPES:
            getattr(self, name).flags.writeable = False

    def __len__(self) -> int:
        return len(self.sensor_id)

    def take(self, rows: AnyArray | slice) -> ReadingBatch:
        """Some of the rows, in the given (due) order."""
        return ReadingBatch(**{name: getattr(self, name)[rows] for name in _DTYPES})

    def to_polars(self) -> pl.DataFrame:
        """Columns sensor_id, seq, copy, event_us, due_ns and the five channels, null where NaN."""
        plain = {name: getattr(self, name) for name in _DTYPES if name != "values"}
        return pl.DataFrame({**plain, **channel_columns(self.values)}).with_columns(pl.col(CHANNELS).fill_nan(None))


def channel_columns(values: Floats, prefix: str = "") -> dict[str, Floats]:
    """The columns of ``values`` (N, 5) under their channels' names, each contiguous."""
    return {prefix + name: np.ascontiguousarray(values[:, number]) for number, name in enumerate(CHANNELS)}
