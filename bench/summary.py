"""The end of a run on the terminal: matrix, capacity, verdict, what to type next, where the report is."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from base.plain_text import printable
from base.terminal import print_prose
from bench.records import Capacity, Cell, Result, shown
from bench.view import show_ms

_MARKS = {"valid": "ok", "invalid": "INVALID", "inconclusive": "unsure"}
_STYLES = {"valid": "green", "invalid": "bold red", "inconclusive": "yellow"}

#: How wide a table is where there is no terminal to fit it into: the matrix, and as long as a reason may be.
_PIPE_WIDTH = 140
_REASON_WIDTH = 2000


def _text(text: str) -> Text:
    """``text`` as it stands: rich would take ``[red]`` in a bare string for its own, and a terminal its escapes."""
    return Text(printable(text))


def _ms(value: float | None) -> str:
    return "–" if value is None else show_ms(value)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def cell_row(cell: Cell) -> list[str]:
    """One row of the matrix as text."""
    p = cell.params
    head = [p.trigger, str(p.partitions), p.profile + (f" #{p.repeat}" if p.repeat > 1 else "")]
    if cell.latency_ms is None or cell.fidelity is None or cell.throughput is None:
        return [*head, *["–"] * 7, _MARKS[cell.verdict]]
    due_to_seen = cell.latency_ms.due_to_seen
    pooled = cell.quality.all if cell.quality is not None else None
    quality = "–" if pooled is None else f"{_share(pooled.precision)} / {_share(pooled.recall)}"
    drain = cell.throughput.drain_per_s
    wrong = cell.fidelity.missing + cell.fidelity.extra + cell.fidelity.duplicated
    return [
        *head,
        f"{cell.throughput.sent_per_s:,.0f}",
        _ms(due_to_seen.p50),
        _ms(due_to_seen.p99),
        _share(cell.fidelity.recall_at_deadline.get("1")),
        "exact" if wrong == 0 else f"{wrong} wrong",
        quality,
        "–" if drain is None else f"{drain / 1000:,.0f} k",
        _MARKS[cell.verdict],
    ]


def one_line(cell: Cell) -> str:
    """One finished cell in a line: ``realtime:30s p1 tuned: p50 3.1 ms, p99 9.8 ms, exact, ok (61 s)``."""
    p = cell.params
    head = f"trigger={p.trigger} parts={p.partitions} {p.profile}"
    if cell.capacity is not None:
        return f"{head}: {capacity_words(cell.capacity)} ({cell.duration_s:.0f} s)"
    if cell.status == "broken" or cell.latency_ms is None:
        return f"{head}: broken: {cell.reasons[0].message}"
    due_to_seen = cell.latency_ms.due_to_seen
    return (
        f"{head}: p50 {_ms(due_to_seen.p50)}, p99 {_ms(due_to_seen.p99)}, "
        f"{_MARKS[cell.verdict]} ({cell.duration_s:.0f} s)"
    )


def capacity_words(capacity: Capacity) -> str:
    """``38,400/s passed, 48,000/s failed``, or why there is none of the two."""
    passed = capacity.reasons["passed"] if capacity.passed is None else f"{capacity.passed:,.0f}/s passed"
    failed = capacity.reasons["failed"] if capacity.failed is None else f"{capacity.failed:,.0f}/s failed"
    return f"{passed}, {failed}"


#: The matrix's columns, and in which order they go when the terminal is too narrow for all.
COLUMNS = (
    *("trigger", "parts", "profile", "sent/s", "p50", "p99", "seen in 1 s"),
    *("alerts", "precision / recall", "drain/s", "verdict"),
)
_FIRST_TO_GO = ("drain/s", "sent/s", "profile", "precision / recall", "seen in 1 s")
_GAP = 2


def fitting_columns(rows: list[list[str]], width: int) -> list[int]:
    """The columns (by index) that fit into ``width`` characters with every cell of ``rows`` whole."""
    widths = [max(len(row[index]) for row in [list(COLUMNS), *rows]) for index in range(len(COLUMNS))]
    kept = list(range(len(COLUMNS)))
    for name in _FIRST_TO_GO:
        if sum(widths[index] + _GAP for index in kept) - _GAP <= width:
            break
        kept.remove(COLUMNS.index(name))
    return kept


def in_matrix_order(result: Result) -> list[Cell]:
    """All cells, ordered by trigger and partitions as given."""
    # A pipeline that knows no trigger has one that nobody gave.
    order = list(dict.fromkeys([*result.config["triggers"], *(cell.params.trigger for cell in result.cells)]))
    return sorted(
        result.cells,
        key=lambda c: (order.index(c.params.trigger), c.params.partitions, c.params.profile, c.params.repeat),
    )


def matrix_table(result: Result, width: int) -> Table:
    """All cells in what ``width`` holds of the columns."""
    cells = in_matrix_order(result)
    rows = [cell_row(cell) for cell in cells]
    kept = fitting_columns(rows, width)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    for index in kept:
        table.add_column(COLUMNS[index], no_wrap=True, justify="left" if index < 3 else "right")
    for cell, row in zip(cells, rows, strict=True):
        verdict = Text(row[-1], style=_STYLES[cell.verdict])
        table.add_row(*(_text(row[index]) for index in kept[:-1]), verdict)
    return table


def capacity_table(result: Result) -> Table:
    """The highest rates that passed, and the lowest above them that failed. Above: the cells at the former."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    for heading in ("trigger", "parts", "profile"):
        table.add_column(heading, no_wrap=True)
    for heading in ("passed/s", "failed/s", "of consumer", "trials"):
        table.add_column(heading, no_wrap=True, justify="right")
    table.add_column("SLO", overflow="fold")
    for cell in in_matrix_order(result):
        found = cell.capacity
        if found is None:
            continue
        table.add_row(
            *map(_text, (cell.params.trigger, str(cell.params.partitions), cell.params.profile)),
            *("–" if rate is None else f"{rate:,.0f}" for rate in (found.passed, found.failed)),
            _share(found.share_of_consumer_performance),
            str(len(found.trials)),
            _text(found.slo),
        )
    return table


