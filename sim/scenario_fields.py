"""What a scenario's tables are made of: the kinds of value that a key can have, each with its check.

Names of keys carry units: ``_c`` °C, ``_ms`` m/s, ``_mm`` mm, ``_km``, ``_du`` Dobson units. Durations
are texts such as ``'10min'``. Values stay as they were written: a scenario's hash is over them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from base.durations import parse_duration_s
from base.errors import UsageError

#: Seconds in a day.
DAY_S: Final = 86400.0


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
Instant = Annotated[datetime, AfterValidator(_checked_utc)]
Channel = Literal["temperature", "humidity", "rainfall", "wind_speed", "UV_index"]


class Table(BaseModel):
    """A table of a scenario: frozen, and strict about keys and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
