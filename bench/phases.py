"""The life of one cell, readable top to bottom: topics, start, warm up, ready, measure, drain, stop.

Nothing is computed here that a number rests on: what comes out is `RawCell`, files and facts, and
`bench.measure` makes the numbers of it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import polars as pl
import psutil

from base.errors import ComponentFailed, EnvironmentMissing
from base.kafka import Admin
from base.process import python_module
from bench import resources
from bench.cell_parts import Bench, fresh_topics, start_collector, start_meter, start_pipeline, start_publisher, tail_s
from bench.matrix import CellSpec
from bench.probes import Prober
from bench.stamps import judged_source
from bench.topic_reader import read_topic
from bench.view import View
from wire.topics import Topics, dashboard_group

#: From "go" to the first due reading: time for the message to arrive and the first tick to be set.
GO_MARGIN_S = 0.2
#: Longest waits, in s, for what normally takes a fraction of it.
READY_S = 60.0
STOP_S = 30.0


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
    #: What the pipeline told of draining the backlog once more, after the window.
    drained: dict[str, Any]
    published: dict[str, Any]
    delivery_log: Path
    progress: Path
    host: Path
    collected: Path
    before: dict[str, resources.Sample]
    after: dict[str, resources.Sample]
    #: How long each phase took, in s, in order.
    phases_s: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """What stands in the cell's topics after it has ended."""

    #: What each of the readings must become (`bench.stamps.judged_source`).
    judged: pl.DataFrame
    #: Alerts and rejects, stamped when they were seen, with the columns of `bench.messages.SCHEMA`.
    collected: pl.DataFrame
    #: Whether a dashboard read the cell's topics meanwhile; None: the cluster does not say.
    watched: bool | None = None


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
            self.seconds[self._name] = round(self.seconds.get(self._name, 0.0) + now - self._since, 2)
        self._name, self._since = "", now


