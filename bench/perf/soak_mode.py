"""One mode's soak: a cell like any other, with an hour for its window, watched while it goes on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from base.durations import format_duration
from base.errors import AlertbenchError
from bench import resources
from bench.broker.api import Broker
from bench.cell_parts import Bench, tail_s
from bench.config import DEFAULT_WARMUP_S, SPARK_WARMUP_S, RunConfig, warmup_for, window_for
from bench.jobs import SCRATCH
from bench.judge import Judge
from bench.matrix import CellSpec, plan
from bench.measure import measure
from bench.perf.gc_log import java_tool_options, read_heap
from bench.perf.soak_series import (
    BATCH,
    FILES,
    HEAP,
    RESIDENT,
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
from bench.phases import StartedCell, read_back, run_cell
from bench.progress import read_batches
from bench.records import Cell
from bench.single_cells import open_bench
from bench.stream import span_s, write_stream
from bench.view import View
from pipeline.triggers import Trigger
from sim.scenario import load_scenario
from sim.stream import resolve_stream

#: Sampled so often, s, or as much oftener as a short run needs for its lines.
SAMPLE_S: Final = 10.0
#: A full collection is asked for so often, s, or as much oftener as a short run needs.
FULL_GC_S: Final = 60.0
#: For how much of the window's time Spark warms up before it. What happens between two batches gets faster for as long
#: as an hour at one a second; ten minutes of short batches are some ten thousand.
WARMUP_SHARE: Final = 1 / 6
#: For how long the publisher gathers what becomes due, and the host meter naps, s, if a micro-batch waits for a second
#: or longer anyway: at 5,000 readings/s they and the broker take half of a core less so, and wake the machine less
#: often, for which the hypervisor of a shared one takes time.
TICK_S: Final = 0.010
TICKED_FROM_S: Final = 1.0
#: As many samples of each kind as a run has at least.
_SAMPLES: Final = 60

#: What a reading takes on disk: prepared, in its topic, in the publisher's log, as an alert.
_DISK_BYTES: Final = 500
#: What a reading takes in memory when the cell is scored, after its end.
_MEMORY_BYTES: Final = 450
#: What a reading takes to be read back, judged and scored, s.
_SCORING_S: Final = 25e-6


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
        """Between two looks at folder and processes."""
        return min(SAMPLE_S, self.run_s / _SAMPLES)

    @property
    def full_gc_s(self) -> int:
        """Between two full collections."""
        return max(1, round(min(FULL_GC_S, self.run_s / _SAMPLES)))

    @property
    def disk_bytes(self) -> int:
        """What the stream and a mode's files and topics need."""
        return round(self.rate * self.run_s * _DISK_BYTES)

    @property
    def memory_bytes(self) -> int:
        """What scoring a mode needs."""
        return round(self.rate * self.run_s * _MEMORY_BYTES)

    @property
    def scoring_s(self) -> float:
        """How long reading back and scoring a mode takes."""
        return self.rate * self.run_s * _SCORING_S

    def config(self, folder: Path) -> RunConfig:
        """The modes as cells of a run; the window is ``run_s``, rounded up to what all triggers divide."""
        window_s = window_for(list(self.triggers), None, least_s=self.run_s)
        return RunConfig(
            sensors=self.sensors,
            scenario=self.scenario,
            seed=self.seed,
            speedup=self.speedup,
            triggers=tuple(trigger.name for trigger in self.triggers),
            partitions=(self.partitions,),
            spark_warmup_s=max(SPARK_WARMUP_S, self.run_s * WARMUP_SHARE),
            warmup_s=warmup_for(window_s, most_s=load_scenario(self.scenario).lead_s / self.speedup),
            window_s=window_s,
            drain_s=0.0,
            out=str(folder),
        )

    def facts(self) -> dict[str, Any]:
        """The plan as ``soak.json`` has it."""
        return {**asdict(self), "triggers": [trigger.name for trigger in self.triggers], "speedup": self.speedup}


@contextmanager
def soak_bench(plan_: Plan, broker: Broker, folder: Path, view: View) -> Iterator[Bench]:
    """The bench of all modes: a minute's stream, judged and with its truth, made as long as the soak afterwards.

    Nobody asks for the truth of an hour, and its readings are met once a mode: they are not remembered.
    """
    config = plan_.config(folder)
    window_s = window_for(list(plan_.triggers), None)
    short = config.model_copy(update={"window_s": window_s, "warmup_s": DEFAULT_WARMUP_S})
    with open_bench(f"soak-{int(time.time())}", short, broker, {}, folder, view) as bench:
        view.phase("simulating the stream, all of it")
        start_s, end_s = span_s(bench.stream.spec, config, tail_s=max(map(tail_s, plan(config))))
        write_stream(bench.stream.spec, bench.stream.deliveries, start_s=start_s, end_s=end_s)
        yield replace(bench, config=config, judge=Judge(bench.rules, remembers=False))


