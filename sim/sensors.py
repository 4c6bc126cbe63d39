"""Healthy instruments: where they stand, and what they make of the truth."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.arrays import AnyArray, Floats
from sim.rng import Stream, hash_normals, hash_uniforms
from sim.scenario import Sensors
from wire.reading import CHANNELS

#: What a channel can show at all, in the order of `wire.reading.CHANNELS`.
LOWEST: Final = (-90.0, 0.0, 0.0, 0.0, 0.0)
HIGHEST: Final = (70.0, 100.0, 1000.0, 120.0, 25.0)


def positions(key: int, sensor_ids: AnyArray, extent_km: float) -> tuple[Floats, Floats]:
    """Places in a square of ``extent_km``, uniform by hash: (x, y) in km, each of shape (S,)."""
    return (
        extent_km * hash_uniforms(key, Stream.POSITION_X, sensor_ids, 0),
        extent_km * hash_uniforms(key, Stream.POSITION_Y, sensor_ids, 0),
    )


def measure(key: int, truth: Floats, sensor_ids: AnyArray, seq: AnyArray, settings: Sensors) -> Floats:
    """Clean readings of ``truth`` (..., 5): offset, noise, range and quantum, in that order.

    ``sensor_ids`` and ``seq`` broadcast to the leading shape. An exact zero stays zero: no rain and
    no sun are seen as such, however noisy the instrument.
    """
    clean = np.empty_like(truth)
    for channel in range(len(CHANNELS)):
        true = truth[..., channel]
        offset, noise = settings.offset_sigma.as_tuple()[channel], settings.noise_sigma.as_tuple()[channel]
        seen = true
        if offset:
            seen = seen + offset * hash_normals(key, Stream.OFFSET + channel, sensor_ids, 0)
        if noise:
            seen = seen + noise * hash_normals(key, Stream.NOISE + channel, sensor_ids, seq)
        if channel != CHANNELS.index("temperature"):
            seen = np.where(true == 0.0, 0.0, seen)
        seen = np.clip(seen, LOWEST[channel], HIGHEST[channel])
        quantum = settings.quantum.as_tuple()[channel]
        clean[..., channel] = np.rint(seen / quantum) * quantum if quantum else seen
    return two_digits(clean)


def two_digits(values: Floats) -> Floats:
    """Rounded to the two digits that a reading carries on the wire; NaN stays NaN."""
    # Division last: the result is the double nearest to the decimal, so it prints with two digits.
    rounded: Floats = np.rint(values * 100.0) / 100.0
    # Adding zero turns -0.0 into 0.0.
    return rounded + 0.0
