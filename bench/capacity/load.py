"""The load of a capacity search: one stream for the whole run, of which a trial sends the first so many sensors.

A stream's rate grows with its sensors, and what a sensor reports does not depend on how many there are: so whatever
the rate, trials send the same bytes, which are simulated once and judged once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Final, Self

import numpy as np
import polars as pl

from base.errors import UsageError
from bench.capacity.ordinary import is_ordinary
from bench.capacity.search import FIRST_PER_S, Limits
from bench.config import RunConfig, window_for
from bench.latency import samples_needed
from bench.matrix import plan
from bench.stream import PreparedStream, span_s, write_stream
from pipeline.rules import AlertRule
from pipeline.triggers import Trigger
from sim.arrays import Bools
from sim.beacons import is_beacon
from sim.deliveries import read_deliveries
from sim.prepare import Prepared
from sim.scenario import WeatherScenario, load_scenario
from sim.scenario_fields import DAY_S
from sim.stream import StreamSpec

#: How far apart the ends of a bracket may be, and how nearly the limit is known before they are confirmed.
RATIO: Final = 1.25
NEAR: Final = 1.25
#: The same with `--quick`, whose ends are therefore farther from the limit.
QUICK_RATIO: Final = 1.5
QUICK_NEAR: Final = 1.15
#: A search of so many points at most has time for longer trials, and for more: the less do two searches differ.
FEW_POINTS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What a search spends. Of a trial, s: the least that its window lasts, and with it the simulated day; how long
    Spark warms up; the least paced warm-up in real-time mode. ``confirms``: how many trials confirm an end.

    In a day of 15 s the alerts of 120,000 readings/s rise from 3,000/s to 32,000/s within one second. For up to 15 s of
    real-time load p50 falls at high rates, at 63,000 readings/s from 600 ms to 10: 10 s are past well before the second
    half of the window, which decides then (`judge_trial`); 30 s hold a day, and so a noon.
    """

    least_window_s: float
    spark_warmup_s: float
    realtime_warmup_s: float
    confirms: int


ON_FEW_POINTS: Final = Effort(least_window_s=30.0, spark_warmup_s=24.0, realtime_warmup_s=30.0, confirms=3)
ON_MANY_POINTS: Final = Effort(least_window_s=15.0, spark_warmup_s=10.0, realtime_warmup_s=10.0, confirms=2)

#: How long the first trial's Spark times the drain of its backlog after the window, s: that is warm by then, and tells
#: where to begin.
FIRST_DRAIN_S: Final = 4.0
#: The most readings that a trial sends: all of them are simulated, and judged if it ends well, for which one core takes
#: 3 microseconds each.
MOST_READINGS: Final = 20_000_000
#: How many more sensors are prepared than were asked for: a step up needs no new stream, which takes as long to write
#: as half a trial.
HEADROOM: Final = 1.3


def trial_window_s(config: RunConfig, trigger: Trigger) -> float:
    """The window of a trial of the whole search ``config``, s: four micro-batch triggers, whole real-time batches, and
    not less than the least.

    A real-time window of less than a batch would hold a boundary or not, as it happens, and its p99 with it.
    """
    return window_for([trigger], None, least_s=effort(config).least_window_s)


def effort(config: RunConfig) -> Effort:
    """What the whole search ``config`` spends."""
    return ON_FEW_POINTS if len(plan(config)) <= FEW_POINTS else ON_MANY_POINTS


def trial_config(config: RunConfig, trigger: Trigger) -> RunConfig:
    """``config`` of a whole search as that of a trial with ``trigger``: its window and its paced warm-up."""
    least_s = effort(config).realtime_warmup_s if trigger.is_realtime else 0.0
    paced_s = max(config.warmup_s, least_s)
    return config.model_copy(update={"window_s": trial_window_s(config, trigger), "warmup_s": paced_s})


def with_longest_warmup(config: RunConfig) -> RunConfig:
    """``config`` with the longest warm-up that its cells, or the trials of its search, have: what a stream covers."""
    if not config.search_rate:
        return config
    longest_s = max(trial_config(config, cell.trigger).warmup_s for cell in plan(config))
    return config.model_copy(update={"warmup_s": longest_s})


def with_searched_load(config: RunConfig) -> RunConfig:
    """``config`` with the load of its search: the shortest window holds a day, the first rate is `FIRST_PER_S`.

    And with the Spark warm-up of its trials.

    Raises `UsageError` for a scenario whose rate does not follow from its sensors, or whose p99 nothing would support.
    """
    scenario = load_scenario(config.scenario)
    if not isinstance(scenario, WeatherScenario) or not scenario.beacons.share:
        raise UsageError(
            f"--scenario {config.scenario}: --search-rate takes sensors in the weather, and beacons among them; "
            "choose another one, such as temperate-day"
        )
    windows_s = [trial_window_s(config, cell.trigger) for cell in plan(config)]
    speedup = DAY_S / min(windows_s)
    return config.model_copy(
        update={
            "sensors": round(FIRST_PER_S * scenario.interval_s / speedup),
            "speedup": speedup,
            "window_s": max(windows_s),
            "spark_warmup_s": effort(config).spark_warmup_s,
        }
    )


