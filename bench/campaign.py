"""One run from broker to stored result; reading `execute_run` aloud describes it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from base.jars import BROKER, CONNECTOR, ensure
from base.kafka import Admin
from bench import stream as streams
from bench.broker.api import Broker
from bench.broker.embedded import EmbeddedBroker
from bench.broker.external import ExternalBroker
from bench.config import RunConfig
from bench.environment import environment, git_facts
from bench.floor import kafka_floor
from bench.matrix import CellSpec, plan
from bench.measure import measure
from bench.phases import Bench, run_cell, tail_s
from bench.records import Calibration, Cell, Quantiles, Result, Run, ScenarioRecord
from bench.scheduler import run_cells
from bench.store import RunStore, now, run_id
from bench.summary import one_line
from bench.view import View
from pipeline.rules import load_rules
from sim.scenario import scenario_hash
from sim.stream import StreamSpec

#: What a cell takes beyond warm-up, window and tail: starting, warming, probing, stopping, scoring.
OVERHEAD_S = 16.0


def execute_run(config: RunConfig, spec: StreamSpec, settings: dict[str, str], argv: list[str]) -> tuple[Result, Path]:
    """Run the whole matrix; returns the result, complete or partial, and the folder it stands in."""
    cells = plan(config)
    with View(total=len(cells), cell_estimate_s=lambda cell: estimate_s(config, cell)) as view:
        if config.broker != "embedded":
            # A wrong address is told at once, not after a download.
            ExternalBroker(config.broker, settings)
        ready_jars(config, view)
        with open_broker(config, settings, view) as broker:
            started, git = now(), git_facts()
            store = RunStore(Path(config.out), run_id(datetime.fromisoformat(started), git.sha, spec.scenario.name))
            identity = store.folder.name
            view.phase("simulating the stream")
            longest_tail_s = max(tail_s(cell) for cell in cells)
            stream = streams.prepare_stream(spec, config, tail_s=longest_tail_s, folder=store.folder / "stream")
            result = Result(
                run=Run(id=identity, argv=argv, rerun=config.rerun_command(), started=started, status="running"),
                git=git,
                env=environment(),
                config=config.stored(),
                broker=broker.describe(),
                scenario=scenario_record(stream),
                calibration=Calibration(kafka_floor_ms=None, reason="the run ended before it was measured"),
            )
            store.save(result)
            with backlogs(config, spec, identity, broker, settings, store, view) as topics:
                bench = Bench(
                    run_id=identity,
                    config=config,
                    broker=broker,
                    settings=settings,
                    rules=load_rules(None),
                    stream=stream,
                    backlogs=topics,
                    view=view,
                )
                try:
                    measure_cells(cells, bench, store, result)
                    result.run.status = "complete"
                except KeyboardInterrupt:
                    result.run.status = "partial"
                    result.warnings.append(f"interrupted after {len(result.cells)} of {len(cells)} cells")
                finally:
                    result.run.finished = now()
                    store.save(result)
    return result, store.folder


def estimate_s(config: RunConfig, spec: CellSpec) -> float:
    """How long one cell will take, for the plan and the ETA."""
    probes_s = 0.0 if spec.trigger.is_realtime else 3 * spec.trigger.seconds
    return OVERHEAD_S + config.spark_warmup_s + probes_s + config.warmup_s + config.window_s + tail_s(spec)


def ready_jars(config: RunConfig, view: View) -> None:
    """Fetch what is missing, with progress, before anything else starts."""
    for jars in (BROKER, CONNECTOR) if config.broker == "embedded" else (CONNECTOR,):
        ensure(jars, view.phase)


@contextlib.contextmanager
def open_broker(config: RunConfig, settings: dict[str, str], view: View) -> Iterator[Broker]:
    """The broker that ``--broker`` names; ours is stopped and removed at the end."""
    view.phase("starting the broker")
    broker: Broker = EmbeddedBroker() if config.broker == "embedded" else ExternalBroker(config.broker, settings)
    try:
        yield broker
    finally:
        broker.stop()


@contextlib.contextmanager
def backlogs(
    config: RunConfig,
    spec: StreamSpec,
    identity: str,
    broker: Broker,
    settings: dict[str, str],
    store: RunStore,
    view: View,
) -> Iterator[dict[int, str]]:
    """The warm-up backlogs, one topic for each number of partitions; removed at the end."""
    view.phase("filling the warm-up backlogs")
    folder = store.folder / "logs"
    folder.mkdir()
    counts = sorted(set(config.partitions))
    try:
        yield streams.prepare_backlogs(
            counts, config, spec, run_id=identity, bootstrap=broker.bootstrap, settings=settings, folder=folder
        )
    finally:
        Admin(broker.bootstrap, settings).delete([streams.backlog_topic(identity, count) for count in counts])


def scenario_record(stream: streams.PreparedStream) -> ScenarioRecord:
    """What was simulated, as the result file has it."""
    spec = stream.spec
    return ScenarioRecord(
        name=spec.scenario.name,
        hash=scenario_hash(spec.scenario),
        seed=spec.seed,
        sensors=spec.sensors,
        speedup=spec.speedup,
        interval_s=spec.interval_s,
        rate_per_s=spec.rate_per_s,
        stream_digest=stream.digest,
    )


def measure_cells(cells: list[CellSpec], bench: Bench, store: RunStore, result: Result) -> None:
    """Run, measure and store every cell; the Kafka floor is measured after the first one."""
    view, spec = bench.view, bench.stream.spec

    def due_ns(event_s: float, zero_ns: int) -> int:
        return zero_ns + round((event_s - spec.scenario.start_us / 1e6) / spec.speedup * 1e9)

    def execute(cell: CellSpec, folder: Path) -> Cell:
        raw = run_cell(cell, bench, folder)
        view.phase("scoring")
        return measure(raw, bench, folder)

    def ended(cell: Cell) -> None:
        view.note(f"[{len(result.cells)}/{len(cells)}] {one_line(cell)}")
        if result.calibration.kafka_floor_ms is None:
            view.phase("measuring the Kafka floor")
            result.calibration = Calibration(kafka_floor_ms=floor_of(bench, store))
            store.save(result)

    run_cells(
        cells,
        execute=execute,
        store=store,
        result=result,
        began=lambda number, cell, left: view.cell(number, cell, left, due_ns),
        ended=ended,
    )


def floor_of(bench: Bench, store: RunStore) -> Quantiles:
    """The Kafka floor on this run's broker; its working files are not kept."""
    folder = store.folder / "floor"
    try:
        return kafka_floor(
            run_id=bench.run_id,
            scenario=bench.config.scenario,
            seed=bench.config.seed,
            bootstrap=bench.broker.bootstrap,
            settings=bench.settings,
            folder=folder,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
