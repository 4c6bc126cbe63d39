"""The tables of a scenario that make its sensors: what they report, how they fail, how it is delivered."""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from base.durations import parse_duration_s
from sim.scenario_fields import DAY_S, Channel, Code, Duration, NotNegative, Share, ShortDuration, Spread, Table
from wire.reading import CHANNELS

#: How large a fault is, from hard to find to glaring.
LEVELS: Final = ("low", "medium", "high")


class PerChannel(Table):
    """One number per channel, in the channel's own unit."""

    temperature: NotNegative = 0.0
    humidity: NotNegative = 0.0
    rainfall: NotNegative = 0.0
    wind_speed: NotNegative = 0.0
    UV_index: NotNegative = 0.0

    def as_tuple(self) -> tuple[float, ...]:
        """The numbers in the order of `wire.reading.CHANNELS`."""
        return tuple(float(getattr(self, channel)) for channel in CHANNELS)


class Sensors(Table):
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


class Fault(Table):
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


class Faults(Table):
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


class Delivery(Table):
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


class Beacons(Table):
    """Sensors whose one field jumps between two values with every reading, evenly spread in time."""

    share: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    field: Channel = "temperature"
    low: float = 20.0
    high: float = 45.0
