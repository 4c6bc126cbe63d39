"""One run from broker to stored result; reading `execute_run` aloud describes it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from base.jars import BROKER, CONNECTOR, ensure
from bench import stream as streams
from bench.advice import advise, parse_goal
from bench.broker.api import Broker
from bench.broker.embedded import EmbeddedBroker
from bench.broker.external import ExternalBroker
from bench.capacity.jobs import CapacitySearch
from bench.capacity.load import trial_config, with_longest_warmup
from bench.cell_parts import Bench, bench_for, tail_s
from bench.class_archives import ready_class_archives
from bench.config import RunConfig
from bench.engines import SPARK
from bench.environment import environment, git_facts, typed
from bench.jobs import CellJob, Feed, FloorJob, QualityJob
from bench.matrix import CellSpec, plan
from bench.metrics_server import serving
from bench.records import Calibration, Cell, QualityCell, Result, Run, ScenarioRecord
from bench.resume import done_first, require_same
from bench.scheduler import Job, run_in_turn
from bench.store import RunStore, now, run_id
from bench.stored_noise import stored_noise
from bench.summary import one_line
from bench.thresholds import judge_thresholds, parse_thresholds
from bench.view import View
from sim.scenario import scenario_hash
from sim.stream import StreamSpec

#: What a cell takes beyond warm-up, window and tail: starting, warming, probing, stopping, scoring.
OVERHEAD_S = 16.0
#: Why a run with `--quick`, and a measurement of noise, have no quality cell.
NO_QUALITY_CELL = "--quick goes without"
#: How many trials a search usually takes.
USUAL_TRIALS = 6


def execute_run(
    config: RunConfig, spec: StreamSpec, settings: dict[str, str], resumed: Result | None = None
) -> tuple[Result, Path]:
    """Run the whole matrix, or what ``resumed`` lacks of it.

    Returns the result, complete or partial, and the folder it stands in.
    """
    cells = plan(config)
    done, left = done_first(cells, resumed) if resumed is not None else ([], cells)
    cells = done + left
    with (
        View(total=len(cells), cell_estimate_s=lambda cell: estimate_s(config, cell)) as view,
        serving(config.metrics_port, view) as metrics,
    ):
        if config.broker != "embedded":
            # A wrong address is told at once, not after a download.
            ExternalBroker(config.broker, settings)
        ready_java(config, view)
        started, git = now(), git_facts()
        view.phase("starting the broker, simulating the stream")
        with open_broker(config, settings) as coming_up:
            fresh = run_id(datetime.fromisoformat(started), git.sha, spec.scenario.name)
            identity = resumed.run.id if resumed is not None else fresh
            folder = Path(config.out) / identity
            tail = max(map(tail_s, cells))
            covered = with_longest_warmup(config)
            stream = streams.prepare_stream(spec, covered, tail_s=tail, folder=folder / "stream")
            env = environment()
            if resumed is not None:
                require_same(resumed, git=git, env=env, digest=stream.digest)
            broker = coming_up.result()
            store = RunStore(Path(config.out), identity, resumed=resumed is not None, kept=[cell.id for cell in done])
            rules = config.alert_rules()
            store.write_rules(rules)
            if config.rules is not None:
                # The user's may be edited while this run, or one that resumes it, still starts pipelines.
                config = config.model_copy(update={"rules": str(store.rules_file)})
            result = Result(
                run=Run(id=identity, argv=typed(), rerun=config.rerun_command(), started=started, status="running"),
                git=git,
                env=env,
                config=config.stored(),
                rules=rules,
                broker=broker.describe(),
                scenario=scenario_record(stream),
                calibration=Calibration(
                    kafka_floor_ms=None, reason="the run ended before it was measured", noise=stored_noise(env)
                ),
                quality_cell=QualityCell(reason=NO_QUALITY_CELL if config.quick else "the run ended before it"),
            )
            if resumed is not None:
                result.run.started = resumed.run.started
                result.cells = [cell for cell in resumed.cells if cell.status == "done"]
                result.warnings = [*resumed.warnings, f"resumed {started} after {len(done)} of {len(cells)} cells"]
            store.save(result)
            if metrics is not None:
                metrics.follow(result, store.metrics_file)
            bench = bench_for(identity, config, cells, stream, broker, settings, view)
            try:
                planned = search_jobs if config.search_rate else matrix_jobs
                run_in_turn(planned(cells, len(done), bench, store, result))
                result.run.status = "complete"
            except KeyboardInterrupt:
                result.run.status = "partial"
                result.warnings.append(f"interrupted after {len(result.cells)} of {len(cells)} cells")
            finally:
                result.run.finished = now()
                conclude(config, cells, result)
                store.save(result)
    return result, store.folder


def conclude(config: RunConfig, planned: list[CellSpec], result: Result) -> None:
    """Judge thresholds and objective by what became of the cells."""
    result.thresholds = judge_thresholds(
        parse_thresholds(config.thresholds, planned, result.rules), planned, result.cells
    )
    goal = parse_goal(config.objective, config.minimise, planned, result.rules)
    result.advice = advise(goal, result.cells, result.calibration.noise) if goal is not None else None


def matrix_jobs(cells: list[CellSpec], done: int, bench: Bench, store: RunStore, result: Result) -> Iterator[Job]:
    """All that a run does, in order, its first ``done`` cells being so. What needs no quiet machine comes last."""

    def ended(cell: Cell) -> None:
        result.cells.append(cell)
        if cell.watched:
            result.warnings.append(f"cell {cell.id} was watched by a dashboard, which reads its topics as well")
        store.save(result)
        bench.view.note(f"[{len(result.cells)}/{len(cells)}] {one_line(cell)}")

    yield Feed(bench, store.folder / "logs")
    began = telling(cells, bench)
    for number, cell in enumerate(cells[done:], done + 1):
        folder = store.folder / "cells" / cell.id
        yield CellJob(number=number, spec=cell, bench=bench, folder=folder, began=began, ended=ended)
    yield FloorJob(bench=bench, store=store, result=result)
    if not bench.config.quick:
        yield QualityJob(bench=bench, store=store, result=result)


def search_jobs(cells: list[CellSpec], done: int, bench: Bench, store: RunStore, result: Result) -> Iterator[Job]:
    """The same with ``--search-rate``, where a cell takes as many trials as it takes, and no one asks for quality."""
    yield Feed(bench, store.folder / "logs")
    yield from CapacitySearch(cells, done, bench, store, result, telling(cells, bench)).jobs()
    yield FloorJob(bench=bench, store=store, result=result)


def telling(cells: list[CellSpec], bench: Bench) -> Callable[[CellJob], None]:
    """What tells the view that a cell's turn has come."""
    return lambda job: bench.view.cell(job.number, job.spec, cells[job.number :], bench.stream.due_ns)


