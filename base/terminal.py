"""What is written where people read: in any encoding, at any width, on a terminal or through a pipe."""

from __future__ import annotations

import codecs
import io
import json
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    # Most commands need no rich, and all of them this module.
    from rich.console import Console
    from rich.text import Text

#: What stands in the place of our own signs where an encoding lacks them.
_IN_ASCII: Final = {"–": "-", "…": "...", "°": "deg ", "²": "2", "³": "3", "µ": "u", "±": "+-", "×": "x", "→": "->"}
_ERRORS: Final = "alertbench-legible"


def write_legibly() -> None:
    """Have stdout and stderr write what their encoding lacks in other words, where they would raise an error.

    Signs that we use ourselves as is usual in ASCII, others as ``\\uXXXX``, which JSON knows as well.
    """
    codecs.register_error(_ERRORS, _legible)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
            stream.reconfigure(errors=_ERRORS)


def _legible(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(sign) or json.dumps(sign)[1:-1] for sign in lacking), error.end


def print_prose(console: Console, text: Text | str) -> None:
    """Print a sentence: on a terminal broken between words, in a pipe or a file one line, whatever its length."""
    console.print(text, soft_wrap=not console.is_terminal)
