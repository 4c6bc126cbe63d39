"""What Spark can combine: mode x source x sink x operator x version, as data, and why not where it cannot.

From 4.2, the oldest Spark this project runs on. Continuous mode is left out: it is experimental, and
real-time mode does what it was for. `tests/spark/test_capabilities.py` holds the table against the
installed Spark: what stands here as impossible is tried there, and refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final


class Mode(StrEnum):
    """How readings reach the query: collected into batches, or each as it comes."""

    MICRO_BATCH = "micro-batch"
    REAL_TIME = "real-time"


class Source(StrEnum):
    """Spark's sources, by the name of their format."""

    KAFKA = "kafka"
    FILES = "files"
    RATE = "rate"


class Writer(StrEnum):
    """Spark's sinks, by the name of their format."""

    KAFKA = "kafka"
    MEMORY = "memory"
    PARQUET = "parquet"
    CONSOLE = "console"
    FOREACH = "foreach"
    FOREACH_BATCH = "foreachBatch"
    NOOP = "noop"


class Operator(StrEnum):
    """Whether a row's fate hangs on rows before it."""

    STATELESS = "stateless"
    STATEFUL = "stateful"


class Progress(StrEnum):
    """Whether a batch waits until its offsets are written down, or goes on (`asyncProgressTrackingEnabled`)."""

    SYNC = "synchronous"
    ASYNC = "asynchronous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """One query, as far as possibility goes; ``spark`` is (major, minor)."""

    mode: Mode
    source: Source = Source.KAFKA
    writer: Writer
    operator: Operator = Operator.STATELESS
    progress: Progress = Progress.SYNC
    spark: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Where ``axis`` has ``value``, ``needs`` of ``of`` are possible and nothing else.

    ``instead`` is the value of ``axis`` that is free of this limit; ``lifted`` the first version
    without it.
    """

    axis: str
    value: StrEnum
    of: str
    needs: frozenset[StrEnum]
    instead: StrEnum
    lifted: tuple[int, int] | None = None

    def broken_by(self, wanted: Combination) -> bool:
        """Whether this limit stands against ``wanted``."""
        return (
            getattr(wanted, self.axis) == self.value
            and getattr(wanted, self.of) not in self.needs
            and (self.lifted is None or wanted.spark < self.lifted)
        )


_ASYNC: Final[dict[str, Any]] = {"axis": "progress", "value": Progress.ASYNC, "instead": Progress.SYNC}
_REAL_TIME: Final[dict[str, Any]] = {"axis": "mode", "value": Mode.REAL_TIME, "instead": Mode.MICRO_BATCH}

#: In the order in which they are told.
LIMITS: Final = (
    # Spark's class AsyncProgressTrackingMicroBatchExecution, and STREAMING_REAL_TIME_MODE.ASYNC_PROGRESS_TRACKING_...
    Limit(**_ASYNC, of="mode", needs=frozenset({Mode.MICRO_BATCH})),
    Limit(**_ASYNC, of="operator", needs=frozenset({Operator.STATELESS})),
    Limit(**_ASYNC, of="writer", needs=frozenset({Writer.KAFKA, Writer.MEMORY, Writer.CONSOLE, Writer.NOOP})),
    # Spark's class RealTimeModeAllowlist. It names a memory sink too, the one of continuous mode;
    # `format("memory")` makes another.
    Limit(**_REAL_TIME, of="source", needs=frozenset({Source.KAFKA})),
    Limit(**_REAL_TIME, of="writer", needs=frozenset({Writer.KAFKA, Writer.CONSOLE, Writer.FOREACH})),
    Limit(**_REAL_TIME, of="operator", needs=frozenset({Operator.STATELESS}), lifted=(4, 3)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a combination is impossible (``limit``; ``reason`` says it), and the ``nearest`` one that is not."""

    limit: Limit
    reason: str
    nearest: Combination


def refusal(wanted: Combination) -> Refusal | None:
    """None if Spark can run ``wanted``, else the first limit against it and the nearest possible combination."""
    limit = next((one for one in LIMITS if one.broken_by(wanted)), None)
    if limit is None:
        return None
    changed: Any = {limit.axis: limit.instead}
    nearest = replace(wanted, **changed)
    deeper = refusal(nearest)
    return Refusal(limit=limit, reason=_reason(limit, wanted), nearest=nearest if deeper is None else deeper.nearest)


def _reason(limit: Limit, wanted: Combination) -> str:
    subject = {Progress.ASYNC: "asynchronous progress tracking", Mode.REAL_TIME: "real-time mode"}[limit.value]
    thing = {"writer": "sink", "operator": "operator", "source": "source", "mode": "mode"}[limit.of]
    later = "" if limit.lifted is None else f" before {_dotted(limit.lifted)}"
    return (
        f"Spark {_dotted(wanted.spark)}'s {subject} has no {getattr(wanted, limit.of)} {thing}{later}, "
        f"only {', '.join(sorted(limit.needs))}"
    )


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
