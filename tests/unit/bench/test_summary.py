"""The matrix on a terminal: whole figures at any width, the least needed columns go first."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from unit.bench.builders import a_config, a_result
from unit.reports.stored_runs import capacity, cell

from bench.jobs import broken
from bench.matrix import plan
from bench.summary import COLUMNS, fitting_columns, one_line, print_summary

ROW = ["realtime:30s", "1", "tuned", "4,797", "1.7 ms", "38.5 ms", "100.0%", "exact", "89.3% / 100.0%", "113 k", "ok"]


def test_everything_fits_into_120_columns():
    """A wide terminal shows all eleven columns."""
    assert len(fitting_columns([ROW], 120)) == 11


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_narrow_terminal_drops_columns_and_cuts_none(width):
    """What is shown is whole; trigger, parts, latency, alerts and verdict always stay."""
    kept = fitting_columns([ROW], width)
    assert {0, 1, 4, 5, 7, 10} <= set(kept)
    assert sum(max(len(ROW[i]), len(COLUMNS[i])) + 2 for i in kept) - 2 <= width


@pytest.mark.parametrize("width", [80, 200])
def test_a_run_without_a_valid_cell_says_so(width):
    """Six broken cells: dashes, never zeros, and the reason of each below the table."""
    cells = [broken(spec, "the pipeline ended") for spec in plan(a_config())]
    out = io.StringIO()
    print_summary(Console(file=out, width=width, no_color=True), a_result(cells=cells), None)
    text = out.getvalue()
    assert "NO VALID CELL" in text
    assert text.count("the pipeline ended") == 6
    assert "rerun    python -m bench.run" in text
    assert text.strip().endswith("(none was written)")


def test_a_search_shows_its_brackets():
    """Both ends, the share and the SLO below the matrix; every reason of its own line."""
    doubts = {"failed": "56,000/s tells nothing: naps overran"}
    cells = [cell("1s", 1, capacity=capacity()), cell("1s", 4, capacity=capacity(failed=None, reasons=doubts))]
    out = io.StringIO()
    print_summary(Console(file=out, width=200, no_color=True), a_result(cells=cells), None)
    lines = [line.split() for line in out.getvalue().splitlines()]
    slo = ["latency_ms.due_to_seen.p99", "<=", "trigger", "+", "1s"]
    assert ["1s", "1", "tuned", "40,000", "50,000", "4.0%", "4", *slo] in lines
    assert ["1s", "4", "tuned", "40,000", "–", "4.0%", "2", *slo] in lines
    assert "? 1s-p4-tuned-r1: 56,000/s tells nothing: naps overran" in out.getvalue()
    assert one_line(cells[0]) == "trigger=1s parts=1 tuned: 40,000/s passed, 50,000/s failed (0 s)"
