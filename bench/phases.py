"""The life of one cell, readable top to bottom: topics, start, warm up, ready, measure, drain, stop.

Nothing is computed here that a number rests on: what comes out is `RawCell`, files and facts, and
`bench.measure` makes the numbers of it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import psutil

from base.durations import format_duration
from base.errors import ComponentFailed
from base.kafka import Admin
from base.process import Child, python_module
from bench import resources
from bench.broker.api import Broker
from bench.config import RunConfig
from bench.matrix import CellSpec
from bench.probes import Prober
from bench.stream import PreparedStream, publish_command
from bench.topic_reader import end_offsets, read_topic
from bench.view import View
from pipeline.rules import AlertRule
from wire.topics import Topics, cell_topics

#: From "go" to the first due reading: time for the message to arrive and the first tick to be set.
GO_MARGIN_S = 0.2
#: Longest waits, in s, for what normally takes a fraction of it.
PIPELINE_START_S = 90.0
READY_S = 60.0
STOP_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all cells of a run share."""

    run_id: str
    config: RunConfig
    broker: Broker
    settings: dict[str, str]
    rules: tuple[AlertRule, ...]
    stream: PreparedStream
    #: Number of partitions -> topic that holds the warm-up backlog.
    backlogs: Mapping[int, str]
    view: View


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCell:
    """What one cell left behind. Times are wall-clock ns."""

    spec: CellSpec
    topics: Topics
    #: Event time zero and the end of the measuring window.
    zero_ns: int
    window_end_ns: int
    #: When every partition had proved to be drained.
    drained_ns: int
    warmed: dict[str, Any]
    published: dict[str, Any]
    delivery_log: Path
    progress: Path
    host: Path
    source: pl.DataFrame
    collected: pl.DataFrame
    before: dict[str, resources.Sample]
    after: dict[str, resources.Sample]
    #: How long each phase took, in s, in order.
    phases_s: dict[str, float]


class Phases:
    """Tells the view what goes on, and keeps how long each phase took."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._name = ""
        self._since = time.monotonic()
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, until_ns: int | None = None) -> None:
        """The phase ``name`` begins, and the one before it has ended."""
        self.end()
        self._name = name
        self._view.phase(name, until_ns)

    def end(self) -> None:
        """The present phase has ended."""
        now = time.monotonic()
        if self._name:
            self.seconds[self._name] = round(now - self._since, 2)
        self._name, self._since = "", now


def tail_s(spec: CellSpec) -> float:
    """How long the load goes on after the window, unscored, so that its last readings meet the usual."""
    return 1.0 if spec.trigger.is_realtime else max(1.0, spec.trigger.seconds)


def run_cell(spec: CellSpec, bench: Bench, folder: Path) -> RawCell:
    """Run one cell from fresh topics to collected files; raises `ComponentFailed` if a part of it dies."""
    say = Phases(bench.view)
    with contextlib.ExitStack() as cell:
        say("starting")
        topics = cell.enter_context(fresh_topics(spec, bench))
        prober = Prober(bench.broker.bootstrap, topics.readings, spec.partitions, bench.rules[0], bench.settings)
        meter = cell.enter_context(host_meter(folder))
        collector = cell.enter_context(start_collector(topics, bench, folder, prober))
        publisher = cell.enter_context(start_publisher(spec, topics, bench, folder))
        pipeline = cell.enter_context(start_pipeline(spec, topics, bench, folder))
        children = [collector, publisher, pipeline, meter]

        def check() -> None:
            for child in children:
                child.require_alive()

        collector.wait_for("ready", timeout_s=30)
        say("Spark is starting")
        pipeline.wait_for("session_ready", timeout_s=PIPELINE_START_S)
        say("warming Spark up")
        warmed = pipeline.wait_for("warmed", timeout_s=PIPELINE_START_S)
        pipeline.wait_for("started", timeout_s=PIPELINE_START_S)
        say("probing")
        prober.until_ready(timeout_s=READY_S, check=check)
        publisher.wait_for("prepared", timeout_s=120)

        zero_ns = time.time_ns() + round((bench.config.warmup_s + GO_MARGIN_S) * 1e9)
        window_end_ns = zero_ns + round(bench.config.window_s * 1e9)
        bench.view.window(zero_ns, window_end_ns)
        publisher.send(f"go {zero_ns}")
        say("paced warm-up", until_ns=zero_ns)
        wait_until(zero_ns, check)
        components = processes(bench, pipeline=pipeline, publisher=publisher, collector=collector, meter=meter)
        before = resources.sample(components)
        say("measuring", until_ns=window_end_ns)
        wait_until(window_end_ns, check)
        after = resources.sample(components)

        say("draining")
        published = publisher.wait_for("done", timeout_s=tail_s(spec) + STOP_S)
        drained_ns = prober.until_drained(timeout_s=READY_S + 3 * spec.trigger.seconds, check=pipeline.require_alive)

        say("stopping")
        pipeline.send("stop")
        pipeline.wait_for("stopped", timeout_s=STOP_S)
        say("collecting")
        collector.send("stop")
        collector.wait_for("done", timeout_s=STOP_S)
        meter.stop()
        collected = pl.read_parquet(folder / "collected.parquet")
        require_whole(collected, topics.alerts, bench)
        source = read_topic(bench.broker.bootstrap, topics.readings, bench.settings)
        say.end()
        return RawCell(
            spec=spec,
            topics=topics,
            zero_ns=zero_ns,
            window_end_ns=window_end_ns,
            drained_ns=drained_ns,
            warmed=warmed,
            published=published,
            delivery_log=folder / "deliveries.bin",
            progress=folder / "progress.jsonl",
            host=folder / "host.jsonl",
            source=source,
            collected=collected,
            before=before,
            after=after,
            phases_s=say.seconds,
        )


@contextlib.contextmanager
def fresh_topics(spec: CellSpec, bench: Bench) -> Iterator[Topics]:
    """The cell's own topics, and a scratch topic for the warm-up's alerts; removed afterwards."""
    topics = cell_topics(bench.run_id, spec.id)
    admin = Admin(bench.broker.bootstrap, bench.settings)
    try:
        admin.create(topics.readings, partitions=spec.partitions)
        for topic in (topics.alerts, topics.rejects, scratch_topic(topics)):
            admin.create(topic, partitions=1)
        yield topics
    finally:
        admin.delete([topics.readings, topics.alerts, topics.rejects, scratch_topic(topics)])


def scratch_topic(topics: Topics) -> str:
    """Where the alerts of a cell's warm-up go: nobody reads them."""
    return f"{topics.alerts}-warmup"


