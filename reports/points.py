"""The points of the matrix, repeats pooled, and the numbers that are shown over all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final, Literal

import polars as pl

from bench.records import Cell, Result
from reports import words
from reports.tables import HEADLINE_DEADLINE, ordered_cells, triggers_of, variants_of

#: What a point of the matrix says where it may not be read as a number.
SAYS: Final = {"invalid": "INVALID", "inconclusive": "INCONCLUSIVE", "broken": "BROKEN"}

_POINT: Final = {"variant": pl.String, "trigger": pl.String, "partitions": pl.Int64}
_VALUES: Final = {
    "value": pl.Float64,
    "doubtful": pl.Float64,
    "verdict": pl.String,
    "valid": pl.Int64,
    "repeats": pl.Int64,
    "n": pl.Int64,
}


@dataclass(frozen=True)
class MatrixPoint:
    """Trigger x partitions of one variant, with every repeat of it."""

    variant: str
    trigger: str
    partitions: int
    repeats: tuple[Cell, ...]

    @property
    def verdict(self) -> str:
        """Valid if any repeat is, else inconclusive, invalid, broken, or ``not run``."""
        measured = {cell.verdict for cell in self.repeats if cell.status == "done"}
        otherwise = "broken" if self.repeats else "not run"
        return next((word for word in ("valid", "inconclusive", "invalid") if word in measured), otherwise)

    @property
    def used(self) -> list[Cell]:
        """The repeats that speak for the point: its valid ones, or where there is none those that were measured."""
        wanted = self.verdict == "valid"
        return [cell for cell in self.repeats if cell.status == "done" and (cell.verdict == "valid") == wanted]

    @property
    def axes(self) -> dict[str, Any]:
        """Where it stands, as the first columns of a row."""
        return {"variant": self.variant, "trigger": self.trigger, "partitions": self.partitions}


def matrix_points(result: Result) -> list[MatrixPoint]:
    """Every variant x trigger (as asked for) x partitions, in that order, those that were not run as well."""
    cells = ordered_cells(result)
    return [
        MatrixPoint(
            variant,
            trigger,
            partitions,
            tuple(
                cell
                for cell in cells
                if (words.variant(cell.params), cell.params.trigger, cell.params.partitions)
                == (variant, trigger, partitions)
            ),
        )
        for variant in variants_of(result)
        for trigger in triggers_of(result)
        for partitions in sorted({cell.params.partitions for cell in cells})
    ]


@dataclass(frozen=True)
class Metric:
    """A number that a cell has or has not: how it is called, its unit, and how many samples of a cell are behind it."""

    title: str
    unit: Literal["ms", "share", "1/s", "cores"]
    of: Callable[[Cell], float | None]
    n: Callable[[Cell], float | None]

    def show(self, value: float) -> str:
        """``value`` as people read it; readings/s and cores without their unit, which the title says."""
        shown = {"ms": words.ms, "share": words.share, "1/s": words.count, "cores": words.number}
        return shown[self.unit](value)


def _at(*path: str) -> Callable[[Cell], float | None]:
    """What looks up the number at ``path`` in a cell; None as soon as a step is."""

    def look(cell: Cell) -> float | None:
        here: Any = cell
        for step in path:
            if here is not None:
                here = here.get(step) if isinstance(here, dict) else getattr(here, step)
        return None if here is None else float(here)

    return look


def _once(_: Cell) -> float:
    return 1


def _alarms(cell: Cell) -> float | None:
    judged = cell.quality.all if cell.quality is not None else None
    return judged.tp + judged.fp if judged is not None else None


def _trials(cell: Cell) -> float | None:
    return len(cell.capacity.trials) if cell.capacity is not None else None


def _recall(deadline: str) -> Metric:
    share, n = _at("fidelity", "recall_at_deadline", deadline), _at("latency_ms", "due_to_seen", "n")
    return Metric(f"alerts seen within {deadline} s", "share", share, n)


def _due_to_seen(name: str) -> Metric:
    path = ("latency_ms", "due_to_seen")
    return Metric(f"{name} of due to seen", "ms", _at(*path, name), _at(*path, "n"))


#: The heat maps, by the name that each has in the data.
HEAT_METRICS: Final[Mapping[str, Metric]] = {
    "p50_ms": _due_to_seen("p50"),
    "p99_ms": _due_to_seen("p99"),
    "batch_p50_ms": Metric("p50 of batch time", "ms", _at("batch_ms", "p50"), _at("batch_ms", "n")),
    "sustained_per_s": Metric("sustained rate (readings/s)", "1/s", _at("capacity", "passed"), _trials),
    f"recall_{HEADLINE_DEADLINE}s": _recall(HEADLINE_DEADLINE),
    "precision": Metric("precision of all rules", "share", _at("quality", "all", "precision"), _alarms),
}

#: What a trigger interval buys, and what it costs.
TRADE_METRICS: Final[Mapping[str, Metric]] = {
    **{f"recall_{deadline}s": _recall(deadline) for deadline in ("0.1", "1", "5")},
    "p99_ms": _due_to_seen("p99"),
    "pipeline_cores": Metric("CPU of the pipeline (cores)", "cores", _at("resources", "pipeline", "cores"), _once),
    "drain_per_s": Metric("drain of a backlog (readings/s)", "1/s", _at("throughput", "drain_per_s"), _once),
}


def metric_table(result: Result, metric: Metric) -> pl.DataFrame:
    """``metric`` at every one of `matrix_points`, a row each.

    ``value`` is the median over the valid repeats; where none is valid it is null, and ``doubtful`` has the median over
    those that were measured. ``verdict`` is the point's; ``valid`` of its ``repeats``; ``n``: samples behind the value.
    """
    return pl.DataFrame(
        [point.axes | _values(point, metric) for point in matrix_points(result)], schema={**_POINT, **_VALUES}
    )


def _values(point: MatrixPoint, metric: Metric) -> dict[str, Any]:
    known = [value for cell in point.used if (value := metric.of(cell)) is not None]
    middle = median(known) if known else None
    valid = point.verdict == "valid"
    return {
        "value": middle if valid else None,
        "doubtful": None if valid else middle,
        "verdict": point.verdict,
        "valid": sum(cell.verdict == "valid" for cell in point.repeats),
        "repeats": len(point.repeats),
        "n": sum(int(metric.n(cell) or 0) for cell in point.used),
    }


def metric_tables(result: Result, metrics: Mapping[str, Metric]) -> dict[str, pl.DataFrame]:
    """`metric_table` of each of ``metrics`` that any cell has."""
    return {
        name: metric_table(result, metric)
        for name, metric in metrics.items()
        if any(metric.of(cell) is not None for cell in result.cells)
    }


def with_several_triggers(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """``tables`` without the variants that were measured at fewer than two triggers."""
    measured = one_table(tables).filter(pl.coalesce("value", "doubtful").is_not_null())
    triggers = measured.group_by("variant").agg(pl.col("trigger").n_unique())
    several = triggers.filter(pl.col("trigger") > 1)["variant"].to_list()
    return {name: table.filter(pl.col("variant").is_in(several)) for name, table in tables.items()}


def one_table(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """``tables`` below each other, with the metric's name in front; points that were not run are left out."""
    parts = [table.select(pl.lit(name).alias("metric"), pl.all()) for name, table in tables.items()]
    empty = pl.DataFrame(schema={"metric": pl.String, **_POINT, **_VALUES})
    return pl.concat([empty, *parts]).filter(pl.col("verdict") != "not run")