def estimate_s(config: RunConfig, spec: CellSpec) -> float:
    """How long one cell will take, for the plan and the ETA; of a searched one, all its trials that are left."""
    # After the load a probe waits for a batch; so does one before, but with our Spark job.
    probes_s = 0.0 if spec.trigger.is_realtime else spec.trigger.seconds * (1 if spec.engine == SPARK else 2)
    its = trial_config(config, spec.trigger) if config.search_rate else config
    warm_up_s = its.spark_warmup_s if spec.engine == SPARK else 0.0
    once_s = OVERHEAD_S + warm_up_s + probes_s + its.warmup_s + its.window_s + tail_s(spec)
    return once_s * max(1, USUAL_TRIALS + 1 - max(1, spec.trial)) if config.search_rate else once_s


def ready_java(config: RunConfig, view: View) -> None:
    """Fetch and make what is missing, with progress, before anything else starts."""
    for jars in (BROKER, CONNECTOR) if config.broker == "embedded" else (CONNECTOR,):
        ensure(jars, view.phase)
    ready_class_archives(view.phase)


@contextlib.contextmanager
def open_broker(config: RunConfig, settings: dict[str, str]) -> Iterator[Future[Broker]]:
    """The broker that ``--broker`` names, coming up beside us; ours is stopped and removed at the end."""

    def start() -> Broker:
        return EmbeddedBroker() if config.broker == "embedded" else ExternalBroker(config.broker, settings)

    with ThreadPoolExecutor(1, thread_name_prefix="broker") as pool:
        coming_up = pool.submit(start)
        try:
            yield coming_up
        finally:
            if coming_up.exception() is None:
                coming_up.result().stop()


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
