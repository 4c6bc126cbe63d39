"""Faults: what each kind makes of a reading, and where episodes lie, placed by hash.

A new kind is one function, one entry in `FAULTS`, appended (its place there is its bit in the fault
mask and its random stream), and one table in `sim.scenario_sensors.Faults`. Event time is divided into periods
of whole days, counted from event time zero, in each of which a sensor has at most one episode of a
kind, wholly inside; so one sensor's faults are known without the other sensors and the other days.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from scipy.special import ndtri

from sim.arrays import AnyArray, Bools, Floats, Longs
from sim.beacons import is_beacon
from sim.rng import Stream, hash_uniforms
from sim.scenario_fields import DAY_S
from sim.scenario_sensors import LEVELS, CodeFault, Dropout, Fault, LevelledFault
from sim.stream import StreamSpec
from wire.reading import CHANNELS

#: The channel number of an episode that befalls the reading as a whole.
WHOLE_READING: Final = -1

#: The share of an intermittent episode's readings that are off.
INTERMITTENT_DUTY: Final = 0.3

_DAY_US: Final = round(DAY_S * 1e6)


@dataclass(frozen=True)
class Faulty:
    """Readings inside episodes of one kind, columns of shape (R,): all that a fault may look at.

    ``value`` is what would be shown without this fault, ``held`` the clean value of the sensor's last
    reading before the onset. ``magnitude`` is the episode's, signed; ``elapsed_days`` the event time
    since its onset; ``drawn`` a uniform of the reading's own in (0, 1).
    """

    value: Floats
    held: Floats
    magnitude: Floats
    elapsed_days: Floats
    drawn: Floats


def spike(at: Faulty) -> Floats:
    """Jump away by the magnitude, for a reading or a few."""
    return at.value + at.magnitude


def stuck_at(at: Faulty) -> Floats:
    """Repeat the last value from before the onset."""
    return at.held


def dropout(at: Faulty) -> Floats:
    """Show nothing: null, or in a silent episode no reading at all."""
    return np.full_like(at.value, np.nan)


def show_code(at: Faulty) -> Floats:
    """Show a code, such as the end of a converter's range, in place of any measurement."""
    return at.magnitude


def bias(at: Faulty) -> Floats:
    """Be off by the magnitude, as long as it lasts."""
    return at.value + at.magnitude


def drift(at: Faulty) -> Floats:
    """Move away by the magnitude each day."""
    return at.value + at.magnitude * at.elapsed_days


def drift_quadratic(at: Faulty) -> Floats:
    """Move away slowly at first: by the magnitude after a day, by four times that after two."""
    return at.value + at.magnitude * at.elapsed_days**2


def gain(at: Faulty) -> Floats:
    """Exaggerate (or damp) every departure from the value at the onset by a factor of 1 + magnitude."""
    return at.held + (1.0 + at.magnitude) * (at.value - at.held)


def noise(at: Faulty) -> Floats:
    """Scatter by normals with a deviation of the magnitude."""
    scattered: Floats = at.value + at.magnitude * ndtri(at.drawn)
    return scattered


def clipping(at: Faulty) -> Floats:
    """Stop at the value at the onset plus the magnitude: a ceiling, or a floor where it is negative."""
    stop = at.held + at.magnitude
    return np.where(at.magnitude >= 0.0, np.minimum(at.value, stop), np.maximum(at.value, stop))


def intermittent(at: Faulty) -> Floats:
    """Be off by the magnitude now and then, as with a loose contact."""
    return np.where(at.drawn < INTERMITTENT_DUTY, at.value + at.magnitude, at.value)


