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

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from base.errors import ComponentFailed, EnvironmentMissing, UsageError
from base.kafka import Admin
from base.kafka_security import PLAINTEXT, KafkaSecurity, librdkafka_settings, secrets_of
from base.paths import writable_dir
from pipeline.announce import Announcer
from pipeline.failures import root_cause, spark_failures
from pipeline.job import job
from pipeline.profiles import Profile
from pipeline.progress import ProgressTail
from pipeline.rules import AlertRule
from pipeline.session import LOG_NAME, choose_master, spark_session
from pipeline.stopping import Stop
from pipeline.triggers import Trigger
from pipeline.warmup import Warmer
from wire.topics import Topics

_POLL_S = 1.0
#: The longest wait for a warm-up backlog, and how often to look.
_BACKLOG_S = 60.0
_BACKLOG_POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """A backlog of ``readings`` to warm up on, the scratch topic for its alerts and rejects, and the
    longest times: before the query, and after it if the rates of the drains before did not agree."""

    topics: Topics
    readings: int
    limit_s: float
    drain_limit_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """One run of the job, checked whole."""

    bootstrap: str
    topics: Topics
    trigger: Trigger
    rules: tuple[AlertRule, ...]
    profile: Profile
    checkpoint: Path | None
    master: str | None
    starting_offsets: str
    for_s: float | None
    progress: Path | None
    warm: WarmUp | None
    work_dir: Path | None
    kafka: KafkaSecurity = PLAINTEXT
    record_classes: bool = False


def run(config: RunConfig, announce: Announcer, stop: Stop) -> None:
    """Run the job until ``stop`` is asked for; raises `ComponentFailed` if the query dies."""
    started = time.monotonic()
    stop.heed_signals()
    partitions = _prepare_topics(config)
    master = choose_master(config.trigger, partitions, config.master)
    with _progress_file(config.progress) as progress, _work_dir(config.work_dir) as work_dir:
        log = work_dir / LOG_NAME
        with spark_failures(log, secrets_of(config.kafka)), _session(master, config, work_dir) as spark:
            stop.heed_signals()
            announce("session_ready", spark=spark.version, master=master, seconds=time.monotonic() - started)
            warmer = None if config.warm is None else _warmer(spark, config, config.warm, work_dir)
            if config.warm is None or warmer is None:
                _serve(spark, config, log, progress, announce, stop)
                return
            _await_backlog(_admin(config), config.warm, stop)
            warmed = warmer.warm_up(config.warm.limit_s, stop.asked)
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
    partitions = _require(admin, config.topics.readings, "--topic")
    written = {config.topics.alerts, config.topics.rejects}
    if config.warm is not None:
        _require(admin, config.warm.topics.readings, "--warm-topic")
        written |= {config.warm.topics.alerts, config.warm.topics.rejects}
    for topic in sorted(written):
        if admin.partitions(topic) is None:
            admin.create(topic, partitions=1)
    return partitions


def _admin(config: RunConfig) -> Admin:
    return Admin(config.bootstrap, librdkafka_settings(config.kafka))


def _require(admin: Admin, topic: str, flag: str) -> int:
    partitions = admin.partitions(topic)
    if partitions is None:
        raise EnvironmentMissing(
            f"topic {topic} does not exist at {admin.bootstrap}; create it, or name another with {flag}"
        )
    return partitions


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
        readings=warm.readings,
        rules=config.rules,
        profile=config.profile,
        kafka=config.kafka,
        folder=work_dir / "warm",
        realtime=config.trigger.is_realtime,
    )


def _await_backlog(admin: Admin, warm: WarmUp, stop: Stop) -> None:
    """Whoever started us may still be filling it: half a backlog would be half a warm-up."""
    deadline = time.monotonic() + _BACKLOG_S
    while (held := sum(admin.end_offsets(warm.topics.readings).values())) < warm.readings and not stop.wait(
        _BACKLOG_POLL_S
    ):
        if time.monotonic() > deadline:
            raise EnvironmentMissing(
                f"topic {warm.topics.readings} holds {held:,} of {warm.readings:,} readings after {_BACKLOG_S:g} s; "
                "fill it, or give another --warm-readings"
            )


def _serve(
    spark: SparkSession,
    config: RunConfig,
    log: Path,
    progress: IO[bytes] | None,
    announce: Announcer,
    stop: Stop,
) -> None:
    """Start the query, tell how it fares, end it cleanly."""
    query = job(
        spark,
        bootstrap=config.bootstrap,
        topics=config.topics,
        rules=config.rules,
        profile=config.profile,
        checkpoint=(config.checkpoint or log.with_name("checkpoint")).resolve(),
        trigger=config.trigger.spark_kwargs,
        starting_offsets=config.starting_offsets,
        kafka=config.kafka,
    ).start()
    began = time.monotonic()
    announce(
        "started",
        topic=config.topics.readings,
        alerts_topic=config.topics.alerts,
        rejects_topic=config.topics.rejects,
        trigger=config.trigger.name,
        profile=config.profile.name,
        run_id=str(query.runId),
    )
    tail = ProgressTail(spark, query, progress)
    while not stop.wait(_POLL_S):
        if tail.poll():
            announce("progress", **_totals(tail))
        _require_alive(query, log)
        if config.for_s is not None and time.monotonic() - began >= config.for_s:
            stop.ask("duration")
    # Whoever signals a whole process group takes the JVM along: its last words are lost then, which
    # is no failure.
    with contextlib.suppress(Exception) if stop.reason == "SIGTERM" else contextlib.nullcontext():
        _require_alive(query, log)
        query.stop()
        tail.poll()
    announce("stopped", reason=stop.reason, **_totals(tail), seconds=time.monotonic() - began)


def _require_alive(query: StreamingQuery, log: Path) -> None:
    if not query.isActive:
        cause = root_cause(query) or "it was stopped from elsewhere"
        raise ComponentFailed(f"the query died: {cause} (log: {log})")


def _totals(tail: ProgressTail) -> dict[str, Any]:
    return {
        "batches": tail.totals.batches,
        "rows": tail.totals.rows,
        "last_batch_ms": tail.totals.last_batch_ms,
    }
