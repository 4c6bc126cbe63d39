"""What a scraper makes of an exposition, and what a server may be asked about."""

from __future__ import annotations

from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from bench.openmetrics import FAMILIES
from bench.view import Snapshot

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: bytes) -> Series:
    """What the strict parser of prometheus_client finds; it raises for much of what the specification forbids."""
    found: Series = {}
    for family in text_string_to_metric_families(text.decode()):
        assert family.type == FAMILIES[family.name].type
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return found


def values(series: Series, name: str, **labels: str) -> list[float]:
    """The values of every series of that name whose labels hold these."""
    wanted = set(labels.items())
    return [value for (found, its), value in series.items() if found == name and wanted <= its]


def value(series: Series, name: str, **labels: str) -> float:
    """The only such value."""
    (one,) = values(series, name, **labels)
    return one


def a_snapshot(**changes: Any) -> Snapshot:
    """A run before its first cell."""
    unknown = ("phase_until_ns", "cell", "offered_per_s", "sent_per_s", "p50_ms", "p99_ms", "batch_ms", "steal")
    fields = {"phase": "preparing", "number": 0, "total": 6, "eta_s": 0.0, "alerts": 0, **dict.fromkeys(unknown)}
    return Snapshot(**{**fields, **changes})
