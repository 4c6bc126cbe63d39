"""What the bench asks of a Kafka cluster, wherever it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import psutil


class Broker(Protocol):
    """A running cluster. Back-ends: `embedded` (a child of ours) and `external` (someone else's)."""

    #: ``host:port`` for clients.
    bootstrap: str

    @property
    def pause_log(self) -> Path | None:
        """The log of its JVM's safepoints (`bench.pauses`); None if it is not ours."""

    def describe(self) -> dict[str, Any]:
        """What the result file says of it: kind, version, settings that are not Kafka's defaults."""

    def processes(self) -> list[psutil.Process]:
        """The broker's own processes on this machine, for CPU and memory; empty if it runs elsewhere."""

    def stop(self) -> None:
        """End it and remove its data, if it is ours. Safe to call twice."""
