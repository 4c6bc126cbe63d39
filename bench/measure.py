"""From what a cell left behind to its row in the result: joins, numbers, verdict. No effects but files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import psutil

from bench import resources
from bench.cell_parts import Bench
from bench.checks import Evidence, judge
from bench.engines import COMMAND
from bench.fidelity import fidelity
from bench.host import host_record, read_seconds
from bench.latency import boundary_stalls, near_boundary, quantiles, spread
from bench.matrix import CellSpec
from bench.pauses import pauses_of, read_pauses
from bench.phases import RawCell, ReadBack
from bench.progress import Batch, read_batches
from bench.quality.scores import quality, stream_sample
from bench.records import BATCHES_FOR_WORDS, Cell, Latencies, LatencyMs, Spread, Throughput
from bench.stamps import (
    STAGES_MICRO_BATCH,
    STAGES_REALTIME,
    budget,
    deliveries_frame,
    join_stamps,
    latency_ms,
    named_alerts,
    negative_share,
    parsed_alerts,
)
from sim.delivery_log import read_delivery_log


def latencies(stamps: pl.DataFrame) -> Latencies:
    """The three end-to-end latencies over the rows of ``stamps``."""
    return Latencies(
        due_to_seen=quantiles(latency_ms(stamps, "due_ns", "seen_ns")),
        sent_to_seen=quantiles(latency_ms(stamps, "sent_ns", "seen_ns")),
        due_to_alert_appended=quantiles(latency_ms(stamps, "due_ns", "alert_appended_ns")),
    )


def measure(raw: RawCell, read: ReadBack, bench: Bench, folder: Path, *, with_quality: bool = True) -> Cell:
    """Join, count and judge one cell; writes its stamps.parquet and alerts.parquet into ``folder``."""
    spec = bench.stream.spec
    log = read_delivery_log(raw.delivery_log)
    deliveries = deliveries_frame(log)
    alerts = named_alerts(
        parsed_alerts(read.collected.filter(pl.col("topic") == raw.topics.alerts)),
        read.judged,
        {rule.label: rule.id for rule in bench.rules},
    )
    batches = read_batches(raw.progress, raw.topics.readings)
    # A real-time batch picks nothing: it processes each reading as it comes.
    picking = [] if raw.spec.trigger.is_realtime else batches
    stamps = join_stamps(read.judged, deliveries, alerts, picking, bench.stream.beacons)
    stamps.write_parquet(folder / "stamps.parquet")
    alerts.write_parquet(folder / "alerts.parquet")

    in_window = pl.col("due_ns").is_between(raw.zero_ns, raw.window_end_ns, closed="left")
    scored = stamps.filter(in_window)
    beacons = scored.filter("beacon")
    found = fidelity(
        read.judged,
        stamps,
        alerts,
        unacknowledged=[(sensor, seq) for sensor, seq in raw.published["unacked"]],
        rejects_seen=read.collected.filter(pl.col("topic") == raw.topics.rejects).height,
        window=in_window,
    )
    window_s = (raw.window_end_ns - raw.zero_ns) / 1e9
    throughput = throughput_of(raw, bench, deliveries, stamps, window_s)
    readings = deliveries.filter(in_window).height
    usage = resources.usage(raw.before, raw.after, seconds=window_s, readings=readings)
    latency = latency_record(raw.spec, scored, beacons, batches)
    batch_ms = batch_times(raw.spec, scored)
    negative, share = negative_share(scored)
    ours_cores = sum(used.cores for used in usage.values())
    host = host_record(read_seconds(raw.host), raw.zero_ns, raw.window_end_ns, ours_cores=ours_cores)
    logs = {"pipeline": sorted(folder.glob("safepoints-*.log"))}
    if bench.broker.pause_log is not None:
        logs["broker"] = [bench.broker.pause_log]
    pauses = read_pauses(logs, raw.zero_ns, raw.window_end_ns)
    pauses.write_parquet(folder / "pauses.parquet")
    host.pauses = {name: pauses_of(pauses, name) for name, paths in logs.items() if paths}
    period_s = period_of(raw.spec)
    verdict, reasons = judge(
        Evidence(
            trigger=raw.spec.trigger,
            partitions=raw.spec.partitions,
            window_s=window_s,
            warmup_s=bench.config.warmup_s,
            speedup=spec.speedup,
            lead_s=spec.scenario.lead_s,
            due_to_seen=latency.all.due_to_seen,
            sent_to_seen=latency.all.sent_to_seen,
            offered_per_s=throughput.offered_per_s,
            sent_per_s=throughput.sent_per_s,
            processed_per_s=throughput.processed_per_s,
            planned=raw.published["planned"],
            sent=raw.published["sent"],
            unacknowledged=raw.published["sent"] - raw.published["acked"],
            least_due_to_seen_s=least_per_period(scored, raw.zero_ns, window_s, period_s),
            period_s=period_s,
            batch_ms=batch_ms.p50 if batch_ms is not None else None,
            drain_s=drain_seconds(stamps, deliveries),
            fidelity=found,
            negative_stages=negative,
            negative_share=share,
            host=host,
            resources=usage,
            broker_kind=bench.broker.describe()["kind"],
            halves_ms=halves_ms(raw.spec, scored, (raw.zero_ns + raw.window_end_ns) // 2),
            cores=psutil.cpu_count() or 1,
            has_rejects=raw.spec.engine != COMMAND,
        )
    )
    return Cell(
        id=raw.spec.id,
        params=raw.spec.params,
        status="done",
        verdict=verdict,
        reasons=reasons,
        window_s=window_s,
        files=sorted(f"cells/{raw.spec.id}/{path.name}" for path in folder.iterdir() if path.is_file()),
        latency_ms=latency,
        boundary_stall_ms=boundary_stalls(
            scored["due_ns"].to_numpy(),
            latency_ms(scored, "due_ns", "seen_ns"),
            boundaries(batches, raw.zero_ns, raw.window_end_ns),
        )
        if raw.spec.trigger.is_realtime
        else None,
        batch_ms=batch_ms,
        batches=contributing_batches(raw.spec, scored, batches),
        throughput=throughput,
        fidelity=found,
        quality=quality(
            [stream_sample(spec, bench.stream.truth, alerts, bench.rules, window_event_s=window_s * spec.speedup)]
        )
        if with_quality
        else None,
        resources=usage,
        host=host,
        watched=read.watched,
        warmup={key: value for key, value in raw.warmed.items() if key != "event"},
        drain={key: raw.drained[key] for key in ("passes", "seconds")},
        phases_s=raw.phases_s,
    )


def latency_record(spec: CellSpec, scored: pl.DataFrame, beacons: pl.DataFrame, batches: list[Batch]) -> LatencyMs:
    """Latency of the beacons, of all alerts, without boundaries, and the budget of stages."""
    headline = latencies(beacons)
    without = None
    if spec.trigger.is_realtime:
        ends = [batch.end_ns for batch in batches]
        without = latencies(beacons.filter(~pl.Series(near_boundary(beacons["due_ns"].to_numpy(), ends))))
    return LatencyMs(
        due_to_seen=headline.due_to_seen,
        sent_to_seen=headline.sent_to_seen,
        due_to_alert_appended=headline.due_to_alert_appended,
        all=latencies(scored),
        without_boundaries=without,
        budget=budget(scored, STAGES_REALTIME if spec.trigger.is_realtime else STAGES_MICRO_BATCH),
    )


def batch_times(spec: CellSpec, scored: pl.DataFrame) -> Spread | None:
    """Alert appended minus picked, over the alerts of the window; None in real-time mode."""
    known = scored.drop_nulls(["picked_ns", "alert_appended_ns"])
    if spec.trigger.is_realtime or known.is_empty():
        return None
    return spread(latency_ms(known, "picked_ns", "alert_appended_ns"))


def halves_ms(
    spec: CellSpec, scored: pl.DataFrame, middle_ns: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """What shows whether a cell is steady, before and after ``middle_ns``: ms of each batch, or of each beacon's alert.

    A batch counts once, however many alerts came out of it: they cluster in time. None where either half has fewer
    batches, or alerts, than half of what a percentile needs to be put into words.
    """
    if spec.trigger.is_realtime:
        known = scored.filter("beacon").drop_nulls("seen_ns")
        at_ns, ms = known["sent_ns"].to_numpy(), latency_ms(known, "sent_ns", "seen_ns")
    else:
        wait_ms = (pl.col("alert_appended_ns") - pl.col("picked_ns")) / 1e6
        known = scored.drop_nulls(["picked_ns", "alert_appended_ns"]).group_by("picked_ns").agg(ms=wait_ms.median())
        at_ns, ms = known["picked_ns"].to_numpy(), known["ms"].to_numpy()
    halves = ms[at_ns < middle_ns], ms[at_ns >= middle_ns]
    return halves if min(map(len, halves)) >= BATCHES_FOR_WORDS / 2 else None


def contributing_batches(spec: CellSpec, scored: pl.DataFrame, batches: list[Batch]) -> int:
    """How many batches the window's alerts came from; of real-time ones, those that had ended."""
    if spec.trigger.is_realtime:
        return len(batches)
    return scored["picked_ns"].drop_nulls().n_unique()


