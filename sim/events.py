"""What befalls the whole map beside thunderstorms: heat waves, cold fronts, fog and dry spells.

An event is placed by the scenario (and, within its ``spread_h``, by the seed). What it does to the air
is a pure function of time and place. `events_between` names every event, thunderstorms included.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from base.durations import parse_duration_s
from sim.arrays import Floats
from sim.atmosphere import solar_hour
from sim.rng import Stream, hash_uniforms
from sim.scenario import WeatherScenario
from sim.scenario_weather import ColdFront, Fog, Occurrence, Spell
from sim.storms import storms_between

#: The kind that `sim.storms` acts for.
THUNDERSTORM: Final = "thunderstorm"

#: The gusts of a cold front run ahead of it and last into the cold air; the temperature falls in an hour.
FRONT_AHEAD_S: Final = 1800.0
FRONT_GUSTS_S: Final = 7200.0
FRONT_FALL_S: Final = 3600.0
#: Fog thickens and thins in an hour.
FOG_ONSET_S: Final = 3600.0


@dataclass(frozen=True)
class Event:
    """One event of the environment, in event seconds relative to zero, half-open: outside it does nothing."""

    name: str
    kind: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Anomalies:
    """What events do to the air at one instant, each of shape (S,), or (1,) where it is the same everywhere.

    ``warming_c`` is added to the temperature and ``drying_c`` taken from the dew point; ``rainless``
    and ``fog`` are shares in [0, 1]; ``wet`` in [0, 1] and ``rain_mm_per_h`` come with a front, as does
    ``gust_ms``, below which no gust stays.
    """

    warming_c: Floats
    drying_c: Floats
    rainless: Floats
    fog: Floats
    wet: Floats
    rain_mm_per_h: Floats
    gust_ms: Floats


#: Nothing happens.
NO_ANOMALIES: Final = Anomalies(*(np.zeros(1) for _ in range(7)))


def events_between(scenario: WeatherScenario, key: int, start_s: float, end_s: float) -> list[Event]:
    """Every event that overlaps [start, end) of event seconds, uncut, by start; thunderstorms included.

    ``kind`` is `thunderstorm`, `heat_wave`, `cold_front`, `fog` or `dry_spell`. A front's interval
    runs from when its gusts reach the first corner of the map until the old air is back at the last.
    """
    events = [
        Event(storm.name, THUNDERSTORM, storm.start_s, storm.end_s)
        for storm in storms_between(scenario, key, start_s, end_s)
    ]
    settings = scenario.events
    for kind, stream, one in (
        ("heat_wave", Stream.HEAT_WAVE, settings.heat_wave),
        ("cold_front", Stream.COLD_FRONT, settings.cold_front),
        ("fog", Stream.FOG, settings.fog),
        ("dry_spell", Stream.DRY_SPELL, settings.dry_spell),
    ):
        if one is None:
            continue
        before_s, after_s = _reach(one, scenario)
        for number, begin_s in _placed(one, key, stream, start_s - after_s, end_s + before_s):
            event = Event(f"{kind}-{number}", kind, begin_s - before_s, begin_s + after_s)
            if isinstance(one, Fog):
                event = _at_night(event, one, scenario)
            if event.start_s < end_s and event.end_s > start_s:
                events.append(event)
    return sorted(events, key=lambda event: (event.start_s, event.name))


def anomalies(scenario: WeatherScenario, events: list[Event], event_s: float, x_km: Floats, y_km: Floats) -> Anomalies:
    """What ``events`` do at ``event_s`` to places (S,) in km; thunderstorms act by themselves (`sim.storms`)."""
    settings, total = scenario.events, NO_ANOMALIES
    for event in events:
        if not event.start_s <= event_s < event.end_s:
            continue
        if event.kind == "heat_wave" and settings.heat_wave is not None:
            warming_c = settings.heat_wave.warming_c * _spell(settings.heat_wave, event, event_s)
            total = replace(total, warming_c=total.warming_c + warming_c)
        elif event.kind == "dry_spell" and settings.dry_spell is not None:
            strength = _spell(settings.dry_spell, event, event_s)
            drying_c = settings.dry_spell.drying_c * strength
            total = replace(total, drying_c=total.drying_c + drying_c, rainless=np.maximum(total.rainless, strength))
        elif event.kind == "fog":
            thick = _plateau(event_s - event.start_s, event.end_s - event.start_s, FOG_ONSET_S)
            total = replace(total, fog=np.maximum(total.fog, thick))
        elif event.kind == "cold_front" and settings.cold_front is not None:
            total = _front(total, settings.cold_front, scenario.extent_km, event, event_s, x_km, y_km)
    return total


def stacked(of_steps: list[Anomalies], places: int) -> Anomalies:
    """The anomalies of T instants as one, each of shape (T, places)."""
    names = [field.name for field in fields(Anomalies)]
    return Anomalies(*(np.stack([np.broadcast_to(getattr(one, name), places) for one in of_steps]) for name in names))


def _front(
    total: Anomalies, front: ColdFront, extent_km: float, event: Event, event_s: float, x_km: Floats, y_km: Floats
) -> Anomalies:
    """``total`` with one cold front more: gusts at its line, the fall of an hour, rain, and the way back."""
    east, north, first_km, _ = _line(front, extent_km)
    reached_s = event.start_s + FRONT_AHEAD_S + (x_km * east + y_km * north - first_km) / _km_per_s(front)
    since_s = event_s - reached_s
    duration_s = parse_duration_s(front.duration, field="duration")
    back = _smoothstep((since_s - FRONT_FALL_S) / (duration_s - FRONT_FALL_S))
    wet = _hump(since_s / parse_duration_s(front.rain_duration, field="rain_duration"))
    gusts = _hump((since_s + FRONT_AHEAD_S) / FRONT_GUSTS_S)
    return replace(
        total,
        warming_c=total.warming_c - front.cooling_c * _smoothstep(since_s / FRONT_FALL_S) * (1.0 - back),
        wet=np.maximum(total.wet, wet),
        rain_mm_per_h=total.rain_mm_per_h + front.rain_mm_per_h * wet,
        gust_ms=np.maximum(total.gust_ms, front.gust_ms * gusts),
    )


def _placed(
    settings: Occurrence, key: int, stream: Stream, start_s: float, end_s: float
) -> Iterator[tuple[int, float]]:
    """(number, begin) of every occurrence that may begin in [start, end); numbers count from the first."""
    first_s, spread_s = settings.start_h * 3600.0, settings.spread_h * 3600.0
    # Fog waits for its hour, up to a day.
    start_s -= spread_s + 86400.0
    numbers = range(1)
    every_s = 0.0
    if settings.every is not None:
        every_s = parse_duration_s(settings.every, field="every")
        numbers = range(max(0, math.floor((start_s - first_s) / every_s)), math.floor((end_s - first_s) / every_s) + 1)
    for number in numbers:
        yield number, first_s + number * every_s + spread_s * float(hash_uniforms(key, stream, 0, number)[0])


def _reach(settings: Occurrence, scenario: WeatherScenario) -> tuple[float, float]:
    """Seconds that an occurrence acts before its beginning and after it."""
    duration_s = parse_duration_s(settings.duration, field="duration")
    if not isinstance(settings, ColdFront):
        return 0.0, duration_s
    *_, first_km, last_km = _line(settings, scenario.extent_km)
    return FRONT_AHEAD_S, (last_km - first_km) / _km_per_s(settings) + duration_s


def _at_night(event: Event, fog: Fog, scenario: WeatherScenario) -> Event:
    """The event moved on to the next time that the sun's clock shows the hour of the fog."""
    hour = float(solar_hour(scenario.start_us / 1e6 + event.start_s, scenario.longitude))
    wait_s = (fog.from_hour - hour) % 24.0 * 3600.0
    return replace(event, start_s=event.start_s + wait_s, end_s=event.end_s + wait_s)