def sensors_at(spec: StreamSpec, rate_per_s: float) -> int:
    """How many sensors make ``rate_per_s`` (readings/s), as nearly as whole ones can."""
    return max(1, round(rate_per_s * spec.interval_s / spec.speedup))


def whole_rate(spec: StreamSpec, rate_per_s: float) -> float:
    """What ``rate_per_s`` becomes with a whole number of sensors."""
    return replace(spec, sensors=sensors_at(spec, rate_per_s)).rate_per_s


def limits_of(spec: StreamSpec, config: RunConfig, *, tail_s: float) -> Limits:
    """Between which rates a point is searched whose trials have ``config`` (`trial_config`).

    From where p99 has its samples (a beacon alerts on every second reading; a few are lost to faults), up to where
    a trial has `MOST_READINGS`.
    """
    beacon_alerts = 1.05 * samples_needed(0.99)
    return Limits(
        ratio=QUICK_RATIO if config.quick else RATIO,
        near=QUICK_NEAR if config.quick else NEAR,
        confirms=effort(config).confirms,
        floor_per_s=whole_rate(spec, beacon_alerts / (config.window_s * spec.scenario.beacons.share / 2)),
        ceiling_per_s=whole_rate(spec, MOST_READINGS / (config.warmup_s + config.window_s + tail_s)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What a trial sends: the first ``sensors``, due from ``since_ns`` on and before ``until_ns`` (event time zero)."""

    sensors: int
    since_ns: int
    until_ns: int

    @classmethod
    def of(cls, spec: StreamSpec, config: RunConfig, *, tail_s: float) -> Self:
        """That of a trial with ``config`` (`trial_config`) whose stream has ``spec``."""
        until_ns = round((config.window_s + tail_s) * 1e9)
        return cls(sensors=spec.sensors, since_ns=-round(config.warmup_s * 1e9), until_ns=until_ns)

    def covers(self, other: Self) -> bool:
        """Whether it holds all that ``other`` does."""
        return self.sensors >= other.sensors and self.since_ns <= other.since_ns and self.until_ns >= other.until_ns

    def holds(self, stretch: Prepared) -> Bools:
        """Which of its deliveries (D,) are among these."""
        flags: Bools = (
            (stretch.sensor_id <= self.sensors) & (stretch.due_ns >= self.since_ns) & (stretch.due_ns < self.until_ns)
        )
        return flags


class GrowingStream:
    """A prepared stream whose file is written anew, with more sensors, when a higher rate is asked for.

    ``first`` covers what ``config`` and ``tail_s`` say, and so will all that is written later.
    """

    def __init__(self, first: PreparedStream, config: RunConfig, *, tail_s: float) -> None:
        self._first = first
        self._sensors = first.spec.sensors
        #: What is required of these parts of the stream; of the others it is not known yet.
        self._required: list[pl.DataFrame] = []
        self._judged: list[Extent] = []
        self._start_s, self._end_s = span_s(first.spec, config, tail_s=tail_s)

    def at(self, rate_per_s: float) -> PreparedStream:
        """The stream at ``rate_per_s``, as nearly as whole sensors allow, its deliveries written."""
        sensors = sensors_at(self._first.spec, rate_per_s)
        if sensors > self._sensors:
            self._write(round(HEADROOM * sensors))
        numbers = np.arange(1, sensors + 1)
        beacons = numbers[is_beacon(numbers, self._first.spec.scenario.beacons)]
        spec = replace(self._first.spec, sensors=sensors)
        return replace(self._first, spec=spec, sent_sensors=sensors, beacons=frozenset(beacons.tolist()))

    def required(
        self, judge: Callable[[Sequence[bytes]], pl.DataFrame], rules: Sequence[AlertRule], sent: Extent
    ) -> pl.DataFrame:
        """What must be alerted or rejected of all that was ``sent``, as `bench.capacity.reckoning` takes it.

        ``judge`` knows by ``rules``. Perhaps of more than was sent; no delivery is judged twice.
        """
        if not any(extent.covers(sent) for extent in self._judged):
            read = read_deliveries(
                self._first.deliveries, since_ns=sent.since_ns, until_ns=sent.until_ns, sensors=sent.sensors
            )
            for stretch in read:
                known = np.zeros(len(stretch), dtype=np.bool_)
                for extent in self._judged:
                    known |= extent.holds(stretch)
                new = np.flatnonzero(~known)
                values = [stretch.values[row] for row in new.tolist()]
                matters = ~is_ordinary(values, rules)
                new = new[matters]
                # Its own numbers, which a garbled reading does not tell.
                numbers = {"sensor_id": stretch.sensor_id.astype(np.int64)[new], "seq": stretch.seq[new]}
                judged = judge(list(compress(values, matters)))
                judged = judged.with_columns(**{name: pl.Series(n) for name, n in numbers.items()})
                self._required.append(judged.filter(pl.any_horizontal(pl.col("alert_id", "reason").is_not_null())))
            self._judged.append(sent)
        return pl.concat(self._required).unique(["sensor_id", "seq"], keep="first", maintain_order=True)

    def _write(self, sensors: int) -> None:
        write_stream(
            replace(self._first.spec, sensors=sensors), self._first.deliveries, start_s=self._start_s, end_s=self._end_s
        )
        self._sensors = sensors
