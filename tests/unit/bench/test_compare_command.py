"""`python -m bench.compare`: whole at 80 columns and in a pipe, safe in a pull request, one line for a mistake."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys

import pytest
from rich.console import Console
from typer.testing import CliRunner
from unit.bench.compared_runs import repeat, run
from unit.reports import stored_runs

from bench.compare.__main__ import app
from bench.compare.comparison import compare
from bench.compare.text import markdown, print_table
from bench.records import Reason
from bench.store import dump

BOTH = ("realtime:30s", "1s")
HOSTILE = "<script>x</script> @team |`rm`| ![p](http://evil) www.evil.x\n\x1b[2J *b*"


@pytest.fixture
def stored(tmp_path):
    """Two runs on disk: B is slower by half; and results that differ in seed or cannot be read."""
    runs = {
        "a": run(seed=1, triggers=BOTH),
        "b": run(seed=2, factors={"p50": 1.5}, triggers=BOTH),
        "single": run(1, triggers=BOTH),
    }
    runs["other"] = run(seed=3)
    runs["other"].scenario.seed = 43
    for name, built in runs.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_bytes(dump(built))
    (tmp_path / "broken.json").write_text('{"surprise": 1}')
    return tmp_path


def called(*args, **more):
    """The command with these arguments, its paths below the folder of `stored`."""
    return CliRunner().invoke(app, list(map(str, args)), **more)


def test_table_fits_into_80_columns_and_needs_no_colour(stored):
    """In a pipe: no escape sequence, every table whole in 80 columns, words and both names there; exit 0."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.compare", stored / "a", stored / "b" / "result.json", stored / "single"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "\x1b" not in done.stdout
    table = [line for line in done.stdout.splitlines() if line.startswith(("p50 ", "stall ", "precision "))]
    assert all(len(line) <= 80 and "…" not in line for line in table)
    assert "B against A: 2 worse" in done.stdout
    assert "C against A:" in done.stdout
    assert done.stdout.count("slower") == 2
    assert "[1] no change can be shown: 1 and 3 repeats and no stored noise" in done.stdout


@pytest.mark.parametrize("form", ["table", "md", "json"])
def test_a_reader_that_leaves_is_no_failure(stored, form):
    """`| head` ends the command quietly, with exit 0."""
    command = [sys.executable, "-m", "bench.compare", stored / "a", stored / "b", "--format", form]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.wait(timeout=60) == 0
        assert running.stderr.read() == b""


@pytest.mark.parametrize("no_colour", [False, True])
def test_colour_only_where_it_is_wanted(no_colour):
    """On a terminal worse is red; with NO_COLOR it is only a word."""
    found = compare(run(seed=1), run(seed=2, factors={"p50": 2.0}))
    out = io.StringIO()
    print_table(Console(file=out, force_terminal=True, width=80, no_color=no_colour), {"A": "x", "B": "y"}, [found])
    assert ("\x1b[1;31m" in out.getvalue()) is not no_colour
    assert "slower" in out.getvalue()


def hostile():
    """A comparison whose texts try to be something else."""
    why = [Reason(rule="x", verdict="invalid", message=HOSTILE, remedy="y")]
    b = stored_runs.result(cells=[repeat(1, HOSTILE, {}, verdict="invalid", reasons=why)])
    b.env.cpu = HOSTILE
    return compare(run(1), b)


def test_hostile_text_stays_text_on_the_terminal():
    """Control characters and markup of rich reach no terminal."""
    out = io.StringIO()
    print_table(Console(file=out, width=80, no_color=True), {"A": "[red]x[/red]", "B": HOSTILE}, [hostile()])
    assert "\x1b" not in out.getvalue()
    assert "[red]x[/red]" in out.getvalue()


def test_hostile_text_stays_text_in_markdown():
    """No tag, mention, image, link, code or further table cell comes of what a result file holds."""
    text = markdown({"A": "x", "B": HOSTILE}, [hostile()])
    for sign in ("<script", "@team", "://", "www.evil", "\x1b"):
        assert sign not in text, sign
    assert re.search(r"(?<!\\)[\[\]`]", text) is None
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {8}


def test_markdown_is_one_table_with_whole_words(stored):
    """A headline, a row a metric and cell, what changed in bold, reasons spelled out, a legend."""
    done = called(stored / "a", stored / "b", "--format", "md")
    assert done.exit_code == 0
    assert "**B against A: 2 worse, " in done.stdout
    assert done.stdout.count("**slower**") == 2
    assert done.stdout.count("| realtime:30s, 1 partition, tuned |") == 8
    assert "Welch" in done.stdout


def test_json_has_every_number(stored):
    """One value on stdout: the repeats' values, ratio, interval, p and words of every row."""
    found = json.loads(called(stored / "a", stored / "b", "--format", "json").stdout)
    row = found["comparisons"][0]["points"][0]["rows"][0]
    assert row["metric"] == "latency_ms.due_to_seen.p50"
    assert len(row["a"]) == len(row["b"]) == 3
    assert row["estimate"]["low"] < row["estimate"]["value"] < row["estimate"]["high"]
    assert row["estimate"]["p"] <= row["p_holm"] < 0.05
    assert (row["outcome"], row["words"]) == ("worse", "slower")
    assert found["baseline"]["run"] == found["comparisons"][0]["run"]


def test_another_workload_needs_force(stored):
    """One line with both seeds and the remedy, exit 2; with --force it is compared, and said on top."""
    done = called(stored / "a", stored / "other")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    for words in (f"B {stored / 'other'}", "seed 42 and 43", "--force", "python -m bench.run --sensors 1000"):
        assert words in done.stderr
    for form, mark in (("table", "! "), ("md", "> **Note:** ")):
        forced = called(stored / "a", stored / "other", "--force", "--format", form)
        assert forced.exit_code == 0
        before, said, _ = forced.stdout.partition(f"{mark}compared by --force, although these differ: seed 42 and 43")
        assert said
        assert "p50" not in before


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], ["A B (nothing)", "name 2 to 26 runs"]),
        (["a"], ["A B", "/a: name 2 to 26 runs"]),
        (["a", "nowhere"], ["B ", "nowhere: no result there", "results/"]),
        (["broken.json", "a"], ["A ", "broken.json is not of schema 1", "Field required"]),
        (["a", "b", "--format", "jsn"], ["--format jsn", "did you mean 'json'"]),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(stored, args, words):
    """The message names the argument, the value and the remedy."""
    done = called(*(arg if arg.startswith("--") or arg == "jsn" else stored / arg for arg in args))
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def test_help_teaches():
    """--help shows what can be typed, what the words need, and the exit codes."""
    text = called("--help").stdout
    for words in ("results/latest", "--format md", "--repeats 3", "--force", "Exit: 0"):
        assert words in text
