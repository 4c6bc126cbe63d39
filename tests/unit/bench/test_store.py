"""The results tree: what is newest, what is missing, what a run is called."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from unit.bench.builders import a_result
from unit.reports.stored_runs import cell

from base.errors import UsageError
from bench.store import RunStore, load, load_due_ns, run_id
from sim.delivery_log import DeliveryLog


def test_the_newest_run_is_latest(tmp_path):
    """`latest` points at the run begun last, and `load` follows it."""
    for name in ("run-1", "run-2"):
        RunStore(tmp_path, name).save(a_result())
    assert (tmp_path / "latest").resolve().name == "run-2"
    assert load(tmp_path / "latest").run.id == "r"


def test_the_figures_stand_there_for_prometheus_too(tmp_path):
    """metrics.prom is written with result.json, anew each time."""
    store, result = RunStore(tmp_path, "run"), a_result()
    store.save(result)
    result.cells.append(cell("1s"))
    store.save(result)
    text = (store.folder / "metrics.prom").read_text()
    assert 'cell="1s-p1-tuned-r1"' in text
    assert text.endswith("# EOF\n")
    assert {path.name for path in store.folder.iterdir() if path.is_file()} == {
        *("result.json", "metrics.prom", "config.toml")
    }


def test_when_deliveries_were_due_is_in_the_publishers_log(tmp_path):
    """In the order of sending, by the wall clock; a log that is not there is an OSError."""
    with DeliveryLog(tmp_path / "deliveries.bin") as log:
        ones = np.ones(2, dtype=np.int64)
        log.write(sensor_id=ones, seq=ones, copy=ones, due_ns=np.array([7, 5]), sent_ns=np.array([8, 9]))
    assert load_due_ns(tmp_path / "deliveries.bin").tolist() == [7, 5]
    with pytest.raises(OSError, match="No such file"):
        load_due_ns(tmp_path / "nothing.bin")


def test_a_folder_without_result_is_one_line(tmp_path):
    """The error names the folder and what to name instead."""
    with pytest.raises(UsageError, match="no result there"):
        load(tmp_path)


def test_run_id_without_git():
    """Without git the id says so."""
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert run_id(at, None, "calm") == "20260102T030405Z-nogit-calm"
    assert run_id(at, "abcdef0123", "calm") == "20260102T030405Z-abcdef0-calm"
