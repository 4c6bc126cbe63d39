"""Pairs of results for the tests of comparisons: repeats that scatter as asked, from a seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from unit.reports import stored_runs

from bench import records
from bench.compare.comparison import Comparison
from bench.compare.rows import Row

#: What one repeat of a cell shows where nothing scatters.
TYPICAL = {"p50": 640.0, "p99": 1150.0, "batch": 120.0, "drain": 95_000.0, "CPU": 125.0, "stall": 90.0}


def repeat(number: int, trigger: str, values: Mapping[str, float], **more: Any) -> records.Cell:
    """One repeat of a cell with these ``values`` (keys of `TYPICAL`); everything can be overridden."""
    shown = {**TYPICAL, **values}
    realtime = trigger.startswith("realtime")
    usage = {"cpu_s": 18.0, "cpu_s_per_million": shown["CPU"], "cores": 0.6, "rss_bytes": 1}
    fields: dict[str, Any] = {
        "batches": 30,
        "batch_ms": None if realtime else {"n": 4000, "p50": shown["batch"], "p99": None, "max": 300.0},
        "boundary_stall_ms": {"each": [], "median": shown["stall"], "max": None} if realtime else None,
        "throughput": {
            **{"offered_per_s": 4800, "sent_per_s": 4800, "processed_per_s": 4800},
            "drain_per_s": shown["drain"],
        },
        "resources": {"pipeline": usage},
    }
    return stored_runs.cell(trigger, p50=shown["p50"], p99=shown["p99"], repeat=number, **(fields | more))


def run(
    repeats: int = 3,
    *,
    seed: int = 0,
    log_sd: float = 0.02,
    factors: Mapping[str, float] | None = None,
    triggers: tuple[str, ...] = ("1s",),
    **more: Any,
) -> records.Result:
    """Repeats that scatter lognormally around `TYPICAL` times ``factors``; ``more`` overrides the cells' fields."""
    rng = np.random.default_rng(seed)
    cells = []
    for number in range(1, repeats + 1):
        for trigger in triggers:
            scattered = (
                TYPICAL.items() if log_sd == 0 else [(k, v * rng.lognormal(0, log_sd)) for k, v in TYPICAL.items()]
            )
            values = {name: float(value) * (factors or {}).get(name, 1.0) for name, value in scattered}
            cells.append(repeat(number, trigger, values, **more))
    return stored_runs.result(cells=cells)


def rows(comparison: Comparison, point: int = 0) -> dict[str, Row]:
    """The rows of one point by their labels."""
    return {row.label: row for row in comparison.points[point].rows}
