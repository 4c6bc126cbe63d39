"""A broken cell is a row; the rest goes on; everything is stored as it comes."""

from __future__ import annotations

import pytest
from unit.bench.builders import a_config, a_result

from base.errors import ComponentFailed, EnvironmentMissing, UsageError
from bench.matrix import plan
from bench.records import Cell
from bench.scheduler import run_cells
from bench.store import RunStore, load, run_id


@pytest.fixture
def store(tmp_path):
    """A run's folder."""
    return RunStore(tmp_path, "run-1")


def a_cell(spec, _folder):
    """A cell that worked."""
    return Cell(id=spec.id, params=spec.params, status="done", verdict="valid", reasons=[], window_s=30.0)


def go(store, execute, ended=lambda _: None):
    """Run the default six cells with ``execute``."""
    result = a_result()
    cells = plan(a_config())
    run_cells(cells, execute=execute, store=store, result=result, began=lambda *_: None, ended=ended)
    return result


def test_a_broken_cell_is_a_row_and_the_rest_goes_on(store):
    """The second cell fails: six rows, one of them broken, with the reason and the logs' place."""
    calls = []

    def execute(spec, folder):
        calls.append(spec.id)
        (folder / "checkpoint").mkdir()
        if len(calls) == 2:
            raise ComponentFailed("the pipeline ended with status 1\nand its log")
        return a_cell(spec, folder)

    result = go(store, execute)
    assert [cell.status for cell in result.cells] == ["done", "broken", "done", "done", "done", "done"]
    row = result.cells[1]
    assert row.verdict == "invalid"
    assert row.reasons[0].message == "the pipeline ended with status 1"
    assert row.latency_ms is None
    assert not list(store.folder.glob("cells/*/checkpoint")), "scratch is removed, broken cell or not"


def test_saved_after_every_cell(store):
    """A reader finds each finished cell in result.json while the next one runs."""
    seen = []
    go(store, a_cell, ended=lambda _: seen.append(len(load(store.folder).cells)))
    assert seen == [1, 2, 3, 4, 5, 6]


def test_a_lost_environment_ends_the_run(store):
    """Without a broker the next cell would meet the same: the run ends with that error."""

    def execute(_spec, _folder):
        raise EnvironmentMissing("no broker answers")

    with pytest.raises(EnvironmentMissing):
        go(store, execute)


def test_the_newest_run_is_latest(tmp_path):
    """`latest` points at the run begun last, and `load` follows it."""
    for name in ("run-1", "run-2"):
        RunStore(tmp_path, name).save(a_result())
    assert (tmp_path / "latest").resolve().name == "run-2"
    assert load(tmp_path / "latest").run.id == "r"


def test_a_folder_without_result_is_one_line(tmp_path):
    """The error names the folder and what to name instead."""
    with pytest.raises(UsageError, match="no result there"):
        load(tmp_path)


def test_run_id_without_git():
    """Without git the id says so."""
    from datetime import UTC, datetime

    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert run_id(at, None, "calm") == "20260102T030405Z-nogit-calm"
    assert run_id(at, "abcdef0123", "calm") == "20260102T030405Z-abcdef0-calm"