def thresholds_table(result: Result) -> Table:
    """Every threshold at every cell it is for. What is said against a cell stands above it, once."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    for heading in ("verdict", "cell"):
        table.add_column(heading, no_wrap=True)
    # Wrapped, never cut.
    table.add_column("value", overflow="fold")
    table.add_column("threshold", overflow="fold")
    for one in result.thresholds:
        style = "green" if one.verdict == "passed" else "bold red"
        value = shown(one.value, one.unit) if one.value is not None else one.reason
        table.add_row(Text(one.verdict, style=style), _text(one.cell), _text(value), _text(one.expression))
    return table


def _print_table(console: Console, table: Table, width: int) -> None:
    """Into a pipe or a file the whole table goes, however wide the terminal is said to be, and no blanks behind it."""
    if console.is_terminal:
        console.print(table)
        return
    whole = io.StringIO()
    Console(file=whole, width=width, highlight=False, no_color=True).print(table)
    for line in whole.getvalue().splitlines():
        console.print(Text(line.rstrip()), soft_wrap=True)


def print_summary(console: Console, result: Result, report: Path | None) -> None:
    """Matrix, reasons, thresholds, advice, verdict, rerun command and report path, in that order."""
    _print_table(console, matrix_table(result, console.width if console.is_terminal else _PIPE_WIDTH), _PIPE_WIDTH)
    n = {cell.latency_ms.due_to_seen.n for cell in result.cells if cell.latency_ms is not None}
    floor = result.calibration.kafka_floor_ms
    counts = " to ".join(f"{value:,}" for value in sorted({min(n), max(n)})) if n else "0"
    line = f"due to seen over {counts} beacon alerts a cell"
    if floor is not None:
        line += f"; Kafka floor p50 {_ms(floor.p50)}, p99 {_ms(floor.p99)}"
    print_prose(console, Text(line, style="dim"))
    if any(cell.capacity is not None for cell in result.cells):
        console.print()
        _print_table(console, capacity_table(result), _PIPE_WIDTH)
    for cell in result.cells:
        for why in cell.capacity.reasons.values() if cell.capacity is not None else ():
            print_prose(console, _text(f"? {cell.id}: {why}"))
        for reason in cell.reasons:
            mark = "!" if reason.verdict == "invalid" else "?"
            print_prose(console, _text(f"{mark} {cell.id}: {reason.message}; {reason.remedy}."))
    for warning in result.warnings:
        print_prose(console, _text(f"! {warning}"))
    if result.thresholds:
        _print_table(console, thresholds_table(result), _REASON_WIDTH)
    for sentence in result.advice.sentences if result.advice is not None else []:
        print_prose(console, _text(f"advice   {sentence}"))
    print_prose(console, verdict_line(result))
    console.print(_text(f"rerun    {result.run.rerun}"), soft_wrap=True)
    console.print(_text(f"report   {report if report is not None else '(none was written)'}"), soft_wrap=True)


def verdict_line(result: Result) -> Text:
    """``VALID  6 of 6 cells`` or what else came of it."""
    count = {name: sum(cell.verdict == name for cell in result.cells) for name in _MARKS}
    total = len(result.cells)
    parts = [f"{count['valid']} of {total} cells valid"]
    parts += [f"{count[name]} {name}" for name in ("invalid", "inconclusive") if count[name]]
    if result.run.status == "partial":
        parts.append("partial: the run was interrupted")
    whole = count["valid"] == total and total > 0 and result.run.status == "complete"
    word, style = ("VALID", "bold green") if whole else ("PARTLY VALID", "bold yellow")
    if result.failed_checks:
        word, style = "THRESHOLD FAILED", "bold red"
        parts.append(f"{result.failed_checks} of {len(result.thresholds)} checks of thresholds failed")
    if not count["valid"]:
        word, style = "NO VALID CELL", "bold red"
    return Text.assemble((word, style), "    ", "; ".join(parts))
