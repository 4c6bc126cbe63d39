"""A/A: the same cell over and over, compared with itself. Nothing was planted, so next to nothing may be found."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench.campaign import execute_run
from bench.compare.comparison import compare
from bench.config import QUICK_DRAIN_S, SPARK_WARMUP_S, RunConfig
from bench.records import Cell, Result
from bench.stream import resolve
from bench.trust.checks import Line, Outcome

NAME: Final = "indistinct"
WORDS: Final = "nothing: 20 comparisons of a cell with itself, 4 repeats against 4, drawn by lot from 24 short cells"
#: Repeats a side.
SIDE: Final = 4
CELLS: Final = 24
COMPARISONS: Final = 20
#: At 95 % one in twenty may be taken for a change.
ALLOWED: Final = 1
#: What B is made slower by, to see that the check can fail.
SLOWER: Final = 2.0


def run(out: Path) -> Outcome:
    """Measure the cells, and compare them."""
    config = RunConfig(
        rate=1000.0,
        triggers=("0s",),
        partitions=(1,),
        repeats=CELLS,
        # Batches of a job that is not warm differ by a third from one cell to the next, and within a cell.
        warmup_s=10.0,
        window_s=10.0,
        spark_warmup_s=SPARK_WARMUP_S,
        drain_s=QUICK_DRAIN_S,
        quick=True,
        out=str(out),
    )
    result, _ = execute_run(config, resolve(config), {})
    if result.run.status == "partial":
        raise KeyboardInterrupt
    return judge(result)


def judge(result: Result) -> Outcome:
    """How many comparisons of valid cells of ``result`` end in words, as they are and with B made slower."""
    valid = [cell for cell in result.cells if cell.verdict == "valid"]
    enough = Line("valid cells", f">= {2 * SIDE}", str(len(valid)), len(valid) >= 2 * SIDE)
    if not enough.ok:
        return Outcome(name="indistinct", words=WORDS, lines=[enough], without=[enough])
    return Outcome(
        name="indistinct",
        words=WORDS,
        lines=[enough, _line(result, valid, lambda cell: cell)],
        without=[enough, _line(result, valid, lambda cell: slower(cell, SLOWER))],
    )


def _line(result: Result, valid: Sequence[Cell], change: Callable[[Cell], Cell]) -> Line:
    lots = random.Random("indistinct")
    different = 0
    for _ in range(COMPARISONS):
        drawn = lots.sample(valid, 2 * SIDE)
        ours, theirs = drawn[:SIDE], [change(cell) for cell in drawn[SIDE:]]
        found = compare(*(result.model_copy(update={"cells": cells}) for cells in (ours, theirs)))
        rows = [row for point in found.points for row in point.rows]
        different += any(row.outcome in ("better", "worse") for row in rows)
    what = f"of {COMPARISONS} comparisons, those worded as different"
    return Line(what, f"<= {ALLOWED}", str(different), different <= ALLOWED)


def slower(cell: Cell, factor: float) -> Cell:
    """``cell`` with its latencies and batch times multiplied."""
    copy = cell.model_copy(deep=True)
    if copy.latency_ms is not None and copy.latency_ms.due_to_seen.p50 is not None:
        copy.latency_ms.due_to_seen.p50 *= factor
    if copy.batch_ms is not None and copy.batch_ms.p50 is not None:
        copy.batch_ms.p50 *= factor
    return copy
