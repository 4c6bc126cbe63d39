"""A scenario: every number the simulator needs, frozen, checked whole, read from a TOML file.

What the keys mean, with typical values, stands in docs/scenarios.md.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Self, get_args

from pydantic import BaseModel, Field, PrivateAttr, ValidationError, model_validator

from base.durations import parse_duration_s
from base.errors import UsageError, did_you_mean
from base.toml_file import read_toml
from sim.scenario_fields import Duration, Instant, Positive, Range, Table
from sim.scenario_sensors import Beacons, Delivery, Faults, Sensors
from sim.scenario_weather import Events, Humidity, Rain, Storms, Temperature, Uv, Wind
from wire.reading import CHANNELS

#: Where the scenarios that come with the project live.
SCENARIOS_DIR = Path(__file__).resolve().parent.parent / "scenarios"

DEFAULT_SCENARIO = "temperate-day"


class Scenario(Table):
    """What every scenario has; which kind it is follows from its tables. docs/scenarios.md has every key."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: str
    start: Instant
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


class Uniform(Table):
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


class Columns(Table):
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


class Replay(Table):
    """Readings from a CSV or Parquet file; paths are relative to the scenario's own file.

    ``zero``: the instant in the file that becomes event time zero, by default its first. ``truth`` is a
    file of the same columns with true values, ``intervals`` one with known faults and events.
    """

    file: str
    columns: Columns
    zero: Instant | None = None
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
    table = read_toml(path, field="--scenario", form="docs/scenarios.md has every key")
    return parse_scenario(table, source=path.name, folder=path.absolute().parent)


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
