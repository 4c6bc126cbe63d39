"""Latency second by second of the window: a run's percentile hides a stall, this does not."""

from __future__ import annotations

from typing import Final

import polars as pl

from bench.records import Cell, Result
from reports.stored import StoredRun
from reports.tables import AXES, axes, ordered_cells

#: A median needs so many samples (10 / (1 - 0.5)); with fewer only the slowest is told.
MEDIAN_NEEDS = 20

#: Shorter standstills disappear in any latency that is drawn.
STANDSTILL_MS: Final = 2.0

_SECONDS: Final = {
    "second": pl.Int64,
    "expected": pl.Int64,
    "missing": pl.Int64,
    "p50_ms": pl.Float64,
    "max_ms": pl.Float64,
}


def zero_ns(stamps: pl.DataFrame, schedule: pl.DataFrame) -> int | None:
    """The wall instant of event time zero, by the due instants of one cell and of the schedule."""
    first = schedule.filter(pl.col("copy") == 0).select(
        pl.col("sensor_id", "seq").cast(pl.Int64), relative_ns=pl.col("due_ns")
    )
    both = stamps.head(1000).join(first, on=["sensor_id", "seq"], how="inner")
    middle = (both["due_ns"] - both["relative_ns"]).median()
    return round(middle) if isinstance(middle, float) else None


def per_second(stamps: pl.DataFrame, zero: int, window_s: float) -> pl.DataFrame:
    """One row for each second of the window in which a beacon's alert was due.

    Columns: second (0 on), expected, missing, and p50_ms and max_ms of due to seen over the seen
    ones; p50_ms is null under `MEDIAN_NEEDS` of them.
    """
    waits_ms = (pl.col("seen_ns") - pl.col("due_ns")) / 1e6
    return (
        stamps.filter("beacon")
        .with_columns(second=(pl.col("due_ns") - zero).floordiv(1_000_000_000), wait_ms=waits_ms)
        .filter(pl.col("second").is_between(0, window_s, closed="left"))
        .group_by("second")
        .agg(
            expected=pl.len().cast(pl.Int64),
            missing=pl.col("wait_ms").null_count().cast(pl.Int64),
            p50_ms=pl.when(pl.col("wait_ms").count() >= MEDIAN_NEEDS).then(pl.col("wait_ms").median()),
            max_ms=pl.col("wait_ms").max(),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in _SECONDS.items())
        .sort("second")
    )


def latency_over_time(run: StoredRun) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """`per_second` of every measured cell; where real-time batches ended; when something stood still.

    The second frame: the axes of a cell and ``at_s``, seconds into its window. The third: the same with ``ms``, how
    long, and ``what``, ``jvm`` (the longest pause of a second) or ``machine`` (its longest hiccup), of
    `STANDSTILL_MS` or more. Cells whose files are gone have no rows; ``run.absent`` names the files.
    """
    schedule = run.schedule()
    frames, boundaries, stills = [], [], []
    for cell in ordered_cells(run.result) if schedule is not None else []:
        stamps = run.stamps(cell.id) if cell.status == "done" else None
        zero = zero_ns(stamps, schedule) if stamps is not None and schedule is not None else None
        if stamps is None or zero is None:
            continue
        seconds = per_second(stamps, zero, cell.window_s)
        frames.append(seconds.select(*(pl.lit(value).alias(name) for name, value in axes(cell).items()), pl.all()))
        boundaries += [axes(cell) | {"at_s": at} for at in _boundaries_s(run, cell, zero)]
        stills += [axes(cell) | still for still in _standstills(run, cell, zero)]
    return (
        pl.concat([pl.DataFrame(schema={**AXES, **_SECONDS}), *frames], how="vertical_relaxed"),
        pl.DataFrame(boundaries, schema={**AXES, "at_s": pl.Float64}),
        pl.DataFrame(stills, schema={**AXES, "at_s": pl.Float64, "ms": pl.Float64, "what": pl.String}),
    )


def _standstills(run: StoredRun, cell: Cell, zero: int) -> list[dict[str, float | str]]:
    pauses = run.pauses(cell.id)
    jvm = pl.DataFrame(schema={"at_ns": pl.Int64, "ms": pl.Float64})
    if pauses is not None:
        jvm = pauses.select(at_ns="end_ns", ms="ms")
    found: list[dict[str, float | str]] = []
    for what, frame in (("jvm", jvm), ("machine", run.hiccups(cell.id).select(at_ns="wall_ns", ms="ms"))):
        longest = (
            frame.with_columns(second=(pl.col("at_ns") - zero).floordiv(1_000_000_000))
            .filter(pl.col("second").is_between(0, cell.window_s, closed="left"), pl.col("ms") >= STANDSTILL_MS)
            .sort("ms")
            .unique("second", keep="last")
            .sort("second")
        )
        for at_ns, ms in longest.select("at_ns", "ms").iter_rows():
            found.append({"at_s": (at_ns - zero) / 1e9, "ms": ms, "what": what})
    return found


def _boundaries_s(run: StoredRun, cell: Cell, zero: int) -> list[float]:
    if not cell.params.is_realtime:
        return []
    inside = ((end - zero) / 1e9 for end in run.batch_ends_ns(cell.id))
    return [at for at in inside if 0 <= at < cell.window_s]


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
