"""The tables of a scenario that make its weather, and what befalls the whole map."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from base.durations import parse_duration_s
from sim.scenario_fields import Celsius, Duration, NotNegative, Positive, Share, Table


class Temperature(Table):
    """Season + day cycle + mean-reverting weather + the site's own offset + turbulence of minutes."""

    mean_c: Celsius
    seasonal_c: NotNegative
    warmest_day: Annotated[int, Field(ge=1, le=366)] = 200
    diurnal_range_c: NotNegative
    overcast_range: Share = 0.7
    synoptic_sigma_c: NotNegative
    synoptic_tau: Duration = "32h"
    regional_share: Share = 0.9
    length_km: Positive = 300.0
    site_sigma_c: NotNegative
    turbulence_night_c: NotNegative = 0.05
    turbulence_day_c: NotNegative = 0.25


class Humidity(Table):
    """A slow dew point of its own; relative humidity follows from it and the temperature."""

    dew_point_c: Celsius
    dew_sigma_c: NotNegative
    dew_tau: Duration = "12h"
    regional_share: Share = 0.9
    length_km: Positive = 200.0
    site_sigma_c: NotNegative
    wet_spread_c: NotNegative = 1.5


class Rain(Table):
    """A two-state chain of dry and wet with gamma-distributed intensity (shape 0.5)."""

    onset_per_h: Positive
    end_per_h: Positive
    mean_mm_per_h: NotNegative
    amount_tau: Duration = "1h"
    regional_share: Share = 0.9
    length_km: Positive = 40.0


class Wind(Table):
    """Weibull mean wind; what a sensor reports is the peak gust since its last reading."""

    mean_ms: Positive
    shape: Positive = 2.0
    hour_correlation: Annotated[float, Field(gt=0, lt=1)] = 0.85
    diurnal_strength: Share = 0.25
    gust_factor: Annotated[float, Field(ge=1)] = 1.6
    wet_factor: Positive = 1.15
    regional_share: Share = 0.9
    length_km: Positive = 85.0
    turbulence: Share = 0.1


class Uv(Table):
    """Sun height, ozone and cloud."""

    ozone_du: Annotated[float, Field(ge=100, le=600)]
    clear_share: Annotated[float, Field(ge=0, lt=1)]
    overcast_factor: Share = 0.45
    cloud_tau: Duration = "6h"
    regional_share: Share = 0.9
    length_km: Positive = 100.0


class Storms(Table):
    """Afternoon thunderstorm cells that cross the region: rain, gusts, cooling and cloud together."""

    per_day: Annotated[int, Field(ge=0, le=24)] = 0
    duration: Duration = "90min"
    radius_km: Positive = 15.0
    drift_km_per_h: NotNegative = 10.0
    peak_mm_per_h: NotNegative = 100.0
    gust_ms: NotNegative = 25.0
    cooling_c: NotNegative = 8.0


class Occurrence(Table):
    """When an event begins: once, or again and again ``every`` so often, as late as ``spread_h`` by the seed."""

    start_h: Annotated[float, Field(ge=-8760, le=8760)]
    every: Duration | None = None
    spread_h: Annotated[float, Field(ge=0, le=8760)] = 0.0
    duration: Duration

    @model_validator(mode="after")
    def _ends_before_it_recurs(self) -> Self:
        if self.every is None:
            return self
        lasting_s = parse_duration_s(self.duration, field="duration") + self.spread_h * 3600.0
        if parse_duration_s(self.every, field="every") < lasting_s:
            raise ValueError(f"every {self.every} is shorter than duration and spread_h together; make it longer")
        return self


class Spell(Occurrence):
    """Days of one kind of weather, which comes and goes within ``onset``."""

    onset: Duration = "12h"

    @model_validator(mode="after")
    def _has_a_middle(self) -> Self:
        if parse_duration_s(self.duration, field="duration") < 2.0 * parse_duration_s(self.onset, field="onset"):
            raise ValueError(f"duration {self.duration} holds no two onsets of {self.onset}; make it longer")
        return self


class HeatWave(Spell):
    """Days that are warmer than the season."""

    duration: Duration = "4d"
    warming_c: Annotated[float, Field(ge=0, le=20)] = 8.0


class DrySpell(Spell):
    """Days without rain, with a lower dew point."""

    duration: Duration = "5d"
    drying_c: Annotated[float, Field(ge=0, le=25)] = 6.0


class ColdFront(Occurrence):
    """A straight line that crosses the map: gusts, a fall of temperature within an hour, rain behind it."""

    duration: Duration = "18h"
    heading_deg: Annotated[float, Field(ge=0, le=360)] = 110.0
    speed_km_per_h: Annotated[float, Field(gt=0, le=150)] = 40.0
    cooling_c: Annotated[float, Field(ge=3, le=10)] = 6.0
    gust_ms: Annotated[float, Field(ge=0, le=60)] = 18.0
    rain_mm_per_h: Annotated[float, Field(ge=0, le=200)] = 6.0
    rain_duration: Duration = "2h"

    @model_validator(mode="after")
    def _outlasts_its_rain(self) -> Self:
        lasting_s = parse_duration_s(self.duration, field="duration")
        if lasting_s < max(7200.0, parse_duration_s(self.rain_duration, field="rain_duration")):
            raise ValueError(f"duration {self.duration} is too short; write 2h or more, and no less than rain_duration")
        return self


class Fog(Occurrence):
    """A night of saturated air and little wind, from a solar hour on."""

    duration: Duration = "8h"
    from_hour: Annotated[float, Field(ge=18, le=24)] = 22.0
    calming: Share = 0.8

    @model_validator(mode="after")
    def _lasts_a_night(self) -> Self:
        if not 7200.0 <= parse_duration_s(self.duration, field="duration") <= 43200.0:
            raise ValueError(f"duration {self.duration} is no night; write 2h to 12h")
        if self.every and parse_duration_s(self.every, field="every") < 86400.0 + self.spread_h * 3600.0:
            raise ValueError(f"every {self.every} may find one night twice; write a day more than spread_h, or longer")
        return self


class Events(Table):
    """What befalls the whole map beside thunderstorms; an event that is left out never happens."""

    heat_wave: HeatWave | None = None
    cold_front: ColdFront | None = None
    fog: Fog | None = None
    dry_spell: DrySpell | None = None
