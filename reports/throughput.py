"""Readings second by second: how many were offered, how many processed, and how many wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from reports.measured import Measured, phase_of
from reports.stored import StoredRun
from reports.tables import AXES, axes

_SECONDS: Final = {
    "second": pl.Int64,
    "phase": pl.String,
    "offered_per_s": pl.Float64,
    "processed_per_s": pl.Float64,
    "backlog": pl.Float64,
}


def throughput_over_time(run: StoredRun, cells: Sequence[Measured]) -> pl.DataFrame:
    """`per_second` of each of ``cells`` whose publisher's log can be had; ``run.absent`` names the others' logs."""
    frames = [pl.DataFrame(schema={**AXES, **_SECONDS})]
    for one in cells:
        due = run.due(one.cell.id)
        if due is not None:
            where = (pl.lit(value).alias(name) for name, value in axes(one.cell).items())
            frames.append(per_second(one, due).select(*where, pl.all()))
    return pl.concat(frames, how="vertical_relaxed")


def per_second(one: Measured, due: pl.Series) -> pl.DataFrame:
    """One row for each second of a cell, warm-up and tail included; empty if no beacon was due in its window.

    ``due``: `StoredRun.due`. Columns: second (0 is the first of the window), phase, offered_per_s (deliveries that were
    due), processed_per_s, and backlog, the readings that were due and not processed when the second ended.

    What is processed shows in alerts alone, so the beacons, a steady share of the load, stand for all readings, as they
    do in the result's ``throughput.processed_per_s``. A beacon whose alert never came counts as waiting.
    """
    deliveries = due.alias("due_ns").to_frame()
    expected = one.beacons.filter(one.inside("due_ns")).height
    if not expected:
        return pl.DataFrame(schema=_SECONDS)
    # Readings for each beacon's alert.
    each = deliveries.filter(one.inside("due_ns")).height / expected
    counts = {
        "offered": _counted(deliveries, one.second("due_ns")),
        "due": _counted(one.beacons, one.second("due_ns")),
        "alerted": _counted(one.beacons.drop_nulls("alert_appended_ns"), one.second("alert_appended_ns")),
    }
    known = pl.concat([counted["second"] for counted in counts.values()]).to_list()
    seconds = pl.DataFrame({"second": range(min(known), max(known) + 1)}, schema={"second": pl.Int64})
    for name, counted in counts.items():
        seconds = seconds.join(counted.rename({"len": name}), on="second", how="left")
    waiting = (pl.col("due") - pl.col("alerted")).cum_sum()
    return (
        seconds.fill_null(0)
        .sort("second")
        .with_columns(pl.col("offered", "due", "alerted").cast(pl.Float64))
        .select(
            "second",
            phase_of(pl.col("second"), one.cell.window_s).alias("phase"),
            offered_per_s="offered",
            processed_per_s=pl.col("alerted") * each,
            backlog=waiting * each,
        )
    )


def _counted(rows: pl.DataFrame, second: pl.Expr) -> pl.DataFrame:
    return rows.group_by(second.alias("second")).len()
