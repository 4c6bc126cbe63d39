"""Readings as they travel: one JSON object each, fields in the order of `wire.reading`."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import polars as pl

from sim.batch import ReadingBatch
from sim.prepare import Prepared, keys_of
from sim.texts import Texts
from wire.reading import READING_FIELDS

#: The most that is encoded at once: what is sent soon after is still in the processor's cache.
STRETCH = 50_000


def wire_frame(batch: ReadingBatch) -> pl.DataFrame:
    """The seven fields and ``seq``; ``timestamp`` is epoch seconds, a null channel is null."""
    # NumPy divides; Polars multiplies by the reciprocal, which costs the last digit.
    timestamp = pl.Series("timestamp", batch.event_us / 1e6)
    return batch.to_polars().with_columns(timestamp).select(READING_FIELDS)


def encode(batch: ReadingBatch) -> Texts:
    """One JSON object per row: shortest decimals, so at most 2 digits for a channel and 6 for the time."""
    buffer = io.BytesIO()
    wire_frame(batch).write_ndjson(buffer)
    return Texts.of_lines(buffer.getvalue())


def ready_to_send(batches: Iterable[ReadingBatch]) -> Iterator[Prepared]:
    """The readings of ``batches`` encoded, in stretches of at most `STRETCH`, none of them empty.

    On a thread of its own: a batch is encoded while the next one is made.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="encode") as encoder:
        earlier: list[Future[Prepared]] = []
        for batch in batches:
            parts = [batch.take(slice(low, low + STRETCH)) for low in range(0, len(batch), STRETCH)]
            latest = [encoder.submit(_prepared, part) for part in parts]
            for done in earlier:
                yield done.result()
            earlier = latest
        for done in earlier:
            yield done.result()


def _prepared(batch: ReadingBatch) -> Prepared:
    return Prepared(
        sensor_id=batch.sensor_id,
        seq=batch.seq,
        copy=batch.copy,
        due_ns=batch.due_ns,
        keys=keys_of(batch.sensor_id),
        values=encode(batch),
    )
