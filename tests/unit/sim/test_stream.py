"""Rate, speedup and interval settle each other; phases spread; time is whole numbers."""

from __future__ import annotations

import numpy as np
import pytest

from base.errors import UsageError
from sim.scenario import load_scenario
from sim.stream import StreamSpec, resolve_stream

SCENARIO = load_scenario("temperate-day")


def stream(sensors: int = 1000, rate: float | None = None, speedup: float | None = None) -> StreamSpec:
    """A stream of the default scenario."""
    return resolve_stream(SCENARIO, seed=42, sensors=sensors, rate=rate, speedup=speedup)


def test_default_rate():
    """1000 sensors, every 10 minutes, a day in 30 s: 4,800 readings/s."""
    assert stream().rate_per_s == pytest.approx(4800.0)


def test_sensors_keep_the_rate_per_sensor():
    """Twice the sensors give twice the rate."""
    assert stream(sensors=2000).rate_per_s == pytest.approx(9600.0)


def test_rate_alone_changes_the_interval():
    """9,600/s from 1000 sensors at the scenario's speedup means a reading every 5 minutes."""
    settled = stream(rate=9600.0)
    assert (settled.interval_s, settled.speedup) == (pytest.approx(300.0), 2880.0)


def test_speedup_alone_keeps_the_interval():
    """Real time from the same sensors is one 2880th of the rate."""
    settled = stream(speedup=1.0)
    assert (settled.interval_s, settled.speedup) == (600.0, 1.0)
    assert settled.rate_per_s == pytest.approx(4800.0 / 2880.0)


def test_rate_and_speedup_fix_the_interval():
    """10 readings/s in real time from 100 sensors: each reports every 10 s."""
    assert stream(sensors=100, rate=10.0, speedup=1.0).interval_s == pytest.approx(10.0)


def test_resolving_again_changes_nothing():
    """A stream's own rate and speedup, given as flags, yield the same ticks."""
    first = stream(sensors=700, rate=4321.0)
    again = stream(sensors=700, rate=first.rate_per_s, speedup=first.speedup)
    assert again.interval_us == first.interval_us


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"sensors": 0}, "--sensors 0"),
        ({"rate": 0.0}, "--rate 0"),
        ({"rate": -3.0}, "--rate -3"),
        ({"rate": float("nan")}, "--rate nan"),
        ({"speedup": 0.0}, "--speedup 0"),
        ({"speedup": float("inf")}, "--speedup inf"),
        ({"sensors": 1, "rate": 1e9, "speedup": 1.0}, "--rate 1e[+]09"),
    ],
)
def test_nonsense_names_the_flag(options: dict[str, float], flag: str):
    """What makes no stream is a usage error that begins with the flag and its value."""
    with pytest.raises(UsageError, match=f"^{flag}: "):
        stream(**options)


def test_negative_seed():
    """A seed below 0 is a usage error."""
    with pytest.raises(UsageError, match=r"^--seed -1: "):
        resolve_stream(SCENARIO, seed=-1, sensors=1)


def test_phases_are_spread_over_the_interval():
    """Phases fill [0, interval) evenly, so that readings keep no step with a trigger."""
    phases = stream().phases_us / stream().interval_us
    assert phases.min() >= 0.0
    assert phases.max() < 1.0
    assert np.histogram(phases, bins=10, range=(0, 1))[0].min() > 60


def test_ticks_and_due_instants():
    """Reading k of a sensor is at k intervals plus its phase, and due 2880 times sooner."""
    spec = stream()
    event_us = spec.event_rel_us(-2, 3)
    assert np.array_equal(event_us[2], spec.phases_us)
    assert np.array_equal(event_us[4] - event_us[0], np.full(1000, 4 * 600_000_000))
    assert np.allclose(spec.due_ns(event_us), event_us * 1000 / 2880, atol=0.51)


def test_seq_zero_is_a_lead_before_zero():
    """The first tick is one day of 144 readings before event time zero, or zero if a day is too short."""
    assert stream().first_tick == -144
    assert stream(rate=1.0).first_tick == 0
