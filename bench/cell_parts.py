"""What the cells of a run share, and the parts of one: its topics, and how each of its processes is started."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from base.durations import format_duration
from base.java import with_java
from base.kafka import Admin
from base.process import Child, python_module
from bench.broker.api import Broker
from bench.config import RunConfig
from bench.engines import COMMAND, PLAIN, SPARK, AnyCommand, Pipeline, SparkJob, command_of, plain_command
from bench.judge import Judge
from bench.matrix import CellSpec
from bench.pauses import java_tool_options
from bench.probes import Prober
from bench.stream import PreparedStream, backlog_topic, resend_command
from bench.view import View
from pipeline.rules import SEED_RULES, AlertRule
from pipeline.topics import warm_topics
from wire.topics import Topics, cell_topics

#: How long the tail of a cell is, at least and at most, s.
TAIL_S: Final = (1.0, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all cells of a run share."""

    run_id: str
    config: RunConfig
    broker: Broker
    #: librdkafka's, secrets among them.
    settings: dict[str, str] = field(repr=False)
    rules: tuple[AlertRule, ...]
    judge: Judge
    stream: PreparedStream
    #: Number of partitions -> topic that holds the warm-up backlog.
    backlogs: Mapping[int, str]
    view: View


def bench_for(
    run_id: str,
    config: RunConfig,
    cells: Sequence[CellSpec],
    stream: PreparedStream,
    broker: Broker,
    settings: dict[str, str],
    view: View,
) -> Bench:
    """What ``cells`` share: the rules with their judge, and a backlog for each number of partitions."""
    rules = config.alert_rules()
    return Bench(
        run_id=run_id,
        config=config,
        broker=broker,
        settings=settings,
        rules=rules,
        # Trials share what is required of their stream instead, millions of readings of which few matter.
        judge=Judge(rules, remembers=not config.search_rate),
        stream=stream,
        backlogs={count: backlog_topic(run_id, count) for count in sorted({cell.partitions for cell in cells})},
        view=view,
    )


def tail_s(spec: CellSpec) -> float:
    """How long the load goes on after the window, unscored, so that its last readings meet the usual.

    A trigger or two seconds: the last batch of a long trigger has fewer readings then, which takes a fraction of a
    second off the batch time of a few alerts, where the whole trigger would be waited for once more in every cell.
    """
    return 1.0 if spec.trigger.is_realtime else min(max(TAIL_S[0], spec.trigger.seconds), TAIL_S[1])


@contextlib.contextmanager
def fresh_topics(spec: CellSpec, bench: Bench) -> Iterator[Topics]:
    """The cell's own topics, and scratch topics for what its warm-up yields; removed afterwards."""
    topics = cell_topics(bench.run_id, spec.id)
    outputs = (topics.alerts, topics.rejects, *scratch_topics(topics))
    admin = Admin(bench.broker.bootstrap, bench.settings)
    try:
        admin.create(topics.readings, partitions=spec.partitions)
        for topic in outputs:
            admin.create(topic, partitions=1)
        yield topics
    finally:
        admin.delete([topics.readings, *outputs])


def scratch_topics(topics: Topics) -> tuple[str, str]:
    """Where the alerts and the rejects of a cell's warm-up go: nobody reads them."""
    scratch = warm_topics(topics.readings, f"{topics.alerts}-warmup")
    return scratch.alerts, scratch.rejects


def start_meter(program: list[str], folder: Path) -> Child:
    """The process that notes hiccups, steal and clocks."""
    command = [*program, "--out", str(folder / "host.jsonl")]
    return Child("host meter", command, log=folder / "hostmeter.log", events=True)


def start_collector(
    program: list[str],
    topics: Topics,
    bench: Bench,
    folder: Path,
    prober: Prober,
    notice: Callable[[Sequence[tuple[float, int]]], None],
) -> Child:
    """The process that stamps alerts and rejects as they are seen."""

    def on_event(event: dict[str, Any]) -> None:
        if event["event"] == "probe":
            prober.returned.put(event)
        elif event["event"] == "progress":
            notice(event["samples"])
        bench.view.collector(event)

    command = [*program, "--bootstrap", bench.broker.bootstrap, *bench.config.kafka_config_flag()]
    command += ["--topic", topics.alerts, "--topic", topics.rejects, "--out", str(folder / "collected.parquet")]
    log, passing = folder / "collector.log", ("progress", "probe")
    return Child("collector", command, log=log, events=True, on_event=on_event, passing=passing)


