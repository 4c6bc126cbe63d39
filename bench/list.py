"""``python -m bench.list``: the runs that are stored here, and the scenarios there are."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from base.errors import UsageError, one_line_errors
from base.jsonl import dumps
from bench.perf.tables import print_table
from bench.records import Result
from bench.store import load
from sim.scenario import list_scenarios, load_scenario


class What(StrEnum):
    """What is listed."""

    RUNS = "runs"
    SCENARIOS = "scenarios"


RUN_COLUMNS = ["run", "status", "cells valid", "readings/s", "triggers", "partitions", "thresholds"]
SCENARIO_COLUMNS = ["scenario", "what it is"]


def stored_runs(out: Path) -> list[tuple[Path, Result | None, str]]:
    """Every run's folder below ``out``, oldest first: its result, or None and why it cannot be read."""
    found: list[tuple[Path, Result | None, str]] = []
    for file in sorted(out.glob("*/result.json")):
        # `latest` is one of the others.
        if file.parent.is_symlink():
            continue
        try:
            found.append((file.parent, load(file.parent), ""))
        except UsageError as error:
            found.append((file.parent, None, str(error)))
    return found


def run_facts(folder: Path, result: Result | None, why: str) -> dict[str, Any]:
    """One stored run as ``--json`` has it."""
    if result is None:
        return {"run": folder.name, "folder": str(folder), "unreadable": why}
    verdicts = Counter(cell.verdict for cell in result.cells)
    return {
        "run": result.run.id,
        "folder": str(folder),
        "started": result.run.started,
        "status": result.run.status,
        "scenario": result.scenario.name,
        "sensors": result.scenario.sensors,
        # A search for the highest rate has one for each cell.
        "rate_per_s": None if result.config.get("search_rate") else result.scenario.rate_per_s,
        "triggers": list(dict.fromkeys(cell.params.trigger for cell in result.cells)),
        "partitions": sorted({cell.params.partitions for cell in result.cells}),
        "cells": len(result.cells),
        "verdicts": dict(verdicts),
        "failed_checks": result.failed_checks,
        "checks": len(result.thresholds),
    }


def run_row(facts: dict[str, Any]) -> list[str]:
    """The same as a line of the table."""
    if "unreadable" in facts:
        return [facts["run"], "unreadable", *["–"] * (len(RUN_COLUMNS) - 2)]
    checks = f"{facts['checks'] - facts['failed_checks']} of {facts['checks']} passed" if facts["checks"] else "–"
    return [
        facts["run"],
        facts["status"],
        f"{facts['verdicts'].get('valid', 0)} of {facts['cells']}",
        "searched" if facts["rate_per_s"] is None else f"{facts['rate_per_s']:,.0f}",
        ", ".join(facts["triggers"]),
        ", ".join(map(str, facts["partitions"])),
        checks,
    ]


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="Example: python -m bench.list runs --json | jq '.[-1].folder'")
@one_line_errors
def main(
    what: Annotated[What, typer.Argument(help="What to list.")] = What.RUNS,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of results.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list on stdout, and nothing else.")] = False,
) -> None:
    """List the stored runs, oldest first, or the scenarios that come with the project."""
    if what is What.SCENARIOS:
        rows = [[name, load_scenario(name).title] for name in list_scenarios()]
        if as_json:
            print(dumps([{"scenario": name, "title": title} for name, title in rows]))
        else:
            print_table(SCENARIO_COLUMNS, rows, markdown=False, numbers=False)
        return
    if not out.is_dir():
        raise UsageError(f"--out {out}: no such folder; name one that bench.run wrote to, or run it first")
    facts = [run_facts(*stored) for stored in stored_runs(out)]
    if as_json:
        print(dumps(facts))
    elif facts:
        print_table(RUN_COLUMNS, [run_row(one) for one in facts], markdown=False, numbers=False)
    else:
        print(f"no runs in {out}")


if __name__ == "__main__":
    app()
