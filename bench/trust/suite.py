"""The checks in order: what each plants, in which cell, and against which cell without it."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import polars as pl
import tomlkit

from bench.broker.api import Broker
from bench.cell_parts import Bench
from bench.config import LONGEST_WARMUP_S, QUICK_DRAIN_S, SPARK_WARMUP_S, RunConfig
from bench.matrix import CellSpec
from bench.measure import measure
from bench.phases import RawCell, ReadBack, read_back, run_cell
from bench.records import Cell
from bench.single_cells import open_bench
from bench.topic_reader import read_topic
from bench.trust import checks, planted
from bench.trust.checks import Check, Observed, Outcome
from bench.view import View
from pipeline.triggers import Trigger
from sim.scenario import SCENARIOS_DIR

REALTIME: Final = "realtime:30s"
MICRO_BATCH: Final = "1s"
#: About what a cell takes.
CELL_S: Final = 65.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a cell is fed; None: as the scenario has it."""

    scenario: str = "temperate-day"
    rate: float | None = None
    beacon_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """One cell with a fault in it, and what must be found of that."""

    name: str
    #: The fault in words, as the table has it.
    words: str
    cell: type[planted.Planted]
    checks: Mapping[str, Check]
    trigger: str = MICRO_BATCH
    load: Load = Load()
    #: What the planted cell says if the plant is taken out, to see that the check can fail; None: a cell without it.
    off: Callable[[Observed], Observed] | None = None
    #: How many cells it may take until the machine disturbs one no more.
    tries: int = 1


SUITE: Final = (
    Plant(
        name="stopped",
        words="the publisher is stopped for 2 s (SIGSTOP) in mid-window",
        cell=planted.StoppedPublisher,
        checks={"stopped publisher": checks.stopped_publisher},
        trigger=REALTIME,
    ),
    Plant(
        name="hidden",
        words="1 in 1,000 acknowledged readings is hidden from the pipeline",
        cell=planted.HiddenReadings,
        checks={"hidden readings": checks.hidden_readings},
    ),
    Plant(
        name="tampered",
        words="1 in 1,000 alerts is lost, 1 in 500 comes twice, 5 are made up",
        cell=planted.TamperedAlerts,
        checks={"tampered alerts": checks.tampered_alerts},
    ),
    Plant(
        name="clock",
        words="the clock of collector and host meter steps by 50 ms",
        cell=planted.SteppedClock,
        checks={"clock step": checks.stepped_clock},
        trigger=REALTIME,
    ),
    Plant(
        name="threshold",
        words="one threshold in the pipeline's rules file is moved by 0.5",
        cell=planted.MovedThreshold,
        checks={"moved threshold": checks.moved_threshold},
    ),
    Plant(
        name="slowed",
        words="the pipeline gets 0.9 of the offered rate",
        cell=planted.SlowedPipeline,
        checks={"slowed pipeline": checks.slowed_pipeline},
        # One batch more or less within the window would be as much as the share that is looked for may be off.
        trigger=REALTIME,
    ),
    Plant(
        name="neighbour",
        words="another program keeps every core busy",
        cell=planted.BurningNeighbour,
        checks={"burning neighbour": checks.burning_neighbour},
    ),
    Plant(
        name="hostile",
        words="the scenario `hostile`: readings come twice, late and out of order",
        cell=planted.Planted,
        checks={"hostile delivery": checks.hostile},
        load=Load(scenario="hostile"),
        # The only one that is to be valid, which a machine that others share may not let it be.
        tries=3,
    ),
    # Last, when the broker is warm: one that still stalls delays the held alerts at other instants than those that the
    # first collector sees, and nobody planted that.
    Plant(
        name="held",
        words="a relay between the alerts and a second collector holds each for D after its append",
        cell=planted.HeldAlerts,
        checks={f"held {hold} ms": checks.held_alerts(hold) for hold in planted.HOLDS_MS},
        # No boundary between batches falls into the window: it takes the processor from one collector, not from both.
        trigger="realtime:120s",
        # Beacons only, evenly spread, and little else to do: alerts that queue in the relay wait longer than planted.
        load=Load(scenario="calm", rate=500.0, beacon_share=0.2),
        off=checks.not_held,
    ),
)


def suite_config(load: Load, out: Path) -> RunConfig:
    """The run that the suite's cells belong to: the default window, and the warm-up of a long one.

    Batches get faster until then, and a cell that is not steady would answer for what was not planted.
    """
    scenario = load.scenario
    if load.beacon_share is not None:
        text = tomlkit.parse((SCENARIOS_DIR / f"{load.scenario}.toml").read_text())
        text["beacons"]["share"] = load.beacon_share
        scenario = str(out / f"{load.scenario}.toml")
        Path(scenario).write_text(tomlkit.dumps(text))
    return RunConfig(
        scenario=scenario,
        rate=load.rate,
        triggers=(REALTIME, MICRO_BATCH),
        partitions=(1,),
        warmup_s=LONGEST_WARMUP_S,
        window_s=30.0,
        spark_warmup_s=SPARK_WARMUP_S,
        drain_s=QUICK_DRAIN_S,
        out=str(out),
    )


