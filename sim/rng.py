"""Randomness as a function of (seed, stream, sensor, index): nothing remembers, nothing is consumed.

A stateless hash (splitmix64) answers single lookups: sensor 7 gets the same number whether 10 or a million
sensors exist, whoever asks first, wherever one begins, in however many processes. "Does a fault begin in
sensor 7 on day 3?" needs neither the other sensors nor the other days. Integer arithmetic alone decides,
so every machine draws the same, which a library's generator does not promise from release to release.

Numbers of `Stream` are part of every stored digest: append, never renumber.
"""

from __future__ import annotations

from enum import IntEnum, unique
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sim.arrays import AnyArray, Floats

_WORD: Final = 1 << 64
# Odd constants of splitmix64 (Steele, Lea & Flood 2014) and two more odd 64-bit ones for the indices.
_GAMMA: Final = 0x9E3779B97F4A7C15
_MIX_1: Final = 0xBF58476D1CE4E5B9
_MIX_2: Final = 0x94D049BB133111EB
_SENSOR: Final = 0xD1342543DE82EF95
_INDEX: Final = 0xAF251AF3B0F025B5


@unique
class Stream(IntEnum):
    """What a random number is for; one number each, for ever."""

    SYNOPTIC = 1
    DEW_POINT = 2
    RAIN_STATE = 3
    RAIN_AMOUNT = 4
    WIND = 5
    CLOUD = 6
    SITE_TEMPERATURE = 16
    SITE_DEW_POINT = 17
    POSITION_X = 18
    POSITION_Y = 19
    STORM = 20
    TURBULENCE = 24
    GUST = 25
    HEAT_WAVE = 26
    COLD_FRONT = 27
    FOG = 28
    DRY_SPELL = 29
    RESPONSE = 30
    PHASE = 32
    JITTER = 33
    LOSS = 34
    BURST = 35
    DUPLICATE = 36
    LATE = 37
    OUTAGE = 38
    CLOCK = 39
    OFFSET = 40  # and the four after it: one per channel
    NOISE = 48  # and the four after it: one per channel
    FAULT = 64  # and onward: eight per fault kind, for sixteen kinds
    GAIN = 192  # and the four after it: one per channel
    WANDER = 200  # and the four after it: one per channel
    LOT = 208  # and the five after it: which sensor, and one per channel


def key_from_seed(seed: int) -> int:
    """The 64-bit key of a scenario seed; nearby seeds give unrelated keys. ``seed`` >= 0."""
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])


def hash_uniforms(key: int, stream: int, sensor: AnyArray | int, index: AnyArray | int) -> Floats:
    """Uniforms in the open interval (0, 1), one per broadcast pair of integers; at least 1-d."""
    # 52 bits and a half: the largest value stays below 1, and the inverse normal stays finite.
    words = _hash_words(key, stream, sensor, index) >> np.uint64(12)
    uniforms: Floats = (words.astype(np.float64) + 0.5) * 2.0**-52
    return uniforms


def hash_normals(key: int, stream: int, sensor: AnyArray | int, index: AnyArray | int) -> Floats:
    """Standard normals by the inverse distribution of `hash_uniforms`."""
    values: Floats = ndtri(hash_uniforms(key, stream, sensor, index))
    return values


def hash_bells(key: int, stream: int, sensor: AnyArray | int, index: AnyArray | int) -> Floats:
    """Bell-shaped numbers of mean 0 and deviation 1, none beyond 3.47: for noise, where tails do not matter.

    The sum of a word's four 16-bit uniforms (Irwin-Hall), at a third of the cost of a normal.
    """
    words = _hash_words(key, stream, sensor, index)
    pairs = (words & np.uint64(0x0000FFFF0000FFFF)) + ((words >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF))
    total = (pairs & np.uint64(0xFFFFFFFF)) + (pairs >> np.uint64(32))
    # Each uniform on 0..65535 has variance (65536² - 1) / 12.
    bells: Floats = (total.astype(np.float64) - 2.0 * 65535.0) * (12.0 / (4.0 * (65536.0**2 - 1.0))) ** 0.5
    return bells


def _hash_words(key: int, stream: int, sensor: AnyArray | int, index: AnyArray | int) -> NDArray[np.uint64]:
    base = np.uint64(_splitmix64((key + stream * _GAMMA) % _WORD))
    mixed: NDArray[np.uint64] = _words(sensor) * np.uint64(_SENSOR) + _words(index) * np.uint64(_INDEX)
    mixed += base
    mixed += np.uint64(_GAMMA)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(_MIX_1)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(_MIX_2)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _words(values: AnyArray | int) -> NDArray[np.uint64]:
    """Integers as 64-bit words modulo 2^64 (at least 1-d: NumPy warns when a scalar wraps)."""
    return np.atleast_1d(np.asarray(values, dtype=np.int64)).astype(np.uint64)


def _splitmix64(state: int) -> int:
    """One output of splitmix64 for one state, in plain integers."""
    state = (state + _GAMMA) % _WORD
    state = ((state ^ (state >> 30)) * _MIX_1) % _WORD
    state = ((state ^ (state >> 27)) * _MIX_2) % _WORD
    return state ^ (state >> 31)
