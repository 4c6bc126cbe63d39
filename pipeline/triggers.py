"""When Spark looks for new readings: every so often, or all the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from base.durations import format_duration, parse_duration_s
from base.errors import UsageError

#: `realtime` alone means this duration between two real-time batches.
REALTIME_DEFAULT_S: Final = 30.0

#: Spark's own floor for the duration of a real-time batch.
REALTIME_SHORTEST_S: Final = 5.0

_REALTIME = "realtime"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A micro-batch every ``seconds`` (0: as soon as the last one ends), or real-time batches that long."""

    seconds: float
    is_realtime: bool = False

    @classmethod
    def parse(cls, text: str, *, field: str) -> Self:
        """``0s``, ``100ms``, ``30s``, ``realtime`` or ``realtime:30s``; ``field``: the flag.

        Raises `UsageError` for anything else, and for a real-time duration below Spark's floor.
        """
        head, colon, duration = text.strip().partition(":")
        if head != _REALTIME:
            return cls(seconds=_duration_s(text, text, field))
        seconds = _duration_s(duration, text, field) if colon else REALTIME_DEFAULT_S
        if seconds < REALTIME_SHORTEST_S:
            raise UsageError(
                f"{field} {text}: Spark's real-time batches last at least {REALTIME_SHORTEST_S:g} s (how often "
                f"it checkpoints, not its latency); write {_REALTIME}:{REALTIME_SHORTEST_S:g}s or longer"
            )
        return cls(seconds=seconds, is_realtime=True)

    @property
    def name(self) -> str:
        """The spelling that `parse` reads back; a real-time trigger's duration is part of it."""
        duration = format_duration(self.seconds)
        return f"{_REALTIME}:{duration}" if self.is_realtime else duration

    @property
    def spark_kwargs(self) -> dict[str, str]:
        """The one keyword of ``writeStream.trigger``, in whole milliseconds."""
        return {"realTime" if self.is_realtime else "processingTime": f"{round(self.seconds * 1000)} milliseconds"}


def _duration_s(duration: str, text: str, field: str) -> float:
    try:
        seconds = parse_duration_s(duration, field=field)
    except UsageError:
        raise UsageError(f"{field} {text}: no trigger; write 0s, 100ms, 1s, {_REALTIME} or {_REALTIME}:30s") from None
    if seconds and (seconds * 1000) % 1:
        raise UsageError(f"{field} {text}: Spark counts in whole milliseconds; write {seconds * 1000:.0f}ms")
    return seconds
