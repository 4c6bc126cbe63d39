"""Whole values with defaults for every field; tests name only what they are about."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.checks import Evidence
from bench.config import RunConfig
from bench.records import (
    Calibration,
    Env,
    Fidelity,
    Git,
    Host,
    Noise,
    Quantiles,
    Result,
    Run,
    ScenarioRecord,
    Usage,
)
from pipeline.triggers import Trigger


def a_quantiles(**changes: Any) -> Quantiles:
    """A latency of 100 ms with a tail of 150, over 1,440 samples."""
    fields = {"n": 1440, "supported": ["p50", "p90", "p95", "p99"], "p50": 100.0, "p90": 120.0, "p95": 130.0}
    return Quantiles(**{**fields, "p99": 150.0, "max": 200.0, **changes})


def a_fidelity(**changes: Any) -> Fidelity:
    """A thousand alerts, all as they should be."""
    fields: dict[str, Any] = dict.fromkeys(
        ("may", "missing", "extra", "duplicated", "echoed", "late", "rejects_expected", "rejects_seen"), 0
    )
    whole = {"recall_at_deadline": {"1": 1.0}, "recall_at_deadline_all": {"1": 1.0}}
    return Fidelity(**{**fields, "expected": 1000, "seen": 1000, **whole, **changes})


def a_host(**changes: Any) -> Host:
    """A quiet machine."""
    fields = {"hiccup_p99_ms": 0.5, "hiccup_max_ms": 2.0, "steal": 0.0, "cpu_pressure": 0.1, "clock_step_ms": 0.0}
    return Host(**{**fields, **changes})


def a_noise(log_sd: dict[str, dict[str, float]], measured: str = "2026-11-24T00:00:00+00:00") -> Noise:
    """A machine whose noise is known, from eight repeats of each mode."""
    repeats = dict.fromkeys(log_sd, 8)
    return Noise(measured=measured, sha=None, machine="CPU, 2 cores, 24 GiB", repeats=repeats, log_sd=log_sd)


def a_usage(cores: float = 0.1) -> Usage:
    """A process that uses so much of a core."""
    return Usage(cpu_s=cores * 30, cpu_s_per_million=1.0, cores=cores, rss_bytes=1)


def halves(first: float, second: float, *, n: int = 15, spread: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Batch times whose medians are ``first`` and ``second``, evenly spread by so much of them to either side."""
    even = np.linspace(1 - spread, 1 + spread, n)
    return first * even, second * even


def an_evidence(**changes: Any) -> Evidence:
    """A 1 s cell over 30 s in which nothing is wrong."""
    fields: dict[str, Any] = {
        "trigger": Trigger.parse("1s", field="t"),
        "partitions": 1,
        "window_s": 30.0,
        "warmup_s": 5.0,
        "speedup": 2880.0,
        "lead_s": 86_400.0,
        "due_to_seen": a_quantiles(),
        "sent_to_seen": a_quantiles(p50=99.5, p99=149.0),
        "offered_per_s": 4800.0,
        "sent_per_s": 4800.0,
        "processed_per_s": 4800.0,
        "planned": 1000,
        "sent": 1000,
        "unacknowledged": 0,
        "least_due_to_seen_s": np.full(30, 0.1),
        "period_s": 1.0,
        "batch_ms": 100.0,
        "drain_s": 0.5,
        "fidelity": a_fidelity(),
        "negative_stages": 0,
        "negative_share": 0.0,
        "host": a_host(),
        "resources": {"publisher": a_usage(), "collector": a_usage(), "harness": a_usage()},
        "broker_kind": "embedded",
        "halves_ms": halves(100.0, 100.0),
        "cores": 2,
    }
    return Evidence(**{**fields, **changes})


def a_config(**changes: Any) -> RunConfig:
    """The six cells of the default run."""
    fields: dict[str, Any] = {
        "sensors": 1000,
        "scenario": "temperate-day",
        "seed": 42,
        "rate": None,
        "speedup": None,
        "triggers": ("realtime:30s", "1s", "5s"),
        "partitions": (1, 4),
        "profiles": ("tuned",),
        "engines": ("spark",),
        "pipeline_command": None,
        "also": (),
        "rules": None,
        "repeats": 1,
        "warmup_s": 5.0,
        "window_s": 30.0,
        "spark_warmup_s": 14.0,
        "drain_s": 10.0,
        "broker": "embedded",
        "kafka_config": None,
        "spark_master": None,
        "quick": False,
        "search_rate": False,
        "slo": None,
        "thresholds": (),
        "objective": None,
        "minimise": None,
        "metrics_port": None,
        "out": "results",
    }
    return RunConfig(**{**fields, **changes})


def a_result(**changes: Any) -> Result:
    """A run that has just begun."""
    fields: dict[str, Any] = {
        "run": Run(
            id="r", argv=["x"], rerun="python -m bench.run", started="2026-01-01T00:00:00+00:00", status="running"
        ),
        "git": Git(sha=None, dirty=None),
        "env": Env(
            cpu="c", cores=2, memory_bytes=1, kernel="k", python="3.11", java="17", spark="s", kafka="k", packages={}
        ),
        "config": a_config().stored(),
        "broker": {"kind": "embedded"},
        "scenario": ScenarioRecord(
            name="n", hash="h", seed=1, sensors=1, speedup=1.0, interval_s=1.0, rate_per_s=1.0, stream_digest="d"
        ),
        "calibration": Calibration(kafka_floor_ms=None, reason="not measured"),
    }
    return Result(**{**fields, **changes})
