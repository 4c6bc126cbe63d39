"""What a run does, as jobs for `bench.scheduler`: prepare the feed, run each cell, measure the floor."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from base.errors import AlertbenchError, ComponentFailed, EnvironmentMissing
from base.kafka import Admin
from base.process import Child
from bench.cell_parts import Bench
from bench.floor import Floor
from bench.matrix import CellSpec
from bench.measure import measure
from bench.phases import Phases, RawCell, ReadBack, StartedCell, read_back, run_cell
from bench.probes import NotDrained
from bench.records import Cell, QualityCell, Reason, Result
from bench.scheduler import Idle
from bench.store import RunStore, now
from bench.stream import BACKLOG_READINGS, backlog_command, sensors_of_a_day
from sim.deliveries import read_deliveries

#: What a cell leaves in its folder that serves no reader.
SCRATCH = ("checkpoint", "spark")


class Feed(Idle):
    """What all cells are fed: the stream encoded and judged, and the warm-up backlogs.

    Made while the first cell's Spark starts.
    """

    def __init__(self, bench: Bench, logs: Path) -> None:
        self._bench, self._logs = bench, logs
        self._publishers: list[Child] = []

    def start(self) -> None:
        """Create the backlogs' topics: one for each number of partitions."""
        admin = Admin(self._bench.broker.bootstrap, self._bench.settings)
        for count, topic in self._bench.backlogs.items():
            admin.create(topic, partitions=count)

    def finish(self) -> None:
        """Write the stream's files and fill the backlogs."""
        bench = self._bench
        bench.view.phase("encoding the stream, filling the warm-up backlogs")
        bench.stream.write(bench.rules)
        self._logs.mkdir(exist_ok=True)
        for count, topic in bench.backlogs.items():
            # At the rates of a search a noon that Spark has not compiled for would decide.
            sensors = sensors_of_a_day(bench.stream.spec) if bench.config.search_rate else None
            command = backlog_command(
                bench.stream.deliveries, bootstrap=bench.broker.bootstrap, topic=topic, sensors=sensors
            )
            command += bench.config.kafka_config_flag()
            log = self._logs / f"backlog-p{count}.log"
            self._publishers.append(Child("backlog publisher", command, log=log, events=True))
        if bench.judge.remembers:
            # Every cell's source topic will hold these bytes; whatever else may stand there is judged then.
            for stretch in read_deliveries(bench.stream.deliveries):
                bench.judge(stretch.values)
        for publisher in self._publishers:
            done = publisher.wait_for("done", timeout_s=120)
            publisher.stop()
            # A run without is not worth going on with.
            if done["acked"] != BACKLOG_READINGS:
                raise ComponentFailed(f"the broker took {done['acked']:,} of {BACKLOG_READINGS:,} backlog readings")

    def stop(self) -> None:
        """End the publishers and remove the topics."""
        for publisher in self._publishers:
            publisher.stop()
        bench = self._bench
        Admin(bench.broker.bootstrap, bench.settings).delete(list(bench.backlogs.values()))


