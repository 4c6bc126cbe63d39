"""Is the engine right? What the source topic requires against what stands in the alerts topic."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from bench.latency import DEADLINES_S, recall_at_deadlines
from bench.records import Fidelity
from bench.stamps import latency_ms


def fidelity(
    judged: pl.DataFrame,
    stamps: pl.DataFrame,
    alerts: pl.DataFrame,
    *,
    unacknowledged: Iterable[tuple[int, int]],
    rejects_seen: int,
    window: pl.Expr,
) -> Fidelity:
    """Counts over everything that was published, and recall@deadline inside the ``window``.

    ``judged``: the source topic (`bench.stamps.judged_source`); ``stamps``: the expected alerts;
    ``alerts``: the alerts topic. Alerts of ``unacknowledged`` deliveries ((sensor_id, seq)) may come
    and need not. A further copy of an alert is ``echoed`` if the reading itself stands as often in
    the source, else ``duplicated``.
    """
    unsure = set(unacknowledged)
    is_unsure = pl.Series(
        [(sensor, seq) in unsure for sensor, seq in zip(stamps["sensor_id"], stamps["seq"], strict=True)],
        dtype=pl.Boolean,
    )
    must = stamps.filter(~is_unsure)
    may = stamps.filter(is_unsure)
    came = alerts.group_by("alert_id").agg(times=pl.len())
    known = stamps.select("alert_id", "copies")
    both = came.drop_nulls("alert_id").join(known, on="alert_id", how="inner")
    beyond_first = (pl.col("times") - 1).clip(lower_bound=0).cast(pl.Int64)
    allowed = (pl.col("copies") - 1).cast(pl.Int64)
    extra = came.join(known, on="alert_id", how="anti")
    counted = both.select(
        echoed=pl.min_horizontal(beyond_first, allowed).sum(),
        duplicated=(beyond_first - allowed).clip(lower_bound=0).sum(),
    ).row(0, named=True)
    scored = must.filter(window)
    return Fidelity(
        expected=len(must),
        may=len(may),
        seen=len(both),
        missing=must["seen_ns"].null_count(),
        extra=int(extra["times"].sum()),
        duplicated=int(counted["duplicated"]),
        echoed=int(counted["echoed"]),
        late=0,
        rejects_expected=judged["reason"].count(),
        rejects_seen=rejects_seen,
        recall_at_deadline=recall_at_deadlines(latency_ms(scored.filter("beacon"), "due_ns", "seen_ns"), DEADLINES_S),
        recall_at_deadline_all=recall_at_deadlines(latency_ms(scored, "due_ns", "seen_ns"), DEADLINES_S),
    )