def boundaries(batches: list[Batch], start_ns: int, end_ns: int) -> list[int]:
    """The instants inside the window at which one real-time batch ended and the next began."""
    return [batch.end_ns for batch in batches if start_ns <= batch.end_ns < end_ns]


def throughput_of(
    raw: RawCell, bench: Bench, deliveries: pl.DataFrame, stamps: pl.DataFrame, window_s: float
) -> Throughput:
    """Rates inside the window. Processed: by the beacons' alerts that were appended in it, per those due."""

    def inside(frame: pl.DataFrame, column: str) -> int:
        return frame.filter(pl.col(column).is_between(raw.zero_ns, raw.window_end_ns, closed="left")).height

    offered = inside(deliveries, "due_ns") / window_s
    beacons = stamps.filter("beacon")
    due = inside(beacons, "due_ns")
    drain, reasons = drain_rate(raw.warmed, raw.drained)
    if not due:
        reasons["processed_per_s"] = "no beacon alert was due in the window"
    return Throughput(
        offered_per_s=round(offered, 2),
        sent_per_s=round(inside(deliveries, "sent_ns") / window_s, 2),
        processed_per_s=round(offered * inside(beacons, "alert_appended_ns") / due, 2) if due else None,
        drain_per_s=round(drain, 1) if drain is not None else None,
        reasons=reasons,
    )


