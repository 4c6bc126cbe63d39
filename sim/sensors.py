"""Healthy instruments: where they stand, and what they make of the truth."""

from __future__ import annotations

from typing import Final

import numpy as np

from base.durations import parse_duration_s
from sim.arrays import AnyArray, Floats, Ints, Longs
from sim.beacons import is_beacon
from sim.delivery import skew_us
from sim.rng import Stream, hash_bells, hash_normals, hash_uniforms
from sim.scenario_sensors import PerChannel, Sensors
from sim.stream import StreamSpec
from wire.reading import CHANNELS

#: What a channel can show at all, in the order of `wire.reading.CHANNELS`.
LOWEST: Final = (-90.0, 0.0, 0.0, 0.0, 0.0)
HIGHEST: Final = (70.0, 100.0, 1000.0, 120.0, 25.0)

#: Memory of the calibration's wander, microseconds of event time: 30 days.
WANDER_US: Final = 30 * 86_400_000_000

_TEMPERATURE: Final = CHANNELS.index("temperature")


def positions(key: int, sensor_ids: AnyArray, extent_km: float) -> tuple[Floats, Floats]:
    """Places in a square of ``extent_km``, uniform by hash: (x, y) in km, each of shape (S,)."""
    return (
        extent_km * hash_uniforms(key, Stream.POSITION_X, sensor_ids, 0),
        extent_km * hash_uniforms(key, Stream.POSITION_Y, sensor_ids, 0),
    )


def sampling_shift_us(stream: StreamSpec) -> Longs:
    """How much after the instant on its label each sensor's reading shows the air, microseconds, (S,).

    A clock that is slow labels what is there now with an earlier instant; an instrument that follows the
    air with a delay shows what was there before. Each sensor's response lies between half of the
    scenario's and one and a half: a first-order instrument lags a steady change by its time constant.
    """
    ids = stream.sensor_ids
    shift = skew_us(stream, ids)
    response_us = parse_duration_s(stream.scenario.sensors.response, field="response") * 1e6
    if response_us:
        lag = np.rint(response_us * (0.5 + hash_uniforms(stream.key, Stream.RESPONSE, ids, 0))).astype(np.int64)
        shift = shift - np.where(is_beacon(ids, stream.scenario.beacons), 0, lag)
    return shift


class Instruments:
    """Healthy instruments, one per sensor and channel, with their fixed errors drawn once; ``sensor_ids`` (S,)."""

    def __init__(self, key: int, sensor_ids: Ints, settings: Sensors) -> None:
        self._key, self._ids, self._settings = key, sensor_ids, settings
        self._gain = self._drawn(Stream.GAIN, settings.gain_sigma)
        self._offset = self._drawn(Stream.OFFSET, settings.offset_sigma)

    def measure(self, truth: Floats, column: Longs | slice, seq: Longs, event_rel_us: Longs) -> Floats:
        """Clean readings of ``truth`` (..., 5): gain, offset, wander, noise, range and quantum, in that order.

        ``column`` (sensors, counted from 0), ``seq`` and ``event_rel_us`` broadcast to the leading shape. An
        exact zero stays zero: no rain and no sun are seen as such, however noisy the instrument.
        """
        key, ids, settings = self._key, self._ids[column], self._settings
        clean = np.empty_like(truth)
        for channel in range(len(CHANNELS)):
            true = truth[..., channel]
            seen = true
            if channel in self._gain:
                seen = seen * (1.0 + self._gain[channel][column])
            if channel in self._offset:
                seen = seen + self._offset[channel][column]
            if wander := settings.wander_sigma.as_tuple()[channel]:
                seen = seen + wander * _wander(key, Stream.WANDER + channel, ids, event_rel_us)
            if noise := settings.noise_sigma.as_tuple()[channel]:
                seen = seen + noise * hash_bells(key, Stream.NOISE + channel, ids, seq)
            if channel != _TEMPERATURE:
                seen = np.where(true == 0.0, 0.0, seen)
            clean[..., channel] = show(seen, channel, settings)
        return clean

    def _drawn(self, stream: Stream, sigma: PerChannel) -> dict[int, Floats]:
        return {
            channel: size * hash_normals(self._key, stream + channel, self._ids, 0)
            for channel, size in enumerate(sigma.as_tuple())
            if size
        }


def show(values: Floats, channel: int, settings: Sensors) -> Floats:
    """What an instrument displays of ``values``: kept in range, in steps of the quantum, two digits; NaN stays.

    ``channel`` is an index into CHANNELS.
    """
    seen: Floats = np.clip(values, LOWEST[channel], HIGHEST[channel])
    if quantum := settings.quantum.as_tuple()[channel]:
        seen = np.rint(seen / quantum) * quantum
    return two_digits(seen)


def two_digits(values: Floats) -> Floats:
    """Rounded to the two digits that a reading carries on the wire; NaN stays NaN."""
    # Division last: the result is the double nearest to the decimal, so it prints with two digits.
    rounded: Floats = np.rint(values * 100.0) / 100.0
    # Adding zero turns -0.0 into 0.0.
    return rounded + 0.0


def _wander(key: int, stream: int, sensor_ids: AnyArray, event_rel_us: Longs) -> Floats:
    """Standard normals that wander within `WANDER_US`: drawn at its multiples, mixed linearly in between."""
    knot, past = np.divmod(event_rel_us, WANDER_US)
    later = past / WANDER_US
    first = int(knot.min())
    # A chunk spans a knot or two, so each is drawn once per sensor and not once per reading.
    drawn = [hash_normals(key, stream, sensor_ids, number) for number in range(first, int(knot.max()) + 2)]
    here, there = np.broadcast_to(drawn[0], knot.shape), np.broadcast_to(drawn[1], knot.shape)
    for number in range(1, len(drawn) - 1):
        here = np.where(knot == first + number, drawn[number], here)
        there = np.where(knot == first + number, drawn[number + 1], there)
    mixed: Floats = (here * (1.0 - later) + there * later) / np.sqrt((1.0 - later) ** 2 + later**2)
    return mixed
