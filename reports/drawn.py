"""A figure as the report holds it: pixels, text and data, or the reason why it is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl
from matplotlib.figure import Figure

from reports import style
from reports.stored import StoredRun


@dataclass(frozen=True)
class Drawn:
    """One figure of the report, or, where ``png`` is None, why it could not be drawn."""

    #: Also the name of its file below ``figures/``.
    name: str
    #: What a reader who does not see the figure is told.
    alt: str
    png: bytes | None
    data: pl.DataFrame
    absent: str | None = None


def absent(name: str, reason: str) -> Drawn:
    """A figure for which there is nothing at all, and why."""
    return Drawn(name, "", None, pl.DataFrame(), reason)


def drawn(name: str, alt: str, data: pl.DataFrame, draw: Callable[[], Figure], absent: str) -> Drawn:
    """The figure that ``draw`` makes; where ``data`` is empty it is ``absent``, and nothing is drawn."""
    if data.is_empty():
        return Drawn(name, alt, None, data, absent)
    return Drawn(name, alt, style.png(draw()), data)


def why(run: StoredRun, parts: tuple[str, ...], otherwise: str) -> str:
    """The files of ``run`` that could not be used and whose names hold any of ``parts``, or else ``otherwise``."""
    return "; ".join(_matching(run, parts)) or otherwise


def _matching(run: StoredRun, parts: tuple[str, ...]) -> Iterator[str]:
    for name, reason in sorted(run.absent.items()):
        if any(part in name for part in parts):
            yield f"{name} {reason}"
