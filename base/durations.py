"""Durations as people write them: ``500ms``, ``1s``, ``10min``, ``1h``, ``2d``."""

from __future__ import annotations

import re

from base.errors import UsageError

_UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PATTERN = re.compile(r"^(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>us|ms|s|min|m|h|d)$")


def parse_duration_s(text: str, *, field: str) -> float:
    """``text`` as seconds; ``field`` names the flag or key in the error.

    Raises `UsageError` for anything that is no number followed by a unit.
    """
    match = _PATTERN.match(text.strip())
    if match is None:
        raise UsageError(f"{field}: '{text}' is no duration; write a number and a unit, such as 500ms, 5s or 10min")
    return float(match["number"]) * _UNITS_S[match["unit"]]


def format_duration(seconds: float) -> str:
    """The shortest exact spelling that `parse_duration_s` reads back: ``0.5`` is ``500ms``."""
    if seconds and seconds < 1:
        return f"{seconds * 1000:.12g}ms"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:.12g}{unit}"
    return f"{seconds:.12g}s"
