"""Capacities in the report: brackets, trials, and sentences that claim no more than was found."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.reports.stored_runs import capacity, cell, matrix, result

from bench.records import Result
from bench.store import dump
from reports.capacity import capacity_grid, capacity_sentences, capacity_table, trials_table
from reports.finding import finding
from reports.page import facts
from reports.render import render
from reports.summary import markdown
from reports.tables import why_missing

TOLD = {"failed": "56,000/s tells nothing: naps overran", "share_of_consumer_performance": "no tool here"}


@pytest.fixture
def searched() -> Result:
    """Two points; what the second one does not sustain was not found."""
    unbounded = capacity(failed=None, share_of_consumer_performance=None, reasons={**TOLD, "search": "not confirmed"})
    cells = [cell("1s", 4, capacity=unbounded, quality=None), cell("1s", 1, capacity=capacity(), quality=None)]
    config = {"triggers": ["1s"], "partitions": [1, 4], "search_rate": True}
    return result(cells=cells, config=config)


def test_one_row_a_bracket_and_one_a_trial(searched: Result):
    """In the matrix' order; a run that searched nothing has none."""
    assert capacity_table(searched).select("cell", "passed", "failed", "trials").rows() == [
        ("1s-p1-tuned-r1", 40_000.0, 50_000.0, 4),
        ("1s-p4-tuned-r1", 40_000.0, None, 2),
    ]
    assert trials_table(searched).group_by("cell", "outcome").len().height == 3
    assert capacity_table(result()).is_empty()
    assert trials_table(result()).is_empty()


def test_what_is_missing_or_in_doubt_has_a_note(searched: Result):
    """A dash with the search's reason; a doubt about the whole search stands at the number of its trials."""
    grid = capacity_grid(searched)
    texts = [[entry.text for entry in row.entries] for row in grid.rows]
    assert texts[0][1:5] == ["40,000", "50,000", "4.0 %", "4"]
    assert texts[1][1:5] == ["40,000", "–", "–", "2"]
    assert grid.notes == [*TOLD.values(), "not confirmed"]
    assert grid.rows[1].entries[4].note == 3


def test_sentences_claim_what_was_found(searched: Result):
    """Both ends where both were found, *at least* where the upper was not, and no number where none passed."""
    assert capacity_sentences(searched) == [
        "A 1s trigger with 1 partition (tuned) sustains 40,000 readings/s and not 50,000 readings/s.",
        "A 1s trigger with 4 partitions (tuned) sustains 40,000 readings/s at least, and none that fails was found.",
    ]
    none = result(cells=[cell("1s", capacity=capacity(passed=None))])
    assert capacity_sentences(none) == ["A 1s trigger with 1 partition (tuned) sustains no rate that was tried."]


def test_the_finding_tells_capacities_and_no_latency(searched: Result):
    """Latencies at rates of their own are not told beside each other."""
    found = finding(searched)
    assert found.sentence == capacity_sentences(searched)[0]
    assert found.more[0] == capacity_sentences(searched)[1]
    assert "half of the alerts" not in " ".join([found.sentence, *found.more])


def test_the_load_is_told_as_searched(searched: Result):
    """Not as the rate at which the search happened to begin."""
    assert dict(facts(searched))["load"] == "searched, each cell's own, 2880 × real time"
    assert "4,800 readings/s" not in markdown(searched)


def test_quality_is_missing_for_its_own_reason(searched: Result):
    """It was not scored; that says nothing about alerts or hazards."""
    assert why_missing(searched.cells[0])["precision"] == "a search for the highest rate scores no quality"


def test_page_and_summary_show_them(searched: Result, tmp_path: Path):
    """A section of its own with a link to it, and a table in summary.md; other runs have neither."""
    (tmp_path / "result.json").write_bytes(dump(searched))
    html = render(tmp_path).read_text()
    assert '<section id="capacity">' in html
    assert 'href="#capacity"' in html
    assert html.count("40,000") >= 4
    assert "| 1s-p1-tuned-r1 | 40,000 | 50,000 | 4.0 % | 4 |" in markdown(searched)
    (tmp_path / "result.json").write_bytes(dump(result(cells=matrix())))
    assert 'id="capacity"' not in render(tmp_path).read_text()
    assert "passed/s" not in markdown(result())
