"""One run of the job, from the topics' check to the last progress line."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from pyspark.sql import DataFrame, SparkSession

from base.errors import UsageError
from base.kafka import Admin
from base.kafka_security import PLAINTEXT, KafkaSecurity, librdkafka_settings, secrets_of
from base.paths import writable_dir
from pipeline.announce import Announcer
from pipeline.failures import spark_failures
from pipeline.job import job, kafka_rows
from pipeline.profiles import Profile
from pipeline.rules import AlertRule
from pipeline.serve import Output, serve
from pipeline.session import LOG_NAME, choose_master, spark_session
from pipeline.shown import Console, MemoryTable
from pipeline.sinks import MEMORY_TABLE, Sink, SinkName, parquet_checkpoint, require_parquet_folder
from pipeline.stopping import Stop
from pipeline.topics import create_missing, require_topic
from pipeline.warmup import Warmer
from pipeline.writers import console_writer, memory_writer, parquet_writer
from wire.topics import Topics


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """A backlog to warm up on, scratch topics for its alerts and rejects, and the longest times: before the
    query, and after it if the rates of the drains before did not agree. ``waits``: until it is told to go;
    ``meanwhile``: it warms up until then as well, which counts for half of the first time at most, since others may
    want the machine; ``whole``: the first of them is used up, however warm the session is."""

    topics: Topics
    waits: bool
    meanwhile: bool
    limit_s: float
    whole: bool
    drain_limit_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """One run of the job, checked whole. ``checkpoint`` is the Kafka sink's, None: a fresh one."""

    bootstrap: str
    topics: Topics
    sinks: tuple[Sink, ...]
    rules: tuple[AlertRule, ...]
    profile: Profile
    checkpoint: Path | None
    master: str | None
    starting_offsets: str
    for_s: float | None
    progress: Path | None
    warm: WarmUp | None
    work_dir: Path | None
    parquet_dir: Path
    memory_rows: int
    sql: tuple[str, ...]
    sql_every_s: float
    kafka: KafkaSecurity = PLAINTEXT
    record_classes: bool = False

    def has(self, name: SinkName) -> bool:
        """Whether that sink is one of the run's."""
        return any(sink.name == name for sink in self.sinks)


def run(config: RunConfig, announce: Announcer, stop: Stop) -> None:
    """Run the job until ``stop`` is asked for; raises `ComponentFailed` if a query dies."""
    started = time.monotonic()
    stop.heed_signals()
    if config.has(SinkName.PARQUET):
        require_parquet_folder(config.parquet_dir)
    partitions = _prepare_topics(config)
    master = choose_master([sink.trigger for sink in config.sinks], partitions, config.master)
    with _progress_file(config.progress) as progress, _work_dir(config.work_dir) as work_dir:
        log = work_dir / LOG_NAME
        with spark_failures(log, secrets_of(config.kafka)), _session(master, config, work_dir) as spark:
            stop.heed_signals()
            announce("session_ready", spark=spark.version, master=master, seconds=time.monotonic() - started)
            if config.warm is None:
                _serve(spark, config, log, progress, announce, stop)
                return
            warmer = _warmer(spark, config, config.warm, work_dir)
            limit_s = config.warm.limit_s
            if config.warm.meanwhile:
                before = warmer.warm_up(limit_s, stop.let_go)
                limit_s -= min(before.seconds, limit_s / 2)
            if config.warm.waits:
                stop.wait_for_go()
            warmed = warmer.warm_up(limit_s, stop.asked, whole=config.warm.whole)
            announce("warmed", **asdict(warmed))
            if not stop.asked():
                _serve(spark, config, log, progress, announce, stop)
                again_s = 0.0 if warmed.drain_per_s is not None else config.warm.drain_limit_s
                announce("drained", **asdict(warmer.drain(again_s)))


def _session(master: str, config: RunConfig, work_dir: Path) -> AbstractContextManager[SparkSession]:
    return spark_session(master, config.profile, work_dir, record_classes=config.record_classes)


def _prepare_topics(config: RunConfig) -> int:
    """Require the topics that are read, create those that are written; the readings' partitions."""
    admin = _admin(config)
    partitions = require_topic(admin, config.topics.readings, flag="--topic")
    written = {config.topics.alerts, config.topics.rejects} if config.has(SinkName.KAFKA) else set()
    if config.warm is not None:
        require_topic(admin, config.warm.topics.readings, flag="--warm-topic")
        written |= {config.warm.topics.alerts, config.warm.topics.rejects}
    create_missing(admin, written)
    return partitions