def start_publisher(
    spec: CellSpec,
    topics: Topics,
    bench: Bench,
    folder: Path,
    notice: Callable[[float], None],
    tick_s: float | None = None,
) -> Child:
    """The process that sends the stream on its schedule; it prepares itself and waits for "go".

    ``tick_s``: for how long it gathers what becomes due; None: for as long as it does by itself.
    """

    def on_event(event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            notice(event["lag_ms"])
        bench.view.publisher(event)

    config = bench.config
    command = resend_command(bench.stream.deliveries, bootstrap=bench.broker.bootstrap, topic=topics.readings)
    # A stream may cover more: another cell's longer warm-up or tail.
    lead, until = format_duration(config.warmup_s), format_duration(config.window_s + tail_s(spec))
    command += ["--lead", lead, "--since", lead, "--until", until]
    command += ["--log", str(folder / "deliveries.bin"), "--wait-for-go", *config.kafka_config_flag()]
    if tick_s is not None:
        command += ["--tick", format_duration(tick_s)]
    if bench.stream.sent_sensors is not None:
        command += ["--sensors", str(bench.stream.sent_sensors)]
    log, passing = folder / "publisher.log", ("progress",)
    return Child("publisher", command, log=log, events=True, on_event=on_event, passing=passing)


def start_pipeline(
    spec: CellSpec,
    topics: Topics,
    bench: Bench,
    folder: Path,
    spark_flags: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> Pipeline:
    """What is under test, started."""
    if spec.engine == SPARK:
        return start_spark(spec, topics, bench, folder, spark_flags, environ)
    bootstrap, config = bench.broker.bootstrap, bench.config
    if spec.engine == PLAIN:
        command = plain_command(
            bootstrap=bootstrap, topics=topics, more=[*config.kafka_config_flag(), *config.rules_flag()]
        )
    else:
        command = command_of(
            config.pipeline_command or "",
            bootstrap=bootstrap,
            topics=topics,
            trigger=spec.trigger.name,
            partitions=spec.partitions,
            checkpoint=(folder / "checkpoint").absolute(),
            rules=Path(config.rules or SEED_RULES).absolute(),
        )
    env = with_java(environ) if spec.engine == COMMAND else None
    child = Child("pipeline", command, log=folder / "pipeline.log", env=env)
    return AnyCommand(child, trigger_s=spec.trigger.seconds)


def start_spark(
    spec: CellSpec, topics: Topics, bench: Bench, folder: Path, flags: Sequence[str], environ: Mapping[str, str]
) -> Pipeline:
    """Our Spark job, with its warm-up on the prepared backlog."""
    config = bench.config
    command = python_module("pipeline.run", "--bootstrap", bench.broker.bootstrap, *config.kafka_config_flag())
    command += ["--topic", topics.readings, "--alerts-topic", topics.alerts, "--rejects-topic", topics.rejects]
    command += ["--trigger", spec.trigger.name, "--profile", spec.profile]
    command += ["--checkpoint", str(folder / "checkpoint"), "--work-dir", str(folder / "spark")]
    command += ["--progress", str(folder / "progress.jsonl"), "--json-events"]
    command += ["--warm-topic", bench.backlogs[spec.partitions], "--warm-alerts-topic", scratch_topics(topics)[0]]
    command += ["--warm-limit", format_duration(config.spark_warmup_s), "--wait-for-go"]
    command += ["--drain-limit", format_duration(config.drain_s)]
    command += config.rules_flag()
    if config.spark_master is not None:
        command += ["--spark-master", config.spark_master]
    command += flags
    env = java_tool_options(environ, (folder / "safepoints-%p.log").absolute())
    view, log = bench.view.pipeline, folder / "pipeline.log"
    child = Child("pipeline", command, log=log, events=True, on_event=view, passing=("progress",), env=env)
    return SparkJob(child, warmup_s=config.spark_warmup_s)