def drain_rate(warmed: dict[str, Any], drained: dict[str, Any]) -> tuple[float | None, dict[str, str]]:
    """The rate at which the backlog was drained, from the warm-up or else after the window; or why there is none."""
    for told in (warmed, drained):
        if told["drain_per_s"] is not None:
            return told["drain_per_s"], {}
    if not warmed["seconds"] + drained["seconds"]:
        return None, {"drain_per_s": "only the Spark job of this project drains the backlog by itself"}
    passes = ", ".join(f"{rate:,.0f}/s" for rate in [*warmed["passes"], *drained["passes"]]) or "none"
    seconds = warmed["seconds"] + drained["seconds"]
    reason = f"no two whole drains of the backlog agreed within 10 % in {seconds:.0f} s; passes: {passes}"
    return None, {"drain_per_s": reason}


def period_of(spec: CellSpec) -> float:
    """The period over which the least waiting time is taken: the trigger's, at least 1 s."""
    return 1.0 if spec.trigger.is_realtime else max(1.0, spec.trigger.seconds)


def least_per_period(scored: pl.DataFrame, zero_ns: int, window_s: float, period_s: float) -> npt.NDArray[np.float64]:
    """The smallest due to seen (s) of the alerts due in each period of the window; NaN where none came."""
    least = np.full(round(window_s / period_s), np.nan)
    known = scored.drop_nulls("seen_ns")
    period = ((known["due_ns"] - zero_ns).to_numpy() / 1e9 // period_s).astype(int)
    waits_s = latency_ms(known, "due_ns", "seen_ns") / 1e3
    for index in np.unique(period):
        least[index] = waits_s[period == index].min()
    return least


def drain_seconds(stamps: pl.DataFrame, deliveries: pl.DataFrame) -> float:
    """From the last due reading to the last alert in the sink, in s; 0 if that came first."""
    last_alert, last_due = stamps["alert_appended_ns"].max(), deliveries["due_ns"].max()
    if not isinstance(last_alert, int) or not isinstance(last_due, int):
        return 0.0
    return max(0.0, (last_alert - last_due) / 1e9)
