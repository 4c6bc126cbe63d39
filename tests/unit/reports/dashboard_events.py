"""Events as a source tells them, with defaults for all that a test is not about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from reports.dashboard.events import ALERT, READING, REJECT, Batch
from reports.dashboard.state import NOTHING, Kept, remember

#: Wall and event time at which the tests begin: 2026-06-21 12:00 UTC.
ZERO_MS = 1_782_043_200_000


def reading(sensor_id: int = 1, second: float = 0.0, *, at_ms: int | None = None, **channels: Any) -> dict[str, Any]:
    """A reading taken ``second`` after zero, which arrived at once unless ``at_ms`` (after zero) says otherwise."""
    calm = {"temperature": 20.0, "humidity": 50.0, "rainfall": 0.0, "wind_speed": 5.0, "UV_index": 3.0}
    event_us = ZERO_MS * 1000 + round(second * 1e6)
    arrived = round(second * 1000) if at_ms is None else at_ms
    return {"sensor_id": sensor_id, "event_us": event_us, **calm, "at_ms": ZERO_MS + arrived} | channels


def alert(sensor_id: int = 1, second: float = 0.0, *, at_ms: int, label: str = "High Temperature") -> dict[str, Any]:
    """The alert of `reading` of the same sensor and second."""
    event_us = ZERO_MS * 1000 + round(second * 1e6)
    return {"sensor_id": sensor_id, "event_us": event_us, "alert": label, "at_ms": ZERO_MS + at_ms}


def batch(
    *,
    now_ms: int = 0,
    readings: Sequence[dict[str, Any]] = (),
    alerts: Sequence[dict[str, Any]] = (),
    rejects: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> Batch:
    """What came until ``now_ms`` after zero."""
    return Batch(
        now_ms=ZERO_MS + now_ms,
        readings=pl.DataFrame(list(readings), schema=READING),
        alerts=pl.DataFrame(list(alerts), schema=ALERT),
        rejects=pl.DataFrame(list(rejects), schema=REJECT),
        **more,
    )


def kept(*batches: Batch, timed: bool = True) -> Kept:
    """What is remembered of ``batches``."""
    state = NOTHING
    for one in batches:
        state = remember(state, one, timed=timed)
    return state


def eventful_batches() -> list[Batch]:
    """A minute of four sensors in which everything happens: alerts of two kinds, rejects, a backlog."""
    batches = []
    for second in range(60):
        readings = [
            reading(n, second, temperature=20.0 + n + second / 10, humidity=50.0 - second / 2) for n in (1, 2, 3, 4)
        ]
        alerts = [alert(1, second, at_ms=second * 1000 + 40)] if second % 2 else []
        alerts += [alert(3, second, at_ms=second * 1000 + 90, label="Low Humidity")] if second > 50 else []
        rejects = [{"reason": "empty record", "at_ms": ZERO_MS + second * 1000}] if second % 10 == 0 else []
        batches.append(batch(now_ms=second * 1000 + 500, readings=readings, alerts=alerts, rejects=rejects))
    return batches


def eventful() -> Kept:
    """What is remembered of `eventful_batches`."""
    return kept(*eventful_batches())
