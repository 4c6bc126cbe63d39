"""One mode's soak: a broker, a publisher and a pipeline of its own, watched from outside."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
import psutil

from base.errors import AlertbenchError, ComponentFailed
from base.kafka import Admin
from base.process import Child, python_module
from bench.broker.embedded import EmbeddedBroker
from bench.perf.gc_log import java_tool_options, read_heap
from bench.perf.soak_series import (
    BATCH,
    FILES,
    HEAP,
    RSS,
    SCHEMA,
    SIZE,
    Measure,
    Mode,
    batch_times,
    folder_size,
    judged,
    samples,
    settle_s,
)
from bench.progress import read_batches
from pipeline.triggers import Trigger
from sim.scenario import load_scenario
from sim.stream import resolve_stream
from wire.topics import Topics, cell_topics

#: Sampled so often, s, or as much oftener as a short run needs for its lines.
SAMPLE_S: Final = 10.0
#: A full collection is asked for so often, s, or as much oftener as a short run needs.
FULL_GC_S: Final = 60.0
#: As many samples of each kind as a run has at least.
_SAMPLES: Final = 60

#: The topics hold the last minutes only, or an hour at 5,000 readings/s would be 6 GB: a pipeline that
#: falls further behind loses readings, and its query dies of that.
_KEPT_S: Final = 600.0
#: A reading or an alert as it stands in a topic takes less, bytes.
_RECORD_BYTES: Final = 300
#: Kafka looks for what it may delete this often by default, s; so long a topic grows further.
_RETENTION_CHECK_S: Final = 300.0

#: The folder of GC logs, below that of a mode.
_GC: Final = "gc"

_READY_S: Final = 120.0
_STOP_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is soaked, and for how long; the same for every mode."""

    run_s: float
    rate: float
    triggers: tuple[Trigger, ...]
    partitions: int
    sensors: int
    scenario: str
    seed: int

    @property
    def speedup(self) -> float:
        """Event seconds a wall second at which the sensors, keeping their interval, make the rate.

        Raises `UsageError` for what is no stream.
        """
        as_written = resolve_stream(load_scenario(self.scenario), seed=self.seed, sensors=self.sensors)
        return as_written.speedup * self.rate / as_written.rate_per_s

    @property
    def sample_s(self) -> float:
        """Between two looks at folder and process."""
        return min(SAMPLE_S, self.run_s / _SAMPLES)

    @property
    def full_gc_s(self) -> int:
        """Between two full collections."""
        return max(1, round(min(FULL_GC_S, self.run_s / _SAMPLES)))

    @property
    def topic_bytes(self) -> int:
        """What a partition keeps at least."""
        return max(64 * 2**20, round(self.rate * _RECORD_BYTES * _KEPT_S / self.partitions))

    @property
    def disk_bytes(self) -> int:
        """What the broker needs: readings and at most as many alerts."""
        return 2 * round(self.topic_bytes * self.partitions * (1 + _RETENTION_CHECK_S / _KEPT_S))

    def facts(self) -> dict[str, Any]:
        """The plan as ``soak.json`` has it."""
        return {**asdict(self), "triggers": [trigger.name for trigger in self.triggers], "speedup": self.speedup}


