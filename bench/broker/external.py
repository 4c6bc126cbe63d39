"""A Kafka that already runs somewhere: ours to use, not to start or stop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from base.errors import UsageError
from base.kafka import Admin


class ExternalBroker:
    """The cluster at ``bootstrap``; raises `EnvironmentMissing` if nothing answers there."""

    def __init__(self, bootstrap: str, settings: Mapping[str, str] | None = None) -> None:
        host, _, port = bootstrap.rpartition(":")
        if not host or not port.isdigit():
            raise UsageError(f"--broker {bootstrap}: neither 'embedded' nor HOST:PORT; write 127.0.0.1:9092, say")
        self.bootstrap = bootstrap
        self.pause_log: Path | None = None
        self._protocol = (settings or {}).get("security.protocol", "PLAINTEXT")
        self._brokers = Admin(bootstrap, settings).require_reachable()

    def describe(self) -> dict[str, Any]:
        """Kind, address, protocol (encryption costs time) and number of brokers."""
        return {
            "kind": "external",
            "bootstrap": self.bootstrap,
            "protocol": self._protocol,
            "brokers": self._brokers,
        }

    def processes(self) -> list[psutil.Process]:
        """None: where it runs, we do not look."""
        return []

    def stop(self) -> None:
        """Nothing: it is not ours."""
