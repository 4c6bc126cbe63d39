"""Delivery: which copies of which readings reach the broker, and when each is due.

What happens between a sensor and the broker is decided reading by reading, by hash of (sensor, seq)
or (sensor, day), in this order:

1. *Lost*: by itself, or in a burst in which nothing of that sensor arrives. No copy is ever seen.
2. *Held*: in an outage, and delivered in order at its end, all at one instant (the replay).
3. Otherwise *delayed*: by jitter, and if it is late by a lognormal delay too.
4. *Duplicated*: a second copy follows the first after another lognormal delay.

Each sensor's clock is off by a fixed skew: its readings say ``t``, and are due as if taken at
``t + skew``; bursts and outages are told in the sensor's own time, that of its timestamps. Delays are
event time; METHOD.md: a late delivery is due at (event time + delay), so lateness is no latency of a
pipeline's. Beacons, on which latency is measured, are spared all of it, as they are spared faults.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri

from base.durations import parse_duration_s
from sim.arrays import AnyArray, Bools, Bytes, Floats, Ints, Longs
from sim.batch import ReadingBatch
from sim.beacons import is_beacon
from sim.rng import Stream, hash_normals, hash_uniforms
from sim.stream import StreamSpec

#: Event microseconds in a day: bursts and outages are placed at most once in each.
DAY_US: Final = 86_400_000_000
#: No lognormal delay is longer, so that what has to be held back for it is bounded.
LONGEST_DELAY_US: Final = DAY_US

# Two numbers for each index of a random stream: whether, and then when or how long.
_WHETHER, _HOW = range(2)


@dataclass(frozen=True)
class Schedule:
    """Deliveries in due order, columns of shape (D,).

    ``reading`` is the row of the reading that is delivered, ``copy`` 0 for its first delivery and 1
    for its second, ``due_ns`` the due instant in wall nanoseconds relative to event time zero.
    """

    reading: Longs
    copy: Bytes
    due_ns: Longs


@dataclass(frozen=True)
class TransportIntervals:
    """Bursts and outages by start, columns of shape (I,); half-open, microseconds relative to event time zero.

    ``kind`` is ``loss_burst`` (nothing arrives) or ``outage`` (all arrives at its end).
    """

    kind: list[str]
    sensor_id: Ints
    start_us: Longs
    end_us: Longs

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True)
class _Placement:
    """Where the episodes of one kind lie, by hash of (sensor, day): at most one a day, wholly inside it."""

    key: int
    number: Stream
    per_sensor_day: float
    duration_us: int

    def begins(self, sensor_id: AnyArray, day: AnyArray | int) -> Bools:
        """Whether there is an episode on that day."""
        drawn: Bools = _uniforms(self.key, self.number, sensor_id, day, _WHETHER) < self.per_sensor_day
        return drawn

    def start_us(self, sensor_id: AnyArray, day: AnyArray | int) -> Longs:
        """Where the episode begins if there is one."""
        place = _uniforms(self.key, self.number, sensor_id, day, _HOW) * (DAY_US - self.duration_us)
        return day * DAY_US + place.astype(np.int64)

    def end_at(self, sensor_id: AnyArray, event_rel_us: Longs) -> tuple[Bools, Longs]:
        """Whether each event time lies in an episode of its sensor, and where that ends; shapes (N,)."""
        if not self.per_sensor_day:
            return np.zeros(len(event_rel_us), dtype=np.bool_), event_rel_us
        day = event_rel_us // DAY_US
        start_us = self.start_us(sensor_id, day)
        end_us = start_us + self.duration_us
        inside = (event_rel_us >= start_us) & (event_rel_us < end_us)
        return inside & self.begins(sensor_id, day), end_us


def deliver(stream: StreamSpec, sensor_id: Ints, seq: Longs, event_rel_us: Longs) -> Schedule:
    """The deliveries of readings (N,), given by event time and, where that is the same, by sensor.

    Deliveries that are due at one instant follow each other by event time, sensor and copy.
    """
    settings, key = stream.scenario.delivery, stream.key
    exposed = ~is_beacon(sensor_id, stream.scenario.beacons)
    lost, _ = _bursts(stream).end_at(sensor_id, event_rel_us)
    if settings.loss:
        lost |= hash_uniforms(key, Stream.LOSS, sensor_id, seq) < settings.loss
    held, replayed_us = _outages(stream).end_at(sensor_id, event_rel_us)

    delay_us = np.zeros(len(seq), dtype=np.int64)
    if settings.jitter:
        longest_us = settings.jitter * stream.interval_us
        delay_us += (hash_uniforms(key, Stream.JITTER, sensor_id, seq) * longest_us).astype(np.int64)
    if settings.late:
        late = np.flatnonzero(_uniforms(key, Stream.LATE, sensor_id, seq, _WHETHER) < settings.late)
        delay_us[late] += _lognormal_us(stream, Stream.LATE, sensor_id[late], seq[late])
    # An outage is over for all that it held at once: no jitter and no lateness mixes their order up.
    delay_us = np.where(held, replayed_us - event_rel_us, delay_us) + skew_us(stream, sensor_id)
    arrival_us = event_rel_us + np.where(exposed, delay_us, 0)

    reading = np.flatnonzero(~(lost & exposed))
    copy = np.zeros(len(reading), dtype=np.uint8)
    arrival_us = arrival_us[reading]
    if settings.duplicates:
        drawn = _uniforms(key, Stream.DUPLICATE, sensor_id[reading], seq[reading], _WHETHER)
        first = np.flatnonzero((drawn < settings.duplicates) & exposed[reading])
        again = reading[first]
        behind_us = _lognormal_us(stream, Stream.DUPLICATE, sensor_id[again], seq[again])
        arrival_us = np.concatenate([arrival_us, arrival_us[first] + behind_us])
        reading = np.concatenate([reading, again])
        copy = np.concatenate([copy, np.ones(len(again), dtype=np.uint8)])
    due_ns = stream.due_ns(arrival_us)
    order = np.lexsort((copy, reading, due_ns))
    return Schedule(reading[order], copy[order], due_ns[order])


def skew_us(stream: StreamSpec, sensor_id: AnyArray) -> Longs:
    """By how much each sensor's clock is slow, in microseconds: its readings are due that much later; (N,)."""
    sigma_us = _microseconds(stream.scenario.delivery.clock_skew_sigma)
    if not sigma_us:
        return np.zeros(len(sensor_id), dtype=np.int64)
    drawn: Longs = np.rint(hash_normals(stream.key, Stream.CLOCK, sensor_id, 0) * sigma_us).astype(np.int64)
    return np.where(is_beacon(sensor_id, stream.scenario.beacons), 0, drawn)


