"""Where in the matrix a cell stands."""

from __future__ import annotations

from bench.records.base import Record


class Axes(Record):
    """The axes of the matrix."""

    trigger: str
    partitions: int
    profile: str
    detectors: str = "rules"
    engine: str = "spark"

    @property
    def is_realtime(self) -> bool:
        """Whether the cell runs in real-time mode."""
        return self.trigger.startswith("realtime")

    @property
    def mode(self) -> str:
        """``realtime`` or ``micro-batch``."""
        return "realtime" if self.is_realtime else "micro-batch"


class Params(Axes):
    """A point of the matrix, and which repeat of it."""

    repeat: int = 1
