"""Markdown of texts that were written for a terminal or a programmer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def whole_page(title: str, *parts: str) -> str:
    """A whole page, which says that nobody should write in it."""
    head = f"<!-- Written by `python -m bench.reference`; a test compares. Change the code instead. -->\n\n# {title}"
    return "\n\n".join([head, *parts]) + "\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar inside a cell does not end it."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def code(text: object) -> str:
    """``text`` as it is typed; nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def listing(text: str) -> str:
    """Lines that are shown as they stand."""
    return f"```\n{text}\n```"


def prose(text: str) -> str:
    """A paragraph on one line: reStructuredText's code becomes Markdown's, an angle bracket is no HTML."""
    parts = " ".join(text.split()).replace("``", "`").replace("\\[", "[").split("`")
    # Every second part is code, in which nothing needs to be escaped.
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(parts))


def paragraphs(text: str) -> str:
    """A help text: what begins with a backspace, the mark of lines to be left alone, is a block."""
    return "\n\n".join(
        listing(part.removeprefix("\b\n")) if part.startswith("\b") else prose(part) for part in text.split("\n\n")
    )
