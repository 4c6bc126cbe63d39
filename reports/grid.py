"""What a table on the page is made of, and any frame or mapping as one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from reports import words

#: No data table on the page is longer; the files hold the rest.
LONGEST = 1500


@dataclass(frozen=True)
class Entry:
    """One entry: its text, a second line in small type, and the number of the note that explains it."""

    text: str
    small: str = ""
    note: int | None = None
    title: str = ""
    #: ``num`` for numbers, ``mark`` for verdicts, empty for text.
    kind: str = "num"


@dataclass(frozen=True)
class Head:
    """One heading: ``title`` explains it, ``kind`` is that of its entries."""

    text: str
    title: str = ""
    kind: str = "num"


@dataclass(frozen=True)
class Row:
    """One row; ``tone`` is the verdict of the cell it tells of."""

    entries: list[Entry]
    tone: str = "valid"


@dataclass
class Grid:
    """A table as the page shows it; ``notes`` are numbered from 1."""

    heads: list[Head]
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> int:
        """The number of the note ``text``, which is added if it is new."""
        if text not in self.notes:
            self.notes.append(text)
        return self.notes.index(text) + 1

    def missing(self, reason: str) -> Entry:
        """An entry for a number that could not be had, with its reason as a note."""
        return Entry(words.NOTHING, note=self.note(reason), title=reason)


def text(value: str, small: str = "") -> Entry:
    """An entry that is no number."""
    return Entry(value, small, kind="")


def badge(verdict: str) -> Entry:
    """A verdict."""
    return Entry(verdict, kind="mark")


def data_grid(frame: pl.DataFrame) -> Grid:
    """Any frame, as it is: what stands under a figure."""
    numeric = {name: frame.schema[name].is_numeric() for name in frame.columns}
    grid = Grid([Head(words.heading(name), kind="num" if numeric[name] else "") for name in frame.columns])
    for row in frame.head(LONGEST).iter_rows():
        entries = [_datum(value, numeric[name]) for name, value in zip(frame.columns, row, strict=True)]
        grid.rows.append(Row(entries))
    if len(frame) > LONGEST:
        grid.note(f"The first {LONGEST:,} of {len(frame):,} rows.")
    return grid


def _datum(value: Any, is_number: bool) -> Entry:
    if value is None:
        return Entry(words.NOTHING, kind="num" if is_number else "")
    if isinstance(value, int):
        return Entry(str(value) if abs(value) < 10_000 else words.count(value))
    return Entry(words.number(value)) if isinstance(value, float) else text(str(value))


def pairs_grid(pairs: dict[str, Any]) -> Grid:
    """Names and values; nested ones are written with dots, lists with commas."""
    grid = Grid([Head("name", kind=""), Head("value", kind="")])
    for name, value in _flat(pairs):
        grid.rows.append(Row([text(name), text(value)]))
    return grid


def _flat(pairs: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    flat = []
    for name, value in pairs.items():
        if isinstance(value, dict):
            flat += _flat(value, f"{prefix}{name}.")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            flat.append((prefix + name, shown if value is not None and shown else words.NOTHING))
    return flat
