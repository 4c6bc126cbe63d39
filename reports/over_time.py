"""Latency second by second: a run's percentile hides a stall, this does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from bench.latency import samples_needed
from bench.records import Cell, Result
from reports.measured import Measured, phase_of
from reports.stored import StoredRun
from reports.tables import AXES, axes, ordered_cells

#: With fewer samples in a second only the slowest is told.
MEDIAN_NEEDS: Final = samples_needed(0.5)

#: Shorter standstills disappear in any latency that is drawn, and those below a tenth of a cell's median in its own.
STANDSTILL_MS: Final = 2.0
STANDSTILL_SHARE: Final = 0.1

_SECONDS: Final = {
    "second": pl.Int64,
    "phase": pl.String,
    "expected": pl.Int64,
    "missing": pl.Int64,
    "p50_ms": pl.Float64,
    "max_ms": pl.Float64,
}


def per_second(cell: Measured) -> pl.DataFrame:
    """One row for each second in which a beacon's alert was due, warm-up and tail included.

    Columns: second (0 is the first of the window), phase (`measured.phase_of`), expected, missing, and p50_ms and
    max_ms of due to seen over the seen ones; p50_ms is null under `MEDIAN_NEEDS` of them.
    """
    waits_ms = (pl.col("seen_ns") - pl.col("due_ns")) / 1e6
    return (
        cell.beacons.with_columns(second=cell.second("due_ns"), wait_ms=waits_ms)
        .group_by("second")
        .agg(
            expected=pl.len().cast(pl.Int64),
            missing=pl.col("wait_ms").null_count().cast(pl.Int64),
            p50_ms=pl.when(pl.col("wait_ms").count() >= MEDIAN_NEEDS).then(pl.col("wait_ms").median()),
            max_ms=pl.col("wait_ms").max(),
        )
        .with_columns(phase=phase_of(pl.col("second"), cell.cell.window_s))
        .select(pl.col(name).cast(dtype) for name, dtype in _SECONDS.items())
        .sort("second")
    )


def latency_over_time(run: StoredRun, cells: Sequence[Measured]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """`per_second` of every cell; where real-time batches ended; when something stood still.

    The second frame: the axes of a cell and ``at_s``, seconds into its window. The third: the same with ``ms``, how
    long, and ``what``: ``gc`` and ``jvm`` (the longest pause of a second, to collect garbage and for other reasons) or
    ``machine`` (its longest hiccup), if it was long enough to show. Both know the window only.
    """
    seconds = [
        per_second(one).select(*(pl.lit(value).alias(name) for name, value in axes(one.cell).items()), pl.all())
        for one in cells
    ]
    boundaries = [axes(one.cell) | {"at_s": at_s} for one in cells for at_s in _boundaries_s(run, one)]
    stills = [axes(one.cell) | still for one in cells for still in _standstills(run, one)]
    return (
        pl.concat([pl.DataFrame(schema={**AXES, **_SECONDS}), *seconds], how="vertical_relaxed"),
        pl.DataFrame(boundaries, schema={**AXES, "at_s": pl.Float64}),
        pl.DataFrame(stills, schema={**AXES, "at_s": pl.Float64, "ms": pl.Float64, "what": pl.String}),
    )


def _standstills(run: StoredRun, one: Measured) -> list[dict[str, float | str]]:
    pauses = run.pauses(one.cell.id)
    if pauses is None:
        pauses = pl.DataFrame(schema={"end_ns": pl.Int64, "ms": pl.Float64, "gc": pl.Boolean})
    sources = {
        "gc": pauses.filter("gc").select(at_ns="end_ns", ms="ms"),
        "jvm": pauses.filter(~pl.col("gc")).select(at_ns="end_ns", ms="ms"),
        "machine": run.hiccups(one.cell.id).select(at_ns="wall_ns", ms="ms"),
    }
    found: list[dict[str, float | str]] = []
    for what, frame in sources.items():
        longest = (
            frame.filter(one.inside("at_ns"), pl.col("ms") >= _least_ms(one.cell))
            .with_columns(second=one.second("at_ns"))
            .sort("ms")
            .unique("second", keep="last")
            .sort("at_ns")
        )
        for at_ns, ms in longest.select("at_ns", "ms").iter_rows():
            found.append({"at_s": (at_ns - one.zero_ns) / 1e9, "ms": ms, "what": what})
    return found


def _least_ms(cell: Cell) -> float:
    median = cell.latency_ms.due_to_seen.p50 if cell.latency_ms is not None else None
    return max(STANDSTILL_MS, STANDSTILL_SHARE * (median or 0.0))


def _boundaries_s(run: StoredRun, one: Measured) -> list[float]:
    if not one.cell.params.is_realtime:
        return []
    inside = ((end - one.zero_ns) / 1e9 for end in run.batch_ends_ns(one.cell.id))
    return [at for at in inside if 0 <= at < one.cell.window_s]


def stalls_table(result: Result) -> pl.DataFrame:
    """One row a real-time cell: waits around the ends of its batches, and percentiles without them."""
    rows = []
    for cell in ordered_cells(result):
        stalls, latency = cell.boundary_stall_ms, cell.latency_ms
        if stalls is None or latency is None:
            continue
        without = latency.without_boundaries.due_to_seen if latency.without_boundaries is not None else None
        rows.append(
            axes(cell)
            | {
                "boundaries": len(stalls.each),
                "median_stall_ms": stalls.median,
                "max_stall_ms": stalls.max,
                "p50_without_ms": without.p50 if without is not None else None,
                "p99_without_ms": without.p99 if without is not None else None,
            }
        )
    numbers = dict.fromkeys(("median_stall_ms", "max_stall_ms", "p50_without_ms", "p99_without_ms"), pl.Float64)
    return pl.DataFrame(rows, schema={**AXES, "boundaries": pl.Int64, **numbers})
