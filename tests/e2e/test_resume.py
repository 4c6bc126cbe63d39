"""A run that was killed is gone on with: finished cells stay as they are, the others are measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

#: The engine that starts in a moment: what is tested is the run, not Spark.
RUN = ["--sensors", "250", "--partitions", "1", "--engine", "plain", "--repeats", "2", "--quick"]


def bench_run(*arguments):
    """The command line of `bench.run`."""
    return [sys.executable, "-m", "bench.run", *arguments]


def test_kill_9_and_resume(tmp_path):
    """kill -9 leaves a readable result; --resume adds what was missing, once, and is refused when nothing is."""
    out = tmp_path / "out"
    stored = out / "latest" / "result.json"
    with subprocess.Popen(bench_run(*RUN, "--out", str(out)), stderr=subprocess.DEVNULL, start_new_session=True) as run:
        deadline = time.monotonic() + 200
        while not (stored.exists() and json.loads(stored.read_bytes())["cells"]):
            assert time.monotonic() < deadline
            assert run.poll() is None
            time.sleep(0.5)
        # In the middle of the second cell.
        time.sleep(10)
        os.kill(run.pid, signal.SIGKILL)
    killed = json.loads(stored.read_bytes())
    assert (killed["run"]["status"], len(killed["cells"])) == ("running", 1)

    command = bench_run("--resume", killed["run"]["id"], "--out", str(out), "--json")
    planned = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, check=True).stdout
    assert "1 cells" in planned
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 6), done.stderr
    result = json.loads(done.stdout)
    assert result["run"]["status"] == "complete"
    assert result["run"]["id"] == killed["run"]["id"]
    assert result["cells"][0] == killed["cells"][0]
    assert [cell["params"]["repeat"] for cell in result["cells"]] == [1, 2]
    assert all(cell["fidelity"]["missing"] == 0 for cell in result["cells"])
    assert any("resumed" in warning for warning in result["warnings"])

    again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 2
    assert "all 2 cells of this run are done" in again.stderr
