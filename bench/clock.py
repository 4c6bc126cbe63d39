"""The wall clock of the instrument's stamps, so that `bench.trust` can put one that steps in its place."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Wall time in ns. Call it as ``clock.wall_ns()``: a name imported from here would stay the old one.
wall_ns: Callable[[], int] = time.time_ns
