"""When a JVM stood still, out of the log of its safepoints."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from base.java import find_java
from bench.pauses import java_tool_options, log_option, pauses_of, read_pauses

MS = 1_000_000
#: As OpenJDK 17 and 21 write them.
LOG = """\
[1000ms] Safepoint "Cleanup", Time since last: 5 ns, Reaching safepoint: 1000 ns, At safepoint: 2000 ns, Total: 3000 ns
[2000ms] Safepoint "G1CollectForAllocation", Time since last: 1 ns, Reaching safepoint: 1 ns, Cleanup: 3 ns, \
At safepoint: 4 ns, Total: 12000000 ns
nothing that is a pause
[3000ms] Safepoint "ICBufferFull", Time since last: 1 ns, Reaching safepoint: 9 ns, At safepoint: 1 ns, Total: 500000 ns
[9000ms] Safepoint "G1CollectFull", Time since last: 1 ns, Reaching safepoint: 1 ns, At safepoint: 1 ns, Total: 7 ns
"""


def test_only_pauses_of_the_window_count(tmp_path):
    """What ended before it or after it is left out; collections are told apart from other safepoints."""
    log = tmp_path / "safepoints-1.log"
    log.write_text(LOG)
    found = read_pauses({"pipeline": [log], "broker": [tmp_path / "absent.log"]}, 1500 * MS, 9000 * MS)
    assert found.rows() == [
        ("pipeline", 2000 * MS, 12.0, "G1CollectForAllocation", True),
        ("pipeline", 3000 * MS, 0.5, "ICBufferFull", False),
    ]
    ours = pauses_of(found, "pipeline")
    assert (ours.n, ours.total_ms, ours.max_ms) == (2, 12.5, 12.0)
    assert (ours.gc_n, ours.gc_total_ms, ours.gc_max_ms) == (1, 12.0, 12.0)
    assert pauses_of(found, "broker").n == 0


@pytest.mark.parametrize("name", ["plain", "with blank", "a:colon"])
def test_a_real_jvm_keeps_the_log(tmp_path: Path, name: str):
    """Through the environment, whatever stands in the folder's name; what was there for JVMs before, stays."""
    folder = tmp_path / name
    folder.mkdir()
    env = java_tool_options({"JAVA_TOOL_OPTIONS": "-Da=b"}, folder / "safepoints-%p.log")
    assert env["JAVA_TOOL_OPTIONS"].startswith("-Da=b ")
    java = find_java().executable
    done = subprocess.run(
        [java, "-Xlog:safepoint=off", "-version"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(list(folder.glob("safepoints-*.log"))) == 1
    assert log_option("x") == '-Xlog:safepoint:file="x":timemillis:filecount=0'