class StartedCell:
    """A cell's topics, and its pipeline coming up since this was made; leaving it ends and removes all.

    The instruments (publisher, collector, host meter) come up with `start_instruments`: beside
    Spark they take no time, and until then they need not exist. `bench.trust` plants its faults in
    `prepare`, `instrument` and `go`.
    """

    #: What our Spark job is told beyond what every cell tells it.
    pipeline_flags: tuple[str, ...] = ()
    #: For how long the publisher gathers what becomes due, s; None: for as long as it does by itself.
    tick_s: float | None = None
    #: Event time zero (wall ns), once the load has been told to begin.
    zero_ns: int | None = None

    def __init__(self, spec: CellSpec, bench: Bench, folder: Path) -> None:
        self.spec, self.bench, self.folder = spec, bench, folder
        with contextlib.ExitStack() as self.stack:
            self.topics = self.stack.enter_context(fresh_topics(spec, bench))
            self.pipeline = start_pipeline(spec, self.prepare(), bench, folder, self.pipeline_flags, self.environ())
            self.stack.enter_context(self.pipeline.child)
            self.stack = self.stack.pop_all()

    def prepare(self) -> Topics:
        """The topics that the pipeline is given; those of the cell."""
        return self.topics

    def environ(self) -> Mapping[str, str]:
        """What our Spark job finds in its environment, before the cell adds to it."""
        return os.environ

    def instrument(self, module: str) -> list[str]:
        """The command line of an instrument, without its options."""
        return python_module(module)

    def start_instruments(self) -> None:
        """Set going what feeds and watches the pipeline."""
        bench, topics, folder = self.bench, self.topics, self.folder
        self.prober = Prober(
            bench.broker.bootstrap, topics.readings, self.spec.partitions, bench.rules[0], bench.settings
        )
        collector, meter = self.instrument("bench.collector"), self.instrument("bench.hostmeter")
        started = start_collector(collector, topics, bench, folder, self.prober, self.notice_alerts)
        self.collector = self.stack.enter_context(started)
        self.publisher = self.stack.enter_context(
            start_publisher(self.spec, topics, bench, folder, self.notice_publisher, self.tick_s)
        )
        self.meter = self.stack.enter_context(start_meter(meter, folder))

    def go(self, zero_ns: int) -> None:
        """Have the load begin, with event time zero at the wall instant ``zero_ns``."""
        self.zero_ns = zero_ns
        self.publisher.send(f"go {zero_ns}")

    def notice_alerts(self, samples: Sequence[tuple[float, int]]) -> None:
        """Told once a second of some alerts that came in it: event time of the reading (s), seen (wall ns)."""

    def notice_publisher(self, lag_ms: float) -> None:
        """Told once a second how late the publisher sent a reading in it, at worst."""

    @property
    def drained_within_s(self) -> float:
        """How long the pipeline may take to catch up once the load has ended."""
        return READY_S + 3 * self.spec.trigger.seconds

    def check(self) -> None:
        """Raise `ComponentFailed` if one of the processes has ended."""
        for child in (self.pipeline.child, self.collector, self.publisher, self.meter):
            child.require_alive()

    def components(self) -> resources.Processes:
        """Every component of the cell with its processes; the harness is this one."""
        return {
            "broker": self.bench.broker.processes,
            "pipeline": self.pipeline.child.processes,
            "publisher": self.publisher.processes,
            "collector": self.collector.processes,
            "meter": self.meter.processes,
            "harness": lambda: [psutil.Process()],
        }

    def stop(self) -> None:
        """End the processes and remove the topics. Safe to call twice."""
        self.stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def run_cell(cell: StartedCell) -> RawCell:
    """Take a started cell to files that hold all it did; raises `ComponentFailed` if a part of it dies."""
    spec, bench, folder, topics = cell.spec, cell.bench, cell.folder, cell.topics
    say = Phases(bench.view)
    say("the pipeline is starting")
    cell.start_instruments()
    pipeline, publisher, collector, prober = cell.pipeline, cell.publisher, cell.collector, cell.prober
    collector.wait_for("ready", timeout_s=READY_S)
    warmed = pipeline.warm_up(say, prober)
    say("probing")
    answer_s = READY_S + 3 * spec.trigger.seconds
    prober.until_ready(timeout_s=answer_s, check=cell.check)
    publisher.wait_for("prepared", timeout_s=120)

    zero_ns = time.time_ns() + round((bench.config.warmup_s + GO_MARGIN_S) * 1e9)
    window_end_ns = zero_ns + round(bench.config.window_s * 1e9)
    bench.view.window(zero_ns, window_end_ns)
    cell.go(zero_ns)
    say("paced warm-up", until_ns=zero_ns)
    wait_until(zero_ns, cell.check)
    components = cell.components()
    before = resources.sample(components)
    say("measuring", until_ns=window_end_ns)
    wait_until(window_end_ns, cell.check)
    after = resources.sample(components)

    say("draining")
    published = publisher.wait_for("done", timeout_s=tail_s(spec) + STOP_S)
    drained_ns = prober.until_drained(timeout_s=cell.drained_within_s, check=pipeline.child.require_alive)

    pipeline.end(say)
    say("collecting")
    collector.send("stop")
    collector.wait_for("done", timeout_s=STOP_S)
    drained = pipeline.drain(say, bench.config.drain_s)
    say.end()
    return RawCell(
        spec=spec,
        topics=topics,
        zero_ns=zero_ns,
        window_end_ns=window_end_ns,
        drained_ns=drained_ns,
        warmed=warmed,
        drained=drained,
        published=published,
        delivery_log=folder / "deliveries.bin",
        progress=folder / "progress.jsonl",
        host=folder / "host.jsonl",
        collected=folder / "collected.parquet",
        before=before,
        after=after,
        phases_s=say.seconds,
    )


def wait_until(wall_ns: int, check: Callable[[], None]) -> None:
    """Sleep until a wall-clock instant, looking after the children five times a second."""
    while (left_ns := wall_ns - time.time_ns()) > 0:
        check()
        time.sleep(min(0.2, left_ns / 1e9))


def read_back(raw: RawCell, bench: Bench) -> ReadBack:
    """Read the cell's topics while they still exist, and judge the readings; raises what `collected_of` does."""
    collected = collected_of(raw, bench)
    source = read_topic(bench.broker.bootstrap, raw.topics.readings, bench.settings)
    return ReadBack(judged=judged_source(source, bench.judge), collected=collected, watched=watched(raw.topics, bench))


def collected_of(raw: RawCell, bench: Bench) -> pl.DataFrame:
    """What the collector read: it must have come to the alert topic's very end, or "missing" would be its own fault.

    Raises `ComponentFailed`.
    """
    collected = pl.read_parquet(raw.collected)
    stands = sum(Admin(bench.broker.bootstrap, bench.settings).end_offsets(raw.topics.alerts).values())
    read = collected.filter(pl.col("topic") == raw.topics.alerts).height
    if read < stands:
        raise ComponentFailed(f"the collector read {read:,} of {stands:,} records of {raw.topics.alerts}")
    return collected


def watched(topics: Topics, bench: Bench) -> bool | None:
    """Whether a dashboard has read the cell's readings; None if the cluster does not say."""
    try:
        return dashboard_group(topics.readings) in Admin(bench.broker.bootstrap, bench.settings).groups()
    except EnvironmentMissing:
        # Some clusters keep their groups from those who may read and write.
        return None
