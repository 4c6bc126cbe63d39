"""This run against a baseline: `bench.compare`'s rows as a table and a grid. What may be claimed is decided there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from base.errors import UsageError
from base.plain_text import printable
from bench.compare import text as compared
from bench.compare.comparable import workload_differences
from bench.compare.comparison import Comparison, compare
from bench.compare.rows import Row as ComparedRow
from bench.records import Result
from bench.store import load
from reports.grid import Entry, Grid, Head, Row, text

_CHANGES: Final = {
    **dict.fromkeys(("cell", "metric"), pl.String),
    **dict.fromkeys(("n_a", "n_b"), pl.Int64),
    **dict.fromkeys(("ratio", "low", "high", "p_holm"), pl.Float64),
    **dict.fromkeys(("outcome", "words"), pl.String),
}


@dataclass(frozen=True)
class Change:
    """``baseline`` is A and this run is B."""

    baseline: Result
    comparison: Comparison

    @property
    def headline(self) -> str:
        """How many metrics are better, worse, and neither."""
        return compared.headline(self.comparison)

    @property
    def remarks(self) -> list[str]:
        """What a reader must know before any figure."""
        return list(compared.remarks(self.comparison))


def change_from(folder: Path, result: Result) -> Change:
    """``result`` against the stored run in ``folder``.

    The noise is what was known when ``result`` began, not what is known now: the same files give the same page.
    Raises `UsageError` if there is no readable result, or if it is of another load or method.
    """
    baseline = load(folder, field="--baseline")
    if differ := workload_differences(baseline, result):
        why = f"--baseline {folder}: measured something else than this run: {'; '.join(differ)}"
        raise UsageError(printable(f"{why}; name a run of the same load and method"))
    return Change(baseline, compare(baseline, result, noise=result.calibration.noise))


def change_table(change: Change) -> pl.DataFrame:
    """One row a metric of each cell whose ratio B/A is known: its 95 % interval (null: unknown) and what it bears.

    ``n_a``, ``n_b``: valid repeats. ``p_holm``: of "there is no change", over all cells together.
    """
    rows = [
        {"cell": compared.point_name(point), "metric": row.label, "n_a": len(row.a), "n_b": len(row.b)}
        | {"ratio": row.estimate.value, "low": row.estimate.low, "high": row.estimate.high}
        | {"p_holm": row.p_holm, "outcome": row.outcome, "words": row.words}
        for point in change.comparison.points
        for row in point.rows
        if row.effect == "ratio" and row.estimate is not None
    ]
    return pl.DataFrame(rows, schema=_CHANGES)


def change_grid(change: Change) -> Grid:
    """Every row of the comparison; long reasons are notes."""
    heads = [Head("cell", kind=""), Head("metric", kind=""), Head("A"), Head("B"), Head("B/A"), Head("95 %")]
    grid = Grid([*heads, Head("in words", kind="")])
    for point in change.comparison.points:
        name = compared.point_name(point)
        for row in point.rows:
            numbers = [Entry(shown) for shown in (*compared.sides(row), *compared.effect(row))]
            tone = "total" if row.outcome in ("better", "worse") else "valid"
            grid.rows.append(Row([text(name), text(row.label), *numbers, _in_words(row, grid)], tone=tone))
        for left_out in point.left_out:
            grid.note(f"{name}: {left_out}")
    return grid


def _in_words(row: ComparedRow, grid: Grid) -> Entry:
    if row.outcome in ("untold", "incomparable") or row.words.startswith("differ: "):
        return Entry(_SHORT.get(row.outcome, "differ"), note=grid.note(row.words), kind="")
    return text(row.words)


#: What stands in a row whose reason is a note.
_SHORT: Final = {"untold": "cannot be told", "incomparable": "not comparable"}
