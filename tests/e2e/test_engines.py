"""Pipelines that are not our Spark job, whole runs: judged alike, by what stands in the topics."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

OWN = Path(__file__).with_name("eight_columns.py")


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """The cells of a run by the plain engine and by a command of the user's own, by engine."""
    command = [sys.executable, "-m", "bench.run", "--sensors", "250", "--partitions", "2", "--json"]
    template = f"{shlex.join([sys.executable, str(OWN)])} {{bootstrap}} {{topic}} {{alerts_topic}}"
    command += ["--engine", "plain,command", "--pipeline-command", template]
    command += ["--out", str(tmp_path_factory.mktemp("out"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd="/")
    assert done.returncode in (0, 6), done.stderr
    return {cell["params"]["engine"]: cell for cell in json.loads(done.stdout)["cells"]}


@pytest.mark.parametrize("engine", ["plain", "command"])
def test_every_alert_is_found(cells, engine):
    """None missing, extra or doubled: alerts without an id are known again, and probes are nobody's alerts."""
    cell = cells[engine]
    assert cell["status"] == "done"
    assert (cell["params"]["trigger"], cell["params"]["profile"]) == ("0s", engine)
    assert cell["fidelity"]["expected"] > 1000
    assert [cell["fidelity"][name] for name in ("missing", "extra", "duplicated")] == [0, 0, 0]
    assert cell["latency_ms"]["due_to_seen"]["p50"] > 0


def test_what_only_our_spark_job_tells_is_null(cells):
    """No batches, no drain rate, no boundaries; the reason stands beside."""
    for cell in cells.values():
        assert (cell["batch_ms"], cell["boundary_stall_ms"], cell["throughput"]["drain_per_s"]) == (None, None, None)
        assert "drain_per_s" in cell["throughput"]["reasons"]


def test_the_plain_engine_fires_all_rules(cells):
    """It names every rule that holds, so it finds what one that tells a single label may not."""
    assert cells["plain"]["quality"]["all"]["recall"] >= cells["command"]["quality"]["all"]["recall"]
    assert cells["plain"]["fidelity"]["rejects_seen"] == cells["plain"]["fidelity"]["rejects_expected"]
