"""JSON lines: how our processes talk to each other over stdin and stdout, and how they keep logs."""

from __future__ import annotations

import sys
from typing import Any

import orjson


def emit(event: str, **fields: Any) -> None:
    """Write one event as a JSON line on stdout and flush it, for the process that started us."""
    sys.stdout.buffer.write(orjson.dumps({"event": event, **fields}, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n")
    sys.stdout.buffer.flush()


def dumps(value: Any) -> str:
    """``value`` (dataclasses and NumPy arrays included) as indented JSON text."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode()


def parse_line(line: str | bytes) -> dict[str, Any] | None:
    """The JSON object on one line, or None for anything else: a library's own chatter, an empty line."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
