"""A comparison on a terminal, and as Markdown for a pull request. Nothing is decided here.

What comes out of a result file may be anybody's: nothing unprintable reaches the terminal, and
nothing of it is taken for Markdown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from base.plain_text import markdown as plain
from base.plain_text import printable
from base.terminal import print_prose
from bench.compare.comparison import Comparison, Point
from bench.compare.rows import Outcome, Row
from bench.view import show_ms

_NOTHING = "–"
_STYLES = {
    "better": "green",
    "worse": "bold red",
    "unchanged": "",
    "shown": "dim",
    "untold": "dim",
    "incomparable": "dim",
}
_COUNTED: dict[Outcome, str] = {
    "better": "better",
    "worse": "worse",
    "unchanged": "no change shown",
    "untold": "cannot be told",
    "incomparable": "not comparable",
}

#: What every form of the output ends with, as lines.
LEGEND = """\
p50, p99: due to seen, beacons. batch: picked to alert appended, p50. drain: readings/s of a backlog. \
CPU: the pipeline's CPU s per million readings. stall: longest wait around a boundary, median. \
alerts: missing, extra or duplicated ones.
A and B: lowest to highest value of the valid repeats. B/A: ratio of their geometric means; \
of precision and recall, B minus A in percentage points.
95 %: Welch's t-interval of the logs; Newcombe's of shares. Each holds by itself; the words hold for all cells \
together (Holm), so that an interval may leave out 1 beside "no change shown".
Repeats of one run share its hour: how the machine drifts from run to run is in none of the intervals."""


def point_name(point: Point) -> str:
    """``1s, 4 partitions, tuned``; detectors and engine where they are not the usual."""
    p = point.params
    axes = [p["trigger"], f"{p['partitions']} partition" + ("s" if p["partitions"] != 1 else ""), p["profile"]]
    axes += [p[axis] for axis, usual in (("detectors", "rules"), ("engine", "spark")) if p[axis] != usual]
    return printable(", ".join(axes))


def headline(comparison: Comparison) -> str:
    """``B against A: 2 better, 1 worse, 9 no change shown``."""
    counted = Counter(row.outcome for point in comparison.points for row in point.rows)
    parts = [f"{counted[name]} {words}" for name, words in _COUNTED.items() if counted[name]]
    return f"{comparison.label} against A: {', '.join(parts) or 'nothing to compare'}"


def remarks(comparison: Comparison) -> Iterator[str]:
    """What a reader must know before any figure."""
    if comparison.forced:
        yield f"compared by --force, although these differ: {'; '.join(comparison.forced)}"
    if comparison.machines:
        yield f"the machines differ: {'; '.join(comparison.machines)}"
    if comparison.other:
        yield f"also different: {'; '.join(comparison.other)}"


def _value(row: Row, value: float) -> str:
    if row.unit == "ms":
        return show_ms(value)
    if row.unit == "1/s":
        return f"{value / 1000:,.0f} k/s" if value >= 10_000 else f"{value:,.0f}/s"
    return f"{value:.1%}" if row.unit == "share" else f"{value:.3g} s" if value < 100 else f"{value:,.0f} s"


def span(row: Row, values: Sequence[float]) -> str:
    """The lowest and the highest of ``values``: ``612–640 ms``."""
    if not values:
        return _NOTHING
    low, high = (_value(row, value) for value in (min(values), max(values)))
    if low == high:
        return low
    number, _, unit = low.partition(" ")
    return f"{number}–{high}" if unit and high.endswith(f" {unit}") else f"{low}–{high}"


def sides(row: Row) -> tuple[str, str]:
    """What A and B show."""
    if row.unit != "wrong":
        return span(row, row.a), span(row, row.b)
    wrong = [sum(map(sum, counts.values())) for counts in row.counts.values()]
    shown = ["exact" if count == 0 else f"{count:,} wrong" for count in wrong]
    return (shown[0], shown[1]) if len(shown) == 2 else (_NOTHING, _NOTHING)


def effect(row: Row) -> tuple[str, str]:
    """Ratio or difference, and its interval."""
    found = row.estimate
    if found is None:
        return "", ""
    if row.effect == "difference":
        low, high = (f"{100 * (end or 0):+.1f}" for end in (found.low, found.high))
        return f"{100 * found.value:+.1f}", f"{low} to {high}"
    return f"{found.value:.2f}", "" if found.low is None else f"{found.low:.2f}–{found.high:.2f}"


class _Notes:
    """Long words, each once, by number."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def mark(self, short: str, words: str) -> str:
        return f"{short} [{self.numbers.setdefault(words, len(self.numbers) + 1)}]"

    def in_short(self, row: Row) -> str:
        if row.outcome in ("untold", "incomparable"):
            return self.mark(_COUNTED[row.outcome], row.words)
        return self.mark("differ", row.words) if row.words.startswith("differ: ") else row.words


