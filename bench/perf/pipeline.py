"""``bench.perf pipeline``: latency by mode and profile, and drains beside Kafka's ConsumerPerformance.

Latency is measured by `bench.run`, with all its rules. Drains are of one backlog, by a Spark session of each
profile, the queries in turn, round after round, and ConsumerPerformance between them.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.progress import Progress

from base.errors import ComponentFailed, ExitCode, UsageError, one_line_errors
from base.kafka import Admin
from base.process import Child, python_module
from bench.broker.embedded import EmbeddedBroker
from bench.environment import environment, git_facts
from bench.perf.kafka_tools import consumer_performance
from bench.perf.tables import print_table, share, thousands

READINGS: Final = 2_000_000
DRAIN_PARTITIONS: Final = 2
CONSUMER: Final = "ConsumerPerformance"
#: Names of `bench.perf.drains.QUERIES`, in the order in which a round runs them.
SCAN, OURS, OURS_KAFKA = "scan", "ours, tuned", "ours, tuned, alerts to Kafka"
OBVIOUS, OBVIOUS_TUNED, OBVIOUS_KAFKA = "obvious, stock", "obvious, tuned", "obvious, stock, alerts to Kafka"
QUERIES: Final = (SCAN, OURS, OBVIOUS, OBVIOUS_TUNED, OURS_KAFKA, OBVIOUS_KAFKA)
#: Rounds that do not count: Java compiles meanwhile.
DRAIN_WARM_UPS: Final = 2
#: The longest one drain may take, s.
_DRAIN_S: Final = 120.0


class Part(StrEnum):
    """What is measured."""

    ALL = "all"
    LATENCY = "latency"
    DRAIN = "drain"


@dataclass(frozen=True, kw_only=True)
class LatencyRun:
    """One `bench.run`: its options, and the name that the cells of each profile get."""

    names: dict[str, str]
    options: tuple[str, ...]


#: Windows of two minutes hold four boundaries between two real-time batches, and beacons enough for a p99.
#: Before them, a minute of load: Java goes on compiling for so long what happens between two batches. A minute is
#: then less than the day of weather that a scenario can begin early.
_PACED: Final = ("--warmup", "60s", "--measure", "120s", "--speedup", "1200")
LATENCY_RUNS: Final = (
    LatencyRun(
        names={"tuned-async": "tuned_async", "tuned": "tuned", "stock": "stock"},
        options=("--rate", "1000", "--triggers", "0s", "--profile", "tuned-async,tuned,stock", *_PACED),
    ),
    LatencyRun(
        names={"tuned": "realtime"},
        options=("--rate", "1000", "--triggers", "realtime:30s", "--profile", "tuned", *_PACED),
    ),
    LatencyRun(
        names={"tuned": "realtime_20k"},
        options=("--rate", "20000", "--triggers", "realtime:30s", "--profile", "tuned", *_PACED),
    ),
)


@dataclass
class Latency:
    """Due to seen of the beacons in the cells of one kind, ms, a value per cell."""

    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    stalls: list[float] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Medians over the cells, and the values they are of; every stall of all cells."""
        return {
            "p50": median(self.p50) if self.p50 else None,
            "p99": median(self.p99) if self.p99 else None,
            "rounds": {"p50": self.p50, "p99": self.p99},
            "verdicts": self.verdicts,
        }


def latencies(results: list[tuple[LatencyRun, dict[str, Any]]]) -> dict[str, Latency]:
    """The latencies by name of all cells in ``results``, each a run's result.json; what a cell lacks is left out."""
    found: dict[str, Latency] = {name: Latency() for run, _ in results for name in run.names.values()}
    for run, result in results:
        for cell in result["cells"]:
            one = found[run.names[cell["params"]["profile"]]]
            one.verdicts.append("; ".join([cell["verdict"], *(reason["message"] for reason in cell["reasons"])]))
            if cell["latency_ms"] is None:
                continue
            quantiles = cell["latency_ms"]["due_to_seen"]
            for values, value in ((one.p50, quantiles["p50"]), (one.p99, quantiles["p99"])):
                values += [value] if value is not None else []
            one.stalls += (cell["boundary_stall_ms"] or {}).get("each", [])
    return found


