"""``bench.perf publisher``: our publisher beside Kafka's ProducerPerformance, in turn, round after round."""

from __future__ import annotations

import itertools
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import orjson
import typer
from rich.console import Console
from rich.progress import Progress

from base.errors import UsageError, one_line_errors
from base.kafka import Admin
from base.process import Child, python_module
from bench.broker.embedded import EmbeddedBroker
from bench.environment import environment, git_facts
from bench.perf.kafka_tools import LONGEST_S, producer_performance
from bench.perf.stages import Stage, batches
from bench.perf.tables import print_table, share, thousands
from sim.delivery_log import read_delivery_log
from sim.encode import encode
from sim.scenario import load_scenario
from sim.stream import resolve_stream

PARTITIONS = 4
#: As our publisher has them: every replica acknowledges, nothing is compressed.
ACKS = {"acks": "all", "compression.type": "none"}
#: ProducerPerformance as it comes, and with batches as full as ours. The faster one is what we compare with.
DEFAULTS = "ProducerPerformance, its defaults"
PRODUCERS: dict[str, dict[str, object]] = {
    DEFAULTS: {},
    "ProducerPerformance, large batches": {"batch.size": 262_144, "linger.ms": 20},
}
#: Readings/s of the paced measurement, and for how long, s.
PACED_PER_S, PACED_S = 50_000, 10
#: The first of it, s, are left out: connections open and caches fill.
PACED_SKIPPED_S = 2
#: Runs before the first that counts: a broker that has compiled little yet takes half of what it can.
WARM_UPS = 3


@dataclass
class Figures:
    """What one contender did, a value per round."""

    name: str
    sensors: int | None
    per_s: list[float] = field(default_factory=list)
    cpu_s_per_million: list[float] = field(default_factory=list)
    start_s: list[float] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: medians, and the values they are of."""
        rounds = {"per_s": self.per_s, "cpu_s_per_million": self.cpu_s_per_million, "start_s": self.start_s}
        medians = {key: median(values) if values else None for key, values in rounds.items()}
        return {"name": self.name, "sensors": self.sensors, **medians, "rounds": rounds}


class Bench:
    """A broker, a folder, and what is sent: one contender after the other has all of the machine."""

    def __init__(self, *, bootstrap: str, folder: Path, scenario: str, seed: int, readings: int) -> None:
        self._bootstrap, self._folder, self._scenario, self._seed = bootstrap, folder, scenario, seed
        self._readings = readings
        self._numbers = itertools.count(1)
        self._payloads = folder / "payloads"
        # What ProducerPerformance sends: readings of the same stream, ready in memory.
        values = encode(next(batches(resolve_stream(load_scenario(scenario), seed=seed, sensors=10_000)))).data
        self._payloads.write_bytes(values.tobytes())
        lines = int(np.count_nonzero(values == ord("\n")))
        self.mean_bytes = len(values) / lines - 1.0

    def producer(self, figures: Figures, settings: dict[str, object]) -> None:
        """One run of Kafka's tool."""
        with self._topic() as topic:
            cpu_s = _children_cpu_s()
            rate = producer_performance(
                bootstrap=self._bootstrap,
                topic=topic,
                readings=self._readings,
                payloads=self._payloads,
                settings={**ACKS, **settings},
                log=self._folder / f"{topic}.log",
            )
        figures.per_s.append(rate)
        figures.cpu_s_per_million.append((_children_cpu_s() - cpu_s) / self._readings * 1e6)

    def publisher(self, figures: Figures) -> None:
        """One unpaced run of ours: simulated, encoded, sent, acknowledged."""
        with self._topic() as topic:
            command = [*self._publish(topic, figures.sensors), "--unpaced", "--readings", str(self._readings)]
            cpu_s, told = _children_cpu_s(), self._run("publisher", command)
        seconds = told["done"][1] - told["started"][1]
        figures.per_s.append(told["done"][0]["acked"] / seconds)
        figures.start_s.append(told["prepared"][1])
        figures.cpu_s_per_million.append((_children_cpu_s() - cpu_s) / self._readings * 1e6)

    def stage(self, stage: Stage, figures: Figures) -> dict[str, Any]:
        """One run of a stage by itself; returns what it told."""
        command = python_module("bench.perf.stages", stage, "--scenario", self._scenario, "--seed", str(self._seed))
        command += ["--sensors", str(figures.sensors), "--readings", str(self._readings)]
        told: dict[str, Any] = self._run(stage, command)["done"][0]
        if stage is not Stage.STATE:
            figures.per_s.append(told["readings"] / told["seconds"])
            figures.cpu_s_per_million.append(told["cpu_s"] / told["readings"] * 1e6)
            figures.start_s.append(told["start_s"])
        return told

    def paced(self, sensors: int) -> dict[str, float]:
        """Percentiles of sent minus due, ms, at `PACED_PER_S`."""
        log = self._folder / "paced.bin"
        with self._topic() as topic:
            paced = ["--rate", str(PACED_PER_S), "--for", f"{PACED_S}s", "--log", str(log)]
            self._run("publisher", [*self._publish(topic, sensors), *paced])
        records = read_delivery_log(log)
        late_ms = (records["sent_ns"] - records["due_ns"]) / 1e6
        late_ms = np.sort(late_ms[records["due_ns"] >= records["due_ns"][0] + PACED_SKIPPED_S * 1e9])
        return {
            "per_s": len(late_ms) / (PACED_S - PACED_SKIPPED_S),
            **{
                name: float(late_ms[int(q * len(late_ms))])
                for name, q in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))
            },
            "max": float(late_ms[-1]),
        }

    def _publish(self, topic: str, sensors: int | None) -> list[str]:
        command = python_module("sim.publish", "--bootstrap", self._bootstrap, "--topic", topic, "--json-events")
        command += ["--scenario", self._scenario, "--seed", str(self._seed), "--sensors", str(sensors)]
        return [*command, "--start", "scenario"]

    def _run(self, name: str, command: list[str]) -> dict[str, tuple[dict[str, Any], float]]:
        """Run a child to its ``done``; every event's last occurrence, and when, in s after its start."""
        told: dict[str, tuple[dict[str, Any], float]] = {}
        began = time.perf_counter()

        def hear(event: dict[str, Any]) -> None:
            told[event["event"]] = event, time.perf_counter() - began

        log = self._folder / f"{name}-{next(self._numbers)}.log"
        with Child(name, command, log=log, events=True, on_event=hear) as child:
            child.wait_for("done", timeout_s=LONGEST_S)
        return told

    @contextmanager
    def _topic(self) -> Iterator[str]:
        admin, topic = Admin(self._bootstrap), f"perf-{next(self._numbers)}"
        admin.create(topic, partitions=PARTITIONS)
        try:
            yield topic
        finally:
            admin.delete([topic])


