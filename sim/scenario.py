"""A scenario: every number the simulator needs, frozen, checked whole, read from a TOML file.

Names carry units: ``_c`` °C, ``_ms`` m/s, ``_mm`` mm, ``_km``, ``_du`` Dobson units. Durations are
texts such as ``'10min'``. What the keys mean, with typical values, stands in docs/scenarios.md.
"""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from base.durations import parse_duration_s
from base.errors import UsageError, did_you_mean
from wire.reading import CHANNELS

#: Where the scenarios that come with the project live.
SCENARIOS_DIR = Path(__file__).resolve().parent.parent / "scenarios"

DEFAULT_SCENARIO = "temperate-day"

#: Seconds in a day.
DAY_S: Final = 86400.0

#: How large a fault is, from hard to find to glaring.
LEVELS: Final = ("low", "medium", "high")


def _checked_duration(text: str) -> str:
    try:
        seconds = parse_duration_s(text, field="duration")
    except UsageError as error:
        raise ValueError(str(error).removeprefix("duration: ")) from None
    if seconds <= 0:
        raise ValueError("a duration must be longer than 0; write for example 10min")
    return text


def _checked_spread(text: str) -> str:
    return text if text == "0s" else _checked_duration(text)


def _within_a_day(text: str) -> str:
    if parse_duration_s(text, field="duration") >= 86400:
        raise ValueError("too long; write less than 1d")
    return text


def _checked_range(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"the range ends at {bounds[1]:g}, below its beginning; write the lower number first")
    return bounds


def _checked_utc(instant: datetime) -> datetime:
    if instant.utcoffset() != timedelta(0):
        raise ValueError("the instant needs the UTC offset; write for example 2026-06-21T00:00:00Z")
    return instant


