"""Rows as a table of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def text_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A header and a line for each row, two blanks between columns; numbers to the right, None as ``-``.

    Floats are written as Python does, with the fewest digits that read back: 1732879703.8874645.
    """
    cells = [["-" if value is None else str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    # Only text stands to the left; a column of nothing but None may be anything.
    left = [any(isinstance(row[at], str) for row in rows) for at in range(len(columns))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if is_left else text.rjust(width)
            for text, width, is_left in zip(line, widths, left, strict=True)
        ).rstrip()
        for line in [list(columns), *cells]
    )
