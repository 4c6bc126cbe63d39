"""Deliveries made ready to send, ahead of time and off the sending thread.

Generating and encoding take about a microsecond a reading, which must not fall into the pauses between
two sends. A bounded run that fits is prepared whole before it starts; any other is kept some way ahead.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Final

import pyarrow as pa

from sim.arrays import Bytes, Ints, Longs
from sim.texts import Texts

#: How many readings may be ready and unsent, about 0.2 kB each.
MOST_AHEAD: Final = 2_000_000


@dataclass(frozen=True)
class Prepared:
    """A stretch of deliveries in due order, ready to send; columns of shape (D,).

    ``sensor_id``, ``seq`` and ``copy`` name a delivery; ``due_ns`` is relative to event time zero;
    ``keys`` and ``values`` are what travels.
    """

    sensor_id: Ints
    seq: Longs
    copy: Bytes
    due_ns: Longs
    keys: Texts
    values: Texts

    def __len__(self) -> int:
        return len(self.due_ns)

    def first(self, count: int) -> Prepared:
        """The first ``count`` deliveries."""
        return self._part(slice(count))

    def but_first(self, count: int) -> Prepared:
        """All but the first ``count`` deliveries."""
        return self._part(slice(count, None))

    def _part(self, part: slice) -> Prepared:
        return Prepared(**{column.name: getattr(self, column.name)[part] for column in fields(self)})


def keys_of(sensor_id: Ints) -> Texts:
    """The Kafka keys of readings (N,), as `wire.reading.key_of` has them."""
    return Texts.of_arrow(pa.array(sensor_id).cast(pa.string()).cast(pa.binary()))


class Preparer:
    """Takes stretches from ``source`` on a thread, and keeps ``ahead`` deliveries ready.

    ``limit`` ends it after that many deliveries. Iterate over it to take stretches, in due order;
    once ``stopped`` says so, nobody waits for more.
    """

    def __init__(
        self,
        source: Iterator[Prepared],
        *,
        ahead: int = MOST_AHEAD,
        limit: int | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._source, self._ahead = source, ahead
        self._limit = limit
        self._changed = threading.Condition()
        self._ready: deque[Prepared] = deque()
        self._buffered = 0
        self._made = 0
        self._finished = False
        self._stopped = False
        self._asked_to_stop = stopped
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="prepare", daemon=True)
        self._thread.start()

    @property
    def planned(self) -> int | None:
        """How many deliveries there are in all, once that is known."""
        return self._made if self._finished else None

    def wait_ready(self, enough: int | None = None) -> int:
        """Wait until all is prepared, or ``enough`` of it, or as much as is kept ahead; returns how many that is."""
        wanted = self._ahead if enough is None else enough
        with self._changed:
            self._wait(lambda: self._finished or self._buffered >= wanted)
            return self._buffered

    @property
    def first_due_ns(self) -> int | None:
        """The due instant of the first delivery that is ready, relative to event time zero."""
        return int(self._ready[0].due_ns[0]) if self._ready else None

    def stop(self) -> None:
        """Prepare no more; whoever waits goes on with what there is."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Prepared]:
        while True:
            with self._changed:
                self._wait(lambda: bool(self._ready) or self._finished)
                if self._stopped or not self._ready:
                    return
                stretch = self._ready.popleft()
                self._buffered -= len(stretch)
                self._changed.notify_all()
            yield stretch

    def _wait(self, enough: Callable[[], bool]) -> None:
        # In slices: a signal's handler runs between them, not inside one.
        while not self._changed.wait_for(lambda: enough() or self._stopped, timeout=0.1):
            self._stopped = self._stopped or self._asked_to_stop()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            for stretch in self._source:
                if self._limit is not None and self._made + len(stretch) > self._limit:
                    stretch = stretch.first(self._limit - self._made)
                with self._changed:
                    self._ready.append(stretch)
                    self._buffered += len(stretch)
                    self._made += len(stretch)
                    self._changed.notify_all()
                    if self._made == self._limit:
                        break
                    self._changed.wait_for(lambda: self._stopped or self._buffered < self._ahead)
                    if self._stopped:
                        return
            with self._changed:
                self._finished = True
                self._changed.notify_all()
        except BaseException as error:
            with self._changed:
                self._error, self._finished = error, True
                self._changed.notify_all()
