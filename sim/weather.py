"""The truth: the weather at every sensor, evolved on its own fixed grid and read out at any instant.

The grid has one step per ten minutes of event time, whatever the interval between readings: the same
scenario and seed have the same weather at any rate. It begins ``lead`` before event time zero, so
that where emission starts changes nothing. Every latent process has unit variance and mixes what
neighbours share (`sim.field`, correlated as exp(-d/L)) with the site's own. What moves within minutes,
turbulence and gusts, is added at read-out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri

from base.durations import parse_duration_s
from sim.arrays import AnyArray, Bools, Floats, Longs
from sim.atmosphere import (
    cos_zenith,
    day_cycle,
    latent_correlation,
    ou_coefficients,
    relative_humidity,
    solar_hour,
    uv_index,
    weibull_from_normal,
)
from sim.events import NO_ANOMALIES, Event, anomalies, events_between
from sim.field import Field, smooth_noise
from sim.rng import Stream, hash_normals, normals
from sim.scenario import Scenario
from sim.sensors import positions
from sim.storms import Storm, storms_between
from sim.stream import StreamSpec

#: Event seconds per step of the weather grid.
STEP_S: Final = 600
#: Steps in the hour over which rainfall is summed.
HOUR_STEPS: Final = 3600 // STEP_S
#: Memory of turbulence and gusts, microseconds of event time (one-minute lag 1 of gusts: 0.80 to 0.97 observed).
TURBULENCE_US: Final = 180_000_000

_TEMPERATURE, _DEW_POINT, _CLOUD, _GUST, _RAIN = range(5)


@dataclass(frozen=True)
class WeatherWindow:
    """Consecutive grid steps: ``fields`` is (W, 5, S) of temperature °C, dew point °C, cloud [0, 1],
    peak gust m/s and rain mm in the past hour; ``sun`` (W,) is the cosine of the zenith angle."""

    first_step: int
    fields: Floats
    sun: Floats


@dataclass(frozen=True)
class _Process:
    """One latent of unit variance: memory, and which share of it neighbours within ``length_km`` have in common."""

    stream: Stream
    tau_s: float
    regional_share: float
    length_km: float


class Weather:
    """One stream's weather, moving forward only: ask for windows in the order of time."""

    def __init__(self, stream: StreamSpec) -> None:
        self._stream = stream
        scenario, key = stream.scenario, stream.key
        self._x_km, self._y_km = positions(key, stream.sensor_ids, scenario.extent_km)
        self._site_c = scenario.temperature.site_sigma_c * hash_normals(
            key, Stream.SITE_TEMPERATURE, stream.sensor_ids, 0
        )
        self._site_dew_c = scenario.humidity.site_sigma_c * hash_normals(
            key, Stream.SITE_DEW_POINT, stream.sensor_ids, 0
        )
        self._step = -math.ceil(scenario.lead_s / STEP_S) - 1
        self._processes = _processes(scenario)
        self._regional = {
            length_km: Field(self._x_km, self._y_km, extent_km=scenario.extent_km, length_km=length_km)
            for length_km in {process.length_km for process in self._processes}
        }
        self._latents: dict[Stream, Floats] = {}
        self._wet: Bools = np.zeros(stream.sensors, dtype=np.bool_)
        self._storm: Floats = np.zeros(stream.sensors)
        self._storms: list[Storm] = []
        self._events: list[Event] = []
        self._placed_until_s = -math.inf
        self._anomalies = NO_ANOMALIES
        self._rain_mm: Floats = np.zeros((HOUR_STEPS, stream.sensors))
        self._kept: list[Floats] = []

    def window(self, start_s: float, end_s: float) -> WeatherWindow:
        """All steps needed to read out event seconds in [start, end]; start must not go back."""
        first, last = math.floor(start_s / STEP_S), math.floor(end_s / STEP_S) + 1
        have = self._step - len(self._kept) + 1
        if first < have and self._kept:
            raise ValueError(f"weather moves forward only: step {first} was left behind at {have}")
        self._kept = self._kept[max(0, first - have) :]
        while self._step < last:
            self._advance()
            if self._step >= first:
                self._kept.append(self._fields())
        kept = self._kept[: last - first + 1]
        scenario = self._stream.scenario
        epoch_s = scenario.start_us / 1e6 + STEP_S * np.arange(first, last + 1, dtype=np.float64)
        return WeatherWindow(first, np.stack(kept), cos_zenith(epoch_s, scenario.latitude, scenario.longitude))

    def _advance(self) -> None:
        """One step of every latent process; at the first step all start from their stationary laws."""
        scenario, first = self._stream.scenario, not self._latents
        self._step += 1
        for process in self._processes:
            stream, share = process.stream, process.regional_share
            regional = self._regional[process.length_km].normals(self._stream.key, stream, self._step)
            own = normals(self._stream.key, stream, self._step, self._stream.sensors)
            innovation = math.sqrt(share) * regional + math.sqrt(1.0 - share) * own
            phi, sigma = ou_coefficients(STEP_S, process.tau_s)
            self._latents[stream] = innovation if first else phi * self._latents[stream] + sigma * innovation
        rain = scenario.rain
        self._wet = self._latents[Stream.RAIN_STATE] < ndtri(rain.onset_per_h / (rain.onset_per_h + rain.end_per_h))
        self._place_events()
        # The square of a standard normal is gamma distributed with shape 0.5 and mean 1.
        rate = self._wet * rain.mean_mm_per_h * self._latents[Stream.RAIN_AMOUNT] ** 2
        rate = rate + scenario.storms.peak_mm_per_h * self._storm + self._anomalies.rain_mm_per_h
        self._rain_mm[self._step % HOUR_STEPS] = rate * (1.0 - self._anomalies.rainless) * (STEP_S / 3600.0)

    def _place_events(self) -> None:
        """What storms and events do at this step."""
        scenario, event_s = self._stream.scenario, float(self._step * STEP_S)
        if event_s >= self._placed_until_s:
            self._placed_until_s = event_s + 86400.0
            self._storms = storms_between(scenario, self._stream.key, event_s, self._placed_until_s)
            self._events = events_between(scenario, self._stream.key, event_s, self._placed_until_s)
        self._storm = np.zeros(self._stream.sensors)
        for storm in self._storms:
            self._storm = np.maximum(self._storm, storm.strength(event_s, self._x_km, self._y_km))
        self._anomalies = anomalies(scenario, self._events, event_s, self._x_km, self._y_km)

    def _fields(self) -> Floats:
        """This step's weather, shape (5, S): wetness ties the fields together."""
        scenario, anomaly = self._stream.scenario, self._anomalies
        epoch_s = scenario.start_us / 1e6 + self._step * STEP_S
        hour = float(solar_hour(epoch_s, scenario.longitude))
        wetness = np.maximum(np.maximum(self._wet, self._storm), anomaly.wet) * (1.0 - anomaly.rainless)
        clear = scenario.uv.clear_share
        cloud = np.clip((ndtr(self._latents[Stream.CLOUD]) - clear) / (1.0 - clear), 0.0, 1.0)
        cloud = np.maximum(np.maximum(cloud, wetness), anomaly.fog)

        temperature = scenario.temperature
        day_of_year = (epoch_s / 86400.0) % 365.2425
        season = math.cos(2.0 * math.pi * (day_of_year - temperature.warmest_day) / 365.2425)
        daily = temperature.diurnal_range_c * (1.0 - (1.0 - temperature.overcast_range) * cloud)
        air_c = temperature.mean_c + temperature.seasonal_c * season + daily * float(day_cycle(hour)) + self._site_c
        air_c = air_c + temperature.synoptic_sigma_c * self._latents[Stream.SYNOPTIC]
        air_c = air_c - scenario.storms.cooling_c * self._storm + anomaly.warming_c

        humidity = scenario.humidity
        dew_c = humidity.dew_point_c + humidity.dew_sigma_c * self._latents[Stream.DEW_POINT] + self._site_dew_c
        dew_c = dew_c - anomaly.drying_c
        dew_c = np.minimum(dew_c + wetness * np.maximum(air_c - humidity.wet_spread_c - dew_c, 0.0), air_c)
        dew_c = dew_c + anomaly.fog * (air_c - dew_c)

        wind = scenario.wind
        mean_ms = weibull_from_normal(self._latents[Stream.WIND], mean=wind.mean_ms, shape=wind.shape)
        daily_wind = 1.0 + wind.diurnal_strength * math.cos(2.0 * math.pi * (hour - 15.0) / 24.0)
        raining = self._wet * (1.0 - anomaly.rainless)
        gust_ms = mean_ms * daily_wind * wind.gust_factor * (1.0 + (wind.wet_factor - 1.0) * raining)
        if scenario.events.fog is not None:
            gust_ms = gust_ms * (1.0 - scenario.events.fog.calming * anomaly.fog)
        gust_ms = np.maximum(np.maximum(gust_ms, scenario.storms.gust_ms * self._storm), anomaly.gust_ms)

        return np.stack([air_c, dew_c, cloud, gust_ms, self._rain_mm.sum(axis=0)])


