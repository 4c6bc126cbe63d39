"""How the repeats of a point scatter, beside the noise that is known of the machine; what difference that lets tell."""

from __future__ import annotations

import math
from typing import Any, Final

import polars as pl

from bench.compare.intervals import smallest_log_difference
from bench.compare.metrics import METRICS, Metric, value_of
from bench.records import Cell, Result
from reports import words
from reports.grid import Entry, Grid, Head, Row, text
from reports.tables import AXES, axes, ordered_cells

#: What is shown of each repeat, by the labels of `bench.compare.metrics`.
SHOWN: Final = ("p50", "p99", "drain", "CPU")
#: So many standard deviations to each side hold 95 % of a normal distribution.
_Z: Final = 1.96

_SPREAD: Final = {
    **AXES,
    **dict.fromkeys(("metric", "unit"), pl.String),
    **dict.fromkeys(("value", "of_mean", "noise_low", "noise_high"), pl.Float64),
}


def shown_metrics() -> list[Metric]:
    """Those of `SHOWN`, in the order in which `bench.compare` has them."""
    return [metric for metric in METRICS if metric.label in SHOWN]


def repeats_table(result: Result) -> pl.DataFrame:
    """One row a metric and repeat of every point that was measured more than once.

    ``of_mean``: the value over the geometric mean of the point's valid repeats (of all, where none is valid).
    ``noise_low`` to ``noise_high``: where, by the machine's stored noise, 95 % of repeats lie; null if unknown.
    """
    points: dict[str, list[Cell]] = {}
    for cell in ordered_cells(result):
        points.setdefault(cell.params.model_dump_json(exclude={"repeat"}), []).append(cell)
    rows = [
        row
        for cells in points.values()
        for metric in shown_metrics()
        for row in _scattered(metric, cells, _log_sd(result, cells[0], metric))
    ]
    return pl.DataFrame(rows, schema=_SPREAD)


def _scattered(metric: Metric, cells: list[Cell], log_sd: float | None) -> list[dict[str, Any]]:
    values = [(cell, value) for cell in cells if isinstance(value := value_of(metric, cell), float)]
    if len(values) < 2:
        return []
    sound = [value for cell, value in values if cell.verdict == "valid"] or [value for _, value in values]
    mean = math.exp(sum(map(math.log, sound)) / len(sound))
    low, high = (None, None) if log_sd is None else (math.exp(-_Z * log_sd), math.exp(_Z * log_sd))
    noise = {"noise_low": low, "noise_high": high}
    named = {"metric": metric.label, "unit": metric.unit}
    return [axes(cell) | named | {"value": value, "of_mean": value / mean} | noise for cell, value in values]


def _log_sd(result: Result, cell: Cell, metric: Metric) -> float | None:
    noise = result.calibration.noise
    return None if noise is None else noise.of(cell.params).get(metric.name)


def tellable_table(result: Result) -> pl.DataFrame:
    """One row a mode and metric whose noise is known: where 95 % of repeats lie, and from which change on it shows.

    ``repeats``: the most that a point of this run has. ``change``: the share by which another run of as many repeats
    must differ for that to show at 95 %. Empty where the noise is unknown.
    """
    rows = []
    noise = result.calibration.noise
    for mode in dict.fromkeys(cell.params.mode for cell in ordered_cells(result)):
        repeats = max(cell.params.repeat for cell in result.cells if cell.params.mode == mode)
        for metric in shown_metrics():
            log_sd = noise.log_sd.get(mode, {}).get(metric.name) if noise is not None else None
            if log_sd is not None:
                change = math.expm1(smallest_log_difference((log_sd, repeats), (log_sd, repeats)))
                scatter = {"scatter": math.expm1(_Z * log_sd), "change": change}
                rows.append({"mode": mode, "metric": metric.label, "repeats": repeats} | scatter)
    schema = {"mode": pl.String, "metric": pl.String, "repeats": pl.Int64, "scatter": pl.Float64, "change": pl.Float64}
    return pl.DataFrame(rows, schema=schema)


def tellable_grid(result: Result) -> Grid:
    """`tellable_table`, as the page shows it."""
    scatter = Head("repeats within", "95 % of repeats of one cell lie within so much of their mean")
    change = Head("change that shows", "the least by which another run must differ for that to show at 95 %")
    grid = Grid([Head("mode", kind=""), Head("metric", kind=""), scatter, Head("repeats"), change])
    for row in tellable_table(result).iter_rows(named=True):
        entries = [text(row["mode"]), text(row["metric"]), Entry(f"± {words.share(row['scatter'])}")]
        entries += [Entry(str(row["repeats"])), Entry(words.share(row["change"]))]
        grid.rows.append(Row(entries))
    return grid


def noise_sentence(result: Result) -> str:
    """What is known of the machine's noise, and how old that is."""
    noise = result.calibration.noise
    if noise is None:
        return "The machine's noise is not known: bench.noise measures and keeps it."
    age = words.plural(round(noise.age_days(result.run.started)), "day")
    return f"The machine's noise was measured {age} before this run, by bench.noise."
