"""Faults: what each kind does to a channel, and where episodes lie, placed by hash.

A new kind is one function and one entry in `FAULTS`, appended: its place there is its bit in the
fault mask and its random stream. In every day of event time (counted from event time zero) a sensor
has at most one episode of a kind, with the scenario's probability, wholly inside that day; so one
sensor's faults are known without the other sensors and the other days.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from base.durations import parse_duration_s
from sim.arrays import Bools, Floats, Longs
from sim.beacons import is_beacon
from sim.rng import Stream, hash_uniforms
from sim.scenario import Dropout, Fault
from sim.stream import StreamSpec
from wire.reading import CHANNELS

#: Event microseconds in a day, the unit in which episodes are placed.
DAY_US: Final = 86_400_000_000
#: The channel number of an episode in which no reading comes at all.
WHOLE_READING: Final = -1

#: (clean value, clean value of the last reading before the onset, signed magnitude) -> seen value.
Distortion = Callable[[Floats, Floats, Floats], Floats]


def spike(clean: Floats, held: Floats, magnitude: Floats) -> Floats:
    """Jump away by the magnitude, in the channel's unit."""
    return clean + magnitude


def stuck_at(clean: Floats, held: Floats, magnitude: Floats) -> Floats:
    """Repeat the last good value."""
    return held


def dropout(clean: Floats, held: Floats, magnitude: Floats) -> Floats:
    """Show nothing: a null channel."""
    return np.full_like(clean, np.nan)


FAULTS: Final[dict[str, Distortion]] = {"spike": spike, "stuck_at": stuck_at, "dropout": dropout}

#: Each kind's bit in the per-reading fault mask.
FAULT_BITS: Final = {kind: 1 << number for number, kind in enumerate(FAULTS)}

_BEGINS, _AT, _FIELD, _SIGN, _SILENT = range(5)


@dataclass(frozen=True)
class Episodes:
    """Episodes of one kind, columns of shape (E,); times in microseconds relative to zero, half-open.

    ``column`` counts sensors from 0; ``channel`` is an index into CHANNELS or `WHOLE_READING`;
    ``day`` is the day of event time; ``first_tick`` and ``end_tick`` bound the readings inside.
    """

    kind: str
    column: Longs
    channel: Longs
    start_us: Longs
    end_us: Longs
    magnitude: Floats
    day: Longs
    first_tick: Longs
    end_tick: Longs

    def __len__(self) -> int:
        return len(self.column)


def episodes_between(stream: StreamSpec, kind: str, start_us: int, end_us: int) -> Episodes:
    """The episodes of ``kind`` that overlap [start, end) of event time, by day and sensor."""
    settings: Fault = getattr(stream.scenario.faults, kind)
    number = Stream.FAULT + 8 * list(FAULTS).index(kind)
    healthy = is_beacon(stream.sensor_ids, stream.scenario.beacons)
    columns, days = [], []
    # A kind that never happens costs no look at any sensor.
    last_day = (end_us - 1) // DAY_US if settings.per_sensor_day else start_us // DAY_US - 1
    for day in range(start_us // DAY_US, last_day + 1):
        begins = hash_uniforms(stream.key, number + _BEGINS, stream.sensor_ids, day) < settings.per_sensor_day
        hit = np.flatnonzero(begins & ~healthy)
        columns.append(hit)
        days.append(np.full(len(hit), day, dtype=np.int64))
    column = np.concatenate(columns).astype(np.int64) if columns else np.empty(0, dtype=np.int64)
    day_of = np.concatenate(days) if days else np.empty(0, dtype=np.int64)
    sensor = column + 1

    def uniform(what: int) -> Floats:
        return hash_uniforms(stream.key, number + what, sensor, day_of)

    duration_us = round(parse_duration_s(settings.duration, field="duration") * 1e6)
    start = day_of * DAY_US + (uniform(_AT) * (DAY_US - duration_us)).astype(np.int64)
    channels = np.array([CHANNELS.index(name) for name in settings.fields], dtype=np.int64)
    channel = channels[(uniform(_FIELD) * len(channels)).astype(np.int64)]
    if isinstance(settings, Dropout):
        channel = np.where(uniform(_SILENT) < settings.silent_share, WHOLE_READING, channel)
    magnitude = np.where(uniform(_SIGN) < 0.5, -settings.magnitude, settings.magnitude)

    def tick_from(instant_us: Longs) -> Longs:
        """The first tick of each sensor that is not before the instant."""
        return -((stream.phases_us[column] - instant_us) // stream.interval_us)

    found = Episodes(
        kind, column, channel, start, start + duration_us, magnitude, day_of,
        tick_from(start), tick_from(start + duration_us),
    )  # fmt: skip
    return _select(found, (found.start_us < end_us) & (found.end_us > start_us))


def _select(episodes: Episodes, keep: Bools) -> Episodes:
    columns = [column.name for column in fields(Episodes) if column.name != "kind"]
    return Episodes(episodes.kind, *(getattr(episodes, name)[keep] for name in columns))