def sample(window: WeatherWindow, event_rel_us: Longs, stream: StreamSpec, columns: AnyArray | None = None) -> Floats:
    """True channel values at event times ``event_rel_us`` (K, S), linear between grid steps.

    Shape (K, S, 5) in the order of `wire.reading.CHANNELS`. ``columns`` names the sensors (counted
    from 0) of the second axis; all of them by default.
    """
    position = event_rel_us / (STEP_S * 1e6)
    below = np.floor(position).astype(np.int64)
    weight, row = position - below, below - window.first_step
    column = np.arange(stream.sensors) if columns is None else columns

    def read(field: int) -> Floats:
        low, high = window.fields[row, field, column], window.fields[row + 1, field, column]
        between: Floats = low + (high - low) * weight
        return between

    air_c, dew_c, cloud, gust_ms = read(_TEMPERATURE), read(_DEW_POINT), read(_CLOUD), read(_GUST)
    mu = window.sun[row] + (window.sun[row + 1] - window.sun[row]) * weight
    temperature, wind, uv = stream.scenario.temperature, stream.scenario.wind, stream.scenario.uv
    through_cloud = 1.0 - (1.0 - uv.overcast_factor) * cloud

    def noise(of: Stream) -> Floats:
        return smooth_noise(stream.key, of, column + 1, event_rel_us, TURBULENCE_US)

    sigma_c = (
        temperature.turbulence_night_c
        + (temperature.turbulence_day_c - temperature.turbulence_night_c) * np.maximum(mu, 0.0) * through_cloud
    )
    air_c = air_c + sigma_c * noise(Stream.TURBULENCE)
    # Log-normal of mean 1: a gust is never negative.
    gust_ms = gust_ms * np.exp(wind.turbulence * noise(Stream.GUST) - wind.turbulence**2 / 2.0)
    values = np.empty((*event_rel_us.shape, 5))
    values[..., 0] = air_c
    # A cool eddy in saturated air takes the dew point down with it.
    values[..., 1] = np.minimum(relative_humidity(air_c, np.minimum(dew_c, air_c)), 100.0)
    # Differences of running sums leave rounding dust far below a drop.
    values[..., 2] = np.maximum(read(_RAIN), 0.0)
    values[..., 3] = gust_ms
    values[..., 4] = uv_index(mu, uv.ozone_du) * through_cloud
    return values


def _processes(scenario: Scenario) -> tuple[_Process, ...]:
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
        _Process(
            Stream.SYNOPTIC, _seconds(temperature.synoptic_tau), temperature.regional_share, temperature.length_km
        ),
        _Process(Stream.DEW_POINT, _seconds(humidity.dew_tau), humidity.regional_share, humidity.length_km),
        _Process(Stream.CLOUD, _seconds(uv.cloud_tau), uv.regional_share, uv.length_km),
        _Process(Stream.WIND, -3600.0 / math.log(wind.hour_correlation), wind.regional_share, wind.length_km),
        _Process(Stream.RAIN_AMOUNT, _seconds(rain.amount_tau), rain.regional_share, rain_km),
        _Process(Stream.RAIN_STATE, wet_tau_s, rain.regional_share, rain_km),
    )


def _seconds(duration: str) -> float:
    return parse_duration_s(duration, field="duration")
