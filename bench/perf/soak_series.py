"""What a soak watches: the series of each mode, their lines, and the table of them. Files -> numbers, no effects."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import polars as pl

from base.errors import ExitCode
from bench.checks import STEADY_SHARE
from bench.perf.drift import Drift, Verdict, drift
from bench.progress import Batch
from pipeline.triggers import Trigger

#: The share of a run, and at least how long, s, in which caches fill and code is compiled: not judged.
SETTLING_SHARE: Final = 0.1
SETTLING_S: Final = 60.0
#: Spark keeps the logs of the last ten batches (profile `tuned`), and clears up a little later.
BATCHES_KEPT: Final = 12

SCHEMA: Final = {"trigger": pl.String, "measure": pl.String, "at_s": pl.Float64, "value": pl.Float64}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One kind of series. ``tolerance``: how much of its median it may rise by over a run."""

    name: str
    title: str
    unit: str
    tolerance: float = 0.1


HEAP: Final = Measure(name="heap_after_gc", title="heap after full GC", unit="MB")
FILES: Final = Measure(name="checkpoint_files", title="checkpoint folder", unit="files")
SIZE: Final = Measure(name="checkpoint_size", title="checkpoint folder", unit="KB")
#: A line that rises by so much differs by half of it from one half of the run to the other, as a steady cell may; a
#: machine that others share becomes slower by a tenth within an hour all by itself.
BATCH: Final = Measure(name="batch_time", title="batch time", unit="ms", tolerance=2 * STEADY_SHARE)
#: The resident memory of each component of a cell, by its name there.
RESIDENT: Final = {
    name: Measure(name=f"resident_{name}", title=f"{name}, resident", unit="MB")
    for name in ("pipeline", "broker", "publisher", "collector", "meter", "harness")
}

MEASURES: Final = (HEAP, FILES, SIZE, BATCH, *RESIDENT.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One trigger's soak. ``status``: whole, interrupted or failed (for ``reason``). ``seconds``: as long as
    it lasted; ``cell``: its row, as `result.json` has that of any cell; None unless it is whole."""

    trigger: str
    status: str
    reason: str | None
    seconds: float
    settle_s: float
    cell: dict[str, Any] | None
    series: dict[str, Drift]


def settle_s(trigger: Trigger, run_s: float) -> float:
    """The begin of a run that is not judged: a tenth, a minute, and until the checkpoint holds what it keeps."""
    return max(SETTLING_SHARE * run_s, SETTLING_S, BATCHES_KEPT * trigger.seconds)


def batch_times(batches: Sequence[Batch], trigger: Trigger) -> list[tuple[int, float]]:
    """When each batch with rows ended (wall ns), and its time in ms.

    Of a micro-batch: from its trigger to its commit. A real-time batch lasts as long as it was told to:
    of it, what passes between its time's end and the next one's begin, in which it commits and the next
    is planned, and readings wait.
    """
    if not trigger.is_realtime:
        return [(one.end_ns, (one.end_ns - one.start_ns) / 1e6) for one in batches if one.rows]
    return [
        (one.end_ns, (after.start_ns - one.start_ns) / 1e6 - trigger.seconds * 1e3) for one, after in pairwise(batches)
    ]


def folder_size(folder: Path) -> tuple[int, int]:
    """How many files are below ``folder``, and their bytes; files that vanish meanwhile are left out."""
    files = size = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                size += (Path(where) / name).stat().st_size
            except FileNotFoundError:
                continue
            files += 1
    return files, size


def samples(trigger: str, measure: Measure, values: Iterable[tuple[float, float]]) -> pl.DataFrame:
    """A series as rows of `SCHEMA`: seconds after the begin, and value; those before the begin are left out."""
    kept = [(trigger, measure.name, float(at_s), float(value)) for at_s, value in values if at_s >= 0]
    return pl.DataFrame(kept, schema=SCHEMA, orient="row")


def judged(samples: pl.DataFrame, trigger: Trigger, run_s: float) -> dict[str, Drift]:
    """The line of each measure that has a tolerance, from the rows of one trigger."""
    found = {}
    for measure in MEASURES:
        rows = samples.filter(trigger=trigger.name, measure=measure.name)
        found[measure.name] = drift(
            rows["at_s"].to_numpy(),
            rows["value"].to_numpy(),
            settle_s=settle_s(trigger, run_s),
            run_s=run_s,
            tolerance=measure.tolerance,
        )
    return found


def exit_code(modes: Sequence[Mode]) -> ExitCode:
    """What the command ends with: whether a cell is invalid or anything rises, else whether all is known to be flat."""
    cells = {mode.cell["verdict"] if mode.cell is not None else "invalid" for mode in modes}
    if "invalid" in cells:
        return ExitCode.NO_VALID_CELL
    verdicts = {line.verdict for mode in modes for line in mode.series.values()}
    if Verdict.RISES in verdicts:
        return ExitCode.THRESHOLD
    unclear = Verdict.UNCLEAR in verdicts or "inconclusive" in cells or not modes
    return ExitCode.INCONCLUSIVE if unclear else ExitCode.OK


COLUMNS: Final = ["series", "median", "rise over the run", "95 % interval", "an hour", "may rise by", "verdict"]


def table(modes: Sequence[Mode]) -> list[list[str]]:
    """A row for each judged series, cells as `COLUMNS` has them."""
    measures = {measure.name: measure for measure in MEASURES}
    return [_row(mode.trigger, measures[name], line) for mode in modes for name, line in mode.series.items()]


def _row(trigger: str, measure: Measure, line: Drift) -> list[str]:
    name = f"{trigger}: {measure.title}"
    if line.median is None or line.rise is None or line.rise_low is None or line.rise_high is None:
        return [name, "–", "–", "–", "–", _percent(line.tolerance), f"{line.verdict} ({line.reason})"]
    return [
        name,
        f"{line.median:,.4g} {measure.unit}",
        _percent(line.rise),
        f"{_percent(line.rise_low)} to {_percent(line.rise_high)}",
        _percent(line.slope_per_hour or 0.0),
        _percent(line.tolerance),
        line.verdict if line.reason is None else f"{line.verdict} ({line.reason})",
    ]


def _percent(share: float) -> str:
    return f"{share * 100:+.1f} %"
