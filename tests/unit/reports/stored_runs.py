"""Results and stored runs for the tests of reports: full defaults, everything can be overridden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from bench import records
from bench.store import dump
from sim.delivery_log import DELIVERY_LOG
from wire.reading import CHANNELS

#: 2026-06-21T00:00:00Z, event time zero of every built stream, and the wall instant it is due.
ZERO_US = 1_782_000_000_000_000
ZERO_NS = 1_795_479_820_000_000_000
SPEEDUP = 2880.0
WINDOW_S = 30.0
RULES = ("high_temperature", "low_humidity", "high_uv_index", "heavy_rainfall", "high_wind_speed")

REASON = records.Reason(
    rule="backlog", verdict="invalid", message="waiting time grew by 0.2 s each second", remedy="try --partitions 8"
)
DOUBT = records.Reason(
    rule="host noise", verdict="inconclusive", message="1 ms naps overran by 42 ms", remedy="end other work"
)


def quantiles(p50: float | None = 3.1, p99: float | None = 9.8, **more: Any) -> records.Quantiles:
    """Percentiles of 1,440 alerts."""
    scale = p50 or 1.0
    values: dict[str, Any] = {"n": 1440, "supported": ["p50", "p90", "p95", "p99"], "p50": p50, "p99": p99}
    values |= {"p90": 1.5 * scale, "p95": 1.7 * scale, "max": (p99 or scale) * 1.5}
    values |= {"reasons": {"p999": "needs 10000 samples, has 1440"}}
    return records.Quantiles(**(values | more))


def latency(
    p50: float | None = 3.1, p99: float | None = 9.8, *, realtime: bool = True, **more: Any
) -> records.LatencyMs:
    """The latencies of one cell, all alike, with a budget that adds up to about p50."""
    same = {name: quantiles(p50, p99, **more) for name in ("due_to_seen", "sent_to_seen", "due_to_alert_appended")}
    whole = p50 or 1.0
    budget: dict[str, float | None] = {"due_to_sent": 0.3, "sent_to_appended": 0.8}
    if realtime:
        budget |= {"appended_to_alert_appended": 0.7 * whole}
    else:
        budget |= {"appended_to_picked": 0.6 * whole, "picked_to_alert_appended": 0.3 * whole}
    return records.LatencyMs(**same, all=records.Latencies(**same), budget=budget | {"alert_appended_to_seen": 0.4})


def metrics(share: float | None = 0.5) -> records.Metrics:
    """All metrics alike; NAB is a hundred times as much."""
    prf = {"precision": share, "recall": share, "f1": share}
    nab = None if share is None else 100 * share
    return records.Metrics(
        point=prf,
        range=prf,
        affiliation={"precision": share, "recall": share},
        nab={"standard": nab, "low_fp": nab, "low_fn": nab},
        pate={"f1": share},
        vus={},
        reasons={"vus": "needs scores", "pate": "needs scores"},
    )


def counted(tp: int, fp: int, fn: int, share: float | None) -> records.Counted:
    """A detector that knows nothing."""
    nothing = {"precision": None, "recall": None}
    return records.Counted(
        tp=tp, fp=fp, fn=fn, precision=share, recall=share, f1=share, intervals=nothing, metrics=metrics(share)
    )


def score(tp: int = 20, fp: int = 5, fn: int = 0, **more: Any) -> records.Score:
    """A score with its shares, and intervals that are wide enough to hold them."""
    values: dict[str, Any] = {
        "f1": 0.75 if tp else None,
        "false_alarms_per_sensor_day": 0.125,
        "metrics": metrics(),
        "recall_at_delay": {"60": None, "600": 0.5, "1800": 0.75, "3600": 1.0, "10800": 1.0},
        "duplicates_per_event": 2.5,
        "baselines": {
            "never": counted(0, 0, tp + fn, None),
            "always_on": counted(tp + fn, 9, 0, 0.25),
            "random": counted(1, 30, tp + fn - 1, 0.125),
        },
        "precision": round(tp / (tp + fp), 5) if tp + fp else None,
        "recall": round(tp / (tp + fn), 5) if tp + fn else None,
        "intervals": {
            "precision": {"low": 0.609, "high": 0.911} if tp + fp else None,
            "recall": {"low": 0.839, "high": 1.0} if tp + fn else None,
        },
        "delay": {"median_event_s": 0.0, "median_readings": 0.0, "restricted_mean_event_s": 750.0},
        "marginal": 3,
        "masked": 2,
        "ignored": 1,
    }
    return records.Score(tp=tp, fp=fp, fn=fn, **(values | more))


def quality(**more: Any) -> records.Quality:
    """The same score for every rule and for all."""
    values: dict[str, Any] = {"all": score(100, 25), "by_rule": {rule: score() for rule in RULES}, "by_fault": {}}
    return records.Quality(**(values | more))


def quality_cell(**more: Any) -> records.QualityCell:
    """Two days under other seeds, in which one rule had too little to find."""
    values: dict[str, Any] = {
        "quality": quality(all=score(900, 100, 100)),
        "streams": [{"seed": seed, "readings": 144_000, "stream_digest": f"d{seed}"} for seed in (43, 44)],
        "sensors": 1000,
        "interval_s": 600.0,
        "window_event_s": 86_400.0,
        "wanted_events": 400,
        "most_readings": 2_000_000,
        "short": {"heavy_rainfall": 57},
    }
    return records.QualityCell(**(values | more))


def fidelity(**more: Any) -> records.Fidelity:
    """Exact: 11,708 alerts expected and seen."""
    zero = dict.fromkeys(("may", "missing", "extra", "duplicated", "echoed", "late"), 0)
    values: dict[str, Any] = {"expected": 11708, "seen": 11708, **zero, "rejects_expected": 0, "rejects_seen": 0}
    recall = {"0.1": 0.98, "1": 1.0, "10": 1.0}
    return records.Fidelity(**(values | {"recall_at_deadline": recall, "recall_at_deadline_all": recall} | more))


def cell(
    trigger: str = "realtime:30s",
    partitions: int = 1,
    *,
    p50: float | None = 3.1,
    p99: float | None = 9.8,
    repeat: int = 1,
    profile: str = "tuned",
    engine: str = "spark",
    **more: Any,
) -> records.Cell:
    """One valid cell; in micro-batches a batch takes three tenths of p50."""
    usage = {
        name: {"cpu_s": 30 * cores, "cpu_s_per_million": 208 * cores, "cores": cores, "rss_bytes": 300_000_000}
        for name, cores in (("broker", 0.2), ("pipeline", 0.6), ("publisher", 0.1), ("collector", 0.02))
    }
    name = f"{trigger.replace(':', '-')}-p{partitions}-{profile}-r{repeat}"
    values: dict[str, Any] = {
        "id": name,
        "params": {
            "trigger": trigger,
            "partitions": partitions,
            "profile": profile,
            "engine": engine,
            "repeat": repeat,
        },
        "status": "done",
        "verdict": "valid",
        "reasons": [],
        "window_s": WINDOW_S,
        "files": [f"cells/{name}/alerts.parquet", f"cells/{name}/stamps.parquet"],
        "latency_ms": latency(p50, p99, realtime=trigger.startswith("realtime")),
        "batches": 30,
        "batch_ms": None
        if trigger.startswith("realtime") or p50 is None
        else {"n": 11708, "p50": 0.3 * p50, "p99": 0.5 * p50, "max": 0.6 * p50},
        "throughput": {"offered_per_s": 4800, "sent_per_s": 4800, "processed_per_s": 4800, "drain_per_s": 95_000.0},
        "fidelity": fidelity(),
        "quality": quality(),
        "resources": usage,
        "host": {
            "hiccup_p99_ms": 0.4,
            "hiccup_max_ms": 3.0,
            "steal": 0.001,
            "cpu_pressure": None,
            "clock_step_ms": 0.01,
        },
    }
    return records.Cell(**(values | more))


def capacity(passed: float | None = 40_000.0, failed: float | None = 50_000.0, **more: Any) -> records.Capacity:
    """A search that took two trials at each end."""
    ends = [(passed, "passed", ""), (failed, "failed", "p99 2,100 ms, where <= 2,000 ms is asked")]
    trials = [
        {"rate_per_s": rate, "outcome": outcome, "verdict": "valid", "value": 900.0, "reason": reason}
        for rate, outcome, reason in [*ends, *ends]
        if rate is not None
    ]
    slo = "latency_ms.due_to_seen.p99 <= trigger + 1s"
    values: dict[str, Any] = {"passed": passed, "failed": failed, "slo": slo, "trials": trials}
    return records.Capacity(**({**values, "share_of_consumer_performance": 0.04} | more))


def broken(
    trigger: str = "1s", partitions: int = 1, error: str = "the pipeline died: OutOfMemoryError"
) -> records.Cell:
    """A cell that could not be measured."""
    nothing = dict.fromkeys(("latency_ms", "batches", "batch_ms", "throughput", "fidelity", "quality", "host"))
    why = records.Reason(rule="broken", verdict="invalid", message=error, remedy="read pipeline.log")
    return cell(
        trigger,
        partitions,
        **nothing,
        status="broken",
        verdict="invalid",
        error=error,
        reasons=[why],
        resources={},
        files=[],
    )


def matrix() -> list[records.Cell]:
    """Three triggers x two partition counts; one cell is invalid, one inconclusive."""
    return [
        cell("5s", 4, p50=2700.0, p99=5400.0),
        cell("realtime:30s", 1),
        cell("1s", 4, p50=640.0, p99=1150.0, verdict="invalid", reasons=[REASON]),
        cell("realtime:30s", 4, p50=3.4, p99=11.0, verdict="inconclusive", reasons=[DOUBT]),
        cell("1s", 1, p50=612.0, p99=1120.0),
        cell("5s", 1, p50=2650.0, p99=5300.0),
    ]


#: The triggers of `many`.
MANY_TRIGGERS = ("realtime:30s", "0s", "500ms", "1s", "5s", "30s")


def many(*, long_names: bool) -> list[records.Cell]:
    """24 cells of 1 to 8 partitions and every verdict: six triggers, or three with two variants of long names."""
    of_mode = {"realtime:30s": 3.0, "0s": 90.0, "500ms": 330.0, "1s": 612.0, "5s": 2650.0, "30s": 15_800.0}
    doubts = {3: {"verdict": "invalid", "reasons": [REASON]}, 5: {"verdict": "inconclusive", "reasons": [DOUBT]}}
    variants = [{}]
    if long_names:
        variants = [
            {"profile": f"tuned-async-{name}", "engine": "plain-python"} for name in ("as-it-comes", "in-order")
        ]
    axes = [
        (trigger, partitions, variant)
        for variant in variants
        for trigger in (MANY_TRIGGERS[::2] if long_names else MANY_TRIGGERS)
        for partitions in (1, 2, 4, 8)
    ]
    cells = [
        cell(trigger, partitions, p50=of_mode[trigger] + partitions, p99=3 * of_mode[trigger], **variant, **more)
        for number, (trigger, partitions, variant) in enumerate(axes)
        for more in [doubts.get(number, {})]
    ]
    return [*cells[:-1], broken("30s" if not long_names else "5s", 8).model_copy(update={"params": cells[-1].params})]


def result(*, cells: list[records.Cell] | None = None, status: str = "complete", **more: Any) -> records.Result:
    """A whole result; without ``cells`` the `matrix`."""
    values: dict[str, Any] = {
        "run": {
            "id": "20261124T002239Z-0123456-temperate-day",
            "argv": ["bench/run.py"],
            "rerun": "python -m bench.run --sensors 1000 --seed 42",
            "started": "2026-11-24T00:22:39+00:00",
            "finished": "2026-11-24T00:30:01+00:00",
            "status": status,
        },
        "git": {"sha": "0123456789abcdef", "dirty": False},
        "env": {
            "cpu": "Some CPU <1>",
            "cores": 2,
            "memory_bytes": 25_000_000_000,
            "kernel": "Linux 6",
            "python": "3.11.7",
            "java": "21",
            "spark": "4.2.0",
            "kafka": "4.3.1",
            "packages": {"polars": "2.1.0"},
        },
        "config": {
            "triggers": ["realtime:30s", "1s", "5s"],
            "partitions": [1, 4],
            "profiles": ["tuned"],
            "sensors": 1000,
        },
        "broker": {"kind": "embedded", "jvm": ["-Xmx512m"], "properties": {"node.id": "1"}},
        "scenario": {
            "name": "temperate-day",
            "hash": "022f7e63",
            "seed": 42,
            "sensors": 1000,
            "speedup": SPEEDUP,
            "interval_s": 600.0,
            "rate_per_s": 4800.0,
            "stream_digest": "503b343f",
        },
        "calibration": {"kafka_floor_ms": quantiles(0.9, 2.4), "reason": None},
        "cells": matrix() if cells is None else cells,
    }
    return records.Result(**(values | more))


def stream(sensors: int = 8) -> dict[str, pl.DataFrame]:
    """The stream's frames by file name: a day of ``sensors``, of which number 1 is a beacon.

    Every sensor is hot from 12 to 15 h; number 3 is also dry then and has a spike at 9 h.
    """
    ticks = np.arange(-24, 150)
    frames = []
    for sensor in range(1, sensors + 1):
        hour = ticks / 6 + sensor / 60
        hot = (hour >= 12) & (hour < 15)
        true = {
            "temperature": np.where(hot, 36.5, 22 + 6 * np.sin(hour / 4)),
            "humidity": np.where(hot & (sensor == 3), 15.0, 60.0),
            "rainfall": np.zeros(len(hour)),
            "wind_speed": 4 + np.cos(hour),
            "UV_index": np.clip(7 * np.sin((hour - 6) / 12 * np.pi), 0, None),
        }
        frames.append(
            pl.DataFrame(
                {
                    "sensor_id": np.full(len(ticks), sensor, dtype=np.int32),
                    "seq": ticks + 144,
                    "event_us": ZERO_US + np.rint(hour * 3.6e9).astype(np.int64),
                    **{f"true_{channel}": true[channel] for channel in CHANNELS},
                    "fault_mask": np.zeros(len(ticks), dtype=np.uint16),
                    "beacon": np.full(len(ticks), sensor == 1),
                }
            )
        )
    truth = pl.concat(frames).sort("event_us")
    readings = truth.select("sensor_id", "seq", "event_us", *(pl.col(f"true_{c}").round(1).alias(c) for c in CHANNELS))
    due_ns = ((pl.col("event_us") - ZERO_US) * 1000 / SPEEDUP).round().cast(pl.Int64)
    schedule = readings.select("sensor_id", "seq", copy=pl.lit(0, pl.UInt8), due_ns=due_ns)
    spike = {"event": "spike-3-0", "class": "fault", "kind": "spike", "sensor_id": 3, "field": "temperature"}
    times = {"start_us": ZERO_US + 9 * 3_600_000_000, "end_us": ZERO_US + 10 * 3_600_000_000}
    intervals = pl.DataFrame([spike | times | {"magnitude": 12.0, "scorable": True}])
    intervals = intervals.cast({"sensor_id": pl.Int32})
    told = {"readings": readings, "truth": truth, "schedule": schedule, "intervals": intervals}
    return told | {"sensors": places(sensors), "hazards": hazards(truth)}


def places(sensors: int) -> pl.DataFrame:
    """Sensors on a diagonal, a kilometre each apart in both directions; number 1 is a beacon."""
    numbers = pl.DataFrame({"sensor_id": np.arange(1, sensors + 1, dtype=np.int32)})
    return numbers.with_columns(x_km=pl.col("sensor_id") * 1.0, y_km=pl.col("sensor_id") * 1.0).with_columns(
        latitude=pl.lit(50.0), longitude=pl.lit(10.0), beacon=pl.col("sensor_id") == 1
    )


def hazards(truth: pl.DataFrame) -> pl.DataFrame:
    """The hot hours of all but the beacon, the dry ones, and a marginal wind from 6 to 7 h and a missed one at 20 h."""
    hour = (pl.col("event_us") - ZERO_US) / 3.6e9
    when = {
        "high_temperature": (pl.col("true_temperature") > 35, False),
        "low_humidity": (pl.col("true_humidity") < 20, False),
        "high_wind_speed": (hour.is_between(6, 7) & (pl.col("sensor_id") == 3), True),
        "heavy_rainfall": (hour.is_between(20, 21) & (pl.col("sensor_id") == 3), False),
    }
    frames = [
        truth.filter(holds, ~pl.col("beacon"))
        .group_by(pl.col("sensor_id").cast(pl.Int64))
        .agg(
            first_seq=pl.col("seq").min(),
            last_seq=pl.col("seq").max(),
            first_us=pl.col("event_us").min(),
            last_us=pl.col("event_us").max(),
        )
        .select(pl.lit(rule).alias("rule"), pl.all(), pl.lit(marginal).alias("marginal"))
        for rule, (holds, marginal) in when.items()
    ]
    return pl.concat(frames)


def stamps(schedule: pl.DataFrame, *, wait_ms: float = 3.0, zero_ns: int = ZERO_NS) -> pl.DataFrame:
    """Stamps in which every delivery is an alert, seen ``wait_ms`` after it was due; sensor 1 is the beacon.

    It is seen as soon as it is written.
    """
    due = pl.col("due_ns") + zero_ns
    return schedule.select(
        pl.col("sensor_id", "seq").cast(pl.Int64),
        beacon=pl.col("sensor_id") == 1,
        due_ns=due,
        alert_appended_ns=due + round(wait_ms * 1e6),
        seen_ns=due + round(wait_ms * 1e6),
    )


def delivery_log(schedule: pl.DataFrame, *, zero_ns: int = ZERO_NS) -> bytes:
    """A publisher's log in which everything was sent when it was due."""
    log = np.zeros(len(schedule), dtype=DELIVERY_LOG)
    for name in ("sensor_id", "seq", "copy"):
        log[name] = schedule[name].to_numpy()
    log["due_ns"] = log["sent_ns"] = schedule["due_ns"].to_numpy() + zero_ns
    return log.tobytes()


