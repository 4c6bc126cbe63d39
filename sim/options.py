"""Options that several of this room's commands share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from base.errors import UsageError

Scenario = Annotated[str, typer.Option(metavar="NAME|FILE", help="A scenario's name, or a .toml file.")]
Seed = Annotated[int, typer.Option(help="Same seed, same readings.")]
Sensors = Annotated[int, typer.Option(help="How many sensors report.")]
Rate = Annotated[
    float | None,
    typer.Option(help="Readings per second of wall time; changes the interval between a sensor's readings."),
]
Speedup = Annotated[float | None, typer.Option(help="Event seconds per wall second; 2880 is a day in 30 s.")]


def parse_start(text: str, *, now: datetime) -> datetime | None:
    """The instant of event time zero: ``scenario`` (None: keep the scenario's), ``now`` or ISO 8601.

    An instant without an offset is UTC. Raises `UsageError` for anything else.
    """
    if text == "scenario":
        return None
    if text == "now":
        return now
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--start {text}: write now, scenario, or an instant such as 2026-06-21T00:00:00Z") from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
