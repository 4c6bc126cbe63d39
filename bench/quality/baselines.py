"""Detectors that know nothing, beside which every detector is shown."""

from __future__ import annotations

from typing import Final

import numpy as np

from bench.metrics.ranges import Bools

#: The random detector is the same in every call.
SEED: Final = 42

#: Their names.
BLIND: Final = ("never", "always_on", "random")


def blind_alarms(alarm: Bools, exists: Bools, rng: np.random.Generator) -> dict[str, Bools]:
    """Never an alarm, always one, and as many as ``alarm`` has at random ticks.

    All shapes are (sensors, ticks); alarms lie only where a tick ``exists``.
    """
    random = np.zeros_like(alarm)
    random[exists] = rng.permutation(alarm[exists])
    return dict(zip(BLIND, (np.zeros_like(alarm), exists, random), strict=True))