def cross_field(at: Faulty) -> Floats:
    """Show exact zeros in fields that cannot be zero together, as a logger that lost its instrument does."""
    return np.zeros_like(at.value)


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    ``low``, ``medium``, ``high``: the magnitude at each level in the channel's sigma (`Faults.sigma`; per
    day for drifts), or, with ``relative``, as a plain ratio. ``whole``: the channels that an episode of
    the whole reading hits. ``holds``: the value from before the onset matters. ``replaces``: what is shown
    does not depend on the value, so other faults are not to be seen, and range and quantum do not bind it.
    ``duty``: the share of readings that it means to change.
    """

    distort: Callable[[Faulty], Floats]
    low: float = 0.0
    medium: float = 0.0
    high: float = 0.0
    relative: bool = False
    whole: tuple[int, ...] = ()
    holds: bool = False
    replaces: bool = False
    duty: float = 1.0


_ALL_CHANNELS: Final = tuple(range(len(CHANNELS)))
_AIR: Final = (CHANNELS.index("temperature"), CHANNELS.index("humidity"))

FAULTS: Final[dict[str, Kind]] = {
    "spike": Kind(spike, 4.0, 8.0, 20.0),
    "stuck_at": Kind(stuck_at, holds=True, replaces=True),
    "dropout": Kind(dropout, whole=_ALL_CHANNELS, replaces=True),
    "stuck_code": Kind(show_code, replaces=True),
    "bias": Kind(bias, 4.0, 8.0, 16.0),
    "drift": Kind(drift, 4.0, 8.0, 20.0),
    "drift_quadratic": Kind(drift_quadratic, 4.0, 8.0, 20.0),
    "gain": Kind(gain, 0.1, 0.3, 1.0, relative=True, holds=True),
    "noise": Kind(noise, 2.0, 4.0, 8.0),
    "clipping": Kind(clipping, 16.0, 8.0, 2.0, holds=True),
    "sentinel": Kind(show_code, replaces=True),
    "intermittent": Kind(intermittent, 4.0, 8.0, 16.0, duty=INTERMITTENT_DUTY),
    "cross_field": Kind(cross_field, whole=_AIR, replaces=True),
}

#: Each kind's bit in the per-reading fault mask.
FAULT_BITS: Final = {kind: 1 << number for number, kind in enumerate(FAULTS)}

# Random numbers of an episode, and the last one, of each reading in it: eight per kind.
_BEGINS, _AT, _FIELD, _SIGN, _SILENT, _LEVEL, _READING = range(7)


@dataclass(frozen=True)
class Episodes:
    """Episodes of one kind, columns of shape (E,); times in microseconds relative to zero, half-open.

    ``column`` is an index into `StreamSpec.sensor_ids`, ``channel`` into CHANNELS or `WHOLE_READING`,
    ``level`` into LEVELS, -1 where the kind has none. ``magnitude`` is signed, in the channel's unit, a ratio
    or a code; NaN where the kind has none. ``period`` numbers the placing.
    """

    kind: str
    column: Longs
    channel: Longs
    start_us: Longs
    end_us: Longs
    level: Longs
    magnitude: Floats
    period: Longs

    def __len__(self) -> int:
        return len(self.column)

    def take(self, rows: AnyArray) -> Episodes:
        """Some of the episodes."""
        columns = [column.name for column in fields(Episodes) if column.name != "kind"]
        return Episodes(self.kind, *(getattr(self, name)[rows] for name in columns))


class FaultPlan:
    """Where a stream's episodes lie; remembers the latest periods, so moving forward costs little."""

    def __init__(self, stream: StreamSpec) -> None:
        self._stream = stream
        self._placed: dict[tuple[str, int], Episodes] = {}
        happen = [kind for kind in FAULTS if getattr(stream.scenario.faults, kind).per_sensor_day]
        #: The kinds that happen at all, in the order in which they are applied: what hides others goes first.
        self.kinds = sorted(happen, key=lambda kind: (not FAULTS[kind].replaces, FAULTS[kind].holds))

    def between(self, kind: str, start_us: int, end_us: int) -> Episodes:
        """The episodes of ``kind`` that overlap [start, end) of event time, uncut, by period and column."""
        settings: Fault = getattr(self._stream.scenario.faults, kind)
        period_us = settings.period_days * _DAY_US
        found = []
        if kind in self.kinds:
            for period in range(start_us // period_us, (end_us - 1) // period_us + 1):
                episodes = self._episodes(kind, settings, period)
                found.append(episodes.take((episodes.start_us < end_us) & (episodes.end_us > start_us)))
        return found[0] if len(found) == 1 else _join(kind, found)

    def _episodes(self, kind: str, settings: Fault, period: int) -> Episodes:
        place = (kind, period)
        if place not in self._placed:
            self._placed.pop((kind, period - 3), None)
            self._placed[place] = _place(self._stream, kind, settings, period)
        return self._placed[place]


def reading_uniforms(stream: StreamSpec, kind: str, sensor_id: AnyArray, seq: AnyArray) -> Floats:
    """The uniform in (0, 1) that a fault of ``kind`` may use for each reading, shape of the arguments."""
    return hash_uniforms(stream.key, _stream_of(kind) + _READING, sensor_id, seq)


def _stream_of(kind: str) -> int:
    return Stream.FAULT + 8 * list(FAULTS).index(kind)


def _place(stream: StreamSpec, kind: str, settings: Fault, period: int) -> Episodes:
    """All episodes of one kind in one period."""
    number = _stream_of(kind)

    def uniforms(what: int, sensor_id: AnyArray) -> Floats:
        return hash_uniforms(stream.key, number + what, sensor_id, period)

    ids = stream.sensor_ids
    begins = uniforms(_BEGINS, ids) < settings.per_sensor_day * settings.period_days
    column = np.flatnonzero(begins & ~is_beacon(ids, stream.scenario.beacons)).astype(np.int64)
    sensor = ids[column]
    duration_us, period_us = settings.duration_us, settings.period_days * _DAY_US
    start = period * period_us + (uniforms(_AT, sensor) * (period_us - duration_us)).astype(np.int64)
    channel = np.full(len(column), WHOLE_READING, dtype=np.int64)
    if settings.fields:
        channels = np.array([CHANNELS.index(name) for name in settings.fields], dtype=np.int64)
        channel = channels[(uniforms(_FIELD, sensor) * len(channels)).astype(np.int64)]
    if isinstance(settings, Dropout):
        channel = np.where(uniforms(_SILENT, sensor) < settings.silent_share, WHOLE_READING, channel)
    level, magnitude = np.full(len(column), -1, dtype=np.int64), np.full(len(column), np.nan)
    if isinstance(settings, LevelledFault):
        allowed = np.array([LEVELS.index(name) for name in settings.levels], dtype=np.int64)
        level = allowed[(uniforms(_LEVEL, sensor) * len(allowed)).astype(np.int64)]
        magnitude = _magnitudes(stream, FAULTS[kind], channel, level, negative=uniforms(_SIGN, sensor) < 0.5)
    elif isinstance(settings, CodeFault):
        codes = np.array(settings.codes)
        magnitude = codes[(uniforms(_LEVEL, sensor) * len(codes)).astype(np.int64)]
    periods = np.full(len(column), period, dtype=np.int64)
    return Episodes(kind, column, channel, start, start + duration_us, level, magnitude, periods)


def _magnitudes(stream: StreamSpec, kind: Kind, channel: Longs, level: Longs, *, negative: Bools) -> Floats:
    size: Floats = np.array([kind.low, kind.medium, kind.high])[level]
    if kind.relative:
        # A gain of 1 / (1 + x) damps as much as one of 1 + x exaggerates.
        return np.where(negative, -size / (1.0 + size), size)
    size *= np.array(stream.scenario.faults.sigma.as_tuple())[channel]
    return np.where(negative, -size, size)


def _join(kind: str, parts: list[Episodes]) -> Episodes:
    names = [column.name for column in fields(Episodes) if column.name != "kind"]
    empty: Longs = np.empty(0, dtype=np.int64)
    columns = [np.concatenate([empty, *(getattr(part, name) for part in parts)]) for name in names]
    return Episodes(kind, *columns)
