"""What a dashboard is told, whoever tells it: readings, alerts and rejects as they arrive."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

import polars as pl

from wire.reading import CHANNELS

#: A reading that arrived. `event_us`: epoch µs of event time; `at_ms`: when it arrived, epoch ms of wall time.
READING: Final = {
    "sensor_id": pl.Int64,
    "event_us": pl.Int64,
    **dict.fromkeys(CHANNELS, pl.Float64),
    "at_ms": pl.Int64,
}
#: An alert that arrived; `alert` is its label.
ALERT: Final = {"sensor_id": pl.Int64, "event_us": pl.Int64, "alert": pl.String, "at_ms": pl.Int64}
#: A malformed record that the pipeline set aside, and why.
REJECT: Final = {"reason": pl.String, "at_ms": pl.Int64}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What came since the last one, with the columns of `READING`, `ALERT` and `REJECT`."""

    #: When this was: wall epoch ms; of a replay, when it was then.
    now_ms: int
    readings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=READING))
    alerts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ALERT))
    rejects: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECT))
    #: Readings that came and were passed over, because more came than a dashboard needs.
    skipped: int = 0
    #: What is wrong with the source; empty if nothing is.
    trouble: str = ""
    #: Nothing more will come.
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the events of a source mean, in words for the page."""

    #: Where they come from.
    source: str
    #: Which readings the sensors' graphs show.
    readings: str
    #: From when to when latency goes; empty if this source cannot tell it.
    latency: str = ""
    #: Whether `Batch.now_ms` is the present, against which the age of the data counts.
    live: bool = True


class Source(Protocol):
    """Where events come from. Used by one thread; it never raises for a source that went away: `Batch.trouble`."""

    about: About

    def poll(self, timeout_s: float) -> Batch:
        """What has come since the last call, waiting ``timeout_s`` at most for something to come."""

    def close(self) -> None:
        """Let go of it."""
