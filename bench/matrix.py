"""From axes to an ordered list of cells: interleaved, seeded, repeats never back to back."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass

from bench.config import RunConfig, also_cell
from bench.engines import COMMAND, PLAIN, SPARK, heeds_trigger
from bench.records import Params
from pipeline.triggers import Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSpec:
    """One cell to run: a point of the matrix and one repeat of it.

    ``profile``: of an engine other than Spark, which has none, its name. ``trial``: which try of a capacity search,
    counted from 1; 0 where nothing is searched.
    """

    trigger: Trigger
    partitions: int
    profile: str
    repeat: int
    engine: str = SPARK
    trial: int = 0

    @property
    def id(self) -> str:
        """Plain letters, digits and ``-`` ``.``: it is part of topic and folder names."""
        name = f"{self.trigger.name.replace(':', '-')}-p{self.partitions}-{self.profile}-r{self.repeat}"
        return f"{name}-t{self.trial}" if self.trial else name

    @property
    def params(self) -> Params:
        """The same as the result file has it."""
        return Params(
            trigger=self.trigger.name,
            partitions=self.partitions,
            profile=self.profile,
            engine=self.engine,
            repeat=self.repeat,
        )


def plan(config: RunConfig) -> list[CellSpec]:
    """Every cell of the matrix in the order in which it runs.

    Each repeat is one full round in an order of its own, drawn from the seed, so that slow drift of
    the machine spreads over all cells. The first cell of a round is never the last of the round before.
    """
    points = _points(config)
    shuffle = random.Random(f"order-{config.seed}")
    cells: list[CellSpec] = []
    for repeat in range(1, config.repeats + 1):
        order = points[:]
        shuffle.shuffle(order)
        if cells and len(order) > 1 and _point(cells[-1]) == order[0]:
            order.append(order.pop(0))
        cells += [
            CellSpec(
                trigger=Trigger.parse(t, field="--triggers"),
                partitions=p,
                profile=profile,
                engine=engine,
                repeat=repeat,
            )
            for t, p, profile, engine in order
        ]
    return cells


def in_order(cells: Iterable[CellSpec]) -> list[CellSpec]:
    """The cells as a matrix is read, not as they run: real-time first, then by trigger and partitions."""
    return sorted(
        cells, key=lambda c: (not c.trigger.is_realtime, c.trigger.seconds, c.partitions, c.profile, c.repeat)
    )


#: A point of the matrix: trigger, partitions, profile, engine.
_Point = tuple[str, int, str, str]

#: The trigger of a pipeline that knows none: it takes readings as they come.
_AT_ONCE = "0s"


def _points(config: RunConfig) -> list[_Point]:
    points: list[_Point] = []
    for engine in config.engines:
        triggers, names = config.triggers, config.profiles if engine == SPARK else (engine,)
        if engine == PLAIN or (engine == COMMAND and not heeds_trigger(config.pipeline_command or "")):
            triggers = (_AT_ONCE,)
        points += [(*point, engine) for point in itertools.product(triggers, config.partitions, names)]
    for trigger, partitions, profile in map(also_cell, config.also):
        points.append((trigger.name, partitions, profile, SPARK))
    # A cell that is asked for twice is one.
    return list(dict.fromkeys(points))


def _point(cell: CellSpec) -> _Point:
    return (cell.trigger.name, cell.partitions, cell.profile, cell.engine)
