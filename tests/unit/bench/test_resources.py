"""CPU and memory of components are told from two looks at their processes."""

from __future__ import annotations

import time

import psutil

from bench.resources import Sample, sample, usage


def test_a_component_without_a_process_here_is_left_out():
    """What someone else's broker costs is not known, which is not nothing."""
    found = sample({"harness": lambda: [psutil.Process()], "broker": list})
    assert list(found) == ["harness"]
    assert found["harness"].rss_bytes > 1_000_000
    assert list(usage(found, found, seconds=1.0, readings=10)) == ["harness"]


def test_what_a_process_burned_is_what_is_told():
    """Seconds between two looks, a share of a core, and by the million readings."""
    before = sample({"harness": lambda: [psutil.Process()]})
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    used = usage(before, sample({"harness": lambda: [psutil.Process()]}), seconds=2.0, readings=1000)["harness"]
    assert 0.15 < used.cpu_s < 1.0
    assert abs(used.cores - used.cpu_s / 2) < 1e-3
    assert used.cpu_s_per_million is not None
    assert abs(used.cpu_s_per_million - 1000 * used.cpu_s) < 1.0


def test_processes_that_come_and_go():
    """One that came brings all its seconds; one that left takes its last ones along."""
    before = {"pipeline": Sample({1: 10.0, 2: 5.0}, 100)}
    after = {"pipeline": Sample({1: 12.0, 3: 0.5}, 200)}
    used = usage(before, after, seconds=10.0, readings=0)["pipeline"]
    assert (used.cpu_s, used.cores, used.cpu_s_per_million, used.rss_bytes) == (2.5, 0.25, None, 200)
