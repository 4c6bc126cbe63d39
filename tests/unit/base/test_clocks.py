"""The two clocks, read by a process that may lose its CPU between them."""

from __future__ import annotations

import time

import pytest

from base.clocks import LOOKS, wall_minus_monotonic_ns

MS = 1_000_000


@pytest.mark.parametrize("late", range(LOOKS))
def test_a_lost_cpu_between_the_two_readings_is_no_step(late):
    """One of the looks, whichever it is, takes 5 ms: the others tell the truth."""
    looks = iter(range(LOOKS))

    def wall_ns():
        now = time.monotonic_ns() + 7_000 * MS
        if next(looks) == late:
            time.sleep(0.005)
        return now

    assert wall_minus_monotonic_ns(wall_ns) == pytest.approx(7_000 * MS, abs=MS)


def test_a_wall_clock_that_was_set_is_seen():
    """Fifty milliseconds ahead are fifty milliseconds more."""
    ahead = wall_minus_monotonic_ns(lambda: time.time_ns() + 50 * MS) - wall_minus_monotonic_ns()
    assert ahead == pytest.approx(50 * MS, abs=MS)
