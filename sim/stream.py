"""Which readings exist, and when each is taken and due: a pure function of scenario and seed.

Event time is kept in whole microseconds relative to *event time zero*, the start of the measuring
window; it is negative during warm-up. Wall time is whole nanoseconds relative to the wall instant of
event time zero. Reading ``k`` of a sensor is taken at ``k * interval + phase``: the phase is the
sensor's own, spread by hash over the interval, so that readings do not come in step with a trigger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from base.durations import format_duration
from base.errors import UsageError
from sim.arrays import Ints, Longs
from sim.rng import Stream, hash_uniforms, key_from_seed
from sim.scenario import ReplayScenario, Scenario, UniformScenario, WeatherScenario


@dataclass(frozen=True)
class Shard:
    """Part ``number`` (from 1 on) of ``count``: every count-th sensor. The parts together are the whole stream."""

    number: int
    count: int


def parse_shard(text: str) -> Shard:
    """``K/N`` as a shard; whether it fits the sensors, `resolve_stream` checks. Raises `UsageError`."""
    number, slash, count = text.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal()):
        raise UsageError(f"--shard {text}: write K/N, such as 1/4 for the first of four parts")
    return Shard(int(number), int(count))


#: Every sensor.
WHOLE: Final = Shard(1, 1)


@dataclass(frozen=True)
class StreamSpec:
    """One stream of ``sensors`` in all, or a shard of it: see `resolve_stream`, which checks what the user gave."""

    scenario: Scenario
    seed: int
    sensors: int
    interval_s: float
    speedup: float
    shard: Shard = WHOLE

    @property
    def rate_per_s(self) -> float:
        """Readings per second of wall time of all shards: sensors x speedup / interval (one, not sensors, by lot)."""
        return _per_interval(self.scenario, self.sensors) * self.speedup / self.interval_s

    @property
    def weather(self) -> WeatherScenario:
        """The scenario of a stream whose sensors stand in the weather; `TypeError` for any other."""
        if not isinstance(self.scenario, WeatherScenario):
            raise TypeError(f"scenario '{self.scenario.name}' has no weather")
        return self.scenario

    @cached_property
    def key(self) -> int:
        """The seed's 64-bit key for `sim.rng`."""
        return key_from_seed(self.seed)

    @property
    def interval_us(self) -> int:
        """The interval in whole microseconds of event time."""
        return max(1, round(self.interval_s * 1e6))

    @property
    def first_tick(self) -> int:
        """The tick that carries ``seq`` 0: the first at or after -lead, whatever is emitted."""
        return -(round(self.scenario.lead_s * 1e6) // self.interval_us)

    @cached_property
    def sensor_ids(self) -> Ints:
        """The numbers of the shard's sensors, (S,), in the order in which they report; *columns* count them from 0.

        So a tick's readings lie in memory as they are sent. Without ticks (drawn by lot, recorded) they ascend.
        """
        ids = np.arange(self.shard.number, self.sensors + 1, self.shard.count, dtype=np.int32)
        if isinstance(self.scenario, WeatherScenario):
            return ids[np.argsort(self._phases_us(ids), kind="stable")]
        return ids

    @cached_property
    def phases_us(self) -> Longs:
        """Each sensor's phase in [0, interval), shape (S,), microseconds of event time; ascending with ticks."""
        return self._phases_us(self.sensor_ids)

    def _phases_us(self, sensor_id: Ints) -> Longs:
        uniforms = hash_uniforms(self.key, Stream.PHASE, sensor_id, 0)
        return np.minimum((uniforms * self.interval_us).astype(np.int64), self.interval_us - 1)

    def event_rel_us(self, first_tick: int, end_tick: int) -> Longs:
        """Event times of the ticks [first, end) of all sensors, shape (K, S), relative to zero."""
        ticks = np.arange(first_tick, end_tick, dtype=np.int64)
        return ticks[:, None] * self.interval_us + self.phases_us

    def due_ns(self, event_rel_us: Longs) -> Longs:
        """When readings taken then are due without delay, wall ns relative to event time zero."""
        nanoseconds: Longs = np.rint(event_rel_us * 1000.0 / self.speedup).astype(np.int64)
        return nanoseconds

    def require_lead(self, start_s: float) -> None:
        """Raise `UsageError` if the stream has no readings as early as ``start_s`` of event time."""
        if start_s < -self.scenario.lead_s:
            raise UsageError(
                f"the stream would begin {format_duration(round(-start_s, 3))} before event time zero, but "
                f"scenario '{self.scenario.name}' has a lead of {self.scenario.lead}; shorten the warm-up, lower "
                "the speedup or raise `lead`"
            )


def resolve_stream(
    scenario: Scenario,
    *,
    seed: int,
    sensors: int,
    rate: float | None = None,
    speedup: float | None = None,
    shard: Shard = WHOLE,
) -> StreamSpec:
    """Settle rate, speedup and interval, of which rate = sensors x speedup / interval.

    Neither given: the scenario's interval and speedup. ``rate`` (readings/s of wall time) alone
    changes the interval, ``speedup`` alone the speedup, both together fix the interval. Raises
    `UsageError`, naming the flag, for numbers that make no stream.
    """
    if seed < 0:
        raise UsageError(f"--seed {seed}: a seed is a whole number from 0 on")
    if not 1 <= sensors <= 2**31 - 1:
        raise UsageError(f"--sensors {sensors}: give at least 1")
    if not 1 <= shard.number <= shard.count <= sensors:
        raise UsageError(
            f"--shard {shard.number}/{shard.count}: give K/N with K from 1 to N, and N up to the {sensors} sensors"
        )
    for flag, value in (("--rate", rate), ("--speedup", speedup)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise UsageError(f"{flag} {value:g}: give a number above 0")
    if rate is not None and isinstance(scenario, ReplayScenario):
        raise UsageError(f"--rate {rate:g}: readings of '{scenario.name}' come when its file says; give --speedup")
    settled = scenario.speedup if speedup is None else float(speedup)
    interval_s = scenario.interval_s if rate is None else _per_interval(scenario, sensors) * settled / rate
    if interval_s < 1e-3:
        raise UsageError(
            f"--rate {rate:g}: {sensors} sensors would each report every {interval_s * 1e3:.3g} ms of event "
            "time; give more --sensors, a higher --speedup or a lower --rate"
        )
    return StreamSpec(
        scenario=scenario, seed=seed, sensors=sensors, interval_s=interval_s, speedup=settled, shard=shard
    )


def _per_interval(scenario: Scenario, sensors: int) -> int:
    """Readings that all sensors together take in one interval."""
    return 1 if isinstance(scenario, UniformScenario) else sensors
