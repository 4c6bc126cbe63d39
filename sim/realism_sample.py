"""What `sim.realism` looks at: the true weather at every sensor on the hour, and at a few every minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from sim.arrays import Bools, Floats
from sim.atmosphere import cos_zenith
from sim.realism_statistics import between_sites, residual
from sim.scenario_fields import DAY_S
from sim.sensors import positions
from sim.stream import StreamSpec
from sim.weather import Weather, sample
from wire.reading import CHANNELS

#: The first sensors are read every minute as well, for what changes within an hour.
MINUTELY_SENSORS: Final = 5
#: An hour with this much rain is wet: one step of a common gauge. The stations resolve 0.1 and 0.25 mm.
WET_MM: Final = 0.2

_TEMPERATURE, _HUMIDITY, _RAINFALL, _WIND, _UV = (
    CHANNELS.index(name) for name in ("temperature", "humidity", "rainfall", "wind_speed", "UV_index")
)


@dataclass(frozen=True)
class Sampled:
    """The truth of whole days from event time zero on, channels in the order of `wire.reading.CHANNELS`.

    ``hourly`` (H, S, 5) on the hour at all sensors; ``minutely`` (M, P, 5) every minute at the first P;
    ``sun`` (M,) is the cosine of the zenith angle then.
    """

    stream: StreamSpec
    hourly: Floats
    minutely: Floats
    sun: Floats

    @property
    def t_c(self) -> Floats:
        """Hourly temperature (H, S)."""
        return self.hourly[..., _TEMPERATURE]

    @property
    def rh(self) -> Floats:
        """Hourly relative humidity (H, S), %."""
        return self.hourly[..., _HUMIDITY]

    @property
    def rain_mm(self) -> Floats:
        """Hourly rain (H, S)."""
        return self.hourly[..., _RAINFALL]

    @property
    def wet(self) -> Bools:
        """Which hours (H, S) are wet."""
        return self.rain_mm >= WET_MM

    @property
    def wind_ms(self) -> Floats:
        """Mean wind on the hour (H, S): stations report means of minutes, our channel the peak gust."""
        return self.hourly[..., _WIND] / self.stream.weather.wind.gust_factor

    @cached_property
    def t_residual_c(self) -> Floats:
        """What of the temperature is neither season nor time of day; see `residual`."""
        return residual(self.t_c)

    @cached_property
    def rh_residual(self) -> Floats:
        """The same of the humidity, %."""
        return residual(self.rh)

    @property
    def minutely_t_c(self) -> Floats:
        """Temperature every minute (M, P)."""
        return self.minutely[..., _TEMPERATURE]

    @property
    def minutely_rh(self) -> Floats:
        """Relative humidity every minute (M, P), %."""
        return self.minutely[..., _HUMIDITY]

    @property
    def minutely_wind_ms(self) -> Floats:
        """Mean wind every minute (M, P)."""
        return self.minutely[..., _WIND] / self.stream.weather.wind.gust_factor

    @property
    def night_uv_index(self) -> Floats:
        """UV index of the minutes in which the sun is below the horizon."""
        return self.minutely[self.sun <= 0.0][..., _UV]

    @property
    def missing_season_c2(self) -> float:
        """Variance that the scenario's season has over a year and these days lack, °C²."""
        scenario = self.stream.weather
        temperature = scenario.temperature
        day_of_year = (scenario.start_us / 1e6 / DAY_S + np.arange(len(self.hourly)) / 24.0) % 365.2425
        season_c = temperature.seasonal_c * np.cos(2.0 * np.pi * (day_of_year - temperature.warmest_day) / 365.2425)
        return max(0.0, temperature.seasonal_c**2 / 2.0 - float(season_c.var()))

    def between(self, values: Floats, low_km: float, high_km: float) -> float:
        """Correlation of (H, S) between sites in [low, high) of each other."""
        x_km, y_km = positions(self.stream.key, self.stream.sensor_ids, self.stream.weather.extent_km)
        return between_sites(values, x_km, y_km, low_km=low_km, high_km=high_km)


def sampled(stream: StreamSpec, days: int, *, each_day: Callable[[], None] = lambda: None) -> Sampled:
    """The truth of a stream's first ``days`` days; ``each_day`` is called after each."""
    weather, scenario = Weather(stream), stream.weather
    everyone, close = np.arange(stream.sensors), np.arange(min(MINUTELY_SENSORS, stream.sensors))
    hourly: list[Floats] = []
    minutely: list[Floats] = []
    for day in range(days):
        window = weather.window(day * DAY_S, (day + 1) * DAY_S)
        for every_s, columns, kept in ((3600, everyone, hourly), (60, close, minutely)):
            instants_us = np.arange(day * 86400, (day + 1) * 86400, every_s, dtype=np.int64) * 1_000_000
            kept.append(sample(window, np.repeat(instants_us[:, None], len(columns), axis=1), stream, columns))
        each_day()
    minutes_s = scenario.start_us / 1e6 + 60.0 * np.arange(days * 1440, dtype=np.float64)
    return Sampled(
        stream=stream,
        hourly=np.concatenate(hourly),
        minutely=np.concatenate(minutely),
        sun=cos_zenith(minutes_s, scenario.latitude, scenario.longitude),
    )
