"""``python -m bench.crossings``: how much each scenario gives the rules to find.

Counted on the true weather, beacons left out. A *crossing* is the beginning of a hazard: of a run of
consecutive readings of one sensor on which a rule holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
import orjson
import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from base.errors import UsageError, one_line_errors
from bench.quality.hazards import rule_holds
from pipeline.rules import AlertRule, load_rules
from sim.scenario import list_scenarios, load_scenario
from sim.scenario_fields import DAY_S
from sim.simulate import simulate
from sim.stream import StreamSpec, resolve_stream
from sim.truth import TruthBatch
from wire.reading import CHANNELS

#: Every scenario that comes with the project.
ALL: Final = "all"
#: The line that counts readings on which some rule holds, whichever.
ANY: Final = "any rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One rule in one scenario: hazards that begin per sensor and day, and the share of readings in one."""

    crossings_per_sensor_day: float
    hazard_share: float


class Counter:
    """Counts crossings batch by batch; remembers of each sensor which rules held in its last reading."""

    def __init__(self, rules: Sequence[AlertRule], sensors: int) -> None:
        self._rules = tuple(rules)
        self.names = (*(rule.id for rule in rules), ANY)
        self._held: npt.NDArray[np.bool_] = np.zeros((sensors + 1, len(self.names)), dtype=np.bool_)
        self._seen: npt.NDArray[np.bool_] = np.zeros(sensors + 1, dtype=np.bool_)
        self._readings = 0
        self._crossings = np.zeros(len(self.names), dtype=np.int64)
        self._hazardous = np.zeros(len(self.names), dtype=np.int64)

    def add(self, truth: TruthBatch) -> None:
        """The next batch; each sensor's readings come in their order."""
        rows = np.flatnonzero(~truth.beacon)
        rows = rows[np.argsort(truth.sensor_id[rows], kind="stable")]
        sensor, true = truth.sensor_id[rows], truth.true[rows]
        holds = np.stack(
            [rule_holds(rule, true[:, CHANNELS.index(rule.field)]) for rule in self._rules],
            axis=1,
        )
        holds = np.concatenate([holds, holds.any(axis=1, keepdims=True)], axis=1)
        new = np.diff(sensor, prepend=0) != 0  # sensors count from 1
        before = np.where(new[:, None], self._held[sensor], np.roll(holds, 1, axis=0))
        self._held[sensor] = holds  # the last reading of each sensor stays
        self._seen[sensor] = True
        self._readings += len(rows)
        self._crossings += (holds & ~before).sum(axis=0)
        self._hazardous += holds.sum(axis=0)

    def exposures(self, days: float) -> dict[str, Exposure]:
        """What was counted in so many days, by rule and for any of them."""
        sensors = int(self._seen.sum())
        return {
            name: Exposure(
                crossings_per_sensor_day=int(crossings) / (sensors * days), hazard_share=int(hazardous) / self._readings
            )
            for name, crossings, hazardous in zip(self.names, self._crossings, self._hazardous, strict=True)
        }


def exposures(
    stream: StreamSpec, rules: Sequence[AlertRule], *, days: int, until: Callable[[float], None] = lambda _: None
) -> dict[str, Exposure]:
    """The first ``days`` days of a stream; ``until`` is told up to which day they are counted."""
    counter = Counter(rules, stream.sensors)
    for chunk in simulate(stream, start_s=0.0, end_s=days * DAY_S):
        counter.add(chunk.truth)
        until((int(chunk.truth.event_us[-1]) - stream.scenario.start_us) / 1e6 / DAY_S)
    return counter.exposures(days)


def cells(found: dict[str, Exposure]) -> list[str]:
    """Per rule crossings per sensor-day and share of readings, as text; a dash where there is none."""
    return [
        f"{one.crossings_per_sensor_day:.3g}, {100.0 * one.hazard_share:.2g} %" if one.hazard_share else "–"
        for one in found.values()
    ]


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command(epilog="Example: python -m bench.crossings --scenario chatter --days 7")
@one_line_errors
def crossings(
    scenario: Annotated[str, typer.Option(metavar="NAME|FILE|all", help="A scenario, or all that come along.")] = ALL,
    rules_file: Annotated[
        Path | None, typer.Option("--rules", metavar="FILE", help="Rules of your own.  [the five of the seed]")
    ] = None,
    sensors: Annotated[int, typer.Option(help="How many sensors report.")] = 1000,
    days: Annotated[int, typer.Option(help="How many days of event time to count.")] = 1,
    seed: Annotated[int, typer.Option(help="Same seed, same readings.")] = 42,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The table in Markdown.")] = False,
) -> None:
    """Print how often each rule's hazards begin, per sensor and day, and the share of readings in them.

    Hazards are counted on the true weather; beacons are left out.
    """
    if days < 1:
        raise UsageError(f"--days {days}: give at least 1")
    if as_json and markdown:
        raise UsageError("--json --markdown: choose one of them")
    rules = load_rules(rules_file)
    names = list_scenarios() if scenario == ALL else [scenario]
    streams = [resolve_stream(load_scenario(name), seed=seed, sensors=sensors) for name in names]
    found = {}
    with Progress(console=Console(stderr=True)) as progress:
        for stream in streams:
            name = stream.scenario.name
            task = progress.add_task(name, total=days)

            def until(day: float, task: TaskID = task) -> None:
                progress.update(task, completed=day)

            found[name] = exposures(stream, rules, days=days, until=until)
            progress.update(task, completed=days)
    if as_json:
        by_scenario = {name: {rule: asdict(one) for rule, one in by_rule.items()} for name, by_rule in found.items()}
        print(orjson.dumps({"sensors": sensors, "days": days, "seed": seed, "scenarios": by_scenario}).decode())
        return
    columns = ["scenario", *(rule.id for rule in rules), ANY]
    rows = [[name, *cells(by_rule)] for name, by_rule in found.items()]
    if markdown:
        for row in (columns, ["---"] * len(columns), *rows):
            print(f"| {' | '.join(row)} |")
        return
    table = Table(*columns, title="hazards per sensor-day, share of readings in them")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    app()
