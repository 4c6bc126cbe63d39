"""``bench.perf soak``: cells of an hour. Are they valid, and does anything grow that should not?"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import polars as pl
import psutil
import typer

from base.durations import format_duration, parse_duration_s
from base.errors import ComponentFailed, EnvironmentMissing, ExitCode, UsageError, one_line_errors
from base.figure_style import png
from base.jsonl import dumps
from base.paths import require_free_disk, writable_dir
from base.process import interrupt_on_sigterm
from bench import matrix
from bench.campaign import estimate_s, open_broker, ready_java
from bench.config import DEFAULT_SCENARIO, DEFAULT_SEED, require_between, split_list
from bench.environment import environment, git_facts
from bench.perf.soak_figure import soak_figure
from bench.perf.soak_mode import Plan, soak_bench, soak_mode
from bench.perf.soak_series import COLUMNS, MEASURES, SCHEMA, Mode, exit_code, settle_s, table
from bench.perf.tables import print_table
from bench.records import Cell
from bench.store import write_whole
from bench.summary import one_line
from bench.view import View
from pipeline.triggers import Trigger
from sim.scenario import load_scenario
from sim.stream import resolve_stream

#: Of a shorter one too little would be judged.
SHORTEST_S: Final = 120.0
#: So many colours has the figure.
MOST_MODES: Final = 4


@one_line_errors
def soak(
    duration: Annotated[str, typer.Option("--for", metavar="DUR", help="How long each mode is soaked.")] = "1h",
    rate: Annotated[float, typer.Option(help="Readings per second.")] = 5000.0,
    triggers: Annotated[str, typer.Option(metavar="T,...", help="The modes, one after the other.")] = "1s",
    partitions: Annotated[int, typer.Option(help="Partitions of the readings' topic.")] = 1,
    sensors: Annotated[int, typer.Option(help="How many sensors report.")] = 10_000,
    scenario: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="What is sent; days go by as fast as the rate asks for.")
    ] = DEFAULT_SCENARIO,
    seed: Annotated[int, typer.Option(help="Same seed, same readings.")] = DEFAULT_SEED,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for all files. \\[default: results/soak-<UTC>]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Is a cell of an hour valid, and does anything grow meanwhile: heap, memory, checkpoint folder, batch time?

    Each mode is one cell, judged by the rules of any other: no alert missing, extra or doubled in an hour, none
    late. Ctrl-C ends with what there is. Exit 0: all valid, all series flat; 3: one rises; 6: a cell is invalid;
    7: of one it cannot be told.
    """
    run_s = parse_duration_s(duration, field="--for")
    require_between(run_s, SHORTEST_S, 7 * 86_400.0, field="--for, in seconds,")
    plan = Plan(
        run_s=run_s,
        rate=rate,
        triggers=parse_triggers(triggers, run_s),
        partitions=partitions,
        sensors=sensors,
        scenario=scenario,
        seed=seed,
    )
    _check(plan)
    require_free_disk(Path(tempfile.gettempdir()), plan.disk_bytes)
    require_memory(plan)
    told = Told(_folder(out), plan)
    interrupt_on_sigterm()
    try:
        _soak_all(plan, told)
    finally:
        if told.modes and as_json:
            print(dumps(told.as_json()))
        elif told.modes:
            told.show()
    for mode in told.modes:
        if mode.status == "failed":
            raise ComponentFailed(f"{mode.trigger}, after {mode.seconds:.0f} s: {mode.reason}")
    if (code := exit_code(told.modes)) is not ExitCode.OK:
        raise typer.Exit(int(code))


def parse_triggers(text: str, run_s: float) -> tuple[Trigger, ...]:
    """The modes of ``--triggers``; raises `UsageError` for one that ``run_s`` is too short for."""
    triggers = tuple(Trigger.parse(part, field="--triggers") for part in split_list(text, field="--triggers"))
    if len(triggers) > MOST_MODES:
        raise UsageError(f"--triggers {text}: {len(triggers)} modes; give {MOST_MODES} at most")
    for trigger in triggers:
        settled_s = settle_s(trigger, run_s)
        if 2 * settled_s > run_s:
            raise UsageError(
                f"--for {format_duration(run_s)}: the checkpoint of {trigger.name} is full after "
                f"{format_duration(settled_s)} only; give at least {format_duration(2 * settled_s)}, or a shorter "
                "trigger"
            )
    return triggers


