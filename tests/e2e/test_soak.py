"""A soak as a user starts it, and ends it early."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import polars as pl
import psutil
import pytest
from processes import alive

from base.errors import ExitCode
from sim.delivery_log import DELIVERY_LOG

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def test_ctrl_c_keeps_what_there_is(tmp_path):
    """An interrupted soak ends with 130, its samples, table and figure, no second mode, and no process left."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "bench.perf", "soak", "--for", "2min", "--rate", "200", "--triggers", "1s,0s"]
    soak = subprocess.Popen(
        [*command, "--out", str(out), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        log = out / "1s" / "deliveries.bin"
        deadline = time.monotonic() + 180
        # Forty seconds of it: thirty of warm-up, ten of the window.
        while not log.exists() or log.stat().st_size < 40 * 200 * DELIVERY_LOG.itemsize:
            assert soak.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        children = psutil.Process(soak.pid).children(recursive=True)
        soak.send_signal(signal.SIGINT)
        stdout, stderr = soak.communicate(timeout=60)
    finally:
        soak.kill()
    assert soak.returncode == ExitCode.INTERRUPTED
    assert stderr.decode().splitlines()[-1] == "interrupted"
    told = json.loads(stdout)
    assert told == json.loads((out / "soak.json").read_text())
    (mode,) = told["modes"]
    assert (mode["trigger"], mode["status"]) == ("1s", "interrupted")
    assert mode["cell"] is None
    measures = set(pl.read_parquet(out / "samples.parquet")["measure"])
    resident = {f"resident_{name}" for name in ("pipeline", "broker", "publisher", "collector", "meter", "harness")}
    assert measures == {"heap_after_gc", "checkpoint_files", "checkpoint_size", "batch_time", *resident}
    assert (out / "soak.png").read_bytes().startswith(b"\x89PNG")
    _, left = psutil.wait_procs(children, timeout=10)
    # A process whose parent went first may wait for init to take notice.
    assert alive(left) == []
