"""The meter as it runs: a line a second, and clocks that agree although the process may lose its CPU."""

from __future__ import annotations

import os
import threading
import time

import pytest
from typer.testing import CliRunner

from base.errors import UsageError
from bench import clock
from bench.host import host_record, read_seconds
from bench.hostmeter import app, measure


def test_a_cpu_lost_between_two_clocks_is_no_clock_step(tmp_path, monkeypatch):
    """The second line's first reading of the wall clock is followed by 5 ms without the CPU."""
    reading, writing = os.pipe()
    began = time.monotonic()
    lost = []

    def wall_ns():
        now = time.time_ns()
        if not lost and time.monotonic() - began > 1.5:
            lost.append(now)
            time.sleep(0.005)
        return now

    monkeypatch.setattr(clock, "wall_ns", wall_ns)
    threading.Timer(1.5, os.close, [writing]).start()
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        measure(tmp_path / "host.jsonl", nap_s=0.001)

    seconds = read_seconds(tmp_path / "host.jsonl")
    assert (len(seconds), len(lost)) == (2, 1)
    host = host_record(seconds, seconds[0]["wall_ns"], seconds[1]["wall_ns"], ours_cores=0.0)
    assert host.clock_step_ms is not None
    assert host.clock_step_ms < 1.0


@pytest.mark.parametrize(
    ("nap", "words"),
    [
        ("0s", "--nap 0s: its overruns are told once a second; give more than 0s"),
        ("1s", "--nap 1s: its overruns are told once a second; give more than 0s and less than 1s"),
        ("soon", "--nap: 'soon' is no duration"),
    ],
)
def test_a_nap_is_part_of_a_second(tmp_path, nap, words):
    """Anything else would be no nap, or outlast the line that is to tell of it."""
    found = CliRunner().invoke(app, ["--out", str(tmp_path / "host.jsonl"), "--nap", nap])
    assert isinstance(found.exception, UsageError)
    assert words in str(found.exception)
    assert not (tmp_path / "host.jsonl").exists()
