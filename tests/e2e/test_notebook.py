"""The notebook, executed from its first cell to its last in a kernel of its own."""

from __future__ import annotations

import contextlib
import os
import uuid
from typing import Any

import nbformat
import psutil
import pytest
from nbclient import NotebookClient

from base.paths import PROJECT_ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

NOTEBOOK = PROJECT_ROOT / "notebooks" / "iot_alerts.ipynb"
#: Name of a variable that the kernel and every process below it inherit.
MARK = "ALERTBENCH_TEST_NOTEBOOK"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[str]]:
    """The notebook with its outputs, and the processes of it that were left when its kernel had ended."""
    mark = uuid.uuid4().hex
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path_factory.mktemp("nb"))}})
    client.execute(env=os.environ | {MARK: mark})
    left = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == mark:
                left.append(" ".join(process.cmdline()))
    return notebook, left


def shown(notebook: Any, words: str, kind: str) -> str:
    """What the cell whose source holds ``words`` showed, as ``kind``."""
    (cell,) = [one for one in notebook.cells if one.cell_type == "code" and words in one.source]
    return str(cell.outputs[-1]["data"][kind])


def test_readings_can_be_asked_by_sql(executed):
    """The table has rows of the eight columns, of many sensors."""
    notebook, _ = executed
    newest = shown(notebook, "ORDER BY timestamp DESC", "text/plain")
    assert all(name in newest for name in ("sensor_id", "temperature", "UV_index", "timestamp"))
    readings, sensors, *_ = shown(notebook, "count(DISTINCT sensor_id)", "text/plain").splitlines()[-1].split()[1:]
    assert int(readings) >= int(sensors) > 10


def test_alerts_come(executed):
    """The topic of alerts has some that carry a label of the rules."""
    assert "High Temperature" in shown(executed[0], "def alerts()", "text/plain")


def test_the_dashboard_is_in_a_frame(executed):
    """The cell shows the page of this machine."""
    assert '<iframe src="http://127.0.0.1:' in shown(executed[0], "NotebookDashboard(", "text/html")


def test_it_leaves_nothing(executed):
    """No process of the notebook is left, and what is committed holds no output."""
    assert executed[1] == []
    assert all(not cell.get("outputs") for cell in nbformat.read(NOTEBOOK, as_version=4).cells)
