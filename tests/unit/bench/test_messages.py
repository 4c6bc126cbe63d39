"""Messages as columns, and the log that the collector writes as they come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bench import messages
from bench.messages import SCHEMA, Columns, MessageLog, read_message_log

TOPICS = ["alerts", "rejects"]
ROWS = [
    ("alerts", 0, 0, 1_000, 5, b"k", b"value"),
    ("rejects", 3, 2**40, 1_001, 2**62, None, b""),
    ("alerts", 1, 7, -1, 6, b"", None),
]


class FakeMessage:
    """What confluent-kafka hands out, of one row."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        self._row = row

    def topic(self) -> str:
        """Its topic."""
        return self._row[0]

    def partition(self) -> int:
        """Its partition."""
        return self._row[1]

    def offset(self) -> int:
        """Its offset."""
        return self._row[2]

    def timestamp(self) -> tuple[int, int]:
        """LogAppendTime."""
        return 2, self._row[3]

    def key(self) -> bytes | None:
        """Its key."""
        return self._row[5]

    def value(self) -> bytes | None:
        """Its value."""
        return self._row[6]


def written(path: Path) -> Path:
    """A log of `ROWS`, flushed after the first."""
    with MessageLog(path, TOPICS) as log:
        for row in ROWS:
            log.add(FakeMessage(row), row[4])  # type: ignore[arg-type]
            log.flush()
    assert log.messages == len(ROWS)
    return path


def test_a_log_gives_back_what_was_written(tmp_path: Path):
    """Every field, a null key apart from an empty one, numbers at the end of their range."""
    assert read_message_log(written(tmp_path / "log"), TOPICS).rows() == ROWS


def test_an_empty_log_is_an_empty_table(tmp_path: Path):
    """A cell without an alert."""
    with MessageLog(tmp_path / "log", TOPICS):
        pass
    found = read_message_log(tmp_path / "log", TOPICS)
    assert found.height == 0
    assert found.schema == pl.Schema(SCHEMA)


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_columns_do_not_depend_on_where_they_are_cut(monkeypatch, chunk: int):
    """Rows become frames as they grow; their order stays."""
    monkeypatch.setattr(messages, "CHUNK", chunk)
    columns = Columns()
    for row in ROWS:
        columns.add(row)
    assert len(columns) == len(ROWS)
    assert columns.frame().rows() == ROWS


def test_what_has_been_flushed_can_be_read_meanwhile(tmp_path: Path):
    """The log holds in memory only what came since the last flush."""
    with MessageLog(tmp_path / "log", TOPICS) as log:
        log.add(FakeMessage(ROWS[0]), ROWS[0][4])  # type: ignore[arg-type]
        assert (tmp_path / "log").stat().st_size == 0
        log.flush()
        assert read_message_log(tmp_path / "log", TOPICS).rows() == ROWS[:1]