def measure_latencies(rounds: int) -> list[tuple[LatencyRun, dict[str, Any]]]:
    """Run every `LatencyRun` with so many repeats; its result beside it."""
    results = []
    for run in LATENCY_RUNS:
        with tempfile.TemporaryDirectory(prefix="alertbench-perf-") as out:
            command = python_module("bench.run", "--sensors", "1000", "--partitions", "1", *run.options)
            command += ["--repeats", str(rounds), "--out", out, "--json"]
            # Its own progress is what there is to see meanwhile.
            done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
            if done.returncode not in (ExitCode.OK, ExitCode.NO_VALID_CELL):
                raise ComponentFailed(f"bench.run ended with status {done.returncode}; its last lines are above")
            results.append((run, orjson.loads(done.stdout)))
    return results


def measure_drains(rounds: int) -> dict[str, list[float]]:
    """Readings/s of every query and of ConsumerPerformance, a value per round."""
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        task = progress.add_task("filling a backlog", total=(DRAIN_WARM_UPS + rounds) * (len(QUERIES) + 1))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertbench-perf-")))
        bootstrap = stack.enter_context(EmbeddedBroker()).bootstrap
        admin = Admin(bootstrap)
        admin.create("backlog", partitions=DRAIN_PARTITIONS)
        admin.create("scratch", partitions=1)
        fill = python_module("sim.publish", "--bootstrap", bootstrap, "--topic", "backlog", "--start", "scenario")
        fill += ["--unpaced", "--readings", str(READINGS), "--json-events"]
        with Child("publisher", fill, log=folder / "publisher.log", events=True) as publisher:
            publisher.wait_for("done", timeout_s=_DRAIN_S)
        # A session for each profile, with its settings; while one drains the other has nothing to do.
        sessions = {}
        for profile in ("tuned", "stock"):
            progress.update(task, description=f"starting Spark, {profile}")
            command = python_module("bench.perf.drains", "--bootstrap", bootstrap, "--topic", "backlog")
            command += ["--alerts-topic", "scratch", "--profile", profile]
            log = folder / f"drains-{profile}.log"
            sessions[profile] = stack.enter_context(Child(f"{profile} session", command, log=log, events=True))
            sessions[profile].wait_for("ready", timeout_s=_DRAIN_S)
        logs = itertools.count(1)

        def rate(name: str) -> float:
            progress.update(task, description=name)
            if name == CONSUMER:
                to = folder / f"consumer-{next(logs)}.log"
                return consumer_performance(bootstrap=bootstrap, topic="backlog", readings=READINGS, log=to)
            session = sessions["stock" if "stock" in name else "tuned"]
            session.send(name)
            told = session.wait_for("pass", timeout_s=_DRAIN_S)
            return float(told["readings"]) / float(told["seconds"])

        rates: dict[str, list[float]] = {name: [] for name in (CONSUMER, *QUERIES)}
        for number in range(DRAIN_WARM_UPS + rounds):
            for name, values in rates.items():
                value = rate(name)
                progress.advance(task)
                if number >= DRAIN_WARM_UPS:
                    values.append(value)
    return rates


def ratios(rates: dict[str, list[float]], by_name: dict[str, Latency]) -> dict[str, float | None]:
    """What the targets are about: round by round, then the median; null where a part was not measured."""

    def over(ours: str, theirs: str) -> float | None:
        if ours not in rates or theirs not in rates:
            return None
        return median(a / b for a, b in zip(rates[ours], rates[theirs], strict=True))

    stock, ours = (_median(by_name[name].p50) if name in by_name else None for name in ("stock", "tuned_async"))
    return {
        "drain_vs_consumer_performance": over(OURS, CONSUMER),
        "drain_with_alerts_vs_consumer_performance": over(OURS_KAFKA, CONSUMER),
        "drain_tuned_vs_obvious": over(OURS, OBVIOUS),
        "drain_vs_obvious_same_settings": over(OURS, OBVIOUS_TUNED),
        "drain_with_alerts_vs_obvious": over(OURS_KAFKA, OBVIOUS_KAFKA),
        "stock_vs_tuned_async_p50": stock / ours if stock is not None and ours else None,
    }


