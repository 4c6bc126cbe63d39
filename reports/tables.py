"""From a result to tidy frames: one row a cell, a stage, a process, a rule.

Pure. Figures and pages draw these frames and add nothing to them; tests assert them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

import polars as pl

from bench.records import Cell, Counted, Quality, Result, Score
from reports import words

#: The deadline, in s, whose recall is headlined; a key of ``fidelity.recall_at_deadline``.
HEADLINE_DEADLINE = "1"

#: The first columns of every table: where a cell stands, and what became of it.
AXES: Final = {
    "cell": pl.String,
    "trigger": pl.String,
    "partitions": pl.Int64,
    "variant": pl.String,
    "repeat": pl.Int64,
    "status": pl.String,
    "verdict": pl.String,
}
_NUMBERS: Final = {
    "n": pl.Int64,
    "p50_ms": pl.Float64,
    "p90_ms": pl.Float64,
    "p99_ms": pl.Float64,
    "max_ms": pl.Float64,
    "recall_1s": pl.Float64,
    "expected": pl.Int64,
    "missing": pl.Int64,
    "extra": pl.Int64,
    "duplicated": pl.Int64,
    "echoed": pl.Int64,
    "precision": pl.Float64,
    "precision_low": pl.Float64,
    "precision_high": pl.Float64,
    "recall": pl.Float64,
    "recall_low": pl.Float64,
    "recall_high": pl.Float64,
    "sent_per_s": pl.Float64,
    "drain_per_s": pl.Float64,
}


def triggers_of(result: Result) -> list[str]:
    """The triggers in the order in which they were asked for; others, as they occur, after them."""
    asked = [name for name in result.config.get("triggers", []) if isinstance(name, str)]
    return list(dict.fromkeys([*asked, *(cell.params.trigger for cell in result.cells)]))


def variants_of(result: Result) -> list[str]:
    """The variants, those of the matrix first, in the order of its profiles; then what ``--also`` added."""
    asked = [name for name in result.config.get("profiles", []) if isinstance(name, str)]
    return sorted(
        {words.variant(cell.params) for cell in result.cells},
        key=lambda name: (asked.index(name) if name in asked else len(asked), name),
    )


def ordered_cells(result: Result) -> list[Cell]:
    """The cells by variant, trigger (as asked for), partitions and repeat, whatever order they ran in."""
    order, variants = triggers_of(result), variants_of(result)
    return sorted(
        result.cells,
        key=lambda cell: (
            variants.index(words.variant(cell.params)),
            order.index(cell.params.trigger),
            cell.params.partitions,
            cell.params.repeat,
        ),
    )


def axes(cell: Cell) -> dict[str, Any]:
    """The values of `AXES` for one cell."""
    p = cell.params
    return {
        "cell": cell.id,
        "trigger": p.trigger,
        "partitions": p.partitions,
        "variant": words.variant(p),
        "repeat": p.repeat,
        "status": cell.status,
        "verdict": cell.verdict,
    }


def cells_table(result: Result) -> pl.DataFrame:
    """One row a cell; latency is due to seen of the beacons. Numbers that could not be had are null."""
    rows = [axes(cell) | _numbers(cell) for cell in ordered_cells(result)]
    return pl.DataFrame(rows, schema={**AXES, **_NUMBERS})


def _numbers(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(_NUMBERS)
    if cell.latency_ms is not None:
        latency = cell.latency_ms.due_to_seen
        row |= {"n": latency.n, "p50_ms": latency.p50, "p90_ms": latency.p90, "p99_ms": latency.p99}
        row["max_ms"] = latency.max
    if cell.fidelity is not None:
        row["recall_1s"] = cell.fidelity.recall_at_deadline.get(HEADLINE_DEADLINE)
        row |= {name: getattr(cell.fidelity, name) for name in ("expected", "missing", "extra", "duplicated", "echoed")}
    if cell.quality is not None and cell.quality.all is not None:
        row |= _shares(cell.quality.all.model_dump())
    if cell.throughput is not None:
        row |= {"sent_per_s": cell.throughput.sent_per_s, "drain_per_s": cell.throughput.drain_per_s}
    return row


def _shares(score: dict[str, Any]) -> dict[str, float | None]:
    """Precision and recall of a dumped `Score` with the ends of their intervals."""
    row: dict[str, float | None] = {}
    for name in ("precision", "recall"):
        ends = score["intervals"].get(name) or {}
        row |= {name: score[name], f"{name}_low": ends.get("low"), f"{name}_high": ends.get("high")}
    return row


def why_missing(cell: Cell) -> dict[str, str]:
    """The reason for every number that the row of ``cell`` in `cells_table` lacks, by column."""
    given = _numbers(cell)
    latency = cell.latency_ms.due_to_seen.reasons if cell.latency_ms is not None else {}
    known = {
        **{f"{name}_ms": reason for name, reason in latency.items()},
        **(cell.throughput.reasons if cell.throughput is not None else {}),
        "precision": "no alert to judge",
        "recall": "no hazard to find",
        "recall_1s": "no alert of a beacon was expected",
    }
    if cell.capacity is not None:
        known |= dict.fromkeys(("precision", "recall"), "a search for the highest rate scores no quality")
    if cell.status == "broken":
        known = dict.fromkeys(given, cell.error or "the cell broke")
    return {column: known.get(column, "not known") for column, value in given.items() if value is None}


def validity_table(result: Result) -> pl.DataFrame:
    """One row for each reason against a cell: cell, verdict, rule, message, remedy. Errors are reasons too."""
    rows = []
    for cell in ordered_cells(result):
        head = {"cell": cell.id}
        rows += [head | reason.model_dump(include={"verdict", "rule", "message", "remedy"}) for reason in cell.reasons]
        if cell.status == "broken" and not cell.reasons:
            message = cell.error or "the cell broke without a message"
            rows.append(head | {"verdict": "invalid", "rule": "broken", "message": message, "remedy": "read its logs"})
    return pl.DataFrame(rows, schema=dict.fromkeys(("cell", "verdict", "rule", "message", "remedy"), pl.String))


def budget_table(result: Result) -> pl.DataFrame:
    """One row for each stage of each cell, in the order of the stages: its mean ms over all alerts."""
    rows = [
        axes(cell) | {"stage": stage, "mean_ms": mean}
        for cell in ordered_cells(result)
        if cell.latency_ms is not None
        for stage, mean in cell.latency_ms.budget.items()
    ]
    return pl.DataFrame(rows, schema={**AXES, "stage": pl.String, "mean_ms": pl.Float64})


def batch_table(result: Result) -> pl.DataFrame:
    """One row a cell in micro-batches: ``p50_ms``, ``p99_ms``, ``max_ms`` of batch time over the window's ``n`` alerts.

    ``batches``: how many those alerts came from.
    """
    rows = [
        axes(cell)
        | {"batches": cell.batches, "n": cell.batch_ms.n}
        | {f"{name}_ms": getattr(cell.batch_ms, name) for name in ("p50", "p99", "max")}
        for cell in ordered_cells(result)
        if cell.batch_ms is not None and cell.batch_ms.p50 is not None
    ]
    times = dict.fromkeys(("p50_ms", "p99_ms", "max_ms"), pl.Float64)
    return pl.DataFrame(rows, schema={**AXES, "batches": pl.Int64, "n": pl.Int64, **times})


def resources_table(result: Result) -> pl.DataFrame:
    """One row for each process of each cell: CPU and memory inside the window."""
    rows = [
        axes(cell) | {"process": name} | usage.model_dump()
        for cell in ordered_cells(result)
        for name, usage in cell.resources.items()
    ]
    numbers = {"cpu_s": pl.Float64, "cpu_s_per_million": pl.Float64, "cores": pl.Float64, "rss_bytes": pl.Int64}
    return pl.DataFrame(rows, schema={**AXES, "process": pl.String, **numbers})


def host_table(result: Result) -> pl.DataFrame:
    """One row a measured cell: what else happened on the machine inside its window."""
    names = ("hiccup_p99_ms", "hiccup_max_ms", "steal", "cpu_pressure", "others_cores", "clock_step_ms")
    jvms = {"pipeline": "pipeline_pause_max_ms", "broker": "broker_pause_max_ms"}
    rows = []
    for cell in ordered_cells(result):
        if cell.host is not None:
            pauses = {
                column: cell.host.pauses[name].max_ms for name, column in jvms.items() if name in cell.host.pauses
            }
            rows.append(axes(cell) | {name: getattr(cell.host, name) for name in names} | pauses)
    return pl.DataFrame(rows, schema={**AXES, **dict.fromkeys((*names, *jvms.values()), pl.Float64)})


def quality_table(quality: Quality) -> pl.DataFrame:
    """One row a rule or fault kind, and ``all`` at the end: counts, shares, intervals, false alarms, delays."""
    counts = ("tp", "fp", "fn", "marginal", "masked", "ignored")
    rows = []
    for group, name, score in scores(quality):
        found = score.model_dump()
        numbers = {
            "false_per_sensor_day": score.false_alarms_per_sensor_day,
            "delay_s": score.delay.median_event_s,
            "mean_delay_s": score.delay.restricted_mean_event_s,
        }
        rows.append({"group": group, "name": name} | {key: found[key] for key in counts} | _shares(found) | numbers)
    shares = ("precision", "precision_low", "precision_high", "recall", "recall_low", "recall_high")
    others = ("false_per_sensor_day", "delay_s", "mean_delay_s")
    schema = {"group": pl.String, "name": pl.String} | dict.fromkeys(counts, pl.Int64)
    return pl.DataFrame(rows, schema={**schema, **dict.fromkeys((*shares, *others), pl.Float64)})


#: The columns of `metrics_table`, and where in a dumped `Counted` each comes from.
METRICS: Final = {
    "event_f1": ("f1",),
    "point_f1": ("metrics", "point", "f1"),
    "range_f1": ("metrics", "range", "f1"),
    "affiliation_precision": ("metrics", "affiliation", "precision"),
    "affiliation_recall": ("metrics", "affiliation", "recall"),
    "nab": ("metrics", "nab", "standard"),
    "pate_f1": ("metrics", "pate", "f1"),
}


def metrics_table(quality: Quality) -> pl.DataFrame:
    """One row for the ``alerts`` of each rule, and one for each detector that knows nothing; ``all`` at the end.

    The other profiles of NAB, and what stands behind each F1, are in result.json only. Empty for a result of a version
    that knew fewer metrics.
    """
    rows = [
        {"group": group, "name": name, "detector": detector} | {key: _at(found, path) for key, path in METRICS.items()}
        for group, name, score in scores(quality)
        for detector, found in {"alerts": score, **score.baselines}.items()
        if found.metrics is not None
    ]
    names = dict.fromkeys(("group", "name", "detector"), pl.String)
    return pl.DataFrame(rows, schema={**names, **dict.fromkeys(METRICS, pl.Float64)})


def _at(found: Counted, path: tuple[str, ...]) -> float | None:
    value: Any = found
    for step in path:
        value = getattr(value, step)
    return cast(float | None, value)


def scores(quality: Quality) -> Iterator[tuple[str, str, Score]]:
    """(group, name, score) of every rule, every kind of fault, and of all rules: rule, fault, all."""
    for group, scores in (("rule", quality.by_rule), ("fault", quality.by_fault)):
        for name, score in scores.items():
            yield group, name, score
    if quality.all is not None:
        yield "all", "all", quality.all


def quality_groups(result: Result) -> list[tuple[list[Cell], Quality]]:
    """The cells that were scored, those with the same quality together, in the order of their first."""
    groups: list[tuple[list[Cell], Quality]] = []
    for cell in ordered_cells(result):
        if cell.quality is None:
            continue
        same = next((cells for cells, quality in groups if quality == cell.quality), None)
        if same is None:
            groups.append(([cell], cell.quality))
        else:
            same.append(cell)
    return groups
