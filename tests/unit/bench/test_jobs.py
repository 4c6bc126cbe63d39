"""A broken cell is a row, the rest goes on, and everything is stored as it comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from unit.bench.builders import a_config, a_result

from base.errors import ComponentFailed, EnvironmentMissing, UsageError
from bench.campaign import matrix_jobs
from bench.jobs import CellJob, FloorJob, QualityJob, broken
from bench.matrix import CellSpec, plan
from bench.probes import NotDrained
from bench.records import Cell, QualityCell, Result
from bench.scheduler import run_in_turn
from bench.store import RunStore, load
from bench.view import View


class FakeBench:
    """What a cell's job asks of the bench."""

    view = View(total=1, cell_estimate_s=lambda _: 0.0, quiet=True)


class FakeCell:
    """A started cell."""

    def __init__(self, spec: CellSpec, _bench: object, folder: Path) -> None:
        self.spec = spec
        self.stops = 0
        (folder / "checkpoint").mkdir()

    def stop(self) -> None:
        """Count it."""
        self.stops += 1


def a_cell(spec: CellSpec, *_: object) -> Cell:
    """A cell that worked."""
    return Cell(id=spec.id, params=spec.params, status="done", verdict="valid", reasons=[], window_s=30.0)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """A run's folder."""
    return RunStore(tmp_path, "run-1")


def go(store: RunStore, ended: Callable[[Cell], None] = lambda _: None, **seams: Any) -> Result:
    """Run the default six cells; ``seams`` replace how each is started, run, read back and measured."""
    result = a_result()
    cells = plan(a_config())

    def keep(cell: Cell) -> None:
        result.cells.append(cell)
        store.save(result)
        ended(cell)

    working: dict[str, Any] = {
        "starts": FakeCell,
        "runs": lambda cell: cell.spec,
        "reads": lambda raw, _bench: raw,
        "measures": a_cell,
    }
    run_in_turn(
        [
            CellJob(
                number=number,
                spec=spec,
                bench=FakeBench(),  # type: ignore[arg-type]
                folder=store.folder / "cells" / spec.id,
                began=lambda _: None,
                ended=keep,
                **{**working, **seams},
            )
            for number, spec in enumerate(cells, 1)
        ]
    )
    return result


def failing_on_the_second(error: Exception) -> Callable[..., Any]:
    """Pass the first argument on, but raise ``error`` when called the second time."""
    calls = []

    def seam(first: Any, *_: object) -> Any:
        calls.append(first)
        if len(calls) == 2:
            raise error
        return getattr(first, "spec", first)

    return seam


@pytest.mark.parametrize("seam", ["starts", "runs", "reads"])
@pytest.mark.parametrize("error", [ComponentFailed("the pipeline ended with status 1\nand its log"), OSError("full")])
def test_a_broken_cell_is_a_row_and_the_rest_goes_on(store: RunStore, seam: str, error: Exception):
    """The second cell fails at any stage: six rows, one of them broken, with the reason."""
    started = []
    fails = failing_on_the_second(error)

    def starts(spec: CellSpec, bench: object, folder: Path) -> FakeCell:
        if seam == "starts":
            fails(spec)
        started.append(FakeCell(spec, bench, folder))
        return started[-1]

    result = go(store, **{seam: fails, "starts": starts})
    assert [cell.status for cell in result.cells] == ["done", "broken", "done", "done", "done", "done"]
    row = result.cells[1]
    assert row.verdict == "invalid"
    assert row.reasons[0].message == str(error).splitlines()[0]
    assert row.latency_ms is None
    assert all(cell.stops for cell in started), "a broken cell leaves no process behind"
    assert not list(store.folder.glob("cells/*/checkpoint")), "scratch is removed, broken cell or not"


def test_saved_after_every_cell(store: RunStore):
    """A reader finds each finished cell in result.json while the next one runs."""
    seen: list[int] = []
    go(store, ended=lambda _: seen.append(len(load(store.folder).cells)))
    assert seen == [1, 2, 3, 4, 5, 6]


def test_a_cell_that_did_not_catch_up_broke_at_its_backlog(store: RunStore):
    """Its row names the rule, as if it had been measured: a search for the highest rate takes it for failed."""
    result = go(store, runs=failing_on_the_second(NotDrained("the pipeline had not caught up 63 s after")))
    assert [cell.reasons[0].rule for cell in result.cells if cell.status == "broken"] == ["backlog"]


def test_a_lost_environment_ends_the_run(store: RunStore):
    """Without a broker the next cell would meet the same: the run ends with that error."""
    with pytest.raises(EnvironmentMissing):
        go(store, runs=failing_on_the_second(EnvironmentMissing("no broker answers")))


class QualityBench(FakeBench):
    """What a quality cell asks of the bench."""

    #: Nothing is simulated here.
    stream = SimpleNamespace(spec=None)
    rules = ()


@pytest.mark.parametrize(
    ("judged", "reason"),
    [(lambda *_, **__: QualityCell(wanted_events=7), None), (lambda *_, **__: no_reading(), "no reading")],
)
def test_the_quality_cell_is_stored_and_costs_no_run(store: RunStore, monkeypatch, judged, reason: str | None):
    """What it found stands in result.json; a scenario that it cannot judge leaves the reason there."""
    monkeypatch.setattr("bench.quality.cell.quality_cell", judged)
    result = a_result()
    run_in_turn([QualityJob(bench=QualityBench(), store=store, result=result)])  # type: ignore[arg-type]
    stored = load(store.folder).quality_cell
    assert (stored.reason, stored.wanted_events) == (reason, None if reason else 7)


def no_reading() -> None:
    """A scenario without a reading in its first day."""
    raise UsageError("no reading")


@pytest.mark.parametrize(("quick", "last"), [(False, QualityJob), (True, FloorJob)])
def test_nothing_is_judged_before_everything_is_measured(store: RunStore, quick: bool, last: type):
    """The quality cell needs no quiet machine and comes last; --quick goes without."""
    bench = SimpleNamespace(view=None, stream=QualityBench.stream, config=a_config(quick=quick))
    assert isinstance(list(matrix_jobs(plan(a_config()), 0, bench, store, a_result()))[-1], last)  # type: ignore[arg-type]


@pytest.mark.parametrize(("watched", "warnings"), [(True, 1), (False, 0), (None, 0)])
def test_a_cell_that_a_dashboard_watched_is_told(store: RunStore, watched: bool | None, warnings: int):
    """The run warns of it by the cell's name; one of which it is not known is not suspected."""
    bench = SimpleNamespace(view=FakeBench.view, stream=QualityBench.stream, config=a_config())
    result = a_result()
    jobs = matrix_jobs(plan(a_config()), 0, bench, store, result)  # type: ignore[arg-type]
    job = next(one for one in jobs if isinstance(one, CellJob))
    job.ended(broken(job.spec, "no alert came").model_copy(update={"watched": watched}))
    assert [f"cell {job.spec.id} was watched by a dashboard" in one for one in result.warnings] == [True] * warnings
