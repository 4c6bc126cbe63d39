"""This run against a baseline."""

import subprocess
import sys

import pytest
from unit.bench.builders import a_noise
from unit.bench.compared_runs import run
from unit.reports.legible import cut_off, drawn_texts, overlapping
from unit.reports.pages import Page
from unit.reports.stored_runs import result, store

from base.errors import UsageError
from bench.compare.comparison import compare
from reports.change import Change, change_from, change_grid, change_table
from reports.draw_change import change_forest
from reports.render import render

BEFORE = run(seed=1, triggers=("1s", "realtime:30s"))
#: Half the batch time, a third of the drain rate less.
AFTER = run(seed=2, triggers=("1s", "realtime:30s"), factors={"batch": 0.5, "drain": 0.67})


@pytest.fixture
def change():
    """The two, compared."""
    return Change(BEFORE, compare(BEFORE, AFTER))


def test_the_table_is_what_bench_compare_says(change):
    """Ratio, interval, outcome and words of every row with a ratio; shares and counts have none."""
    rows = {(row["cell"], row["metric"]): row for row in change_table(change).iter_rows(named=True)}
    batch = rows["1s, 1 partition, tuned", "batch"]
    assert batch["ratio"] == pytest.approx(0.5, rel=0.1)
    assert batch["low"] < batch["ratio"] < batch["high"] < 1
    assert (batch["outcome"], batch["words"], batch["n_a"], batch["n_b"]) == ("better", "faster", 3, 3)
    assert rows["1s, 1 partition, tuned", "drain"]["outcome"] == "worse"
    assert rows["1s, 1 partition, tuned", "p99"]["outcome"] == "shown"
    assert not {"precision", "recall", "alerts"} & {metric for _, metric in rows}


def test_the_grid_has_every_row_and_long_reasons_as_notes(change):
    """Shares and counts too; what cannot be told has its reason below."""
    grid = change_grid(change)
    assert len(grid.rows) == sum(len(point.rows) for point in change.comparison.points)
    texts = {row.entries[1].text for row in grid.rows}
    assert {"p50", "batch", "drain", "CPU", "stall", "alerts", "precision", "recall"} <= texts
    single = Change(BEFORE, compare(run(1), run(1, seed=3)))
    assert any("1 repeat and no stored noise" in note for note in change_grid(single).notes)


def test_the_noise_is_that_of_the_run_and_not_of_today(tmp_path):
    """Single repeats bear words by the noise stored with the run, whatever the cache has now."""
    known = a_noise({"micro-batch": {"batch_ms.p50": 0.02}})
    after = run(1, seed=2, factors={"batch": 0.5})
    after.calibration.noise = known
    found = change_from(store(tmp_path / "before", run(1, seed=1)), after)
    assert change_table(found).filter(metric="batch")["outcome"].to_list() == ["better"]


def test_a_baseline_of_another_load_is_refused(tmp_path):
    """One line that names what differs; so is a folder without a result."""
    other = result()
    other.scenario.seed = 7
    with pytest.raises(UsageError, match=r"^--baseline .*: measured something else than this run: seed 7 and 42"):
        change_from(store(tmp_path / "other", other), result())
    with pytest.raises(UsageError, match=r"^--baseline .*: no result there"):
        change_from(tmp_path, result())


def test_the_figure_can_be_read(change):
    """No text over another or cut; every panel has a name; the legend says what the colours mean."""
    figure = change_forest(change_table(change))
    texts = drawn_texts(figure)
    assert [*overlapping(texts), *cut_off(figure, texts)] == []
    words = {text for text, _ in texts}
    assert {"batch time", "drain rate (more is better)", "boundary stall", "better", "worse"} <= words
    assert "this run against the baseline (%)" in words


def test_the_page_has_the_section_that_was_asked_for(tmp_path):
    """Headline, figure and table between repeats and method; the same bytes again."""
    before, after = store(tmp_path / "before", BEFORE), store(tmp_path / "after", AFTER)
    command = [sys.executable, "-m", "reports.render", str(after), "--baseline", str(before)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{after / 'report.html'}\n")
    first = (after / "report.html").read_bytes()
    page = Page(first.decode())
    sections = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    assert sections[sections.index("repeats") :][:3] == ["repeats", "change", "method"]
    assert "B against A: " in page.words
    assert "Data of this figure" in page.words[page.words.find("Change against a baseline") :]
    assert (after / "figures/change.png").is_file()
    assert render(after, before).read_bytes() == first
