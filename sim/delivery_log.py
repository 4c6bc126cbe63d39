"""The publisher's log: what was handed to Kafka when, as packed records of one NumPy dtype.

Written in bulk, a buffer at a time: formatting a line per reading would cost more than sending it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from base.errors import UsageError
from sim.arrays import AnyArray

#: One delivery. Instants are wall clock, epoch nanoseconds: when it was due, when it was handed over.
DELIVERY_LOG: Final = np.dtype(
    [("sensor_id", "<i4"), ("seq", "<i8"), ("copy", "u1"), ("due_ns", "<i8"), ("sent_ns", "<i8")]
)

DeliveryRecords: TypeAlias = NDArray[Any]


class DeliveryLog:
    """Appends records to a file that others may read meanwhile; a context manager."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise UsageError(f"--log {path}: {error.strerror}; name a file in a folder you may write to") from None

    def write(self, *, sensor_id: AnyArray, seq: AnyArray, copy: AnyArray, due_ns: AnyArray, sent_ns: AnyArray) -> None:
        """Append one record per row of the columns (N,), at once."""
        records = np.empty(len(sensor_id), dtype=DELIVERY_LOG)
        records["sensor_id"] = sensor_id
        records["seq"] = seq
        records["copy"] = copy
        records["due_ns"] = due_ns
        records["sent_ns"] = sent_ns
        self._file.write(records.tobytes())

    def close(self) -> None:
        """End the file. Safe to call twice."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def merge_delivery_logs(parts: Iterable[Path], path: Path) -> None:
    """One log at ``path`` of those that several processes wrote, in the order of sending. Raises `UsageError`."""
    records = np.concatenate([read_delivery_log(part) for part in parts])
    with DeliveryLog(path) as log:
        ordered = records[np.argsort(records["sent_ns"], kind="stable")]
        log.write(**{name: ordered[name] for name in DELIVERY_LOG.names or ()})


def read_delivery_log(path: Path) -> DeliveryRecords:
    """The records of a log, in the order of sending, as a structured array of `DELIVERY_LOG`.

    A last record that was cut short (the publisher was killed) is left out.
    """
    raw = path.read_bytes()
    return np.frombuffer(raw, dtype=DELIVERY_LOG, count=len(raw) // DELIVERY_LOG.itemsize)
