"""When to send what: an absolute schedule, paced on a monotonic clock. No Kafka, no clock of its own.

Open loop: what is due is sent at its instant whether or not anything before it was acknowledged, and
being late shifts nothing that follows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import numpy as np

from sim.arrays import Longs

#: The least that is slept between two sends, to gather what else becomes due. Sleeping comes back
#: some 0.1 ms late, so there are at most 2,000 wake-ups a second and nothing is late by more than
#: 0.5 ms on purpose.
TICK_NS: Final = 400_000
#: The longest sleep: acknowledgements and a stop are noticed at least this often.
LONGEST_SLEEP_NS: Final = 20_000_000
#: The most that is sent before the clock, the acknowledgements and a stop are looked at again.
LARGEST_BURST: Final = 1_000
#: The same if nothing is paced, and the few microseconds that each burst costs count.
UNPACED_BURST: Final = 5_000


class Clock(Protocol):
    """The time, and waiting: a fake one makes pacing testable."""

    def monotonic_ns(self) -> int:
        """Nanoseconds that never jump."""

    def sleep_ns(self, duration_ns: int) -> None:
        """Wait at least about this long."""


class SystemClock:
    """The machine's clock."""

    def monotonic_ns(self) -> int:
        """`time.monotonic_ns`."""
        return time.monotonic_ns()

    def sleep_ns(self, duration_ns: int) -> None:
        """`time.sleep`: gives the core away, and comes back some 50 µs late."""
        time.sleep(duration_ns / 1e9)


class Deliveries(Protocol):
    """A stretch of the schedule: due instants in order, relative to event time zero."""

    @property
    def due_ns(self) -> Longs:
        """Shape (D,), non-decreasing."""


StretchT = TypeVar("StretchT", bound=Deliveries)


@dataclass(frozen=True)
class Burst:
    """Deliveries [low, high) of a stretch that are to be handed over now."""

    low: int
    high: int


def due_burst(due_ns: Longs, position: int, now_ns: int) -> Burst:
    """What of a schedule, from ``position`` on, is due at ``now_ns``: at most `LARGEST_BURST`."""
    # Look at one burst's worth only: a search in the whole of a long schedule would cost more.
    ahead = due_ns[position : position + LARGEST_BURST]
    return Burst(position, position + int(np.searchsorted(ahead, now_ns, side="right")))


def sleep_for(now_ns: int, next_due_ns: int, tick_ns: int = TICK_NS) -> int:
    """How long to sleep at ``now_ns``: until the next due instant, but at least one tick."""
    return min(max(next_due_ns - now_ns, tick_ns), LONGEST_SLEEP_NS)


def pace(
    stretches: Iterable[StretchT],
    *,
    zero_ns: int,
    clock: Clock,
    send: Callable[[StretchT, Burst], None],
    woken: Callable[[int], None],
    stopped: Callable[[], bool],
    unpaced: bool = False,
    tick_ns: int = TICK_NS,
) -> bool:
    """Send every delivery of ``stretches`` at its instant; True if all were, False if stopped before.

    ``zero_ns`` is event time zero on ``clock``'s monotonic scale. ``send`` hands a burst over and
    ``woken`` is told the time (ns relative to zero) after each wake-up. ``unpaced`` sends everything
    as fast as it goes.
    """
    for stretch in stretches:
        due_ns, position = stretch.due_ns, 0
        while position < len(due_ns):
            if stopped():
                return False
            now_ns = clock.monotonic_ns() - zero_ns
            if unpaced:
                burst = Burst(position, min(position + UNPACED_BURST, len(due_ns)))
            else:
                burst = due_burst(due_ns, position, now_ns)
            if burst.high > burst.low:
                send(stretch, burst)
                position = burst.high
            woken(now_ns)
            if not unpaced and position < len(due_ns):
                now_ns = clock.monotonic_ns() - zero_ns
                # Behind by a whole burst: no rest until it has caught up.
                if int(due_ns[position]) > now_ns or burst.high - burst.low < LARGEST_BURST:
                    clock.sleep_ns(sleep_for(now_ns, int(due_ns[position]), tick_ns))
    return not stopped()
