"""`bench.live` as a user starts and ends it: everything comes up, alerts reach the page, nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request

import psutil
import pytest

from base.paths import PROJECT_ROOT

pytestmark = pytest.mark.e2e


def test_all_of_it_comes_up_and_goes(tmp_path):
    """Readings and alerts of a real Spark job reach the page; Ctrl-C ends all, with no process and no file left."""
    command = [sys.executable, "-m", "bench.live", "--sensors", "100", "--port", "0", "--no-browser"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    live = subprocess.Popen(
        command, cwd=PROJECT_ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        url = live.stdout.readline().strip()
        told = iter(live.stderr.readline, "")
        assert next(line for line in told if "the first reading is on the page" in line)
        assert next(line for line in told if "the first alert is on the page" in line)
        with urllib.request.urlopen(url, timeout=10) as page:
            assert b"IoT Alerts Dashboard" in page.read()
        started = psutil.Process(live.pid).children(recursive=True)
        assert len(started) >= 8
    finally:
        live.send_signal(signal.SIGINT)
        _, rest = live.communicate(timeout=60)
    assert live.returncode == 130
    assert rest.splitlines()[-1] == "interrupted"
    _, left = psutil.wait_procs(started, timeout=1)
    assert left == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--port", "70000"], "--port 70000: give a number from 0"),
        (["--trigger", "soon"], "--trigger"),
        (["--sensors", "0"], "--sensors 0: give at least 1"),
        (["--scenario", "temprate-day"], "did you mean 'temperate-day'?"),
    ],
)
def test_a_wrong_flag_starts_nothing(flags, said):
    """It is refused in one line, exit 2, before anything is started."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.live", *flags], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert said in done.stderr
