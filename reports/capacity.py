"""The capacities that a search found: a table of the brackets, one of every trial, and both as the page shows them."""

from __future__ import annotations

from typing import Final

import polars as pl

from bench.records import Result
from reports import words
from reports.grid import Entry, Grid, Head, Row, badge, text
from reports.tables import AXES, axes, ordered_cells

_BRACKET: Final = {"passed": pl.Float64, "failed": pl.Float64, "share_of_consumer_performance": pl.Float64}


def capacity_table(result: Result) -> pl.DataFrame:
    """One row a searched cell: the ends of its bracket (readings/s), its share, how many trials, and its SLO."""
    rows = [
        axes(cell)
        | {name: getattr(cell.capacity, name) for name in _BRACKET}
        | {"trials": len(cell.capacity.trials), "slo": cell.capacity.slo}
        for cell in ordered_cells(result)
        if cell.capacity is not None
    ]
    return pl.DataFrame(rows, schema={**AXES, **_BRACKET, "trials": pl.Int64, "slo": pl.String})


def trials_table(result: Result) -> pl.DataFrame:
    """One row a trial, in the order in which they ran: cell, rate_per_s, outcome, verdict, value, reason."""
    rows = [
        {"cell": cell.id} | trial.model_dump()
        for cell in ordered_cells(result)
        if cell.capacity is not None
        for trial in cell.capacity.trials
    ]
    columns = {"outcome": pl.String, "verdict": pl.String, "value": pl.Float64, "reason": pl.String}
    return pl.DataFrame(rows, schema={"cell": pl.String, "rate_per_s": pl.Float64, **columns})


def capacity_grid(result: Result) -> Grid:
    """The brackets, with a numbered reason for every end that is missing or in doubt."""
    heads = {
        "passed": Head("passed/s", "the highest offered rate that stayed valid under the SLO, by two trials"),
        "failed": Head("failed/s", "the lowest one above it that did not, by two trials"),
        "share_of_consumer_performance": Head("of ConsumerPerformance", "passed, over what Kafka's own tool reads"),
    }
    grid = Grid([Head("cell", kind=""), *heads.values(), Head("trials"), Head("SLO", kind="")])
    reasons = {cell.id: cell.capacity.reasons for cell in result.cells if cell.capacity is not None}
    for row in capacity_table(result).iter_rows(named=True):
        why = reasons[row["cell"]]
        entries = []
        for name in heads:
            show = words.share if name.startswith("share") else words.count
            value = row[name]
            entries.append(Entry(show(value)) if value is not None else grid.missing(why.get(name, "not known")))
        note = grid.note(why["search"]) if "search" in why else None
        entries.append(Entry(words.count(row["trials"]), note=note))
        grid.rows.append(Row([text(row["cell"]), *entries, text(row["slo"])], tone=row["verdict"]))
    return grid


def trials_grid(result: Result) -> Grid:
    """Every trial, and why it did not pass."""
    grid = Grid([Head("cell", kind=""), Head("offered/s"), Head("outcome", kind="mark"), Head("why", kind="")])
    for row in trials_table(result).iter_rows(named=True):
        entries = [text(row["cell"]), Entry(words.count(row["rate_per_s"])), badge(row["outcome"]), text(row["reason"])]
        grid.rows.append(Row(entries, tone=row["verdict"]))
    return grid


def capacity_sentences(result: Result) -> list[str]:
    """What each searched cell sustains, a sentence each."""
    told = []
    for row in capacity_table(result).iter_rows(named=True):
        where = f"{words.trigger(row['trigger'])} with {words.plural(row['partitions'], 'partition')}"
        head = f"{where[0].upper()}{where[1:]} ({row['variant']})"
        passed, failed = (f"{words.count(row[name])} readings/s" for name in ("passed", "failed"))
        if row["passed"] is None:
            told.append(f"{head} sustains no rate that was tried.")
        elif row["failed"] is None:
            told.append(f"{head} sustains {passed} at least, and none that fails was found.")
        else:
            told.append(f"{head} sustains {passed} and not {failed}.")
    return told
