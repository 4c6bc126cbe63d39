"""One of the planted faults, whole: a real cell with it, one without, and what a later call makes of both."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(400)]


def bench_trust(*arguments):
    """`bench.trust` with ``arguments``, ended."""
    command = [sys.executable, "-m", "bench.trust", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=380, check=False)


def test_tampered_alerts_are_found_and_a_cell_without_them_is_red(tmp_path):
    """Lost, doubled and forged alerts in the right columns; a resumed run has nothing left to do."""
    done = bench_trust("--only", "tampered", "--out", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    (check,) = json.loads(done.stdout)["checks"]
    assert check["green"]
    found = {line["what"]: line["found"] for line in check["lines"]}
    assert found["extra"] == "5"
    assert int(found["missing"]) > 0
    assert int(found["duplicated"]) > int(found["missing"])
    without = {line["what"]: line["found"] for line in check["without"]}
    assert (without["missing"], without["extra"], without["duplicated"]) == ("0", "0", "0")

    (folder,) = tmp_path.glob("trust-*")
    again = bench_trust("--resume", str(folder), "--only", "tampered", "--markdown")
    assert again.returncode == 0, again.stderr
    assert "| ✓ tampered alerts | missing |" in again.stdout
