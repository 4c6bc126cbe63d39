"""A scenario: every number the simulator needs, frozen, checked whole, read from a TOML file.

Names carry units: ``_c`` °C, ``_ms`` m/s, ``_mm`` mm, ``_km``, ``_du`` Dobson units. Durations are
texts such as ``'10min'``. What the keys mean, with typical values, stands in docs/scenarios.md.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from base.durations import parse_duration_s
from base.errors import UsageError, did_you_mean
from wire.reading import CHANNELS

#: Where the scenarios that come with the project live.
SCENARIOS_DIR = Path(__file__).resolve().parent.parent / "scenarios"

DEFAULT_SCENARIO = "temperate-day"


def _checked_duration(text: str) -> str:
    try:
        seconds = parse_duration_s(text, field="duration")
    except UsageError as error:
        raise ValueError(str(error).removeprefix("duration: ")) from None
    if seconds <= 0:
        raise ValueError("a duration must be longer than 0; write for example 10min")
    return text


def _checked_utc(instant: datetime) -> datetime:
    if instant.utcoffset() != timedelta(0):
        raise ValueError("the instant needs the UTC offset; write for example 2026-06-21T00:00:00Z")
    return instant


Duration = Annotated[str, AfterValidator(_checked_duration)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Celsius = Annotated[float, Field(ge=-90, le=70)]
Channel = Literal["temperature", "humidity", "rainfall", "wind_speed", "UV_index"]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Temperature(_Table):
    """Season + day cycle + mean-reverting weather + the site's own offset."""

    mean_c: Celsius
    seasonal_c: NotNegative
    warmest_day: Annotated[int, Field(ge=1, le=366)] = 200
    diurnal_range_c: NotNegative
    overcast_range: Share = 0.7
    synoptic_sigma_c: NotNegative
    synoptic_tau: Duration = "32h"
    regional_share: Share = 0.5
    site_sigma_c: NotNegative


class Humidity(_Table):
    """A slow dew point of its own; relative humidity follows from it and the temperature."""

    dew_point_c: Celsius
    dew_sigma_c: NotNegative
    dew_tau: Duration = "12h"
    regional_share: Share = 0.5
    site_sigma_c: NotNegative
    wet_spread_c: NotNegative = 1.5


class Rain(_Table):
    """A two-state chain of dry and wet with gamma-distributed intensity (shape 0.5)."""

    onset_per_h: Positive
    end_per_h: Positive
    mean_mm_per_h: NotNegative
    amount_tau: Duration = "1h"
    regional_share: Share = 0.5


class Wind(_Table):
    """Weibull mean wind; what a sensor reports is the peak gust since its last reading."""

    mean_ms: Positive
    shape: Positive = 2.0
    hour_correlation: Annotated[float, Field(gt=0, lt=1)] = 0.85
    diurnal_strength: Share = 0.25
    gust_factor: Annotated[float, Field(ge=1)] = 1.6
    wet_factor: Positive = 1.15
    regional_share: Share = 0.5


class Uv(_Table):
    """Sun height, ozone and cloud."""

    ozone_du: Annotated[float, Field(ge=100, le=600)]
    clear_share: Annotated[float, Field(ge=0, lt=1)]
    overcast_factor: Share = 0.45
    cloud_tau: Duration = "6h"
    regional_share: Share = 0.5


class Storms(_Table):
    """Afternoon thunderstorm cells that cross the region: rain, gusts, cooling and cloud together."""

    per_day: Annotated[int, Field(ge=0, le=24)] = 0
    duration: Duration = "90min"
    radius_km: Positive = 15.0
    drift_km_per_h: NotNegative = 10.0
    peak_mm_per_h: NotNegative = 100.0
    gust_ms: NotNegative = 25.0
    cooling_c: NotNegative = 8.0


class PerChannel(_Table):
    """One number per channel, in the channel's own unit."""

    temperature: NotNegative = 0.0
    humidity: NotNegative = 0.0
    rainfall: NotNegative = 0.0
    wind_speed: NotNegative = 0.0
    UV_index: NotNegative = 0.0

    def as_tuple(self) -> tuple[float, ...]:
        """The numbers in the order of `wire.reading.CHANNELS`."""
        return tuple(float(getattr(self, channel)) for channel in CHANNELS)


class Sensors(_Table):
    """What a healthy instrument adds: its fixed offset, its noise, its smallest step (0: none)."""

    offset_sigma: PerChannel = PerChannel()
    noise_sigma: PerChannel = PerChannel()
    quantum: PerChannel = PerChannel()