@dataclass(kw_only=True)
class CellJob:
    """One cell. A broken one becomes a row with a status."""

    number: int
    spec: CellSpec
    bench: Bench
    #: Where its files are kept; made if absent.
    folder: Path
    #: Told when the cell's turn has come, and given its row.
    began: Callable[[CellJob], None]
    ended: Callable[[Cell], None]
    #: How a cell is started, run, read back and measured: the seam for tests.
    starts: Callable[[CellSpec, Bench, Path], StartedCell] = StartedCell
    runs: Callable[[StartedCell], RawCell] = run_cell
    reads: Callable[[RawCell, Bench], ReadBack] = read_back
    measures: Callable[[RawCell, ReadBack, Bench, Path], Cell] = measure

    def __post_init__(self) -> None:
        self._started: StartedCell | None = None
        self._raw: RawCell | None = None
        self._error: Exception | None = None

    @contextlib.contextmanager
    def _keeping_errors(self) -> Iterator[None]:
        try:
            yield
        except EnvironmentMissing:
            # No room, no broker: the next cell would meet the same.
            raise
        except (AlertbenchError, OSError) as error:
            # Without the frames it came through, which hold the cell's readings.
            self._error = error.with_traceback(None)

    def start(self) -> None:
        """Set the cell's processes going."""
        with self._keeping_errors():
            self.folder.mkdir(exist_ok=True)
            self._started = self.starts(self.spec, self.bench, self.folder)

    def run(self) -> None:
        """Feed it, and collect what comes out."""
        self._since, self._clock = now(), time.monotonic()
        self.began(self)
        if self._started is not None:
            with self._keeping_errors():
                self._raw = self.runs(self._started)

    def finish(self) -> None:
        """Read its topics back, end it, score it, hand its row over."""
        cell = read = None
        say = Phases(self.bench.view)
        say("reading back")
        with self._keeping_errors():
            read = self.reads(self._raw, self.bench) if self._raw is not None else None
        say("scoring")
        if self._raw is not None and read is not None:
            with self._keeping_errors():
                cell = self.measures(self._raw, read, self.bench, self.folder)
        say("stopping")
        # By now its Spark has ended by itself, which takes a second.
        self.stop()
        say.end()
        # A million readings and all their stamps: the next cell has its own.
        self._raw = None
        for name in SCRATCH:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        if cell is None:
            overtaxed = isinstance(self._error, NotDrained)
            cell = broken(self.spec, str(self._error), rule="backlog" if overtaxed else "broken")
        cell.phases_s |= say.seconds
        cell.started, cell.duration_s = self._since, round(time.monotonic() - self._clock, 2)
        self.ended(cell)

    def stop(self) -> None:
        """End what still runs of it."""
        if self._started is not None:
            self._started.stop()


@dataclass(kw_only=True)
class FloorJob(Idle):
    """The Kafka floor on this run's broker; its working files are not kept."""

    bench: Bench
    store: RunStore
    result: Result
    _floor: Floor | None = None

    def start(self) -> None:
        """Set publisher and collector going."""
        bench = self.bench
        self._floor = Floor(
            run_id=bench.run_id,
            scenario=bench.config.scenario,
            seed=bench.config.seed,
            bootstrap=bench.broker.bootstrap,
            settings=bench.settings,
            kafka_config_flag=bench.config.kafka_config_flag(),
            folder=self.store.folder / "floor",
        )

    def run(self) -> None:
        """Send, collect, score, store."""
        assert self._floor is not None
        self.bench.view.phase("measuring the Kafka floor")
        found = {"kafka_floor_ms": self._floor.measure(), "reason": None}
        self.result.calibration = self.result.calibration.model_copy(update=found)
        self.store.save(self.result)

    def stop(self) -> None:
        """End what still runs of it."""
        if self._floor is not None:
            self._floor.stop()


@dataclass(kw_only=True)
class QualityJob(Idle):
    """The quality cell, when nothing is measured any more. What goes wrong in it costs no cell."""

    bench: Bench
    store: RunStore
    result: Result

    def run(self) -> None:
        """Judge, store."""
        # Its simulator takes a second to import: `bench.stream` says when.
        from bench.quality.cell import quality_cell

        bench = self.bench
        try:
            found = quality_cell(bench.stream.spec, bench.rules, say=bench.view.phase)
        except AlertbenchError as error:
            found = QualityCell(reason=str(error))
        self.result.quality_cell = found
        self.store.save(self.result)


def broken(spec: CellSpec, error: str, *, rule: str = "broken") -> Cell:
    """The row of a cell that could not be measured; ``rule`` names what it broke at."""
    reason = Reason(
        rule=rule,
        verdict="invalid",
        message=error.splitlines()[0] if error else "no reason given",
        remedy=f"read the logs in cells/{spec.id}/",
    )
    return Cell(
        id=spec.id,
        params=spec.params,
        status="broken",
        error=error,
        verdict="invalid",
        reasons=[reason],
        window_s=0.0,
    )