def print_table(console: Console, labels: dict[str, str], comparisons: Sequence[Comparison]) -> None:
    """Print everything on ``console``, no table wider than 80 columns. ``labels``: A, B, ... -> which run it is."""
    for label, run in labels.items():
        print_prose(console, Text(f"{label}  {printable(run)}", style="bold"))
    for comparison in comparisons:
        notes = _Notes()
        console.print()
        for remark in remarks(comparison):
            print_prose(console, Text(f"! {printable(remark)}", style="yellow"))
        print_prose(console, Text(headline(comparison), style="bold"))
        for point in comparison.points:
            _print_point(console, comparison.label, point, notes)
        if notes.numbers:
            console.print()
        for words, number in notes.numbers.items():
            print_prose(console, Text(f"[{number}] {printable(words)}"))
    console.print()
    for line in LEGEND.splitlines():
        console.print(Text(line, style="dim"))


def _print_point(console: Console, label: str, point: Point, notes: _Notes) -> None:
    console.print()
    counted = f"{point.repeats[0]} and {point.repeats[1]} valid repeats"
    print_prose(console, Text.assemble((point_name(point), "bold"), f"  {counted}"))
    for words in point.left_out:
        print_prose(console, Text(f"! {printable(words)}"))
    told = [row for row in point.rows if row.outcome != "incomparable" or row.a or row.b]
    for words in dict.fromkeys(row.words for row in point.rows if row not in told):
        names = ", ".join(row.label for row in point.rows if row not in told and row.words == words)
        print_prose(console, Text(f"{names}: {notes.mark(_COUNTED['incomparable'], words)}"))
    if not told:
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in ("", "A", label, f"{label}/A", "95 %"):
        table.add_column(head, no_wrap=True, justify="left" if head == "" else "right")
    table.add_column("in words", min_width=10)
    for row in told:
        said = Text(printable(notes.in_short(row)), style=_STYLES[row.outcome])
        table.add_row(row.label, *sides(row), *effect(row), said)
    console.print(table)


def markdown(labels: dict[str, str], comparisons: Sequence[Comparison]) -> str:
    """The same in GitHub's Markdown: a headline, what to know first, and a table for each comparison."""
    lines = ["## alertbench: runs compared", ""]
    lines += [f"- **{label}** {plain(run)}" for label, run in labels.items()]
    for comparison in comparisons:
        lines += ["", f"**{headline(comparison)}**", ""]
        lines += [f"> **Note:** {plain(remark)}\n" for remark in remarks(comparison)]
        heads = ["cell", "metric", "A", comparison.label, f"{comparison.label}/A", "95 %", "in words"]
        lines += [_line(heads), _line(["---", "---", "---:", "---:", "---:", "---:", "---"])]
        for point in comparison.points:
            for row in point.rows:
                words = f"**{plain(row.words)}**" if row.outcome in ("better", "worse") else plain(row.words)
                lines.append(_line([plain(point_name(point)), row.label, *sides(row), *effect(row), words]))
            lines += [_line([plain(point_name(point)), "repeats", *[""] * 4, plain(words)]) for words in point.left_out]
    lines += [
        "",
        "<details><summary>How to read this</summary>",
        "",
        *(f"- {line}" for line in LEGEND.splitlines()),
        "",
        "</details>",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
