"""Beacons: sensors that cross and clear a level with every reading, evenly spread in time.

Natural hazards cluster (the sun is high at noon only), so latency is measured on beacons.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.arrays import AnyArray, Bools, Floats
from sim.scenario_sensors import Beacons
from wire.reading import CHANNELS

#: What a beacon's other channels show, in the order of `wire.reading.CHANNELS`.
NEUTRAL: Final = (20.0, 50.0, 0.0, 2.0, 0.0)


def beacon_period(settings: Beacons) -> int:
    """Every how many sensors one is a beacon; 0 for never."""
    return round(1.0 / settings.share) if settings.share else 0


def is_beacon(sensor_ids: AnyArray, settings: Beacons) -> Bools:
    """Which of the sensors are beacons: the first of every `beacon_period`; shape of ``sensor_ids``."""
    period = beacon_period(settings)
    if not period:
        return np.zeros(np.shape(sensor_ids), dtype=np.bool_)
    flags: Bools = (sensor_ids - 1) % period == 0
    return flags


def beacon_values(sensor_ids: AnyArray, seq: AnyArray, settings: Beacons) -> Floats:
    """What beacons show: low and high in turn, neighbouring beacons in opposite turn; (..., 5)."""
    parity = (sensor_ids - 1) // max(1, beacon_period(settings))
    high = (seq + parity) % 2 == 1
    values = np.empty((*high.shape, len(CHANNELS)))
    values[...] = NEUTRAL
    values[..., CHANNELS.index(settings.field)] = np.where(high, settings.high, settings.low)
    return values
