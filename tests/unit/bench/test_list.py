"""`bench.list` shows every stored run once, readable or not, and every scenario."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner
from unit.reports.stored_runs import cell, result, store

from bench.list import app
from sim.scenario import list_scenarios


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two runs, one of them of another version, and the link to the newest."""
    out = tmp_path / "results"
    good = store(out / "20260101T000000Z-abc1234-calm", result(cells=[cell(), cell(partitions=4, verdict="invalid")]))
    bad = out / "20260102T000000Z-abc1234-calm"
    bad.mkdir()
    (bad / "result.json").write_text('{"schema_version": 99}')
    (out / "latest").symlink_to(good.name, target_is_directory=True)
    return out


def listed(*arguments: str) -> str:
    """What the command prints."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_runs(results: Path):
    """Each run once, in the order of time; one that cannot be read is told, and hides no other."""
    first, second = json.loads(listed("runs", "--out", str(results), "--json"))
    assert (first["cells"], first["verdicts"]) == (2, {"valid": 1, "invalid": 1})
    assert first["partitions"] == [1, 4]
    assert "schema" in second["unreadable"]
    table = listed("--out", str(results))
    assert "1 of 2" in table
    assert "unreadable" in table


def test_a_searched_rate_is_no_rate_of_the_run(tmp_path: Path):
    """A search for the highest rate has one for each cell."""
    store(tmp_path / "run", result(config={"triggers": ["1s"], "search_rate": True}))
    assert json.loads(listed("--out", str(tmp_path), "--json"))[0]["rate_per_s"] is None
    assert "searched" in listed("--out", str(tmp_path))


def test_nothing_stored(tmp_path: Path):
    """An empty folder is no error, a missing one is."""
    assert "no runs" in listed("--out", str(tmp_path))
    done = CliRunner().invoke(app, ["--out", str(tmp_path / "nowhere")])
    assert done.exit_code == 2
    assert "no such folder" in done.output


def test_scenarios():
    """Every scenario with its title."""
    told = json.loads(listed("scenarios", "--json"))
    assert [one["scenario"] for one in told] == list_scenarios()
    assert all(one["title"] for one in told)
