"""Hands deliveries to Kafka, stamps and logs each, counts what comes back, and tells how it goes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

import numpy as np

from base.jsonl import emit
from sim.delivery_log import DeliveryLog
from sim.pacing import Burst, wall_minus_monotonic_ns
from sim.prepare import Prepared
from wire.reading import key_of

LOG_EVERY_NS: Final = 100_000_000
REPORT_EVERY_NS: Final = 1_000_000_000
#: How long acknowledgements may take after the last send.
FLUSH_S: Final = 30.0
#: A list of what was never acknowledged is for a look, not for the count.
MOST_UNACKED: Final = 1_000


class KafkaProducer(Protocol):
    """What is used of a confluent_kafka.Producer."""

    def produce(self, topic: str, value: bytes, key: bytes, *, on_delivery: Callable[[object, object], None]) -> None:
        """Queue one message; raises BufferError while the queue is full."""

    def poll(self, timeout: float) -> int:
        """Call back for what was acknowledged."""

    def flush(self, timeout: float) -> int:
        """Wait for acknowledgements, at most ``timeout`` seconds."""


class _Keys(dict[int, bytes]):
    """The key of each sensor, made once."""

    def __missing__(self, sensor_id: int) -> bytes:
        key = self[sensor_id] = key_of(sensor_id)
        return key


class Sender:
    """Hands deliveries to a producer, stamps and logs them, counts what comes back, reports."""

    def __init__(self, producer: KafkaProducer, topic: str, *, zero_wall_ns: int, log: DeliveryLog | None) -> None:
        self._producer, self._topic, self._log = producer, topic, log
        self._zero_wall_ns = zero_wall_ns
        self._keys = _Keys()
        self._in_flight: dict[int, tuple[int, int]] = {}
        self._failed: list[tuple[int, int]] = []
        self.sent = self.acked = self.stall_ns = 0
        self._stretch: Prepared | None = None
        self._position = self._logged = self._sent_before = 0
        self._stamps: list[int] = []
        self._lag_ns = 0
        self._log_at = self._report_at = -(2**62)
        self._last = (0, 0, 0)
        self.json_events = self.verbose = False

    def send(self, stretch: Prepared, burst: Burst) -> None:
        """Hand over one burst; a full queue is waited for, and the wait counted."""
        if stretch is not self._stretch:
            self.write_log()
            self._stretch, self._logged, self._sent_before = stretch, burst.low, self.sent
        produce, stamps, keys, now = self._producer.produce, self._stamps, self._keys, time.time_ns
        for row in range(burst.low, burst.high):
            sensor_id = stretch.sensor_id[row]
            self._in_flight[self.sent] = (sensor_id, stretch.seq[row])
            returned = partial(self._returned, self.sent)
            while True:
                stamp = now()
                try:
                    produce(self._topic, stretch.values[row], keys[sensor_id], on_delivery=returned)
                    break
                except BufferError:
                    self._producer.poll(0.01)
                    self.stall_ns += now() - stamp
            stamps.append(stamp)
            self.sent += 1
            if self.verbose:
                print(stretch.values[row].decode(), file=sys.stderr)
        self._position = burst.high

    def woken(self, now_ns: int) -> None:
        """Serve acknowledgements; every so often write the log and report. Time is relative to zero."""
        self._producer.poll(0)
        if now_ns - self._log_at >= LOG_EVERY_NS:
            self._log_at = now_ns
            self.write_log()
        if now_ns - self._report_at >= REPORT_EVERY_NS:
            self._report(now_ns)

    def write_log(self) -> None:
        """Write what was sent since the last time, and note how late the latest of it was."""
        stretch, rows = self._stretch, slice(self._logged, self._position)
        if stretch is None or not self._stamps:
            return
        due_ns, sent_ns = stretch.due_ns[rows] + self._zero_wall_ns, np.array(self._stamps, dtype=np.int64)
        self._lag_ns = max(self._lag_ns, int((sent_ns - due_ns).max()))
        if self._log is not None:
            self._log.write(
                sensor_id=np.array(stretch.sensor_id[rows], dtype=np.int32),
                seq=np.array(stretch.seq[rows], dtype=np.int64),
                copy=stretch.copy[rows],
                due_ns=due_ns,
                sent_ns=sent_ns,
            )
        self._logged = self._position
        self._stamps.clear()

    def flush(self, timeout_s: float = FLUSH_S) -> None:
        """Wait for the acknowledgements that are still out, and finish the log."""
        self.write_log()
        deadline = time.monotonic() + timeout_s
        while self._in_flight and time.monotonic() < deadline:
            self._producer.flush(0.5)

    def totals(self) -> dict[str, Any]:
        """What became of everything sent; ``unacked`` lists some of [sensor_id, seq] if any."""
        unacked = self._failed + list(self._in_flight.values())
        return {
            "sent": self.sent,
            "acked": self.acked,
            "failed": len(self._failed),
            "unacked": unacked[:MOST_UNACKED],
            "queue_full_stall_s": self.stall_ns / 1e9,
        }

    def _returned(self, number: int, error: object, message: object) -> None:
        delivery = self._in_flight.pop(number)
        if error is None:
            self.acked += 1
        else:
            self._failed.append(delivery)

    def _report(self, now_ns: int) -> None:
        self.write_log()
        # What is due beyond the stretch in hand is not seen from here: a lower bound when far behind.
        stretch_due = 0
        if self._stretch is not None:
            stretch_due = int(np.searchsorted(self._stretch.due_ns, now_ns, side="right"))
        due = max(self.sent, self._sent_before + stretch_due)
        then_ns, then_due, then_sent = self._last
        seconds = (now_ns - then_ns) / 1e9 if self._report_at > -(2**62) else 0.0
        offered = (due - then_due) / seconds if seconds else None
        rate = (self.sent - then_sent) / seconds if seconds else None
        if self.json_events:
            emit(
                "progress", due=due, sent=self.sent, acked=self.acked, lag_ms=self._lag_ns / 1e6,
                offered_per_s=offered, sent_per_s=rate, wall_minus_monotonic_ns=wall_minus_monotonic_ns(),
            )  # fmt: skip
        elif rate is not None:
            print(f"sent {self.sent:,}, acknowledged {self.acked:,}, {rate:,.1f}/s", file=sys.stderr)
        self._last, self._report_at, self._lag_ns = (now_ns, due, self.sent), now_ns, 0