def _median(values: list[float]) -> float | None:
    return median(values) if values else None


@one_line_errors
def pipeline(
    part: Annotated[Part, typer.Option(help="What to measure.")] = Part.ALL,
    rounds: Annotated[int, typer.Option(help="How often each is measured, in turn.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The tables in Markdown.")] = False,
) -> None:
    """How fast the alert job is: latency by mode and profile, and the drain of a backlog.

    Drains stand beside Kafka's ConsumerPerformance, which parses nothing, and the query as it is usually
    written. Latency is due to seen, on beacons; real-time windows hold four boundaries between batches.
    About an hour.
    """
    if rounds < 1:
        raise UsageError(f"--rounds {rounds}: give at least 1")
    if as_json and markdown:
        raise UsageError("--json --markdown: choose one of them")
    rates = measure_drains(rounds) if part is not Part.LATENCY else {}
    by_name = latencies(measure_latencies(rounds)) if part is not Part.DRAIN else {}
    found = {
        "ratios": ratios(rates, by_name),
        "latency_ms": {name: one.as_dict() for name, one in by_name.items()},
        "boundary_stall_ms": {
            name: {"each": one.stalls, "median": _median(one.stalls), "max": max(one.stalls, default=None)}
            for name, one in by_name.items()
            if name.startswith("realtime")
        },
        "drains_per_s": {name: {"median": median(values), "rounds": values} for name, values in rates.items()},
        "rounds": rounds,
        "env": environment().model_dump(mode="json"),
        "git": git_facts().model_dump(mode="json"),
    }
    if as_json:
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        show(found, markdown=markdown)


def show(found: dict[str, Any], *, markdown: bool) -> None:
    """Print what was found, for a person."""
    if found["drains_per_s"]:
        reference = found["drains_per_s"][CONSUMER]["median"]
        rows = [
            [
                name,
                thousands(one["median"]),
                f"{thousands(min(one['rounds']))} to {thousands(max(one['rounds']))}",
                share(one["median"] / reference),
            ]
            for name, one in found["drains_per_s"].items()
        ]
        print_table([f"drain of {READINGS:,}", "readings/s", "rounds", f"of {CONSUMER}"], rows, markdown=markdown)
        print()
    if found["latency_ms"]:
        rows = [
            [name, *_latency_row(one, found["boundary_stall_ms"].get(name))]
            for name, one in found["latency_ms"].items()
        ]
        columns = ["due to seen, ms", "p50", "p99", "p99, rounds", "stalls: median", "max", "n", "cells valid"]
        print_table(columns, rows, markdown=markdown)
        print()
    for name, value in found["ratios"].items():
        if value is not None:
            print(f"- {name}: {value:.2f}" if markdown else f"{name}: {value:.2f}")
    for name, one in found["latency_ms"].items():
        for verdict in one["verdicts"]:
            if verdict != "valid":
                print(f"{name}: {verdict}", file=sys.stderr)


def _latency_row(one: dict[str, Any], stalls: dict[str, Any] | None) -> list[str]:
    def ms(value: float | None) -> str:
        return "–" if value is None else f"{value:.1f}"

    rounds = one["rounds"]["p99"]
    valid = sum(verdict == "valid" for verdict in one["verdicts"])
    return [
        ms(one["p50"]),
        ms(one["p99"]),
        f"{min(rounds):.1f} to {max(rounds):.1f}" if rounds else "–",
        *([ms(stalls["median"]), ms(stalls["max"]), str(len(stalls["each"]))] if stalls else ["–"] * 3),
        f"{valid} of {len(one['verdicts'])}",
    ]