class Soak:
    """One mode's soak: its own broker, topics, publisher and pipeline, its files in ``folder``."""

    def __init__(self, plan: Plan, trigger: Trigger, folder: Path) -> None:
        self._plan, self._trigger, self._folder = plan, trigger, folder
        self._watched: list[tuple[float, int, int, int]] = []
        self._began_ns = 0
        self._seconds = 0.0
        self.samples = pl.DataFrame(schema=SCHEMA)

    def run(self, tell: Callable[[float], None]) -> Mode:
        """Soak until the plan's time is over; ``tell`` takes the seconds since the first batch with readings ended.

        Ctrl-C and a part that fails end it early, with what there is. Raises what the start raises.
        """
        topics = cell_topics("soak", self._trigger.name.replace(":", "-"))
        status = "whole"
        reason: str | None = None
        sent: int | None = None
        with ExitStack() as stack:
            broker = stack.enter_context(EmbeddedBroker())
            admin = Admin(broker.bootstrap)
            self._create(admin, topics)
            driver = stack.enter_context(self._driver(broker.bootstrap, topics))
            driver.wait_for("started", timeout_s=_READY_S)
            jvm = _jvm_of(driver)
            publisher = stack.enter_context(self._publisher(broker.bootstrap, topics.readings))
            publisher.wait_for("started", timeout_s=_READY_S)
            # The first batch of a cold session takes many times as long as any other.
            while not driver.wait_for("progress", timeout_s=_READY_S + 2 * self._trigger.seconds)["rows"]:
                continue
            try:
                self._watch([driver, publisher], jvm, tell)
            except KeyboardInterrupt:
                status = "interrupted"
            except ComponentFailed as error:
                status, reason = "failed", str(error)
            publisher.stop()
            with contextlib.suppress(AlertbenchError):
                sent = sum(admin.end_offsets(topics.readings).values())
                driver.send("stop")
                driver.wait_for("stopped", timeout_s=_STOP_S)
        self._keep_gc_log(jvm.pid)
        processed = self._read(topics.readings)
        return Mode(
            trigger=self._trigger.name,
            status=status,
            reason=reason,
            seconds=self._seconds,
            settle_s=settle_s(self._trigger, self._seconds),
            sent=sent,
            processed=processed,
            series=judged(self.samples, self._trigger, self._seconds),
        )

    def _create(self, admin: Admin, topics: Topics) -> None:
        kept = self._plan.topic_bytes
        config = {"retention.bytes": str(kept), "segment.bytes": str(kept // 8)}
        admin.create(topics.readings, partitions=self._plan.partitions, config=config)
        for topic in (topics.alerts, topics.rejects):
            admin.create(topic, partitions=1, config=config)

    def _driver(self, bootstrap: str, topics: Topics) -> Child:
        (self._folder / _GC).mkdir()
        command = python_module("pipeline.run", "--bootstrap", bootstrap, "--topic", topics.readings, "--json-events")
        command += ["--alerts-topic", topics.alerts, "--rejects-topic", topics.rejects]
        command += ["--trigger", self._trigger.name, "--progress", str(self._progress), "--work-dir", str(self._work)]
        options = java_tool_options(os.environ, folder=_GC, full_gc_every_s=self._plan.full_gc_s)
        env = {**os.environ, "JAVA_TOOL_OPTIONS": options}
        return Child("pipeline", command, log=self._folder / "pipeline.log", events=True, env=env, cwd=self._folder)

    def _publisher(self, bootstrap: str, topic: str) -> Child:
        plan = self._plan
        command = python_module("sim.publish", "--bootstrap", bootstrap, "--topic", topic, "--json-events")
        command += ["--scenario", plan.scenario, "--seed", str(plan.seed), "--sensors", str(plan.sensors)]
        command += ["--rate", repr(plan.rate), "--speedup", repr(plan.speedup), "--start", "scenario"]
        return Child("publisher", command, log=self._folder / "publisher.log", events=True)

    @property
    def _progress(self) -> Path:
        return self._folder / "progress.jsonl"

    @property
    def _work(self) -> Path:
        return self._folder / "work"

    @property
    def _gc_log(self) -> Path:
        return self._folder / "gc.log"

    def _watch(self, children: list[Child], jvm: psutil.Process, tell: Callable[[float], None]) -> None:
        self._began_ns, began = time.time_ns(), time.monotonic()
        due_s = 0.0
        try:
            while (elapsed_s := time.monotonic() - began) < self._plan.run_s:
                for child in children:
                    child.require_alive()
                if elapsed_s >= due_s:
                    due_s += self._plan.sample_s
                    files, size = folder_size(self._work / "checkpoint")
                    with contextlib.suppress(psutil.NoSuchProcess):
                        self._watched.append((elapsed_s, files, size, jvm.memory_info().rss))
                tell(elapsed_s)
                time.sleep(max(0.0, min(1.0, due_s - elapsed_s, self._plan.run_s - elapsed_s)))
        finally:
            self._seconds = time.monotonic() - began

    def _keep_gc_log(self, pid: int) -> None:
        """Keep the log of the JVM that mattered; those of the launcher and of version questions say nothing."""
        with contextlib.suppress(FileNotFoundError):
            (self._folder / _GC / f"{pid}.log").replace(self._gc_log)
        shutil.rmtree(self._folder / _GC, ignore_errors=True)

    def _read(self, topic: str) -> int:
        """Gather all samples; how many readings the batches that ended hold."""
        began_ns, name = self._began_ns, self._trigger.name
        batches = read_batches(self._progress, topic) if self._progress.exists() else []
        series: dict[Measure, list[tuple[float, float]]] = {
            HEAP: [(wall_ms / 1e3 - began_ns / 1e9, left / 2**20) for wall_ms, left in read_heap(self._gc_log)],
            BATCH: [((end_ns - began_ns) / 1e9, ms) for end_ns, ms in batch_times(batches, self._trigger)],
            FILES: [(at_s, files) for at_s, files, _, _ in self._watched],
            SIZE: [(at_s, size / 1024) for at_s, _, size, _ in self._watched],
            RSS: [(at_s, rss / 2**20) for at_s, _, _, rss in self._watched],
        }
        self.samples = pl.concat([samples(name, measure, values) for measure, values in series.items()])
        return sum(batch.rows for batch in batches)


def _jvm_of(driver: Child) -> psutil.Process:
    """The driver's JVM: of its Java processes the one that has taken the most memory."""
    found = []
    for process in driver.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name().startswith("java"):
                found.append((process.memory_info().rss, process))
    if not found:
        raise ComponentFailed("the pipeline runs no Java process of its own; its heap cannot be watched")
    return max(found, key=lambda one: one[0])[1]
