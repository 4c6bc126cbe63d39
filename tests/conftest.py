"""Fixtures that start real things: one broker for the whole test session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.broker.embedded import EmbeddedBroker


@pytest.fixture(scope="session")
def broker() -> Iterator[EmbeddedBroker]:
    """A real Kafka broker, shared by the session; tests use topics of their own in it."""
    with EmbeddedBroker() as running:
        yield running