def _line(front: ColdFront, extent_km: float) -> tuple[float, float, float, float]:
    """East and north part of the front's heading, and where along it the square begins and ends (km)."""
    heading = math.radians(front.heading_deg)
    east, north = math.sin(heading), math.cos(heading)
    return (
        east,
        north,
        extent_km * (min(east, 0.0) + min(north, 0.0)),
        extent_km * (max(east, 0.0) + max(north, 0.0)),
    )


def _km_per_s(front: ColdFront) -> float:
    return front.speed_km_per_h / 3600.0


def _spell(settings: Spell, event: Event, event_s: float) -> Floats:
    onset_s = parse_duration_s(settings.onset, field="onset")
    return _plateau(event_s - event.start_s, event.end_s - event.start_s, onset_s)


def _plateau(since_s: float, length_s: float, onset_s: float) -> Floats:
    """0 at both ends, 1 in between, smooth within ``onset_s`` of each end; shape (1,)."""
    return _smoothstep(np.array([min(since_s, length_s - since_s) / onset_s]))


def _smoothstep(share: Floats) -> Floats:
    """0 up to 0, 1 from 1 on, and 3 s² - 2 s³ in between, without a kink."""
    clipped = np.clip(share, 0.0, 1.0)
    risen: Floats = clipped * clipped * (3.0 - 2.0 * clipped)
    return risen


def _hump(share: Floats) -> Floats:
    """sin² from 0 over 1 (in the middle) back to 0; nothing outside."""
    risen: Floats = np.sin(np.pi * np.clip(share, 0.0, 1.0)) ** 2
    return risen
