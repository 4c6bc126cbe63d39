"""The truth: the weather at every sensor, evolved on its own fixed grid and read out at any instant.

The grid has one step per ten minutes of event time, whatever the interval between readings: the same
scenario and seed have the same weather at any rate. It begins ``lead`` before event time zero, so
that where emission starts changes nothing. What hides behind the weather (`sim.latent`) neighbours share
in part. What moves within minutes, turbulence and gusts, is added at read-out.

Sensors are worked on in blocks that a core's cache holds, so a reading costs as much among a million.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri

from base.durations import parse_duration_s
from sim.arrays import AnyArray, Floats, Ints, Longs, Singles
from sim.atmosphere import (
    cos_zenith,
    day_cycle,
    latent_correlation,
    relative_humidity,
    solar_hour,
    uv_index,
    weibull_from_normal,
)
from sim.events import NO_ANOMALIES, THUNDERSTORM, Anomalies, Event, anomalies, events_between, stacked
from sim.field import Field, Places, smooth_noise
from sim.latent import Latent, Process
from sim.lookup import Lookup
from sim.rng import Stream, hash_normals
from sim.scenario import WeatherScenario
from sim.sensors import positions
from sim.storms import Storm, storms_between
from sim.stream import StreamSpec

#: Event seconds per step of the weather grid.
STEP_S: Final = 600
#: Steps in the hour over which rainfall is summed.
HOUR_STEPS: Final = 3600 // STEP_S
#: Memory of turbulence and gusts, microseconds of event time (one-minute lag 1 of gusts: 0.80 to 0.97 observed).
TURBULENCE_US: Final = 180_000_000

#: Values, steps times sensors, that are worked on at once.
BLOCK_VALUES: Final = 8192

_STEP_US: Final = STEP_S * 1_000_000
_DAY_STEPS: Final = 86400 // STEP_S
_TEMPERATURE, _DEW_POINT, _CLOUD, _GUST, _RAIN = range(5)

#: Of standard normals, far enough out for any number of draws.
_TABULATED: Final = 6.5


@dataclass(frozen=True)
class WeatherWindow:
    """Consecutive grid steps: ``fields`` is (W, 5, S) of temperature °C, dew point °C, cloud [0, 1],
    peak gust m/s and rain mm in the past hour, at ``sensor_ids`` (S,); ``sun`` (W,) is the cosine of the
    zenith angle."""

    sensor_ids: Ints
    first_step: int
    fields: Singles
    sun: Floats


class Weather:
    """One stream's weather, moving forward only: ask for windows in the order of time.

    At all sensors, or at some of them only (``columns``), for which it is the same.
    """

    def __init__(self, stream: StreamSpec, columns: AnyArray | slice = slice(None)) -> None:
        self._key, self._scenario = stream.key, stream.weather
        self._ids = stream.sensor_ids[columns]
        key, ids, scenario = self._key, self._ids, self._scenario
        self._x_km, self._y_km = positions(key, ids, scenario.extent_km)
        site_c, site_dew_c = scenario.temperature.site_sigma_c, scenario.humidity.site_sigma_c
        self._site_c = (site_c * hash_normals(key, Stream.SITE_TEMPERATURE, ids, 0)).astype(np.float32)
        self._site_dew_c = (site_dew_c * hash_normals(key, Stream.SITE_DEW_POINT, ids, 0)).astype(np.float32)
        first_step = -math.ceil(scenario.lead_s / STEP_S)
        processes = _processes(scenario)
        places = Places(self._x_km, self._y_km, extent_km=scenario.extent_km)
        lengths_km = {process.length_km for process in processes}
        fields = {length_km: Field(places, length_km=length_km) for length_km in lengths_km}
        self._latents = {
            process.stream: Latent(process, fields[process.length_km], key, ids, first_step=first_step, step_s=STEP_S)
            for process in processes
        }
        rain, wind = scenario.rain, scenario.wind
        self._dry_above = float(ndtri(rain.onset_per_h / (rain.onset_per_h + rain.end_per_h)))
        self._mean_ms = Lookup(
            lambda normal: weibull_from_normal(normal, mean=wind.mean_ms, shape=wind.shape), -_TABULATED, _TABULATED
        )
        clear = scenario.uv.clear_share
        self._cloud = Lookup(
            lambda normal: np.clip((ndtr(normal) - clear) / (1.0 - clear), 0.0, 1.0), -_TABULATED, _TABULATED
        )
        self._storms: list[Storm] = []
        self._events: list[Event] = []
        self._placed_until_s = -math.inf
        # Rain of the five steps before the next one, mm.
        self._rain_mm: Singles = np.zeros((HOUR_STEPS - 1, len(ids)), dtype=np.float32)
        self._next_step = first_step
        self._kept: Singles = np.empty((0, 5, len(ids)), dtype=np.float32)
        self._sun: dict[int, Floats] = {}

    def window(self, start_s: float, end_s: float) -> WeatherWindow:
        """All steps needed to read out event seconds in [start, end]; start must not go back."""
        first, last = math.floor(start_s / STEP_S), math.floor(end_s / STEP_S) + 1
        have = self._next_step - len(self._kept)
        if first < have and len(self._kept):
            raise ValueError(f"weather moves forward only: step {first} was left behind at {have}")
        if first - (HOUR_STEPS - 1) > self._next_step:
            self._skip(first - (HOUR_STEPS - 1))
            have = self._next_step
        fields = np.empty((max(0, last + 1 - self._next_step), 5, len(self._ids)), dtype=np.float32)
        # As many sensors at a time as make a block, and then as many steps.
        stride = max(1, BLOCK_VALUES // len(self._ids))
        for step in range(0, len(fields), stride):
            self._advance(fields[step : step + stride])
        self._kept = np.concatenate([self._kept, fields])[first - have :]
        return WeatherWindow(self._ids, first, self._kept[: last + 1 - first], self._sun_of(first, last))

    def _skip(self, step: int) -> None:
        """Move on so that ``step`` is the next one; what lies before was not asked for."""
        for latent in self._latents.values():
            for block in self._blocks():
                latent.skip(step - 1, block)
            latent.settle(step - 1)
        self._next_step = step
        self._kept = self._kept[:0]
        self._rain_mm[:] = 0.0

    def _advance(self, fields: Singles) -> None:
        """Fill ``fields`` (T, 5, S) with the next T steps."""
        first, steps = self._next_step, len(fields)
        event_s = STEP_S * np.arange(first, first + steps, dtype=np.float64)
        self._place(float(event_s[0]), float(event_s[-1]) + STEP_S)
        nodes = {stream: latent.regional(first, steps) for stream, latent in self._latents.items()}
        for block in self._blocks():
            latents = {stream: latent.read(nodes[stream], first, block) for stream, latent in self._latents.items()}
            self._fields(latents, event_s, block, fields[:, :, block])
        for latent in self._latents.values():
            latent.settle(first + steps - 1)
        self._next_step += steps

    def _place(self, start_s: float, end_s: float) -> None:
        """Look up the storms and events of a stretch, some way ahead."""
        if end_s > self._placed_until_s:
            self._placed_until_s = end_s + 86400.0
            self._storms = storms_between(self._scenario, self._key, start_s, self._placed_until_s)
            events = events_between(self._scenario, self._key, start_s, self._placed_until_s)
            self._events = [event for event in events if event.kind != THUNDERSTORM]

    def _fields(self, latents: dict[Stream, Singles], event_s: Floats, block: slice, fields: Singles) -> None:
        """The weather of T steps at a block of B sensors into ``fields`` (T, 5, B): wetness ties it together."""
        scenario, anomaly = self._scenario, self._anomalies(event_s, block)
        storm = self._storm(event_s, block)
        epoch_s = (scenario.start_us / 1e6 + event_s)[:, None]
        hour = solar_hour(epoch_s, scenario.longitude)
        raining = (latents[Stream.RAIN_STATE] < self._dry_above) * (1.0 - anomaly.rainless)
        wetness = np.maximum(np.maximum(raining, storm), anomaly.wet * (1.0 - anomaly.rainless))
        cloud = np.maximum(np.maximum(self._cloud(latents[Stream.CLOUD]), wetness), anomaly.fog)

        temperature = scenario.temperature
        day_of_year = (epoch_s / 86400.0) % 365.2425
        season = np.cos(2.0 * np.pi * (day_of_year - temperature.warmest_day) / 365.2425)
        steady_c = temperature.mean_c + temperature.seasonal_c * season
        daily_c = temperature.diurnal_range_c * day_cycle(hour)
        air_c = daily_c * (1.0 - (1.0 - temperature.overcast_range) * cloud) + steady_c + self._site_c[block]
        air_c += temperature.synoptic_sigma_c * latents[Stream.SYNOPTIC]
        air_c -= scenario.storms.cooling_c * storm
        air_c += anomaly.warming_c

        humidity = scenario.humidity
        dew_c = humidity.dew_sigma_c * latents[Stream.DEW_POINT] + (humidity.dew_point_c + self._site_dew_c[block])
        dew_c -= anomaly.drying_c
        dew_c += wetness * np.maximum(air_c - humidity.wet_spread_c - dew_c, 0.0)
        dew_c = np.minimum(dew_c, air_c)
        dew_c += anomaly.fog * (air_c - dew_c)

        wind = scenario.wind
        daily_wind = wind.gust_factor * (1.0 + wind.diurnal_strength * np.cos(2.0 * np.pi * (hour - 15.0) / 24.0))
        gust_ms = self._mean_ms(latents[Stream.WIND]) * daily_wind * (1.0 + (wind.wet_factor - 1.0) * raining)
        if scenario.events.fog is not None:
            gust_ms *= 1.0 - scenario.events.fog.calming * anomaly.fog
        gust_ms = np.maximum(np.maximum(gust_ms, scenario.storms.gust_ms * storm), anomaly.gust_ms)

        fields[:, _TEMPERATURE], fields[:, _DEW_POINT], fields[:, _CLOUD] = air_c, dew_c, cloud
        fields[:, _GUST] = gust_ms
        fields[:, _RAIN] = self._hour_of_rain(latents[Stream.RAIN_AMOUNT], raining, storm, anomaly, block)

    def _hour_of_rain(
        self, amount: Singles, raining: Floats, storm: Floats, anomaly: Anomalies, block: slice
    ) -> Singles:
        """Rain of the past hour in mm at each of T steps, (T, B); keeps the last steps for the next call."""
        scenario = self._scenario
        # The square of a standard normal is gamma distributed with shape 0.5 and mean 1.
        rate = raining * (scenario.rain.mean_mm_per_h * amount**2)
        rate += (scenario.storms.peak_mm_per_h * storm + anomaly.rain_mm_per_h) * (1.0 - anomaly.rainless)
        fallen = np.concatenate([self._rain_mm[:, block], (rate * (STEP_S / 3600.0)).astype(np.float32)])
        self._rain_mm[:, block] = fallen[len(rate) :]
        total = fallen[: len(rate)].copy()
        for later in range(1, HOUR_STEPS):
            total += fallen[later : later + len(rate)]
        return total

    def _storm(self, event_s: Floats, block: slice) -> Floats:
        """How strong the strongest thunderstorm is, in [0, 1]: (T, B), or (1, 1) where there is none."""
        alive = [storm for storm in self._storms if storm.start_s < event_s[-1] + STEP_S and storm.end_s > event_s[0]]
        if not alive:
            return np.zeros((1, 1))
        x_km, y_km = self._x_km[block], self._y_km[block]
        strength = np.zeros((len(event_s), len(x_km)))
        for storm in alive:
            np.maximum(strength, storm.strength(event_s[:, None], x_km, y_km), out=strength)
        return strength

    def _anomalies(self, event_s: Floats, block: slice) -> Anomalies:
        """What events do, each (T, B), or (1,) where nothing happens."""
        if not any(event.start_s <= event_s[-1] and event.end_s > event_s[0] for event in self._events):
            return NO_ANOMALIES
        x_km, y_km = self._x_km[block], self._y_km[block]
        return stacked([anomalies(self._scenario, self._events, float(at), x_km, y_km) for at in event_s], len(x_km))

    def _blocks(self) -> list[slice]:
        """Slices of sensors, none larger than a block, all about as large."""
        sensors = len(self._ids)
        count = -(-sensors // BLOCK_VALUES)
        return [slice(number * sensors // count, (number + 1) * sensors // count) for number in range(count)]

    def _sun_of(self, first: int, last: int) -> Floats:
        """Cosine of the zenith angle at the steps [first, last], by whole days: the library is slow to call."""
        days = range(first // _DAY_STEPS, last // _DAY_STEPS + 1)
        self._sun = {day: self._sun[day] if day in self._sun else self._sun_on(day) for day in days}
        begin = days[0] * _DAY_STEPS
        return np.concatenate(list(self._sun.values()))[first - begin : last + 1 - begin]

    def _sun_on(self, day: int) -> Floats:
        steps = np.arange(day * _DAY_STEPS, (day + 1) * _DAY_STEPS, dtype=np.float64)
        scenario = self._scenario
        return cos_zenith(scenario.start_us / 1e6 + STEP_S * steps, scenario.latitude, scenario.longitude)


def sample(
    window: WeatherWindow, event_rel_us: Longs, stream: StreamSpec, columns: AnyArray | slice = slice(None)
) -> Floats:
    """True channel values at event times ``event_rel_us`` (K, S), linear between grid steps.

    Shape (K, S, 5) in the order of `wire.reading.CHANNELS`. ``columns`` names the window's sensors
    (counted from 0) of the second axis; all of them by default.
    """
    row, past_us = np.divmod(event_rel_us, _STEP_US)
    row -= window.first_step
    weight = past_us / _STEP_US
    fields = window.fields[:, :, columns]
    if (row == row[:, :1]).all():
        low, high = np.take(fields, row[:, 0], axis=0), np.take(fields, row[:, 0] + 1, axis=0)
    else:
        every = np.broadcast_to(row[:, None, :], (len(row), 5, row.shape[1]))
        low, high = np.take_along_axis(fields, every, axis=0), np.take_along_axis(fields, every + 1, axis=0)
    between = low + (high - low) * weight[:, None, :]
    air_c, dew_c, cloud, gust_ms, rain_mm = (between[:, field] for field in range(5))
    mu = window.sun[row] + (window.sun[row + 1] - window.sun[row]) * weight
    scenario = stream.weather
    temperature, wind, uv = scenario.temperature, scenario.wind, scenario.uv
    through_cloud = 1.0 - (1.0 - uv.overcast_factor) * cloud
    ids = window.sensor_ids[columns]

    sigma_c = (temperature.turbulence_day_c - temperature.turbulence_night_c) * np.maximum(mu, 0.0) * through_cloud
    sigma_c += temperature.turbulence_night_c
    air_c = air_c + sigma_c * smooth_noise(stream.key, Stream.TURBULENCE, ids, event_rel_us, TURBULENCE_US)
    gusting = smooth_noise(stream.key, Stream.GUST, ids, event_rel_us, TURBULENCE_US)
    values = np.empty((*event_rel_us.shape, 5))
    values[..., 0] = air_c
    # A cool eddy in saturated air takes the dew point down with it.
    values[..., 1] = np.minimum(relative_humidity(air_c, np.minimum(dew_c, air_c)), 100.0)
    values[..., 2] = rain_mm
    # Log-normal of mean 1: a gust is never negative.
    values[..., 3] = gust_ms * np.exp(wind.turbulence * gusting - wind.turbulence**2 / 2.0)
    values[..., 4] = uv_index(mu, uv.ozone_du) * through_cloud
    return values


def _processes(scenario: WeatherScenario) -> tuple[Process, ...]:
    """The latents of the weather.

    It is wet where a latent lies below a threshold, so that rain has its share of time and neighbours are
    wet together. Memory and length are those with which the *wet state* is correlated: over an hour as in
    the two-state chain with the scenario's rates, exp(-(onset + end)), and over the distance as exp(-d/L).
    """
    temperature, humidity, rain = scenario.temperature, scenario.humidity, scenario.rain
    wind, uv = scenario.wind, scenario.uv
    rates = rain.onset_per_h + rain.end_per_h
    wet_share = rain.onset_per_h / rates
    wet_tau_s = -3600.0 / math.log(latent_correlation(wet_share, math.exp(-rates)))
    rain_km = -rain.length_km / math.log(latent_correlation(wet_share, math.exp(-1.0)))
    return (
        Process(Stream.SYNOPTIC, _seconds(temperature.synoptic_tau), temperature.regional_share, temperature.length_km),
        Process(Stream.DEW_POINT, _seconds(humidity.dew_tau), humidity.regional_share, humidity.length_km),
        Process(Stream.CLOUD, _seconds(uv.cloud_tau), uv.regional_share, uv.length_km),
        Process(Stream.WIND, -3600.0 / math.log(wind.hour_correlation), wind.regional_share, wind.length_km),
        Process(Stream.RAIN_AMOUNT, _seconds(rain.amount_tau), rain.regional_share, rain_km),
        Process(Stream.RAIN_STATE, wet_tau_s, rain.regional_share, rain_km),
    )


def _seconds(duration: str) -> float:
    return parse_duration_s(duration, field="duration")
