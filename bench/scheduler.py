"""Runs the cells one after the other; a broken one becomes a row with a status, and the rest goes on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from base.errors import AlertbenchError, EnvironmentMissing
from bench.matrix import CellSpec
from bench.records import Cell, Reason, Result
from bench.store import RunStore, now

#: Runs one cell in the folder given and measures it: the one seam between order and execution.
Execute = Callable[[CellSpec, Path], Cell]

#: What a cell leaves in its folder that serves no reader.
SCRATCH = ("checkpoint", "spark")


def run_cells(
    cells: list[CellSpec],
    *,
    execute: Execute,
    store: RunStore,
    result: Result,
    began: Callable[[int, CellSpec, list[CellSpec]], None],
    ended: Callable[[Cell], None],
) -> None:
    """Execute ``cells`` in order; ``result`` is saved after each, whatever became of it."""
    for number, spec in enumerate(cells, 1):
        began(number, spec, cells[number:])
        started, clock = now(), time.monotonic()
        folder = store.cell_folder(spec.id)
        try:
            cell = execute(spec, folder)
        except EnvironmentMissing:
            # No room, no broker: the next cell would meet the same.
            raise
        except (AlertbenchError, OSError) as error:
            cell = broken(spec, str(error))
        finally:
            for name in SCRATCH:
                shutil.rmtree(folder / name, ignore_errors=True)
        cell.started, cell.duration_s = started, round(time.monotonic() - clock, 2)
        result.cells.append(cell)
        store.save(result)
        ended(cell)


def broken(spec: CellSpec, error: str) -> Cell:
    """The row of a cell that could not be measured."""
    reason = Reason(
        rule="broken",
        verdict="invalid",
        message=error.splitlines()[0] if error else "no reason given",
        remedy=f"read the logs in cells/{spec.id}/",
    )
    return Cell(
        id=spec.id,
        params=spec.params,
        status="broken",
        error=error,
        verdict="invalid",
        reasons=[reason],
        window_s=0.0,
    )
