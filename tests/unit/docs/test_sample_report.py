"""The committed sample: a result that today's code reads, its report, and README showing the same run."""

from __future__ import annotations

import io
import re

from rich.console import Console

from base.paths import PROJECT_ROOT
from bench.records import Result
from bench.store import load
from bench.summary import print_summary

SAMPLE = PROJECT_ROOT / "examples" / "report"


def sample() -> Result:
    """The result of the sample, read as any other."""
    return load(SAMPLE)


def printed() -> list[str]:
    """The lines of the sample's summary, blanks folded, without the report's path."""
    out = io.StringIO()
    print_summary(Console(file=out, highlight=False), sample(), None)
    return [" ".join(line.split()) for line in out.getvalue().splitlines() if not line.startswith("report")]


def test_the_result_loads_and_is_whole():
    """Its schema is the present one; six cells, all done and none invalid, of a commit as it stands."""
    result = sample()
    assert result.run.status == "complete"
    assert result.git.dirty is False
    assert [cell.status for cell in result.cells] == ["done"] * 6
    assert "invalid" not in {cell.verdict for cell in result.cells}


def test_the_report_is_of_this_result():
    """One file below 5 MB that loads nothing, of the run of the result; the summary is of it as well."""
    report = (SAMPLE / "report.html").read_text()
    assert len(report.encode()) < 5_000_000
    assert sample().run.id in report
    assert not re.search(r'(?:src|href)="(?:https?:)?//', report)
    assert sample().run.rerun in (SAMPLE / "summary.md").read_text()


def test_readme_shows_what_this_run_printed():
    """The table, the verdict and the command to run it again, line for line."""
    readme = (PROJECT_ROOT / "README.md").read_text()
    shown = " ".join(readme.replace("\\\n", " ").split())
    for line in printed():
        assert line in shown, line


def test_the_tutorial_shows_the_same_table():
    """It says that its lines are those of the README's run: the head and a line for each cell."""
    shown = " ".join((PROJECT_ROOT / "docs" / "tutorial.md").read_text().split())
    for line in printed()[:7]:
        assert line in shown, line


def test_nothing_in_it_names_a_folder_of_the_machine():
    """A sample is for everybody: no home folder, no checkout's path."""
    for path in SAMPLE.iterdir():
        assert not re.search(r"[\"' >](/(?:home|root|work|tmp|Users)/)", path.read_text()), path.name
