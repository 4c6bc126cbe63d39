"""The cells whose files are there: the stamps of their alerts, and where in them the measuring window lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from bench.records import Cell
from reports.stored import StoredRun
from reports.tables import ordered_cells


@dataclass(frozen=True)
class Measured:
    """A cell with its stamps (`StoredRun.stamps`, the whole stream's) and the wall instant of event time zero."""

    cell: Cell
    stamps: pl.DataFrame
    zero_ns: int

    @property
    def beacons(self) -> pl.DataFrame:
        """The stamps on which latency is measured, warm-up and tail included."""
        return self.stamps.filter("beacon")

    def second(self, column: str) -> pl.Expr:
        """The second of the window in which the instant ``column`` (wall ns) lies; -1 is the one before it."""
        return (pl.col(column) - self.zero_ns).floordiv(1_000_000_000)

    def inside(self, column: str) -> pl.Expr:
        """Whether the instant ``column`` (wall ns) lies in the window."""
        return (pl.col(column) - self.zero_ns).is_between(0, round(self.cell.window_s * 1e9), closed="left")


def measured_cells(run: StoredRun) -> Iterator[Measured]:
    """Every measured cell of ``run`` whose stamps can be had; ``run.absent`` names the files of the others."""
    schedule = run.schedule()
    for cell in ordered_cells(run.result) if schedule is not None else []:
        stamps = run.stamps(cell.id) if cell.status == "done" else None
        zero = zero_ns(stamps, schedule) if stamps is not None and schedule is not None else None
        if stamps is not None and zero is not None:
            yield Measured(cell, stamps, zero)


def zero_ns(stamps: pl.DataFrame, schedule: pl.DataFrame) -> int | None:
    """The wall instant of event time zero, by the due instants of one cell and of the schedule."""
    first = schedule.filter(pl.col("copy") == 0).select(
        pl.col("sensor_id", "seq").cast(pl.Int64), relative_ns=pl.col("due_ns")
    )
    both = stamps.head(1000).join(first, on=["sensor_id", "seq"], how="inner")
    middle = (both["due_ns"] - both["relative_ns"]).median()
    return round(middle) if isinstance(middle, float) else None


def phase_of(second: pl.Expr, window_s: float) -> pl.Expr:
    """``warm-up``, ``window`` or ``tail``, by the second of a cell; the window alone is scored."""
    before = pl.when(second < 0).then(pl.lit("warm-up"))
    return before.when(second < window_s).then(pl.lit("window")).otherwise(pl.lit("tail"))
