"""Side-by-side benchmarks run whole, with a real broker and Kafka's own tools."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.broker


def test_publisher_beside_producer_performance():
    """One small round of everything: every contender has a rate, and the ratios are there."""
    command = [sys.executable, "-m", "bench.perf", "publisher", "--sensors", "200,2000", "--readings", "100000"]
    done = subprocess.run([*command, "--rounds", "1", "--json"], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert len(found["contenders"]) == 2 + 3 * 2 + 1
    assert all(one["per_s"] > 0 for one in found["contenders"])
    assert set(found["ratios"]["publisher_vs_producer_performance_by_sensors"]) == {"200", "2000"}
    assert found["ratios"]["publisher_vs_producer_performance"] > 0
    assert found["paced_sent_minus_due_ms"]["p99"] > 0
    assert found["payload_bytes"] == pytest.approx(140, abs=15)
