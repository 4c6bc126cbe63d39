"""Delivery: which copies of which readings reach the broker, and when each is due.

First form: every reading that a sensor sends is delivered once, at its due instant. Loss, lateness
and second copies will be decided here, by hash of (sensor, reading).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.arrays import Bytes, Longs
from sim.stream import StreamSpec


@dataclass(frozen=True)
class Schedule:
    """Deliveries in due order, columns of shape (D,).

    ``reading`` is the row of the reading that is delivered, ``copy`` 0 for its first delivery,
    ``due_ns`` the due instant in wall nanoseconds relative to event time zero.
    """

    reading: Longs
    copy: Bytes
    due_ns: Longs


def deliver(stream: StreamSpec, event_rel_us: Longs) -> Schedule:
    """The deliveries of readings (N,), given in the order in which ties are to be sent."""
    due_ns = stream.due_ns(event_rel_us)
    order = np.argsort(due_ns, kind="stable")
    return Schedule(order, np.zeros(len(order), dtype=np.uint8), due_ns[order])
