"""The tables of cells and rules as the page shows them; a number that is missing has its reason as a note."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from bench.records import Quality, Result, shown
from reports import tables, words
from reports.grid import Entry, Grid, Head, Row, badge, text

_AXIS_HEADS = {
    "trigger": Head("trigger", kind=""),
    "partitions": Head("parti\u00adtions", "partitions of the source topic"),
    "variant": Head("profile", "Spark settings; detectors and engine where they are not the default", kind=""),
    "repeat": Head("repeat"),
}


def _axis_columns(frame: pl.DataFrame) -> list[str]:
    """The axes that tell the cells of ``frame`` apart: trigger and partitions always, others if they differ."""
    return [name for name in _AXIS_HEADS if name in ("trigger", "partitions") or frame[name].n_unique() > 1]


def _axis_entries(row: dict[str, Any], columns: list[str]) -> list[Entry]:
    return [text(row[name]) if isinstance(row[name], str) else Entry(str(row[name])) for name in columns]


def matrix_grid(result: Result) -> Grid:
    """The matrix: a row a cell, with a numbered reason for every number it lacks."""
    frame = tables.cells_table(result)
    columns = _axis_columns(frame)
    grid = Grid(
        [
            *(_AXIS_HEADS[name] for name in columns),
            Head("n", "beacon alerts expected in the window"),
            Head("p50"),
            Head("p90"),
            Head("p99"),
            Head("max"),
            Head("seen within 1 s", "share of the beacon alerts seen within 1 s of due"),
            Head("alerts", "missing, extra and doubled alerts, of all that were expected", kind=""),
            Head("precision", "of all rules, against the true weather, with its 95 % Wilson interval"),
            Head("recall", "of all rules, against the true weather, with its 95 % Wilson interval"),
            Head("sent/s", "readings sent per second of the window"),
            Head("drain/s", "readings per second at which a warm session drains a backlog"),
            Head("verdict", kind="mark"),
        ]
    )
    why = {cell.id: tables.why_missing(cell) for cell in result.cells}
    for row in frame.iter_rows(named=True):
        known = _Numbers(grid, row, why[row["cell"]])
        entries = [
            known.of("n", words.count),
            *(known.of(f"{name}_ms", words.ms) for name in ("p50", "p90", "p99", "max")),
        ]
        entries += [
            known.of("recall_1s", words.share),
            known.alerts(),
            known.interval("precision"),
            known.interval("recall"),
        ]
        entries += [known.of("sent_per_s", words.count), known.of("drain_per_s", words.count)]
        verdict = badge("broken" if row["status"] == "broken" else row["verdict"])
        grid.rows.append(Row([*_axis_entries(row, columns), *entries, verdict], tone=row["verdict"]))
    return grid


@dataclass(frozen=True)
class _Numbers:
    """Entries out of one row of the cells table."""

    grid: Grid
    row: dict[str, Any]
    why: dict[str, str]

    def of(self, column: str, show: Callable[[Any], str]) -> Entry:
        value = self.row[column]
        return Entry(show(value)) if value is not None else self.grid.missing(self.why.get(column, "not known"))

    def interval(self, name: str) -> Entry:
        entry = self.of(name, words.share)
        low, high = self.row[f"{name}_low"], self.row[f"{name}_high"]
        return entry if low is None else Entry(entry.text, words.interval(low, high), entry.note, entry.title)

    def alerts(self) -> Entry:
        row = self.row
        if row["expected"] is None:
            return replace(self.of("expected", words.count), kind="")
        wrong = [f"{row[name]:,} {name}" for name in ("missing", "extra", "duplicated") if row[name]]
        echoed = f", {row['echoed']:,} echoed" if row["echoed"] else ""
        return text(words.joined(wrong) if wrong else "exact", f"of {row['expected']:,}{echoed}")


def validity_grid(result: Result) -> Grid:
    """Every reason against a cell, with its remedy."""
    grid = Grid([Head(name, kind="") for name in ("cell", "verdict", "what was seen", "what to try")])
    for row in tables.validity_table(result).iter_rows(named=True):
        entries = [text(row["cell"]), badge(row["verdict"]), text(row["message"], row["rule"]), text(row["remedy"])]
        grid.rows.append(Row(entries, tone=row["verdict"]))
    return grid


def rules_grid(result: Result) -> Grid:
    """The rules that were run and judged by, in the order of labels; no row where they were not kept."""
    grid = Grid([Head(name, kind="") for name in ("rule", "holds if", "label")])
    for rule in result.rules or ():
        grid.rows.append(Row([*map(text, (rule.id, f"{rule.field} {rule.comparison} {rule.threshold:g}", rule.label))]))
    return grid


def thresholds_grid(result: Result) -> Grid:
    """Every threshold at every cell it is for, as it was judged; reasons if there are any."""
    why = any(one.reason for one in result.thresholds)
    heads = ["threshold", "cell", "value", "limit", *(["reason"] if why else [])]
    grid = Grid([Head("verdict", kind="mark"), *(Head(name, kind="") for name in heads)])
    for one in result.thresholds:
        value = words.NOTHING if one.value is None else shown(one.value, one.unit)
        columns = [one.expression, one.cell, value, shown(one.limit, one.unit), *([one.reason] if why else [])]
        grid.rows.append(Row([badge(one.verdict), *map(text, columns)]))
    return grid


def quality_grid(quality: Quality) -> Grid:
    """A row a rule: counts of events, then precision and recall with intervals."""
    heads = {
        "tp": Head("found (tp)", "events with an alert"),
        "fp": Head("false (fp)", "alarms that met no event"),
        "fn": Head("missed (fn)", "events without an alert"),
        "marginal": Head("marginal", "events that the sensor's noise alone decides about: neither found nor missed"),
        "masked": Head("masked", "found, under the label of an earlier rule"),
        "ignored": Head("ignored", "alarms on readings with an injected fault: neither right nor wrong"),
    }
    grid = Grid([Head("rule", kind=""), *heads.values()])
    grid.heads += [Head("precision", "with its 95 % Wilson interval"), Head("recall", "with its 95 % Wilson interval")]
    grid.heads += [
        Head("false per sensor-day", "alarms that met no event, per day of one sensor without injected faults"),
        Head("median delay", "event time from the start of an event to its first alert, of the events found"),
        Head("mean delay", "the same over all events, three hours at most, which is what a miss counts"),
    ]
    for row in tables.quality_table(quality).iter_rows(named=True):
        why = {"precision": "no alert to judge", "recall": "no event to find", "delay_s": "no event was found"}
        why["mean_delay_s"] = "no event to find, or more than three hours between two readings"
        known = _Numbers(grid, row, why)
        entries = [text(_rule_name(row)), *(Entry(words.count(row[key])) for key in heads)]
        entries += [known.interval("precision"), known.interval("recall")]
        entries.append(known.of("false_per_sensor_day", words.number))
        entries += [known.of(name, _event_seconds) for name in ("delay_s", "mean_delay_s")]
        grid.rows.append(Row(entries, tone="total" if row["group"] == "all" else "valid"))
    return grid


def metrics_grid(quality: Quality) -> Grid:
    """A row for each rule's alerts by the field's metrics, and below it one for each detector that knows nothing."""
    heads = {
        "event_f1": Head("F1 by events", "what the table above counts"),
        "point_f1": Head("by readings"),
        "range_f1": Head("by ranges", "Tatbul et al. 2018, flat"),
        "affiliation_precision": Head("affiliation precision", "Huet et al. 2022"),
        "affiliation_recall": Head("affiliation recall", "Huet et al. 2022"),
        "nab": Head("NAB", "standard profile: silence 0, perfect 100"),
        "pate_f1": Head("PATE F1", "Ghorbani et al. 2024, buffers of two readings"),
    }
    grid = Grid([Head("rule", kind=""), Head("detector", kind=""), *heads.values()])
    nothing = "undefined without an event to find, or without an alert to judge"
    for row in tables.metrics_table(quality).iter_rows(named=True):
        known = _Numbers(grid, row, dict.fromkeys(heads, nothing))
        name, detector = _rule_name(row), row["detector"].replace("_", " ")
        entries = [known.of(metric, words.number if metric == "nab" else words.share) for metric in heads]
        ours = row["detector"] == "alerts"
        grid.rows.append(Row([text(name if ours else ""), text(detector), *entries], tone="total" if ours else "valid"))
    return grid


def _rule_name(row: dict[str, Any]) -> str:
    return "all rules" if row["group"] == "all" else str(row["name"])


def _event_seconds(value: float) -> str:
    return f"{words.number(value / 60)} min" if value >= 60 else f"{words.number(value)} s"


def host_grid(result: Result) -> Grid:
    """What else happened on the machine, a row a cell."""
    frame = tables.host_table(result)
    columns = _axis_columns(frame)
    heads = {
        "hiccup_p99_ms": Head("hiccup p99", "how much longer than asked a nap of 1 ms took"),
        "hiccup_max_ms": Head("hiccup max", "how much longer than asked a nap of 1 ms took"),
        "steal": Head("steal", "share of CPU time taken by the hypervisor"),
        "cpu_pressure": Head("CPU pressure", "share of time in which some task waited for a CPU"),
        "others_cores": Head("others", "cores that other programs, and the kernel for ours, used"),
        "pipeline_pause_max_ms": Head("pipeline stood still", "its JVM's longest pause: collection or other safepoint"),
        "broker_pause_max_ms": Head("broker stood still", "its JVM's longest pause: collection or other safepoint"),
        "clock_step_ms": Head("clock step", "wall clock against monotonic clock"),
    }
    grid = Grid([*(_AXIS_HEADS[name] for name in columns), *heads.values()])
    for row in frame.iter_rows(named=True):
        why = dict.fromkeys(heads, "this machine's kernel does not say")
        why |= dict.fromkeys(("pipeline_pause_max_ms", "broker_pause_max_ms"), "no log of its JVM could be read")
        known = _Numbers(grid, row, why)
        shown = {name: words.ms if name.endswith("_ms") else words.share for name in heads}
        shown["others_cores"] = lambda value: f"{value:.2f}"
        shown["clock_step_ms"] = lambda value: f"{value:.3f} ms"
        entries = [known.of(name, show) for name, show in shown.items()]
        grid.rows.append(Row([*_axis_entries(row, columns), *entries], tone=row["verdict"]))
    return grid


def stalls_grid(frame: pl.DataFrame) -> Grid:
    """`over_time.stalls_table`, as the page shows it."""
    columns = _axis_columns(frame)
    heads = {
        "boundaries": Head("batch ends", "ends of real-time batches inside the window"),
        "median_stall_ms": Head("median stall", "longest wait around each end, their median"),
        "max_stall_ms": Head("longest stall"),
        "p50_without_ms": Head("p50 without", "alerts due within 1 s of a batch's end left out"),
        "p99_without_ms": Head("p99 without", "alerts due within 1 s of a batch's end left out"),
    }
    grid = Grid([*(_AXIS_HEADS[name] for name in columns), *heads.values()])
    for row in frame.iter_rows(named=True):
        why = dict.fromkeys(heads, "too few alerts") | dict.fromkeys(("median_stall_ms", "max_stall_ms"), "no end met")
        known = _Numbers(grid, row, why)
        entries = [known.of(name, words.ms if name.endswith("_ms") else words.count) for name in heads]
        grid.rows.append(Row([*_axis_entries(row, columns), *entries], tone=row["verdict"]))
    return grid