def _children_cpu_s() -> float:
    """CPU of all children that have ended, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ratios(contenders: list[Figures], counts: list[int]) -> dict[str, Any]:
    """Ours over theirs, round by round, then the median; theirs is the faster way to run ProducerPerformance.

    ``publisher_vs_producer_performance`` is that of the number of sensors at which ours is slowest.
    """
    theirs = max((one for one in contenders if one.name in PRODUCERS), key=lambda one: median(one.per_s))

    def over(name: str, sensors: int) -> float:
        (ours,) = (one for one in contenders if one.name == name and one.sensors == sensors)
        return median(a / b for a, b in zip(ours.per_s, theirs.per_s, strict=True))

    by_sensors = {str(count): over("publisher, unpaced", count) for count in counts}
    (defaults,) = (one for one in contenders if one.name == DEFAULTS)
    return {
        "publisher_vs_producer_performance": min(by_sensors.values()),
        "faster_vs_default_producer_performance": median(theirs.per_s) / median(defaults.per_s),
        "publisher_vs_producer_performance_by_sensors": by_sensors,
        "compared_with": theirs.name,
        "cpu_per_reading_vs_10000_sensors": _cost(contenders),
    }


def _cost(contenders: list[Figures]) -> dict[str, float]:
    """CPU of simulating and encoding a reading, over that at 10,000 sensors (or at the fewest there are)."""
    cost = {one.sensors or 0: median(one.cpu_s_per_million) for one in contenders if one.name == "simulate, encode"}
    base = cost.get(10_000, cost[min(cost)])
    return {str(sensors): spent / base for sensors, spent in cost.items()}


@one_line_errors
def publisher(
    sensors: Annotated[str, typer.Option(metavar="N,...", help="Numbers of sensors to simulate.")] = (
        "1000,10000,100000,1000000"
    ),
    readings: Annotated[int, typer.Option(help="How many readings each contender sends in a round.")] = 4_000_000,
    rounds: Annotated[int, typer.Option(help="How often each is measured, in turn.")] = 3,
    scenario: Annotated[str, typer.Option(metavar="NAME|FILE", help="What is simulated.")] = "temperate-day",
    seed: Annotated[int, typer.Option(help="Same seed, same readings.")] = 42,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The table in Markdown.")] = False,
) -> None:
    """How fast sim.publish sends labelled readings, beside Kafka's ProducerPerformance on prepared payloads.

    Same broker, payload sizes, partitions, acks and compression, in turn, round after round; ratios are
    taken round by round. ProducerPerformance only sends; ours simulates and encodes what it sends.
    """
    counts = _counts(sensors)
    for flag, value, least in (("--readings", readings, 100_000), ("--rounds", rounds, 1)):
        if value < least:
            raise UsageError(f"{flag} {value}: give at least {least}")
    if as_json and markdown:
        raise UsageError("--json --markdown: choose one of them")
    load_scenario(scenario)
    found = measure(counts, readings=readings, rounds=rounds, scenario=scenario, seed=seed)
    if as_json:
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        show(found, markdown=markdown)


def _counts(text: str) -> list[int]:
    counts = [part.strip() for part in text.split(",")]
    for count in counts:
        if not count.isdecimal() or int(count) < 1:
            raise UsageError(f"--sensors {text}: '{count}' is no number of sensors; write such as 1000,100000")
    return sorted({int(count) for count in counts})


def measure(counts: list[int], *, readings: int, rounds: int, scenario: str, seed: int) -> dict[str, Any]:
    """Run all contenders; the result as `--json` prints it."""
    console = Console(stderr=True)
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(console=console, transient=True))
        task = progress.add_task("starting a broker", total=None)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertbench-perf-")))
        broker = stack.enter_context(EmbeddedBroker())
        bench = Bench(bootstrap=broker.bootstrap, folder=folder, scenario=scenario, seed=seed, readings=readings)
        contenders: list[Figures] = []
        runs: list[tuple[Figures, Callable[[Figures], object]]] = []

        def enter(name: str, run: Callable[[Figures], object], sensors: int | None = None) -> None:
            contenders.append(Figures(name, sensors))
            runs.append((contenders[-1], run))

        for name, settings in PRODUCERS.items():
            enter(name, partial(bench.producer, settings=settings))
        for count in counts:
            enter("publisher, unpaced", bench.publisher, count)
        for count in counts:
            enter("simulate, encode", partial(bench.stage, Stage.BOTH), count)
            enter("simulate", partial(bench.stage, Stage.GENERATE), count)
        enter("encode", partial(bench.stage, Stage.ENCODE), counts[0])
        progress.update(task, total=WARM_UPS + rounds * len(runs) + len(counts) + 1)
        for number in range(WARM_UPS):
            progress.update(task, description="warming the broker up")
            _, run = runs[number % len(runs)]
            run(Figures("not counted", counts[0]))
            progress.advance(task)
        for number in range(1, rounds + 1):
            for figures, run in runs:
                at = f" at {figures.sensors:,} sensors" if figures.sensors else ""
                progress.update(task, description=f"round {number}: {figures.name}{at}")
                run(figures)
                progress.advance(task)
        progress.update(task, description=f"paced at {PACED_PER_S:,}/s")
        paced = bench.paced(10_000)
        state = {}
        for count in counts:
            progress.update(task, description=f"state of {count:,} sensors", advance=1)
            state[str(count)] = bench.stage(Stage.STATE, Figures("state", count))["state_bytes"]
    return {
        "contenders": [one.as_dict() for one in contenders],
        "ratios": ratios(contenders, counts),
        "paced_sent_minus_due_ms": paced,
        "state_bytes": state,
        "readings": readings,
        "rounds": rounds,
        "payload_bytes": bench.mean_bytes,
        "partitions": PARTITIONS,
        "producer": ACKS,
        "scenario": scenario,
        "seed": seed,
        "env": environment().model_dump(mode="json"),
        "git": git_facts().model_dump(mode="json"),
    }


def show(found: dict[str, Any], *, markdown: bool) -> None:
    """Print what `measure` found, for a person."""
    theirs = found["ratios"]["compared_with"]
    (reference,) = (one["per_s"] for one in found["contenders"] if one["name"] == theirs)
    rows = [
        [
            one["name"],
            f"{one['sensors']:,}" if one["sensors"] else "–",
            thousands(one["per_s"]),
            f"{thousands(min(one['rounds']['per_s']))} to {thousands(max(one['rounds']['per_s']))}",
            share(one["per_s"] / reference),
            f"{one['cpu_s_per_million']:.2f}",
            f"{one['start_s']:.1f}" if one["start_s"] is not None else "–",
        ]
        for one in found["contenders"]
    ]
    columns = ["what", "sensors", "readings/s", "rounds", "of ProducerPerformance", "CPU s per million", "start, s"]
    print_table(columns, rows, markdown=markdown)
    cost, state = found["ratios"]["cpu_per_reading_vs_10000_sensors"], found["state_bytes"]
    paced = found["paced_sent_minus_due_ms"]
    lines = {
        f"slowest publisher over {theirs}": share(found["ratios"]["publisher_vs_producer_performance"]),
        "CPU for a reading, over that at 10,000 sensors": _by_sensors(cost, share),
        "state for each sensor, bytes": _by_sensors({n: size / int(n) for n, size in state.items()}, "{:,.0f}".format),
        f"paced at {PACED_PER_S:,}/s, sent minus due, ms": (
            f"p50 {paced['p50']:.2f}, p99 {paced['p99']:.2f}, p99.9 {paced['p999']:.2f}, largest {paced['max']:.1f}"
        ),
        "each round": f"{found['readings']:,} readings of {found['payload_bytes']:.0f} bytes on average",
        "topics": f"{found['partitions']} partitions, acks=all, no compression; medians of {found['rounds']} rounds",
    }
    print()
    for what, said in lines.items():
        print(f"- {what}: {said}" if markdown else f"{what}: {said}")


def _by_sensors(values: dict[str, float], words: Callable[[float], str]) -> str:
    return ", ".join(f"{int(sensors):,}: {words(value)}" for sensors, value in values.items())
