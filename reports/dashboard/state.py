"""What a dashboard remembers: the latest rows of each kind, however long it runs. Events in, frames out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from reports.dashboard.events import ALERT, READING, REJECT, Batch

#: The most rows of each kind that are kept, some 25 MB together. At 4,800 readings/s the readings of 40 s, more
#: than the longest usual trigger; at the seed's rate those of four days.
MOST_READINGS: Final = 200_000
MOST_ALERTS: Final = 100_000
MOST_REJECTS: Final = 20_000
MOST_BACKLOGS: Final = 4_000
#: A pipeline that invents a label for each alert shall not fill the memory.
MOST_LABELS: Final = 50

#: A reading with its running number among all that came; an alert with its latency, null if its reading is not known.
KEPT_READING: Final = {**READING, "number": pl.Int64}
KEPT_ALERT: Final = {**ALERT, "latency_ms": pl.Int64}
BACKLOG: Final = {"at_ms": pl.Int64, "readings": pl.Int64}
TOTALS: Final = {"alert": pl.String, "count": pl.Int64}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The state at an instant. Frames never change, so one may be drawn while the next is made."""

    readings: pl.DataFrame
    alerts: pl.DataFrame
    rejects: pl.DataFrame
    #: How many readings had come since the one whose alert came latest: at each look, the backlog at most.
    backlog: pl.DataFrame
    #: Alerts by label since the start.
    totals: pl.DataFrame
    #: Readings and rejects since the start, and readings that were passed over.
    readings_seen: int
    rejects_seen: int
    skipped: int
    #: The highest `number` of a reading whose alert came; -1 before the first.
    alerted_number: int
    #: When the latest event arrived, and when this was, wall epoch ms; None before the first.
    newest_ms: int | None
    now_ms: int | None
    trouble: str
    ended: bool


#: Before anything came.
NOTHING: Final = Kept(
    readings=pl.DataFrame(schema=KEPT_READING),
    alerts=pl.DataFrame(schema=KEPT_ALERT),
    rejects=pl.DataFrame(schema=REJECT),
    backlog=pl.DataFrame(schema=BACKLOG),
    totals=pl.DataFrame(schema=TOTALS),
    readings_seen=0,
    rejects_seen=0,
    skipped=0,
    alerted_number=-1,
    newest_ms=None,
    now_ms=None,
    trouble="",
    ended=False,
)


def remember(kept: Kept, batch: Batch, *, timed: bool) -> Kept:
    """The state after ``batch``. ``timed``: the arrivals of readings and alerts can be told apart.

    An alert finds its reading by sensor and event time; of a reading that came twice, the first copy counts.
    """
    arrived = batch.readings.sort("at_ms").with_columns(
        number=pl.int_range(pl.len(), dtype=pl.Int64) + kept.readings_seen + kept.skipped
    )
    readings = _latest(kept.readings, arrived, MOST_READINGS)
    alerts, alerted_number = _matched(batch.alerts, readings, kept.alerted_number, timed=timed)
    seen, skipped = kept.readings_seen + arrived.height, kept.skipped + batch.skipped
    backlog = kept.backlog
    if alerted_number >= 0:
        now = {"at_ms": [batch.now_ms], "readings": [seen + skipped - 1 - alerted_number]}
        backlog = _latest(backlog, pl.DataFrame(now, schema=BACKLOG), MOST_BACKLOGS)
    return replace(
        kept,
        readings=readings,
        alerts=_latest(kept.alerts, alerts, MOST_ALERTS),
        rejects=_latest(kept.rejects, batch.rejects, MOST_REJECTS),
        backlog=backlog,
        totals=_summed(kept.totals, batch.alerts),
        readings_seen=seen,
        rejects_seen=kept.rejects_seen + batch.rejects.height,
        skipped=skipped,
        alerted_number=alerted_number,
        newest_ms=_newest(kept.newest_ms, batch),
        now_ms=batch.now_ms,
        trouble=batch.trouble,
        ended=batch.ended,
    )


def _latest(kept: pl.DataFrame, arrived: pl.DataFrame, most: int) -> pl.DataFrame:
    """The last ``most`` rows of both, in memory of their own."""
    if arrived.is_empty():
        return kept
    # In one piece: a slice would hold all that it was cut from.
    return pl.concat([kept.tail(max(0, most - arrived.height)), arrived.tail(most)], rechunk=True)


def _matched(
    alerts: pl.DataFrame, readings: pl.DataFrame, alerted_number: int, *, timed: bool
) -> tuple[pl.DataFrame, int]:
    """``alerts`` with their latency, and the highest number of an alerted reading, ``alerted_number`` at least."""
    unknown = alerts.with_columns(latency_ms=pl.lit(None, pl.Int64))
    if alerts.is_empty() or not timed:
        return unknown, alerted_number
    key = ["sensor_id", "event_us"]
    first = readings.join(alerts, on=key, how="semi").unique(key, keep="first", maintain_order=True)
    found = alerts.join(first.select(*key, "number", read_ms="at_ms"), on=key, how="left", maintain_order="left")
    # Between two partitions' stamps the broker's clock may seem to step back.
    latency_ms = (pl.col("at_ms") - pl.col("read_ms")).alias("latency_ms")
    highest = first["number"].max()
    number = max(alerted_number, highest) if isinstance(highest, int) else alerted_number
    return found.select(*ALERT, latency_ms), number


def _summed(totals: pl.DataFrame, alerts: pl.DataFrame) -> pl.DataFrame:
    if alerts.is_empty():
        return totals
    fresh = alerts.group_by("alert").agg(count=pl.len().cast(pl.Int64))
    summed = pl.concat([totals, fresh]).group_by("alert").agg(pl.col("count").sum())
    return summed.sort("count", "alert", descending=[True, False]).head(MOST_LABELS)


def _newest(newest_ms: int | None, batch: Batch) -> int | None:
    """The latest arrival of an event, ``newest_ms`` before."""
    stamps = [frame["at_ms"].max() for frame in (batch.readings, batch.alerts, batch.rejects)]
    return max([stamp for stamp in (newest_ms, *stamps) if isinstance(stamp, int)], default=None)
