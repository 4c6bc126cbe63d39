"""A finished run, played again as it went: each reading when it was due, each alert when it was seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl

from base.errors import UsageError, did_you_mean
from reports.dashboard.events import ALERT, READING, REJECT, About, Batch
from reports.measured import zero_ns
from reports.stored import StoredRun, open_run
from wire.reading import CHANNELS
from wire.topics import cell_topics

_MS: Final = 1_000_000


class ReplaySource:
    """The cell ``cell`` (None: the first that was measured) of the run in ``folder``, ``pace`` times as fast.

    Raises `UsageError` if there is no such run or cell, or its files are gone.
    """

    def __init__(
        self, folder: Path, *, cell: str | None, pace: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        run = open_run(folder)
        name = _chosen(run, cell)
        self._readings, self._alerts, self._rejects = _frames(run, name)
        self._first_ms, self._last_ms = _span_ms(self._readings, self._alerts, self._rejects)
        self._pace, self._clock = pace, clock
        self._began: float | None = None
        self._at_ms = self._first_ms - 1
        self.about = About(
            source=f"{run.result.run.id}, {name}, played again",
            readings="all readings",
            latency="reading due \u2192 alert seen",
            live=False,
        )

    def poll(self, timeout_s: float) -> Batch:
        """As in `Source`; it begins with the first call."""
        if self._began is None:
            self._began = self._clock()
        else:
            time.sleep(timeout_s)
        until_ms = min(self._last_ms, self._first_ms + round((self._clock() - self._began) * 1000 * self._pace))
        arrived = pl.col("at_ms").is_between(self._at_ms, until_ms, closed="right")
        self._at_ms = until_ms
        return Batch(
            now_ms=until_ms,
            readings=self._readings.filter(arrived),
            alerts=self._alerts.filter(arrived),
            rejects=self._rejects.filter(arrived),
            ended=until_ms >= self._last_ms,
        )

    def close(self) -> None:
        """As in `Source`: nothing is held open."""


def _chosen(run: StoredRun, cell: str | None) -> str:
    measured = [one.id for one in run.result.cells if one.status == "done"]
    if not measured:
        raise UsageError(f"--run {run.folder}: none of its cells was measured; name another run")
    if cell is not None and cell not in measured:
        raise UsageError(f"--cell {cell}: no measured cell of {run.folder}{did_you_mean(cell, measured)}")
    return cell or measured[0]


def _frames(run: StoredRun, cell: str) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """What arrived and when, with the columns of `READING`, `ALERT` and `REJECT`."""
    schedule, readings, stamps = run.schedule(), run.readings(), run.stamps(cell)
    seen = run.frame(f"cells/{cell}/alerts.parquet", ["timestamp", "sensor_id", "alert", "seen_ns"])
    if schedule is None or readings is None or stamps is None or seen is None:
        name, why = next(iter(run.absent.items()))
        raise UsageError(f"--run {run.folder}: {name} {why}, and a replay needs it; name another run")
    zero = zero_ns(stamps, schedule)
    if zero is None:
        raise UsageError(f"--run {run.folder}: in cell {cell} no alert was due; name another with --cell")
    due = schedule.join(readings, on=["sensor_id", "seq"])
    arrived = due.select(
        pl.col("sensor_id").cast(pl.Int64), "event_us", *CHANNELS, at_ms=(pl.col("due_ns") + zero) // _MS
    )
    alerts = seen.select(
        pl.col("sensor_id").cast(pl.Int64),
        event_us=(pl.col("timestamp") * 1e6).round().cast(pl.Int64),
        alert="alert",
        at_ms=pl.col("seen_ns") // _MS,
    )
    rejects = _rejects(run, cell)
    columns = ((arrived, READING), (alerts, ALERT), (rejects, REJECT))
    first, second, third = (
        frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items()).sort("at_ms")
        for frame, schema in columns
    )
    return first, second.filter(pl.col("sensor_id") > 0), third


def _rejects(run: StoredRun, cell: str) -> pl.DataFrame:
    collected = run.frame(f"cells/{cell}/collected.parquet", ["topic", "seen_ns"])
    if collected is None:
        return pl.DataFrame(schema=REJECT)
    topic = cell_topics(run.result.run.id, cell).rejects
    # A run's files hold the record, not the headers that say why.
    return collected.filter(pl.col("topic") == topic).select(
        reason=pl.lit("reason not stored"), at_ms=pl.col("seen_ns") // _MS
    )


def _span_ms(*frames: pl.DataFrame) -> tuple[int, int]:
    stamps = pl.concat([frame.select("at_ms") for frame in frames])["at_ms"]
    first, last = stamps.min(), stamps.max()
    assert isinstance(first, int)
    assert isinstance(last, int)
    return first, last
