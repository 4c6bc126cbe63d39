"""The matrix on a terminal: whole figures at any width, the least needed columns go first."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from unit.bench.builders import a_config, a_quantiles, a_result
from unit.reports.stored_runs import REASON, capacity, cell, result

from base.plain_text import printable
from bench.jobs import broken
from bench.matrix import plan
from bench.records import Calibration
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


def test_a_pipe_gets_whole_lines_without_blanks_behind_them():
    """What is piped is as wide as it is: an 80th column means nothing there."""
    measured = Calibration(kafka_floor_ms=a_quantiles(p50=0.5, p99=2.1))
    cells = [cell("1s", 1, capacity=capacity()), cell("realtime", 4, capacity=capacity(failed=None))]
    out = io.StringIO()
    print_summary(Console(file=out, width=20), a_result(cells=cells, calibration=measured), None)
    lines = out.getvalue().splitlines()
    assert lines == [line.rstrip() for line in lines]
    assert any(line.endswith("Kafka floor p50 0.5 ms, p99 2.1 ms") for line in lines)


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


@pytest.mark.parametrize(
    "text",
    [
        "[bold red]x[/bold red] [link=http://x]y[/link] [/]",
        '<script>alert("1")</script>',
        "😀 عربي \u202eab",
        "\x1b[2J\x1b]0;title\x07 a\r\nb",
    ],
)
@pytest.mark.parametrize("terminal", [True, False])
def test_what_comes_from_outside_is_shown_and_not_obeyed(text, terminal):
    """Brackets are no markup, and no escape gets through but those of our own styles: in tables and lines alike."""
    reason = REASON.model_copy(update={"message": text, "remedy": text})
    threshold = {"expression": text, "cell": text, "verdict": "failed", "value": 1.0, "limit": 0.0, "unit": None}
    search = capacity(slo=text, reasons={"search": text})
    one = cell("1s", profile=text, verdict="invalid", reasons=[reason], capacity=search)
    built = result(cells=[one], warnings=[text], thresholds=[threshold])
    built.run.rerun = one.id = text
    out = io.StringIO()
    print_summary(Console(file=out, width=2000, force_terminal=terminal, no_color=True), built, None)
    shown = re.sub("\x1b\\[[0-9;]*m", "", out.getvalue())
    wanted = printable(text)
    assert {f"! {wanted}: {wanted}; {wanted}.", f"? {wanted}: {wanted}", f"! {wanted}", f"rerun    {wanted}"} <= {
        line.rstrip() for line in shown.splitlines()
    }
    assert all(sign.isprintable() or sign == "\n" for sign in shown)
    if terminal:
        # Profile (twice), SLO, cell and threshold stand in tables, which fold what is too long for a pipe's width.
        assert shown.count(wanted) == 5 + 7
