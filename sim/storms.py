"""Thunderstorm cells: where and when each one is, as a pure function of scenario and seed.

Every solar day has the scenario's number of cells. A cell starts in the afternoon, drifts across the
region and acts on the sensors around its centre; its strength at a place and time is in [0, 1].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from base.durations import parse_duration_s
from sim.arrays import Floats
from sim.rng import Stream, hash_uniforms
from sim.scenario import WeatherScenario

_DAY_S = 86400.0


@dataclass(frozen=True)
class Storm:
    """One cell: life time in event seconds relative to zero, centre at half of it, drift in km/s."""

    name: str
    start_s: float
    end_s: float
    centre_km: tuple[float, float]
    drift_km_per_s: tuple[float, float]
    radius_km: float

    def strength(self, event_s: Floats, x_km: Floats, y_km: Floats) -> Floats:
        """0 (untouched) to 1 (centre, at its height) at each instant and place, shape of the broadcast arguments."""
        life = (event_s - self.start_s) / (self.end_s - self.start_s)
        height = np.where((life >= 0.0) & (life < 1.0), np.sin(np.pi * life) ** 2, 0.0)
        aged = event_s - (self.start_s + self.end_s) / 2.0
        dx = x_km - (self.centre_km[0] + self.drift_km_per_s[0] * aged)
        dy = y_km - (self.centre_km[1] + self.drift_km_per_s[1] * aged)
        strength: Floats = height * np.exp(-(dx**2 + dy**2) / self.radius_km**2)
        return strength


def storms_between(
    scenario: WeatherScenario,
    key: int,
    start_s: float,
    end_s: float,
    *,
    earliest_hour: float = 13.0,
    latest_hour: float = 17.0,
) -> list[Storm]:
    """The cells alive somewhere in [start, end) of event time, by start. Hours are solar time."""
    settings = scenario.storms
    duration_s = parse_duration_s(settings.duration, field="storms.duration")
    # Solar midnight of day 0, relative to event time zero.
    midnight_s = -((scenario.start_us / 1e6 + scenario.longitude / 15.0 * 3600.0) % _DAY_S)
    first = math.floor((start_s - duration_s - midnight_s) / _DAY_S)
    last = math.floor((end_s - midnight_s) / _DAY_S)
    storms = []
    for day in range(first, last + 1):
        for number in range(settings.per_day):
            at, x, y, heading = hash_uniforms(key, Stream.STORM, np.arange(4) + 4 * number, day)
            hour = earliest_hour + at * (latest_hour - earliest_hour)
            begin = midnight_s + day * _DAY_S + hour * 3600.0
            # The middle half of the region: a cell at its rim would touch too few sensors to matter.
            centre = (scenario.extent_km * (0.25 + 0.5 * x), scenario.extent_km * (0.25 + 0.5 * y))
            speed, angle = settings.drift_km_per_h / 3600.0, 2.0 * math.pi * heading
            storm = Storm(
                name=f"thunderstorm-{day}-{number}",
                start_s=begin,
                end_s=begin + duration_s,
                centre_km=centre,
                drift_km_per_s=(speed * math.cos(angle), speed * math.sin(angle)),
                radius_km=settings.radius_km,
            )
            if storm.start_s < end_s and storm.end_s > start_s:
                storms.append(storm)
    return sorted(storms, key=lambda storm: storm.start_s)