def cells_of(plants: Sequence[Plant]) -> int:
    """How many cells ``plants`` take: one each, and a control for each trigger that needs one."""
    return len(plants) + len({plant.trigger for plant in plants if plant.off is None})


class Suite:
    """Runs plants on one broker; a bench for each scenario, and a control for each trigger, when first needed."""

    def __init__(self, broker: Broker, folder: Path, view: View) -> None:
        self._broker, self._folder, self._view = broker, folder, view
        self._started = int(time.time())
        self._benches: dict[Load, Bench] = {}
        self._controls: dict[str, Observed] = {}
        #: Cells begun as the view counts them, of which one that is tried again is the same, and all.
        self._cells, self._all = 0, 0
        self._stack = contextlib.ExitStack()

    def run(self, plant: Plant) -> list[Outcome]:
        """Run the plant's cell, and the control unless there was one; what each of its checks says of both.

        A cell that the machine disturbed is run again, as often as the plant allows; the last one counts.
        """
        self._cells += 1
        for number in range(1, plant.tries + 1):
            known, seen = self._observe(plant.name, plant.trigger, plant.load, plant.cell)
            lines = {name: check(known, seen) for name, check in plant.checks.items()}
            if number == plant.tries or not any(checks.disturbed(one, seen.cell) for one in lines.values()):
                break
            why = "; ".join(reason.message for reason in seen.cell.reasons)
            self._view.note(f"disturbed  {plant.name}: {why}; try {number + 1} of {plant.tries}")
        without = plant.off(seen) if plant.off is not None else self._control(plant.trigger)
        return [
            Outcome(name=name, words=plant.words, lines=lines[name], without=check(known, without))
            for name, check in plant.checks.items()
        ]

    def _control(self, trigger: str) -> Observed:
        if trigger not in self._controls:
            self._cells += 1
            name = f"control-{trigger.partition(':')[0]}"
            _, self._controls[trigger] = self._observe(name, trigger, Load(), planted.Planted)
        return self._controls[trigger]

    def _bench(self, load: Load) -> Bench:
        if load not in self._benches:
            run_id, config = f"trust-{self._started}-{load.scenario}", suite_config(load, self._folder)
            opened = open_bench(run_id, config, self._broker, {}, self._folder / load.scenario, self._view)
            self._benches[load] = self._stack.enter_context(opened)
        return self._benches[load]

    def _observe(
        self, name: str, trigger: str, load: Load, kind: type[planted.Planted]
    ) -> tuple[dict[str, Any], Observed]:
        """Run one cell and measure it; what its planter knows, and what the instrument says."""
        bench = self._bench(load)
        self._all += 1
        # Its number sets its topics apart from those of the other cells.
        asked = Trigger.parse(trigger, field="--triggers")
        spec = CellSpec(trigger=asked, partitions=1, profile="tuned", repeat=self._all)
        folder = self._folder / load.scenario / "cells" / name
        # A cell that was cut off, or disturbed, left its checkpoints, of topics that are no more.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._view.note(f"cell {self._cells}: {name}")
        self._view.cell(self._cells, spec, [], bench.stream.due_ns)
        with kind(spec, bench, folder) as cell:
            raw = run_cell(cell)
            cell.uproot()
            read = read_back(raw, bench)
            source = read_topic(bench.broker.bootstrap, raw.topics.readings, bench.settings)
            measured = measure(raw, read, bench, folder)
            stamps = pl.read_parquet(folder / "stamps.parquet")
            held = held_cells(cell, raw, read, bench) if isinstance(cell, planted.HeldAlerts) else {}
        seen = Observed(
            cell=measured,
            zero_ns=raw.zero_ns,
            stamps=stamps,
            source=source.select("partition", "offset", "value"),
            held=held,
        )
        return cell.planted, seen

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def held_cells(cell: planted.HeldAlerts, raw: RawCell, read: ReadBack, bench: Bench) -> dict[int, Cell]:
    """The cell as measured by the second collector, once for each time that alerts were held back."""
    collected = pl.read_parquet(cell.held_file)
    rejects = read.collected.filter(pl.col("topic") == raw.topics.rejects)
    found = {}
    for topic, hold_ms in cell.held.items():
        alerts = collected.filter(pl.col("topic") == topic).with_columns(topic=pl.lit(raw.topics.alerts))
        folder = cell.folder / f"held-{hold_ms}"
        folder.mkdir(exist_ok=True)
        second = ReadBack(judged=read.judged, collected=pl.concat([alerts, rejects]))
        found[hold_ms] = measure(raw, second, bench, folder)
    return found
