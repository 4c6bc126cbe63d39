"""Readings as they travel: one JSON object each, fields in the order of `wire.reading`."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import polars as pl

from sim.batch import ReadingBatch
from sim.prepare import Prepared
from wire.reading import READING_FIELDS


def wire_frame(batch: ReadingBatch) -> pl.DataFrame:
    """The seven fields and ``seq``; ``timestamp`` is epoch seconds, a null channel is null."""
    # NumPy divides; Polars multiplies by the reciprocal, which costs the last digit.
    timestamp = pl.Series("timestamp", batch.event_us / 1e6)
    return batch.to_polars().with_columns(timestamp).select(READING_FIELDS)


def encode(batch: ReadingBatch) -> list[bytes]:
    """One JSON object per row: shortest decimals, so at most 2 digits for a channel and 6 for the time."""
    buffer = io.BytesIO()
    wire_frame(batch).write_ndjson(buffer)
    return buffer.getvalue().splitlines()


def ready_to_send(batches: Iterable[ReadingBatch]) -> Iterator[Prepared]:
    """Each batch with its readings encoded; one in which nothing arrives is left out."""
    for batch in batches:
        if len(batch):
            yield Prepared(
                sensor_id=batch.sensor_id.tolist(),
                seq=batch.seq.tolist(),
                copy=batch.copy,
                due_ns=batch.due_ns,
                values=encode(batch),
            )
