"""The pages that people read, and the commands that stand on them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from base.paths import PROJECT_ROOT

#: Those that somebody wrote before those that are read off the code: what stands on both is named by the first.
PAGES = [
    *(
        PROJECT_ROOT / name
        for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "GLOSSARY.md", "CHANGELOG.md")
    ),
    *sorted((PROJECT_ROOT / "docs").rglob("*.md"), key=lambda page: (page.parent.name == "reference", page)),
]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"(?:^ {4,}\S.*\n?)+", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")
_START = re.compile(r"python3? -m (?=[a-z])")
#: Where a shell's command ends: at an operator, at a comment, with the `$(...)` around it, at a listing's remark.
_END = re.compile(r"\s+[|>&#]|\s*;|\s{2,}|\)")


@dataclass(frozen=True, slots=True)
class Shown:
    """One command on a page: the module that it starts, and its arguments; in a sentence it may be named without."""

    page: str
    module: str
    arguments: tuple[str, ...]
    in_sentence: bool = False

    @property
    def is_written(self) -> bool:
        """Whether somebody wrote the page it stands on; else it is read off a command's help."""
        return not self.page.startswith("docs/reference/")

    def __str__(self) -> str:
        """How a failing test names it."""
        return f"{self.page}: {shlex.join([self.module, *self.arguments])}"


def shown_commands() -> list[Shown]:
    """Every ``python -m`` on any page, each once."""
    found: dict[tuple[str, ...], Shown] = {}
    for page in PAGES:
        for one in commands_in(page.read_text(), str(page.relative_to(PROJECT_ROOT))):
            found.setdefault((one.module, *one.arguments), one)
    return list(found.values())


def commands_in(text: str, page: str) -> Iterator[Shown]:
    """The commands of one page: in its blocks, line by line, and in its sentences, where they are code."""
    fenced = [match[2] for match in _FENCE.finditer(text)]
    rest = _FENCE.sub("", text)
    indented = [match[0] for match in _INDENTED.finditer(rest)]
    lines = [line for block in (*fenced, *indented) for line in _joined(block)]
    spans = [" ".join(match[1].split()) for match in _CODE.finditer(_INDENTED.sub("", rest))]
    for number, line in enumerate((*lines, *spans)):
        for start in _START.finditer(line):
            words = shlex.split(_command(line[start.end() :]))
            if words[0] not in ("pip", "venv"):
                yield Shown(page, words[0], tuple(words[1:]), in_sentence=number >= len(lines))


def _joined(block: str) -> list[str]:
    """The block's lines, those that a backslash ends put together."""
    return re.sub(r"\s*\\\n\s*", " ", block).splitlines()


def _command(line: str) -> str:
    """The part of ``line`` that belongs to the command; in quotes nothing ends it."""
    quote = ""
    for at, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"" and line.count(letter, at) > 1:
            quote = letter
        elif _END.match(line, at):
            return line[:at]
    return line


def links_in(page: Path) -> Iterator[str]:
    """Targets of the page's links and pictures, but for those of code."""
    text = _CODE.sub("", _FENCE.sub("", page.read_text()))
    yield from (match[1] for match in re.finditer(r"\]\(([^)\s]+)\)", text))


def anchors_of(page: Path) -> set[str]:
    """The anchors that GitHub gives the page's headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
