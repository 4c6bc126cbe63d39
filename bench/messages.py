"""Messages read from Kafka, as columns; and a file of them that grows while they come, in memory that does not."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import polars as pl
from confluent_kafka import Message

#: What one row holds. `appended_ms` is the broker's LogAppendTime; `seen_ns` 0 where nobody looked at the clock.
SCHEMA: Final = {
    "topic": pl.String,
    "partition": pl.Int32,
    "offset": pl.Int64,
    "appended_ms": pl.Int64,
    "seen_ns": pl.Int64,
    "key": pl.Binary,
    "value": pl.Binary,
}
#: So many rows are Python objects at a time: each takes three times the room of a frame's.
CHUNK: Final = 200_000

#: Of a message in the log, before its key and value: topic by its number, partition, offset, both stamps, both lengths.
_HEAD: Final = struct.Struct("<BiqqqII")
#: The length of a key or value that is null.
_NULL: Final = 0xFFFF_FFFF

#: Fields as `SCHEMA` has them. Of a message that came from a topic, the first five are never None.
_Row = tuple[str | None, int | None, int | None, int, int, bytes | None, bytes | None]


def row_of(message: Message, *, seen_ns: int) -> _Row:
    """``message`` as a row of `SCHEMA`."""
    return (
        message.topic(),
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        seen_ns,
        message.key(),
        message.value(),
    )


class Columns:
    """Rows of `SCHEMA`, gathered into frames as they grow."""

    def __init__(self) -> None:
        self._frames: list[pl.DataFrame] = [pl.DataFrame(schema=SCHEMA)]
        self._rows: list[_Row] = []
        self._framed = 0

    def __len__(self) -> int:
        return self._framed + len(self._rows)

    def add(self, row: _Row) -> None:
        """One more row, its fields as `SCHEMA` has them."""
        self._rows.append(row)
        if len(self._rows) >= CHUNK:
            self._frame()

    def _frame(self) -> None:
        if self._rows:
            self._frames.append(
                pl.DataFrame(dict(zip(SCHEMA, zip(*self._rows, strict=True), strict=True)), schema=SCHEMA)
            )
            self._framed += len(self._rows)
            self._rows = []

    def frame(self) -> pl.DataFrame:
        """All rows so far."""
        self._frame()
        return pl.concat(self._frames)


class MessageLog:
    """Appends messages of ``topics`` to the file at ``path``; a context manager."""

    def __init__(self, path: Path, topics: Sequence[str]) -> None:
        self._file = path.open("wb", buffering=0)
        self._numbers: dict[str | None, int] = {topic: number for number, topic in enumerate(topics)}
        self._buffer = bytearray()
        self.messages = 0

    def add(self, message: Message, seen_ns: int) -> None:
        """One message with the instant at which it was seen."""
        topic, *stamped, key, value = row_of(message, seen_ns=seen_ns)
        lengths = (_NULL if text is None else len(text) for text in (key, value))
        self._buffer += _HEAD.pack(self._numbers[topic], *stamped, *lengths)
        self._buffer += (key or b"") + (value or b"")
        self.messages += 1

    def flush(self) -> None:
        """Hand what has come since the last call to the kernel."""
        self._file.write(self._buffer)
        self._buffer.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        self._file.close()


def read_message_log(path: Path, topics: Sequence[str]) -> pl.DataFrame:
    """The rows (`SCHEMA`) of a log of ``topics``, in the order in which they came."""
    columns = Columns()
    for row in _rows(path.read_bytes(), topics):
        columns.add(row)
    return columns.frame()


def _rows(log: bytes, topics: Sequence[str]) -> Iterator[_Row]:
    at = 0
    while at < len(log):
        number, partition, offset, appended_ms, seen_ns, *lengths = _HEAD.unpack_from(log, at)
        at += _HEAD.size
        texts: list[Any] = []
        for length in lengths:
            end = at if length == _NULL else at + length
            texts.append(None if length == _NULL else log[at:end])
            at = end
        yield topics[number], partition, offset, appended_ms, seen_ns, texts[0], texts[1]