class Fault(_Table):
    """How often one kind of fault begins in a sensor, how long it lasts, how large it is."""

    per_sensor_day: Share = 0.0
    duration: Duration = "10min"
    magnitude: NotNegative = 0.0
    fields: Annotated[tuple[Channel, ...], Field(strict=False, min_length=1)] = ("temperature",)

    @model_validator(mode="after")
    def _fits_into_a_day(self) -> Self:
        if parse_duration_s(self.duration, field="duration") >= 86400:
            raise ValueError(f"duration {self.duration} is too long; write less than 1d")
        return self


class Dropout(Fault):
    """A dropout: the field is null, or in `silent_share` of the episodes no reading comes at all."""

    silent_share: Share = 0.5


class Faults(_Table):
    """The kinds of fault; a kind that is left out never happens."""

    spike: Fault = Fault()
    stuck_at: Fault = Fault()
    dropout: Dropout = Dropout()


class Beacons(_Table):
    """Sensors whose one field jumps between two values with every reading, evenly spread in time."""

    share: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    field: Channel = "temperature"
    low: float = 20.0
    high: float = 45.0


class Scenario(_Table):
    """One scenario; see docs/scenarios.md for every key."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: str
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    extent_km: Positive = 60.0
    start: Annotated[datetime, AfterValidator(_checked_utc)]
    interval: Duration = "10min"
    speedup: Positive = 2880.0
    lead: Duration = "1d"
    temperature: Temperature
    humidity: Humidity
    rain: Rain
    wind: Wind
    uv: Uv
    storms: Storms = Storms()
    sensors: Sensors = Sensors()
    faults: Faults = Faults()
    beacons: Beacons = Beacons()

    @property
    def interval_s(self) -> float:
        """Event time between two readings of one sensor, in seconds."""
        return parse_duration_s(self.interval, field="interval")

    @property
    def lead_s(self) -> float:
        """Event time that is simulated before event time zero, in seconds."""
        return parse_duration_s(self.lead, field="lead")

    @property
    def start_us(self) -> int:
        """Event time zero in epoch microseconds."""
        return (self.start - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def list_scenarios() -> list[str]:
    """Names of the scenarios that come with the project, sorted."""
    return sorted(path.stem for path in SCENARIOS_DIR.glob("*.toml"))


def load_scenario(name_or_file: str) -> Scenario:
    """A scenario by its name, or from a ``.toml`` file of the user's own.

    Raises `UsageError`, in one line, for an unknown name, a file that is missing or no TOML, an
    unknown key (with the nearest known one) and a value of the wrong type or range.
    """
    path = Path(name_or_file)
    if path.suffix != ".toml":
        path = SCENARIOS_DIR / f"{name_or_file}.toml"
        if name_or_file not in list_scenarios():
            hint = did_you_mean(name_or_file, list_scenarios())
            raise UsageError(f"--scenario {name_or_file}: no such scenario{hint} (or give a .toml file)")
    try:
        return parse_scenario(tomllib.loads(path.read_text(encoding="utf-8")), source=path.name)
    except OSError as error:
        raise UsageError(f"--scenario {name_or_file}: cannot read it ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--scenario {name_or_file}: no valid TOML: {error}") from None


def parse_scenario(table: dict[str, Any], *, source: str) -> Scenario:
    """The scenario in a parsed TOML ``table``; ``source`` names the file in errors (`UsageError`)."""
    try:
        return Scenario.model_validate(table)
    except ValidationError as error:
        # A misspelt key is also a missing one: its own name explains both.
        found = error.errors(include_url=False)
        first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        raise UsageError(f"{source}: unknown key '{key}'{did_you_mean(key, _known_keys(Scenario))}")
    if first["type"] == "missing":
        raise UsageError(f"{source}: the key '{key}' is missing; add it (docs/scenarios.md has typical values)")
    value = f" = {first['input']!r}" if isinstance(first["input"], str | int | float | datetime) else ""
    advice = first["msg"].removeprefix("Value error, ")
    raise UsageError(f"{source}: {key}{value}: {advice[:1].lower()}{advice[1:]}")


def scenario_hash(scenario: Scenario) -> str:
    """SHA-256 (hex) over the scenario as canonical JSON: sorted keys, no spaces."""
    canonical = json.dumps(scenario.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _known_keys(field.annotation, f"{prefix}{name}.")
    return keys
