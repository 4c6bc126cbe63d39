"""docs/results.md: its program finds result.json's numbers in a run's files, and no column of them is left out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from unit.bench.measured_run import stored

from base.paths import PROJECT_ROOT
from bench.records import Cell, Result
from bench.store import load
from sim.delivery_log import DELIVERY_LOG

PAGE = (PROJECT_ROOT / "docs/results.md").read_text()


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """The folder of a run whose result.json was computed by the bench itself."""
    return stored(tmp_path_factory.mktemp("measured"))


@pytest.fixture
def found(run, monkeypatch) -> dict[str, Any]:
    """What the page's program leaves behind, started where `results/latest` is."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    monkeypatch.chdir(run.parent.parent)
    names: dict[str, Any] = {}
    exec(compile(block, "docs/results.md", "exec"), names)
    return names


def test_the_pages_program_finds_the_results_numbers(run, found):
    """Percentiles, recall, fidelity and precision out of Parquet files alone are those of result.json, none trivial."""
    cell = load(run).cells[0]
    assert cell.latency_ms is not None
    assert cell.fidelity is not None
    assert cell.quality is not None
    due_to_seen, wrong, pooled = cell.latency_ms.due_to_seen, cell.fidelity, cell.quality.all
    assert (found["p50"], found["p99"]) == pytest.approx((due_to_seen.p50, due_to_seen.p99), abs=1e-4)
    assert found["recall_1s"] == pytest.approx(wrong.recall_at_deadline["1"], abs=1e-6)
    assert (found["missing"], found["extra"], found["duplicated"]) == (wrong.missing, wrong.extra, wrong.duplicated)
    assert min(wrong.missing, wrong.extra, wrong.duplicated, wrong.echoed) > 0
    assert (found["right"], found["false"]) == (pooled.tp, pooled.fp)
    assert found["precision"] == pytest.approx(pooled.precision, abs=1e-5)
    assert min(pooled.tp, pooled.fp, pooled.marginal, pooled.masked, pooled.ignored) > 0


def test_every_column_is_on_the_page(run):
    """No Parquet file and no column of one, nor of the publisher's log, goes unexplained."""
    files = sorted(run.rglob("*.parquet"))
    assert len(files) == 11
    for file in files:
        assert f"`{file.name}`" in PAGE
        section = PAGE.split(f"**`{file.name}`**")[1].split("\n**`")[0]
        missing = [name for name in pl.read_parquet_schema(file) if f"`{name}`" not in section]
        assert not missing, f"{file.name}: {missing}"
    log = PAGE.split("**`deliveries.bin`**")[1].split("\n**`")[0]
    assert all(f"`{name}`" in log for name in DELIVERY_LOG.names)


@pytest.mark.parametrize("record", [Result, Cell])
def test_every_main_key_is_on_the_page(record):
    """Each key of the result, and of a cell, stands in the page's tables."""
    tables = "\n".join(line for line in PAGE.splitlines() if line.startswith("| `"))
    assert [name for name in record.model_fields if f"`{name}`" not in tables] == []