Duration = Annotated[str, AfterValidator(_checked_duration)]
ShortDuration = Annotated[Duration, AfterValidator(_within_a_day)]
Spread = Annotated[str, AfterValidator(_checked_spread), AfterValidator(_within_a_day)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Celsius = Annotated[float, Field(ge=-90, le=70)]
Code = Annotated[float, Field(ge=-1e6, le=1e6)]
Range = Annotated[tuple[Code, Code], Field(strict=False), AfterValidator(_checked_range)]
Channel = Literal["temperature", "humidity", "rainfall", "wind_speed", "UV_index"]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Temperature(_Table):
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


class Humidity(_Table):
    """A slow dew point of its own; relative humidity follows from it and the temperature."""

    dew_point_c: Celsius
    dew_sigma_c: NotNegative
    dew_tau: Duration = "12h"
    regional_share: Share = 0.9
    length_km: Positive = 200.0
    site_sigma_c: NotNegative
    wet_spread_c: NotNegative = 1.5


class Rain(_Table):
    """A two-state chain of dry and wet with gamma-distributed intensity (shape 0.5)."""

    onset_per_h: Positive
    end_per_h: Positive
    mean_mm_per_h: NotNegative
    amount_tau: Duration = "1h"
    regional_share: Share = 0.9
    length_km: Positive = 40.0


class Wind(_Table):
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


class Uv(_Table):
    """Sun height, ozone and cloud."""

    ozone_du: Annotated[float, Field(ge=100, le=600)]
    clear_share: Annotated[float, Field(ge=0, lt=1)]
    overcast_factor: Share = 0.45
    cloud_tau: Duration = "6h"
    regional_share: Share = 0.9
    length_km: Positive = 100.0


class Storms(_Table):
    """Afternoon thunderstorm cells that cross the region: rain, gusts, cooling and cloud together."""

    per_day: Annotated[int, Field(ge=0, le=24)] = 0
    duration: Duration = "90min"
    radius_km: Positive = 15.0
    drift_km_per_h: NotNegative = 10.0
    peak_mm_per_h: NotNegative = 100.0
    gust_ms: NotNegative = 25.0
    cooling_c: NotNegative = 8.0


class Occurrence(_Table):
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


class Events(_Table):
    """What befalls the whole map beside thunderstorms; an event that is left out never happens."""

    heat_wave: HeatWave | None = None
    cold_front: ColdFront | None = None
    fog: Fog | None = None
    dry_spell: DrySpell | None = None


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
    """What a healthy instrument makes of the truth; each sensor has its own of everything but the quantum.

    Fixed offset and gain error, an offset that wanders within months, noise of each reading, the smallest
    step (0: none), and the time it takes to follow the air. How far its clock is off is `Delivery`'s.
    """

    offset_sigma: PerChannel = PerChannel()
    gain_sigma: PerChannel = PerChannel()
    wander_sigma: PerChannel = PerChannel()
    noise_sigma: PerChannel = PerChannel()
    quantum: PerChannel = PerChannel()
    response: Spread = "0s"


class Fault(_Table):
    """How often one kind of fault begins in a sensor, how long it lasts, which fields it may hit."""

    per_sensor_day: Share = 0.0
    duration: Duration = "10min"
    fields: Annotated[tuple[Channel, ...], Field(strict=False)] = ("temperature",)

    @property
    def duration_us(self) -> int:
        """How long an episode lasts, in microseconds of event time."""
        return round(parse_duration_s(self.duration, field="duration") * 1e6)

    @property
    def period_days(self) -> int:
        """In every so many days a sensor has one episode at most, wholly inside; it fills half of them at most."""
        return math.ceil(2 * self.duration_us / (DAY_S * 1e6))

    @model_validator(mode="after")
    def _never_overlaps_itself(self) -> Self:
        if self.per_sensor_day * self.period_days > 1.0:
            raise ValueError(
                f"per_sensor_day {self.per_sensor_day:g} with duration {self.duration} would let a sensor's episodes "
                f"overlap; write per_sensor_day up to {1.0 / self.period_days:.3g}, or a shorter duration"
            )
        return self

    @model_validator(mode="after")
    def _hits_some_field(self) -> Self:
        if not self.fields and type(self) is not CrossField:
            raise ValueError("fields names no channel; name at least one")
        return self


class LevelledFault(Fault):
    """A fault whose size is drawn from ``levels``; docs/scenarios.md tells each kind's sizes."""

    levels: Annotated[tuple[Literal["low", "medium", "high"], ...], Field(strict=False, min_length=1)] = LEVELS


class CodeFault(Fault):
    """A fault that shows one of ``codes`` in place of a measurement."""

    codes: Annotated[tuple[Code, ...], Field(strict=False, min_length=1)]


class Dropout(Fault):
    """A dropout: the field is null, or in `silent_share` of the episodes no reading comes at all."""

    silent_share: Share = 0.5


class StuckCode(CodeFault):
    """An end of a converter's range in place of the value: by default 0, or 122.15 °C, a mote's dying battery."""

    codes: Annotated[tuple[Code, ...], Field(strict=False, min_length=1)] = (0.0, 122.15)


class Sentinel(CodeFault):
    """A logger's mark for a missing value, sent as if it were one."""

    codes: Annotated[tuple[Code, ...], Field(strict=False, min_length=1)] = (-999.0,)


class CrossField(Fault):
    """Temperature and humidity both exactly 0; it has no ``fields`` to choose from."""

    fields: Annotated[tuple[Channel, ...], Field(strict=False, max_length=0)] = ()


class Faults(_Table):
    """The kinds of fault; a kind that is left out never happens.

    ``sigma`` is the deviation of each channel's short-term residual, the unit of every fault's size.
    """

    sigma: PerChannel = PerChannel(temperature=0.25, humidity=1.25, rainfall=1.0, wind_speed=0.5, UV_index=0.25)
    spike: LevelledFault = LevelledFault()
    stuck_at: Fault = Fault(duration="3h")
    dropout: Dropout = Dropout(duration="1h")
    stuck_code: StuckCode = StuckCode(duration="1h")
    bias: LevelledFault = LevelledFault(duration="6h")
    drift: LevelledFault = LevelledFault(duration="12h")
    drift_quadratic: LevelledFault = LevelledFault(duration="12h")
    gain: LevelledFault = LevelledFault(duration="12h")
    noise: LevelledFault = LevelledFault(duration="3h")
    clipping: LevelledFault = LevelledFault(duration="6h")
    sentinel: Sentinel = Sentinel(duration="1h")
    intermittent: LevelledFault = LevelledFault(duration="6h")
    cross_field: CrossField = CrossField(duration="30min")


class Delivery(_Table):
    """What happens between a sensor and the broker; delays are event time. By default nothing happens."""

    jitter: Share = 0.0
    loss: Share = 0.0
    bursts_per_sensor_day: Share = 0.0
    burst_duration: ShortDuration = "10min"
    duplicates: Share = 0.0
    late: Share = 0.0
    late_median: ShortDuration = "5s"
    # Checked although it is the default: the median may be longer than that.
    late_p99: Annotated[ShortDuration, Field(validate_default=True)] = "5min"
    outages_per_sensor_day: Share = 0.0
    outage_duration: ShortDuration = "1h"
    clock_skew_sigma: Spread = "0s"

    @field_validator("late_p99")
    @classmethod
    def _not_below_the_median(cls, text: str, info: ValidationInfo) -> str:
        median = info.data.get("late_median", text)  # absent if it was refused itself
        if parse_duration_s(text, field="late_p99") < parse_duration_s(median, field="late_median"):
            raise ValueError(f"shorter than late_median = {median}; write that or longer")
        return text


class Beacons(_Table):
    """Sensors whose one field jumps between two values with every reading, evenly spread in time."""

    share: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    field: Channel = "temperature"
    low: float = 20.0
    high: float = 45.0


class Scenario(_Table):
    """What every scenario has; which kind it is follows from its tables. docs/scenarios.md has every key."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: str
    start: Annotated[datetime, AfterValidator(_checked_utc)]
    interval: Duration = "10min"
    speedup: Positive = 2880.0
    lead: Duration = "1d"
    sensors: Sensors = Sensors()
    faults: Faults = Faults()
    delivery: Delivery = Delivery()
    beacons: Beacons = Beacons(share=0.0)

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
        return epoch_us(self.start)

    @model_validator(mode="after")
    def _beacons_need_weather(self) -> Self:
        if self.beacons.share and not isinstance(self, WeatherScenario):
            raise ValueError("beacons are simulated sensors among others in the weather; leave the table `beacons` out")
        return self


class WeatherScenario(Scenario):
    """Sensors in the simulated weather of a region."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    extent_km: Positive = 60.0
    temperature: Temperature
    humidity: Humidity
    rain: Rain
    wind: Wind
    uv: Uv
    storms: Storms = Storms()
    events: Events = Events()
    beacons: Beacons = Beacons()


class Uniform(_Table):
    """The range from which each channel is drawn, uniformly and anew in every reading."""

    temperature: Range
    humidity: Range
    rainfall: Range
    wind_speed: Range
    UV_index: Range

    def as_tuple(self) -> tuple[tuple[float, float], ...]:
        """The ranges in the order of `wire.reading.CHANNELS`."""
        return tuple(getattr(self, channel) for channel in CHANNELS)


class UniformScenario(Scenario):
    """No weather at all: one reading every ``interval`` in total, of a sensor drawn by lot, each value drawn too."""

    uniform: Uniform

    @model_validator(mode="after")
    def _has_healthy_sensors(self) -> Self:
        if self.faults != Faults() or self.sensors != Sensors():
            raise ValueError("values drawn by lot have no sensors to fail; leave `faults` and `sensors` out")
        return self


class Columns(_Table):
    """Which column of the file holds what; a channel without a column is null in every reading."""

    sensor_id: str = "sensor_id"
    timestamp: str = "timestamp"
    temperature: str | None = None
    humidity: str | None = None
    rainfall: str | None = None
    wind_speed: str | None = None
    UV_index: str | None = None

    @model_validator(mode="after")
    def _names_a_channel(self) -> Self:
        if not self.channels:
            raise ValueError(f"no channel has a column; name one, for example temperature = 'air_temp' (of {CHANNELS})")
        return self

    @property
    def channels(self) -> dict[str, str]:
        """Channel -> its column in the file."""
        return {name: column for name in CHANNELS if (column := getattr(self, name)) is not None}


class Replay(_Table):
    """Readings from a CSV or Parquet file; paths are relative to the scenario's own file.

    ``zero``: the instant in the file that becomes event time zero, by default its first. ``truth`` is a
    file of the same columns with true values, ``intervals`` one with known faults and events.
    """

    file: str
    columns: Columns
    zero: Annotated[datetime, AfterValidator(_checked_utc)] | None = None
    truth: str | None = None
    intervals: str | None = None


class ReplayScenario(Scenario):
    """Somebody's own readings, sent again; ``interval`` is what a sensor usually takes from one to the next."""

    replay: Replay
    _folder: Path = PrivateAttr(default=Path())

    def path_of(self, file: str) -> Path:
        """Where a file that the scenario names lies: beside the scenario's own, unless the name is absolute."""
        return self._folder / file


#: The kinds of scenario by the table that only they have.
_KINDS: Final[dict[str, type[Scenario]]] = {"uniform": UniformScenario, "replay": ReplayScenario}


def epoch_us(instant: datetime) -> int:
    """Microseconds since 1970 of an instant with an offset."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


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
        return parse_scenario(
            tomllib.loads(path.read_text(encoding="utf-8")), source=path.name, folder=path.absolute().parent
        )
    except OSError as error:
        raise UsageError(f"--scenario {name_or_file}: cannot read it ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--scenario {name_or_file}: no valid TOML: {error}") from None


def parse_scenario(table: dict[str, Any], *, source: str, folder: Path = Path()) -> Scenario:
    """The scenario in a parsed TOML ``table``; ``source`` names the file in errors (`UsageError`).

    A table `uniform` or `replay` decides about the kind; paths of a replay are relative to ``folder``.
    """
    kind = next((kind for key, kind in _KINDS.items() if key in table), WeatherScenario)
    try:
        scenario = kind.model_validate(table)
        if isinstance(scenario, ReplayScenario):
            scenario._folder = folder
        return scenario
    except ValidationError as error:
        # A misspelt key is also a missing one: its own name explains both.
        found = error.errors(include_url=False)
        first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        raise UsageError(f"{source}: unknown key '{key}'{did_you_mean(key, _known_keys(kind))}")
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
        # A table that may be left out is annotated as `Table | None`.
        for kind in get_args(field.annotation) or (field.annotation,):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                keys += _known_keys(kind, f"{prefix}{name}.")
    return keys
