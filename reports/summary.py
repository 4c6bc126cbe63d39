"""``summary.md``: verdict, finding, matrix and rerun command, for a pull request."""

from __future__ import annotations

from base.plain_text import markdown as plain
from base.plain_text import printable
from bench.records import Result
from reports.capacity import capacity_grid
from reports.cell_grids import matrix_grid, thresholds_grid, validity_grid
from reports.finding import finding, verdict
from reports.grid import Entry, Grid


def markdown(result: Result) -> str:
    """The short form of the report, in GitHub's Markdown."""
    badge, found = verdict(result), finding(result)
    s, env = result.scenario, result.env
    load = f"{s.sensors:,} sensors, {s.rate_per_s:,.0f} readings/s"
    if result.config.get("search_rate"):
        load = "the rate searched, each cell's own"
    where = f"Scenario {s.name}, seed {s.seed}, {load}; "
    where += f"{env.cpu}, {env.cores} cores, Spark {env.spark}, Kafka {env.kafka}. "
    where += "Single node, replication 1, loopback, page cache, shared cores, compressed time."
    lines = [f"## alertbench: {badge.word}", "", f"{badge.counts}. {plain(found.sentence)}", ""]
    lines += [f"- {plain(line)}" for line in [*found.more, *found.limits, *result.warnings]]
    capacity = capacity_grid(result)
    if capacity.rows:
        lines += ["", *_table(capacity)]
    lines += ["", *_table(matrix_grid(result)), ""]
    if result.thresholds:
        lines += [*_table(thresholds_grid(result)), ""]
    if result.advice is not None:
        lines += [*(f"- {plain(sentence)}" for sentence in result.advice.sentences), ""]
    reasons = validity_grid(result)
    if reasons.rows:
        lines += ["<details><summary>Reasons against cells</summary>", "", *_table(reasons), "", "</details>", ""]
    lines += [plain(where), "", "```sh", printable(result.run.rerun), "```"]
    return "\n".join(lines) + "\n"


def _table(grid: Grid) -> list[str]:
    rule = ["---:" if head.kind == "num" else "---" for head in grid.heads]
    heads = [plain(head.text.replace("\u00ad", "")) for head in grid.heads]
    rows = [[_entry(entry) for entry in row.entries] for row in grid.rows]
    lines = ["| " + " | ".join(cells) + " |" for cells in [heads, rule, *rows]]
    return lines + [f"\n{number}. {plain(note)}" for number, note in enumerate(grid.notes, 1)]


def _entry(entry: Entry) -> str:
    mark = f"<sup>{entry.note}</sup>" if entry.note is not None else ""
    small = f" ({plain(entry.small)})" if entry.small else ""
    fine = entry.kind != "mark" or entry.text in ("valid", "passed")
    shown = plain(entry.text) if fine else f"**{plain(entry.text)}**"
    return shown + mark + small