def alerts(truth: pl.DataFrame) -> pl.DataFrame:
    """What the hot and the dry readings are alerted as."""
    hot, dry = pl.col("true_temperature") > 35, pl.col("true_humidity") < 20
    fired = pl.when(dry).then(pl.lit(["high_temperature", "low_humidity"])).otherwise(pl.lit(["high_temperature"]))
    return truth.filter(hot).select(
        pl.col("sensor_id", "seq").cast(pl.Int64), alert=pl.lit("High Temperature"), fired=fired
    )


def store(folder: Path, built: records.Result) -> Path:
    """Write ``built`` with all files that a report reads into ``folder``; returns it."""
    (folder / "stream").mkdir(parents=True)
    frames = stream()
    for name, frame in frames.items():
        frame.write_parquet(folder / f"stream/{name}.parquet")
    progress = {"timestamp": "2026-11-24T00:23:50.000Z", "durationMs": {"triggerExecution": 0}}
    for one in built.cells:
        if one.status == "broken" or one.latency_ms is None:
            continue
        home = folder / "cells" / one.id
        home.mkdir(parents=True)
        wait_ms = one.latency_ms.due_to_seen.p50 or 1.0
        stamps(frames["schedule"], wait_ms=wait_ms).write_parquet(home / "stamps.parquet")
        alerts(frames["truth"]).write_parquet(home / "alerts.parquet")
        (home / "deliveries.bin").write_bytes(delivery_log(frames["schedule"]))
        (home / "progress.jsonl").write_bytes(orjson.dumps(progress) + b'\n{"cut sho')
        pauses = [
            ("pipeline", 3_100, 7.0, True),
            ("pipeline", 3_400, 12.0, True),
            ("pipeline", 3_600, 4.0, False),
            ("broker", 5_000, 0.2, False),
            ("broker", -500, 90.0, True),
        ]
        pl.DataFrame(
            [(process, ZERO_NS + at_ms * 1_000_000, ms, gc) for process, at_ms, ms, gc in pauses],
            schema={"process": pl.String, "end_ns": pl.Int64, "ms": pl.Float64, "gc": pl.Boolean},
            orient="row",
        ).write_parquet(home / "pauses.parquet")
        second = {"wall_ns": ZERO_NS + 7 * 10**9, "hiccups_ms": [0.1, 30.0]}
        (home / "host.jsonl").write_bytes(orjson.dumps(second) + b"\n")
    (folder / "result.json").write_bytes(dump(built))
    return folder
