"""``python -m reports.render RUN_DIR``: the report and its figures again, from stored files alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from base.errors import one_line_errors
from base.paths import writable_dir
from bench.store import write_whole
from reports.change import change_from
from reports.figures import draw_all
from reports.page import render_page
from reports.stored import open_run
from reports.summary import markdown

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

_HELP = """Write the report of a stored run: report.html, figures/*.png and summary.md, in its own folder.

Nothing is measured and nothing needed but the files of the run: change a label, render again. The same
files give the same bytes. Prints the path of the report.

\b
  python -m reports.render results/latest
  python -m reports.render results/20261124T002239Z-0123456-temperate-day
  python -m reports.render results/latest --baseline results/20261124T002239Z-0123456-temperate-day

A run that was interrupted, and one whose Parquet files are gone, is rendered as far as it goes; the
report says what is missing. Exit: 0 ok, 2 no readable result in RUN_DIR, or in OTHER, or one of another load.
"""


@app.command(help=_HELP)
def main(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A folder below results/, or results/latest.")],
    baseline: Annotated[
        Path | None, typer.Option(metavar="OTHER", help="A run of the same load: what has changed since then?")
    ] = None,
) -> None:
    """See `_HELP`."""
    print(render(run_dir, baseline))


def render(folder: Path, baseline: Path | None = None) -> Path:
    """Write the report of the run in ``folder``, each file whole; returns the path of ``report.html``.

    ``baseline``: the folder of a run to hold it against. Raises `UsageError` if there is no readable result, the two
    are not of the same load, or the folder cannot be written to.
    """
    run = open_run(folder)
    change = change_from(baseline, run.result) if baseline is not None else None
    figures = draw_all(run, change)
    page = render_page(run, figures, change)
    writable_dir(folder / "figures", field="RUN_DIR")
    for drawn in figures.values():
        if drawn.png is not None:
            write_whole(folder / "figures" / f"{drawn.name}.png", drawn.png)
    write_whole(folder / "summary.md", markdown(run.result).encode())
    report = folder / "report.html"
    write_whole(report, page.encode())
    return report


if __name__ == "__main__":
    one_line_errors(app)()
