"""The wall clock against the monotonic one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

#: Looks at both clocks. A process may lose its CPU between two readings, but hardly five times in turn.
LOOKS: Final = 5


def wall_minus_monotonic_ns(wall_ns: Callable[[], int] = time.time_ns) -> int:
    """The wall clock minus the monotonic one now, in ns, from the tightest of `LOOKS` at both."""
    looks = []
    for _ in range(LOOKS):
        before, wall, after = time.monotonic_ns(), wall_ns(), time.monotonic_ns()
        looks.append((after - before, wall - (before + after) // 2))
    return min(looks)[1]
