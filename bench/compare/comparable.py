"""May two results be compared at all? What makes their figures two different things, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.records import Result
from pipeline.rules import load_rules

#: Memory that the kernel keeps for itself differs a little from boot to boot.
SAME_MEMORY = 0.02


def workload_differences(a: Result, b: Result) -> list[str]:
    """What makes the figures of ``b`` those of another load or method than ``a``'s; empty if nothing does."""
    return _differing(_workload(a), _workload(b))


def machine_differences(a: Result, b: Result) -> list[str]:
    """What makes the machines of ``a`` and ``b`` two: a time or a rate on one says nothing about the other."""
    sizes = a.env.memory_bytes, b.env.memory_bytes
    same_size = max(sizes) - min(sizes) <= SAME_MEMORY * max(sizes)
    return _differing(_machine(a, with_memory=not same_size), _machine(b, with_memory=not same_size))


def other_differences(a: Result, b: Result) -> list[str]:
    """What else differs, and may well be what is compared: versions, Spark's warm-up, how a run ended."""
    return _differing(_versions(a), _versions(b))


def _workload(result: Result) -> dict[str, Any]:
    scenario, config = result.scenario, result.config
    rules = load_rules() if result.rules is None else result.rules
    return {
        "schema version": result.schema_version,
        "method version": result.method_version,
        "scenario": scenario.name,
        "scenario's hash": scenario.hash,
        "seed": scenario.seed,
        "sensors": scenario.sensors,
        "readings/s": scenario.rate_per_s,
        "interval in s": scenario.interval_s,
        "speedup": scenario.speedup,
        "window in s": config.get("window_s"),
        "warm-up in s": config.get("warmup_s"),
        "digest of readings": scenario.stream_digest,
        "rules": ", ".join(rule.id for rule in rules),
        **{f"rule {rule.id}": f"{rule.field} {rule.comparison} {rule.threshold:g} ({rule.label})" for rule in rules},
        # Of a search for the highest rate: its cells are at rates of their own.
        "highest rates": [round(cell.capacity.passed or 0) for cell in result.cells if cell.capacity is not None],
    }


def _machine(result: Result, *, with_memory: bool) -> dict[str, Any]:
    env, config = result.env, result.config
    facts = {
        "CPU": env.cpu,
        "cores": env.cores,
        "kernel": env.kernel,
        "broker": config.get("broker", "embedded"),
        "Spark master": config.get("spark_master", "local"),
    }
    return facts | ({"memory": f"{env.memory_bytes / 2**30:.1f} GiB"} if with_memory else {})


def _versions(result: Result) -> dict[str, Any]:
    env = result.env
    named = {"Python": env.python, "Java": env.java, "Spark": env.spark, "Kafka": env.kafka}
    more = {"Spark's warm-up in s": result.config.get("spark_warmup_s"), "the run's status": result.run.status}
    return {**named, **env.packages, **more}


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    names = [*a, *(name for name in b if name not in a)]
    return [f"{name} {_text(a.get(name))} and {_text(b.get(name))}" for name in names if a.get(name) != b.get(name)]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    # Of a SHA-256, its first digits are enough to see that two differ.
    return "unknown" if value is None else str(value)[:12] if len(str(value)) == 64 else str(value)
