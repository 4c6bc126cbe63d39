"""``python -m bench.compare A B``: is B faster, slower, or can that not be told?"""

from __future__ import annotations

import string
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from base.errors import UsageError, did_you_mean, one_line_errors
from base.plain_text import printable
from bench.compare.comparable import workload_differences
from bench.compare.comparison import Comparison, compare
from bench.compare.text import markdown, print_table
from bench.records import Result
from bench.store import load
from bench.stored_noise import stored_noise

FORMATS = ("table", "md", "json")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

_HELP = """Put stored runs side by side, with intervals and plain words.

A is the baseline; every other run is compared with it, cell by cell: a cell is found again by its
trigger, partitions and profile. Each is a folder below results/, or the result.json of one.

\b
  python -m bench.compare results/20261124T002239Z-0123456-temperate-day results/latest
  python -m bench.compare before/ after/ --format md > comparison.md     for a pull request
  python -m bench.compare before/ after/ --format json                   every number

"faster" and "slower" need three valid repeats of a cell in both runs: measure with --repeats 3, or 5
to see smaller differences; or the noise of this machine, which bench.noise measures and keeps. With
neither, ratios are shown and nothing is claimed. Cells that are invalid or missing, and all times and
rates of two machines, are "not comparable because ...".

Runs of different readings, rates, windows or methods are refused; --force compares them nevertheless,
also those of two machines, and says so.

Exit: 0 whatever the outcome, 2 usage. Two versions are best measured in turn, in the same hour.
"""


@app.command(help=_HELP)
@one_line_errors
def main(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="A B [C...]", help="Two or more runs; A is the baseline.")
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="table|md|json", help="How to print it.")] = "table",
    force: Annotated[
        bool, typer.Option("--force", help="Compare other workloads, methods and machines all the same.")
    ] = False,
) -> None:
    """See `_HELP`."""
    if form not in FORMATS:
        raise UsageError(f"--format {form}: no such format{did_you_mean(form, FORMATS)}")
    paths = runs or []
    if not 2 <= len(paths) <= len(string.ascii_uppercase):
        given = " ".join(map(str, paths)) or "(nothing)"
        raise UsageError(f"A B {given}: name 2 to {len(string.ascii_uppercase)} runs, first the baseline")
    named = dict(zip(string.ascii_uppercase, paths, strict=False))
    results = {label: load(path, field=label) for label, path in named.items()}
    baseline = results.pop("A")
    for label, result in results.items():
        if not force:
            require_same_workload(baseline, result, f"{label} {named[label]}")
    noise = stored_noise(baseline.env)
    found = [compare(baseline, result, label=label, force=force, noise=noise) for label, result in results.items()]
    labels = {label: result.run.id for label, result in {"A": baseline, **results}.items()}
    labels["A"] += " (baseline)"
    if form == "json":
        text = orjson.dumps(as_json(named, baseline, found), option=orjson.OPT_INDENT_2).decode() + "\n"
    else:
        text = markdown(labels, found) if form == "md" else table(labels, found)
    # All at once, and by ourselves: rich calls a reader that left (`| head`) a failure.
    print(text, end="", flush=True)


def table(labels: dict[str, str], found: list[Comparison]) -> str:
    """What `print_table` prints: as wide as the terminal, 80 columns in a pipe, in colour where that is wanted."""
    console = Console(highlight=False)
    console.width = console.width if console.is_terminal else 80
    with console.capture() as captured:
        print_table(console, labels, found)
    return captured.get()


def require_same_workload(a: Result, b: Result, argument: str) -> None:
    """A `UsageError` that names ``argument`` (of ``b``) if the figures of the two are of different things."""
    differ = workload_differences(a, b)
    if differ:
        raise UsageError(
            printable(
                f"{argument}: measured something else than A: {'; '.join(differ)}; "
                f"measure it as A was (`{a.run.rerun}`), or compare all the same with --force"
            )
        )


def as_json(named: dict[str, Path], baseline: Result, found: list[Comparison]) -> dict[str, Any]:
    """Everything that is known, as one value."""
    return {
        "runs": {label: str(path) for label, path in named.items()},
        "baseline": {"label": "A", "run": baseline.run.id, "sha": baseline.git.sha},
        "comparisons": found,
    }


if __name__ == "__main__":
    app()