def host_meter(folder: Path) -> Child:
    """The process that notes hiccups, steal and clocks."""
    command = python_module("bench.hostmeter", "--out", str(folder / "host.jsonl"))
    return Child("host meter", command, log=folder / "hostmeter.log", events=True)


def start_collector(topics: Topics, bench: Bench, folder: Path, prober: Prober) -> Child:
    """The process that stamps alerts and rejects as they are seen."""

    def on_event(event: dict[str, Any]) -> None:
        if event["event"] == "probe":
            prober.returned.put(event)
        bench.view.collector(event)

    command = python_module("bench.collector", "--bootstrap", bench.broker.bootstrap)
    command += ["--topic", topics.alerts, "--topic", topics.rejects, "--out", str(folder / "collected.parquet")]
    return Child("collector", command, log=folder / "collector.log", events=True, on_event=on_event)


def start_publisher(spec: CellSpec, topics: Topics, bench: Bench, folder: Path) -> Child:
    """The process that sends the stream on its schedule; it prepares itself and waits for "go"."""
    config, spec_of_stream = bench.config, bench.stream.spec
    command = publish_command(config, spec_of_stream, bootstrap=bench.broker.bootstrap, topic=topics.readings)
    command += ["--lead", format_duration(config.warmup_s), "--for", format_duration(config.window_s + tail_s(spec))]
    command += ["--log", str(folder / "deliveries.bin"), "--wait-for-go"]
    return Child("publisher", command, log=folder / "publisher.log", events=True, on_event=bench.view.publisher)


def start_pipeline(spec: CellSpec, topics: Topics, bench: Bench, folder: Path) -> Child:
    """The Spark job under test, with its warm-up on the prepared backlog."""
    config = bench.config
    command = python_module("pipeline.run", "--bootstrap", bench.broker.bootstrap)
    command += ["--topic", topics.readings, "--alerts-topic", topics.alerts, "--rejects-topic", topics.rejects]
    command += ["--trigger", spec.trigger.name, "--profile", spec.profile]
    command += ["--checkpoint", str(folder / "checkpoint"), "--work-dir", str(folder / "spark")]
    command += ["--progress", str(folder / "progress.jsonl"), "--json-events"]
    command += ["--warm-topic", bench.backlogs[spec.partitions], "--warm-alerts-topic", scratch_topic(topics)]
    command += ["--warm-limit", format_duration(config.spark_warmup_s)]
    if config.spark_master is not None:
        command += ["--spark-master", config.spark_master]
    return Child("pipeline", command, log=folder / "pipeline.log", events=True, on_event=bench.view.pipeline)


def processes(bench: Bench, **children: Child) -> resources.Processes:
    """Every component of the cell with its processes; the harness is this one."""
    return {
        "broker": bench.broker.processes,
        **{name: child.processes for name, child in children.items()},
        "harness": lambda: [psutil.Process()],
    }


def wait_until(wall_ns: int, check: Callable[[], None]) -> None:
    """Sleep until a wall-clock instant, looking after the children five times a second."""
    while (left_ns := wall_ns - time.time_ns()) > 0:
        check()
        time.sleep(min(0.2, left_ns / 1e9))


def require_whole(collected: pl.DataFrame, topic: str, bench: Bench) -> None:
    """The collector must have read to the topic's very end, or "missing" would be its own fault."""
    stands = sum(end_offsets(bench.broker.bootstrap, topic, bench.settings).values())
    read = collected.filter(pl.col("topic") == topic).height
    if read < stands:
        raise ComponentFailed(f"the collector read {read:,} of {stands:,} records of {topic}")