def earliest_us(stream: StreamSpec) -> int:
    """The least of phase and skew over the sensors: nothing of tick k is due before k intervals and that."""
    return int((stream.phases_us + skew_us(stream, stream.sensor_ids)).min())


def release(
    pending: ReadingBatch | None, made: ReadingBatch, until_ns: int | None
) -> tuple[ReadingBatch, ReadingBatch]:
    """Of ``pending`` and ``made`` what is due up to ``until_ns`` (all, without), and what stays pending.

    All of ``pending`` was taken before all of ``made``, and both before all that is due only after
    ``until_ns`` and still to be made: so where due instants are equal, the order of making is the
    order by event time, and the cut into chunks leaves no trace.
    """
    everything = made
    if pending is not None and len(pending):
        columns = {
            name: np.concatenate([getattr(pending, name), getattr(made, name)])
            for name in ("sensor_id", "seq", "copy", "event_us", "due_ns", "values")
        }
        order = np.argsort(columns["due_ns"], kind="stable")
        everything = ReadingBatch(**{name: column[order] for name, column in columns.items()})
    if until_ns is None:
        return everything, everything.take(slice(0, 0))
    cut = int(np.searchsorted(everything.due_ns, until_ns, side="right"))
    return everything.take(slice(0, cut)), everything.take(slice(cut, None))


def transport_intervals(stream: StreamSpec, start_us: int, end_us: int) -> TransportIntervals:
    """The bursts and outages that overlap [start, end) of event time relative to zero, uncut, by start."""
    healthy = is_beacon(stream.sensor_ids, stream.scenario.beacons)
    kinds: list[str] = []
    sensors, starts, ends = [np.empty(0, np.int32)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for kind, placement in (("loss_burst", _bursts(stream)), ("outage", _outages(stream))):
        # A kind that never happens costs no look at any sensor.
        for day in range(start_us // DAY_US, (end_us - 1) // DAY_US + 1) if placement.per_sensor_day else ():
            hit = stream.sensor_ids[placement.begins(stream.sensor_ids, day) & ~healthy]
            start = placement.start_us(hit, day)
            overlaps = (start < end_us) & (start + placement.duration_us > start_us)
            kinds += [kind] * int(overlaps.sum())
            sensors.append(hit[overlaps])
            starts.append(start[overlaps])
            ends.append(start[overlaps] + placement.duration_us)
    sensor_id, start, end = np.concatenate(sensors), np.concatenate(starts), np.concatenate(ends)
    order = np.lexsort((sensor_id, start))
    return TransportIntervals([kinds[row] for row in order], sensor_id[order], start[order], end[order])


def _bursts(stream: StreamSpec) -> _Placement:
    settings = stream.scenario.delivery
    duration_us = _microseconds(settings.burst_duration)
    return _Placement(stream.key, Stream.BURST, settings.bursts_per_sensor_day, duration_us)


def _outages(stream: StreamSpec) -> _Placement:
    settings = stream.scenario.delivery
    duration_us = _microseconds(settings.outage_duration)
    return _Placement(stream.key, Stream.OUTAGE, settings.outages_per_sensor_day, duration_us)


def _lognormal_us(stream: StreamSpec, number: Stream, sensor_id: AnyArray, seq: AnyArray) -> Longs:
    """Delays with the scenario's median and 99th percentile, whole microseconds, none over `LONGEST_DELAY_US`."""
    settings = stream.scenario.delivery
    median_s = parse_duration_s(settings.late_median, field="late_median")
    p99_s = parse_duration_s(settings.late_p99, field="late_p99")
    sigma = math.log(p99_s / median_s) / float(ndtri(0.99))
    drawn = median_s * 1e6 * np.exp(sigma * hash_normals(stream.key, number, sensor_id, 2 * seq + _HOW))
    delays: Longs = np.rint(np.minimum(drawn, LONGEST_DELAY_US)).astype(np.int64)
    return delays


def _uniforms(key: int, number: Stream, sensor_id: AnyArray, index: AnyArray | int, what: int) -> Floats:
    return hash_uniforms(key, number, sensor_id, 2 * index + what)


def _microseconds(duration: str) -> int:
    return round(parse_duration_s(duration, field="duration") * 1e6)
