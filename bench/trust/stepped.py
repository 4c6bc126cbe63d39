"""Runs an instrument with a wall clock that steps: ``python -m bench.trust.stepped MODULE [OPTION...]``.

The step comes with SIGUSR1. The system's clock stays as it is.
"""

from __future__ import annotations

import runpy
import signal
import sys
import time
from typing import Final

from bench import clock

STEP_NS: Final = 50_000_000


def main() -> None:
    """Put the stepping clock in, and become the module named on the command line."""
    ahead_ns = 0

    def step(*_: object) -> None:
        nonlocal ahead_ns
        ahead_ns = STEP_NS

    signal.signal(signal.SIGUSR1, step)
    clock.wall_ns = lambda: time.time_ns() + ahead_ns
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
