"""The truth: the weather at every sensor, evolved on its own fixed grid and read out at any instant.

The grid has one step per ten minutes of event time, whatever the interval between readings: the same
scenario and seed have the same weather at any rate. It begins ``lead`` before event time zero, so
that where emission starts changes nothing. Every latent process has unit variance and mixes a share
that the whole region has in common with the site's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr

from base.durations import parse_duration_s
from sim.arrays import AnyArray, Bools, Floats, Longs
from sim.atmosphere import (
    cos_zenith,
    day_cycle,
    ou_coefficients,
    relative_humidity,
    solar_hour,
    uv_index,
    weibull_from_normal,
    wet_probability,
)
from sim.rng import Stream, hash_normals, normals
from sim.sensors import positions
from sim.storms import Storm, storms_between
from sim.stream import StreamSpec

#: Event seconds per step of the weather grid.
STEP_S: Final = 600
#: Steps in the hour over which rainfall is summed.
HOUR_STEPS: Final = 3600 // STEP_S

_TEMPERATURE, _DEW_POINT, _CLOUD, _GUST, _RAIN = range(5)


@dataclass(frozen=True)
class WeatherWindow:
    """Consecutive grid steps: ``fields`` is (W, 5, S) of temperature °C, dew point °C, cloud [0, 1],
    peak gust m/s and rain mm in the past hour; ``sun`` (W,) is the cosine of the zenith angle."""

    first_step: int
    fields: Floats
    sun: Floats


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
        self._latents: dict[Stream, Floats] = {}
        self._wet: Bools = np.zeros(stream.sensors, dtype=np.bool_)
        self._storm: Floats = np.zeros(stream.sensors)
        self._storms: list[Storm] = []
        self._storms_until_s = -math.inf
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
        for process, tau_s, regional_share in (
            (
                Stream.SYNOPTIC,
                _seconds(scenario.temperature.synoptic_tau),
                scenario.temperature.regional_share,
            ),
            (Stream.DEW_POINT, _seconds(scenario.humidity.dew_tau), scenario.humidity.regional_share),
            (Stream.CLOUD, _seconds(scenario.uv.cloud_tau), scenario.uv.regional_share),
            (Stream.WIND, -3600.0 / math.log(scenario.wind.hour_correlation), scenario.wind.regional_share),
            (Stream.RAIN_AMOUNT, _seconds(scenario.rain.amount_tau), scenario.rain.regional_share),
        ):
            innovation = self._innovation(process, regional_share)
            phi, sigma = ou_coefficients(STEP_S, tau_s)
            self._latents[process] = innovation if first else phi * self._latents[process] + sigma * innovation
        rain = scenario.rain
        uniform = ndtr(self._innovation(Stream.RAIN_STATE, rain.regional_share))
        wet_share = rain.onset_per_h / (rain.onset_per_h + rain.end_per_h)
        likely = wet_probability(self._wet, onset_per_h=rain.onset_per_h, end_per_h=rain.end_per_h, step_s=STEP_S)
        self._wet = uniform < (wet_share if first else likely)
        self._storm = self._storm_strength()
        # The square of a standard normal is gamma distributed with shape 0.5 and mean 1.
        rate = self._wet * rain.mean_mm_per_h * self._latents[Stream.RAIN_AMOUNT] ** 2
        rate = rate + scenario.storms.peak_mm_per_h * self._storm
        self._rain_mm[self._step % HOUR_STEPS] = rate * (STEP_S / 3600.0)

    def _innovation(self, process: Stream, regional_share: float) -> Floats:
        own = normals(self._stream.key, process, self._step, self._stream.sensors)
        region = hash_normals(self._stream.key, process, 0, self._step)
        return math.sqrt(regional_share) * region + math.sqrt(1.0 - regional_share) * own

    def _storm_strength(self) -> Floats:
        event_s = float(self._step * STEP_S)
        if event_s >= self._storms_until_s:
            self._storms_until_s = event_s + 86400.0
            self._storms = storms_between(self._stream.scenario, self._stream.key, event_s, self._storms_until_s)
        strength = np.zeros(self._stream.sensors)
        for storm in self._storms:
            strength = np.maximum(strength, storm.strength(event_s, self._x_km, self._y_km))
        return strength

    def _fields(self) -> Floats:
        """This step's weather, shape (5, S): wetness ties the fields together."""
        scenario = self._stream.scenario
        epoch_s = scenario.start_us / 1e6 + self._step * STEP_S
        hour = float(solar_hour(epoch_s, scenario.longitude))
        wetness = np.maximum(self._wet, self._storm)
        clear = scenario.uv.clear_share
        cloud = np.clip((ndtr(self._latents[Stream.CLOUD]) - clear) / (1.0 - clear), 0.0, 1.0)
        cloud = np.maximum(cloud, wetness)

        temperature = scenario.temperature
        day_of_year = (epoch_s / 86400.0) % 365.2425
        season = math.cos(2.0 * math.pi * (day_of_year - temperature.warmest_day) / 365.2425)
        daily = temperature.diurnal_range_c * (1.0 - (1.0 - temperature.overcast_range) * cloud)
        air_c = temperature.mean_c + temperature.seasonal_c * season + daily * float(day_cycle(hour)) + self._site_c
        air_c = air_c + temperature.synoptic_sigma_c * self._latents[Stream.SYNOPTIC]
        air_c = air_c - scenario.storms.cooling_c * self._storm

        humidity = scenario.humidity
        dew_c = humidity.dew_point_c + humidity.dew_sigma_c * self._latents[Stream.DEW_POINT] + self._site_dew_c
        dew_c = np.minimum(dew_c + wetness * np.maximum(air_c - humidity.wet_spread_c - dew_c, 0.0), air_c)

        wind = scenario.wind
        mean_ms = weibull_from_normal(self._latents[Stream.WIND], mean=wind.mean_ms, shape=wind.shape)
        daily_wind = 1.0 + wind.diurnal_strength * math.cos(2.0 * math.pi * (hour - 15.0) / 24.0)
        gust_ms = mean_ms * daily_wind * wind.gust_factor * np.where(self._wet, wind.wet_factor, 1.0)
        gust_ms = np.maximum(gust_ms, scenario.storms.gust_ms * self._storm)

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

    air_c, dew_c, cloud = read(_TEMPERATURE), read(_DEW_POINT), read(_CLOUD)
    mu = window.sun[row] + (window.sun[row + 1] - window.sun[row]) * weight
    uv = stream.scenario.uv
    values = np.empty((*event_rel_us.shape, 5))
    values[..., 0] = air_c
    values[..., 1] = np.minimum(relative_humidity(air_c, dew_c), 100.0)
    # Differences of running sums leave rounding dust far below a drop.
    values[..., 2] = np.maximum(read(_RAIN), 0.0)
    values[..., 3] = read(_GUST)
    values[..., 4] = uv_index(mu, uv.ozone_du) * (1.0 - (1.0 - uv.overcast_factor) * cloud)
    return values


def _seconds(duration: str) -> float:
    return parse_duration_s(duration, field="duration")