def tick_for(trigger: Trigger) -> float | None:
    """For how long the publisher gathers and the host meter naps in a mode, s; None: as long as in any other cell."""
    return None if trigger.is_realtime or trigger.seconds < TICKED_FROM_S else TICK_S


class SoakCell(StartedCell):
    """A cell whose processes, checkpoint folder and heap are looked at again and again."""

    pipeline_flags = ("--warm-whole",)

    def __init__(self, spec: CellSpec, bench: Bench, folder: Path, plan_: Plan) -> None:
        self._plan = plan_
        self.tick_s = tick_for(spec.trigger)
        #: When (s after event time zero), the checkpoint's files and bytes, resident bytes of each component.
        self.watched: list[tuple[float, int, int, dict[str, int]]] = []
        super().__init__(spec, bench, folder)

    def environ(self) -> Mapping[str, str]:
        """Full collections more often than Spark asks for them, and a log of them."""
        log = (self.folder / "gc-%p.log").absolute()
        return java_tool_options(super().environ(), log, full_gc_every_s=self._plan.full_gc_s)

    def instrument(self, module: str) -> list[str]:
        """As in any other cell, but for the host meter's naps."""
        command = super().instrument(module)
        if module == "bench.hostmeter" and self.tick_s is not None:
            command += ["--nap", format_duration(self.tick_s)]
        return command

    @property
    def seconds(self) -> float:
        """How much of the window has passed, s; all of it once it has."""
        passed_s = 0.0 if self.zero_ns is None else (time.time_ns() - self.zero_ns) / 1e9
        return min(max(passed_s, 0.0), self.bench.config.window_s)

    def check(self) -> None:
        """As in `StartedCell`, which is called all the time; look, if it is time to."""
        super().check()
        at_s = self.seconds
        if 0.0 < at_s < self.bench.config.window_s and at_s >= len(self.watched) * self._plan.sample_s:
            files, size = folder_size(self.folder / "checkpoint")
            resident = {name: one.rss_bytes for name, one in resources.sample(self.components()).items()}
            self.watched.append((at_s, files, size, resident))


def soak_mode(spec: CellSpec, bench: Bench, plan_: Plan, folder: Path) -> tuple[Mode, pl.DataFrame]:
    """Soak one mode, its files in ``folder``; what became of it, and its samples (`SCHEMA`).

    Ctrl-C and a part that fails end it early, with what there is. Raises what the start raises.
    """
    row: Cell | None = None
    status, reason = "whole", None
    began = time.monotonic()
    with SoakCell(spec, bench, folder, plan_) as cell:
        try:
            raw = run_cell(cell)
            bench.view.phase("reading back and scoring")
            row = measure(raw, read_back(raw, bench), bench, folder, with_quality=False)
            row.duration_s = round(time.monotonic() - began, 2)
        except KeyboardInterrupt:
            status = "interrupted"
        except AlertbenchError as error:
            if cell.zero_ns is None:
                raise
            status, reason = "failed", str(error)
        seconds = cell.seconds
    found = _samples(cell, folder)
    for name in SCRATCH:
        shutil.rmtree(folder / name, ignore_errors=True)
    mode = Mode(
        trigger=spec.trigger.name,
        status=status,
        reason=reason,
        seconds=seconds,
        settle_s=settle_s(spec.trigger, seconds),
        cell=row.model_dump(mode="json") if row is not None else None,
        series=judged(found, spec.trigger, seconds),
    )
    return mode, found


def _samples(cell: SoakCell, folder: Path) -> pl.DataFrame:
    """All series of a cell that has ended."""
    if cell.zero_ns is None:
        return pl.DataFrame(schema=SCHEMA)
    zero_ns, trigger = cell.zero_ns, cell.spec.trigger
    progress = folder / "progress.jsonl"
    batches = read_batches(progress, cell.topics.readings) if progress.exists() else []
    heap = read_heap(folder.glob("gc-*.log"))
    series: dict[Measure, list[tuple[float, float]]] = {
        HEAP: [(wall_ms / 1e3 - zero_ns / 1e9, left / 2**20) for wall_ms, left in heap],
        BATCH: [((end_ns - zero_ns) / 1e9, ms) for end_ns, ms in batch_times(batches, trigger)],
        FILES: [(at_s, files) for at_s, files, _, _ in cell.watched],
        SIZE: [(at_s, size / 1024) for at_s, _, size, _ in cell.watched],
    }
    for name, measured in RESIDENT.items():
        series[measured] = [(at_s, resident[name] / 2**20) for at_s, _, _, resident in cell.watched]
    return pl.concat([samples(trigger.name, measure, values) for measure, values in series.items()])