def require_memory(plan: Plan) -> None:
    """Raise `EnvironmentMissing` if there is too little memory to score a mode; better now than in an hour."""
    free = psutil.virtual_memory().available
    if free < plan.memory_bytes:
        raise EnvironmentMissing(
            f"{free / 2**30:.1f} GiB of memory are available; to score {plan.rate * plan.run_s:,.0f} readings takes "
            f"{plan.memory_bytes / 2**30:.1f} GiB; give a shorter --for, or a lower --rate"
        )


def _check(plan: Plan) -> None:
    require_between(plan.partitions, 1, 64, field="--partitions")
    described = load_scenario(plan.scenario)
    resolve_stream(described, seed=plan.seed, sensors=plan.sensors, rate=plan.rate, speedup=plan.speedup)


def _folder(out: Path | None) -> Path:
    folder = out or Path("results") / f"soak-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"--out {folder}: there are files in it; name a new folder")
    return writable_dir(folder, field="--out").resolve()


@dataclass
class Told:
    """What is known so far, and the files that hold it: ``soak.json``, ``samples.parquet``, ``soak.png``."""

    folder: Path
    plan: Plan
    modes: list[Mode] = field(default_factory=list)
    samples: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SCHEMA))
    #: The machine, asked once.
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, mode: Mode, samples: pl.DataFrame) -> None:
        """Take a mode in and write all files anew."""
        self.modes.append(mode)
        self.samples = pl.concat([self.samples, samples])
        self.facts = self.facts or {
            "env": environment().model_dump(mode="json"),
            "git": git_facts().model_dump(mode="json"),
        }
        self.samples.write_parquet(self.folder / "samples.parquet")
        write_whole(self.folder / "soak.png", png(soak_figure(self.samples, self.modes)))
        write_whole(self.folder / "soak.json", dumps(self.as_json()).encode() + b"\n")

    def as_json(self) -> dict[str, Any]:
        """What ``soak.json`` and ``--json`` hold."""
        units = {measure.name: measure.unit for measure in MEASURES}
        return {**self.plan.facts(), "modes": self.modes, "units": units, **self.facts}

    def show(self) -> None:
        """Print the table, for a person."""
        print_table(COLUMNS, table(self.modes), markdown=False)
        print()
        for mode in self.modes:
            print("\n".join(_cell(mode)))
        print(f"figure and samples: {self.folder}")


def _cell(mode: Mode) -> list[str]:
    """What a mode came to, in lines."""
    lasted = f"{mode.trigger}: {mode.status}, {format_duration(round(mode.seconds))}"
    if mode.cell is None:
        return [lasted]
    cell = Cell.model_validate(mode.cell)
    return [f"{lasted}; {one_line(cell)}", *(f"  {reason.message}" for reason in cell.reasons)]


def _soak_all(plan: Plan, told: Told) -> None:
    """One mode after the other; `KeyboardInterrupt` once what there is has been written."""
    config = plan.config(told.folder)
    with View(total=len(plan.triggers), cell_estimate_s=lambda cell: estimate_s(config, cell) + plan.scoring_s) as view:
        ready_java(config, view)
        with (
            open_broker(config, {}) as coming_up,
            soak_bench(plan, coming_up.result(), told.folder, view) as bench,
        ):
            # As asked for, not drawn by lot: nothing here is compared.
            cells = sorted(matrix.plan(config), key=lambda cell: config.triggers.index(cell.trigger.name))
            for number, spec in enumerate(cells, 1):
                view.cell(number, spec, cells[number:], bench.stream.due_ns)
                folder = told.folder / spec.trigger.name.replace(":", "-")
                folder.mkdir()
                mode, samples = soak_mode(spec, bench, plan, folder)
                told.add(mode, samples)
                if mode.status == "interrupted":
                    raise KeyboardInterrupt