def _admin(config: RunConfig) -> Admin:
    return Admin(config.bootstrap, librdkafka_settings(config.kafka))


@contextlib.contextmanager
def _work_dir(given: Path | None) -> Iterator[Path]:
    """Spark's own folder; ours to remove unless the user named it, or the log in it explains a failure."""
    if given is not None:
        yield writable_dir(given, field="--work-dir").resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="alertbench-spark-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _progress_file(path: Path | None) -> Iterator[IO[bytes] | None]:
    if path is None:
        yield None
        return
    try:
        file = path.open("ab")
    except OSError as error:
        raise UsageError(f"--progress {path}: {error.strerror}; name a file you may write") from error
    with file:
        yield file


def _warmer(spark: SparkSession, config: RunConfig, warm: WarmUp, work_dir: Path) -> Warmer:
    return Warmer(
        spark=spark,
        bootstrap=config.bootstrap,
        topics=warm.topics,
        readings=lambda: sum(_admin(config).end_offsets(warm.topics.readings).values()),
        rules=config.rules,
        profile=config.profile,
        kafka=config.kafka,
        folder=work_dir / "warm",
        realtime=any(sink.trigger.is_realtime for sink in config.sinks),
    )


def _outputs(spark: SparkSession, config: RunConfig, work_dir: Path, console: Console) -> list[Output]:
    """The unstarted writers of all sinks, in the order in which the user named them."""
    # Spark's own folder goes when the session ends, and with it the checkpoints that are of no use after it.
    scratch = work_dir / "local"
    scratch.mkdir(exist_ok=True)
    outputs = []
    for sink in config.sinks:
        told: dict[str, Any] = {"topic": config.topics.readings, "profile": config.profile.name}
        match sink.name:
            case SinkName.KAFKA:
                writer = job(
                    spark,
                    bootstrap=config.bootstrap,
                    topics=config.topics,
                    rules=config.rules,
                    profile=config.profile,
                    checkpoint=(config.checkpoint or work_dir / "checkpoint").resolve(),
                    trigger=sink.trigger.spark_kwargs,
                    starting_offsets=config.starting_offsets,
                    kafka=config.kafka,
                )
                alerts, rejects = config.topics.alerts, config.topics.rejects
                told |= {"alerts_topic": alerts, "rejects_topic": rejects, "to": f"{alerts} and {rejects}"}
            case SinkName.MEMORY:
                writer = memory_writer(
                    # A backlog read in one batch would be held whole, however full the table.
                    _rows(spark, config, {"maxOffsetsPerTrigger": str(config.memory_rows)}),
                    trigger=sink.trigger,
                    profile=config.profile,
                    checkpoint=Path(tempfile.mkdtemp(prefix="memory-", dir=scratch)),
                )
                told |= {"to": f"table {MEMORY_TABLE} in memory"}
            case SinkName.CONSOLE:
                writer = console_writer(
                    _rows(spark, config),
                    config.rules,
                    console.take,
                    trigger=sink.trigger,
                    checkpoint=Path(tempfile.mkdtemp(prefix="console-", dir=scratch)),
                )
                told |= {"to": "alerts on stdout"}
            case SinkName.PARQUET:
                folder = config.parquet_dir.resolve()
                writer = parquet_writer(
                    _rows(spark, config),
                    config.rules,
                    trigger=sink.trigger,
                    folder=folder,
                    checkpoint=parquet_checkpoint(folder),
                )
                told |= {"to": f"Parquet files in {config.parquet_dir}"}
        outputs.append(Output(sink=sink, writer=writer, told=told))
    return outputs


def _rows(spark: SparkSession, config: RunConfig, source: dict[str, str] | None = None) -> DataFrame:
    return kafka_rows(
        spark,
        bootstrap=config.bootstrap,
        topic=config.topics.readings,
        profile=config.profile,
        starting_offsets=config.starting_offsets,
        source=source,
        kafka=config.kafka,
    )


def _serve(
    spark: SparkSession,
    config: RunConfig,
    log: Path,
    progress: IO[bytes] | None,
    announce: Announcer,
    stop: Stop,
) -> None:
    """Run every sink's query until the end."""
    console = Console(announce)
    chores = [console.poll]
    if config.has(SinkName.MEMORY):
        table = MemoryTable(spark, announce, limit=config.memory_rows, questions=config.sql, every_s=config.sql_every_s)
        table.require_answerable()
        chores.append(table.poll)
    serve(
        spark,
        _outputs(spark, config, log.parent, console),
        chores=chores,
        for_s=config.for_s,
        log=log,
        progress=progress,
        announce=announce,
        stop=stop,
    )
