"""A prepared stream in a file: every delivery with its due instant and the bytes that travel.

One simulation serves any number of publishers, which all send the same bytes and need no simulator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from base.errors import UsageError
from sim.prepare import Prepared, keys_of
from sim.texts import Texts

#: ``due_ns`` is relative to event time zero.
SCHEMA: Final = pa.schema(
    [
        ("sensor_id", pa.int32()),
        ("seq", pa.int64()),
        ("copy", pa.uint8()),
        ("due_ns", pa.int64()),
        ("value", pa.binary()),
    ]
)
_STRETCH: Final = 100_000


def write_deliveries(path: Path, stretches: Iterable[Prepared]) -> int:
    """Write ``stretches``, which follow each other in due order, to a Parquet file; returns how many."""
    written = 0
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as file:
        for stretch in stretches:
            columns = [stretch.sensor_id, stretch.seq, stretch.copy, stretch.due_ns, stretch.values.to_arrow()]
            file.write_table(pa.Table.from_arrays([pa.array(column) for column in columns], schema=SCHEMA))
            written += len(stretch)
    return written


def read_deliveries(
    path: Path, *, since_ns: int | None = None, until_ns: int | None = None, sensors: int | None = None
) -> Iterator[Prepared]:
    """What `write_deliveries` wrote, piece by piece: what is due from ``since_ns`` on and before ``until_ns``.

    ``sensors``: those of the first so many sensors alone. Raises `UsageError` if ``path`` is no such file.
    """
    try:
        # Buffered ahead, what has been read would stay in memory until the file is closed.
        file = pq.ParquetFile(path, pre_buffer=False)
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"FILE {path}: no file of deliveries ({str(error).splitlines()[0]})") from error
    if file.schema_arrow != SCHEMA:
        raise UsageError(f"FILE {path}: its columns are {file.schema_arrow.names}, not {SCHEMA.names}")
    return _stretches(file, since_ns, until_ns, sensors)


def _stretches(
    file: pq.ParquetFile, since_ns: int | None, until_ns: int | None, sensors: int | None
) -> Iterator[Prepared]:
    for batch in file.iter_batches(batch_size=_STRETCH):
        if sensors is not None:
            batch = batch.filter(pc.less_equal(batch["sensor_id"], sensors))
        if not len(batch):
            continue
        sensor_id, seq, copy, due_ns, value = batch.columns
        stretch = Prepared(
            sensor_id=np.asarray(sensor_id),
            seq=np.asarray(seq),
            copy=np.asarray(copy),
            due_ns=np.asarray(due_ns),
            keys=keys_of(np.asarray(sensor_id)),
            values=Texts.of_arrow(value),
        )
        if since_ns is not None and stretch.due_ns[0] < since_ns:
            stretch = stretch.but_first(int(np.searchsorted(stretch.due_ns, since_ns)))
        if until_ns is not None and len(stretch) and stretch.due_ns[-1] >= until_ns:
            yield stretch.first(int(np.searchsorted(stretch.due_ns, until_ns)))
            return
        if len(stretch):
            yield stretch
        # Arrow keeps what it frees in pieces that the next stretch does not fit into: an hour's file would fill memory.
        pa.default_memory_pool().release_unused()
