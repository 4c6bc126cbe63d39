"""Hands deliveries to Kafka, stamps and logs each, counts what comes back, and tells how it goes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import numpy as np
import orjson

from base.batch_producer import MESSAGE, Failure, Messages
from base.clocks import wall_minus_monotonic_ns
from base.jsonl import emit
from sim.delivery_log import DeliveryLog
from sim.pacing import Burst
from sim.prepare import Prepared

LOG_EVERY_NS: Final = 100_000_000
REPORT_EVERY_NS: Final = 1_000_000_000
#: How long acknowledgements may take after the last send.
FLUSH_S: Final = 30.0
#: The same once we are to stop: a broker that lives needs a fraction of it, and one that died takes us along.
STOPPED_FLUSH_S: Final = 1.5
#: How long a full queue is left to empty before it is tried again.
QUEUE_FULL_S: Final = 0.001


class Producer(Protocol):
    """What is used of a `base.batch_producer.BatchProducer`."""

    failed: int

    @property
    def failures(self) -> Sequence[Failure]:
        """What failed, the first of it."""

    def __len__(self) -> int:
        """How many messages are in flight."""

    def produce(self, messages: Messages) -> int:
        """Queue as many as there is room for, from the first on; returns how many."""

    def poll(self, timeout_s: float) -> None:
        """Notice failures."""

    def flush(self, timeout_s: float) -> None:
        """Wait for acknowledgements."""

    def give_up(self) -> None:
        """Let all that is in flight fail."""


class Sender:
    """Hands deliveries to a producer, stamps and logs them, counts what comes back, reports."""

    def __init__(
        self,
        producer: Producer,
        *,
        zero_wall_ns: int,
        log: DeliveryLog | None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._producer, self._log, self._stopped = producer, log, stopped
        self._zero_wall_ns = zero_wall_ns
        self.sent = self.stall_ns = 0
        self._failed: int | None = None
        self._stretch: Prepared | None = None
        self._position = self._logged = self._sent_before = 0
        # When so many deliveries at a time were handed over.
        self._stamps: list[int] = []
        self._counts: list[int] = []
        self._lag_ns = 0
        self._log_at = self._report_at = -(2**62)
        self._last = (0, 0, 0)
        self.json_events = self.verbose = False

    @property
    def acked(self) -> int:
        """How many deliveries were acknowledged."""
        return self.sent - self._producer.failed - len(self._producer)

    def send(self, stretch: Prepared, burst: Burst) -> None:
        """Hand over one burst; a full queue is waited for unless stopped, and the wait counted."""
        if stretch is not self._stretch:
            self.write_log()
            self._stretch, self._logged, self._sent_before = stretch, burst.low, self.sent
        self._position = burst.low
        messages = messages_of(stretch, burst)
        while len(messages):
            stamp = time.time_ns()
            taken = self._producer.produce(messages)
            self._stamps.append(stamp)
            self._counts.append(taken)
            self._position += taken
            self.sent += taken
            messages = messages[taken:]
            if len(messages):
                if self._stopped():
                    break
                self._producer.poll(QUEUE_FULL_S)
                self.stall_ns += time.time_ns() - stamp
        if self.verbose:
            for value in stretch.values[burst.low : self._position]:
                print(value.decode(), file=sys.stderr)

    def woken(self, now_ns: int) -> None:
        """Notice failures; every so often write the log and report. Time is relative to zero."""
        self._producer.poll(0.0)
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
        due_ns = stretch.due_ns[rows] + self._zero_wall_ns
        sent_ns = np.repeat(np.array(self._stamps, dtype=np.int64), self._counts)
        self._lag_ns = max(self._lag_ns, int((sent_ns - due_ns).max()))
        if self._log is not None:
            self._log.write(
                sensor_id=stretch.sensor_id[rows],
                seq=stretch.seq[rows],
                copy=stretch.copy[rows],
                due_ns=due_ns,
                sent_ns=sent_ns,
            )
        self._logged = self._position
        self._stamps.clear()
        self._counts.clear()

    def flush(self, timeout_s: float = FLUSH_S) -> None:
        """Finish the log, and wait for the acknowledgements that are still out; what has none then never will."""
        self.write_log()
        deadline = time.monotonic() + timeout_s
        hurried = False
        while len(self._producer) and time.monotonic() < deadline:
            if not hurried and self._stopped():
                hurried, deadline = True, min(deadline, time.monotonic() + STOPPED_FLUSH_S)
            self._producer.flush(0.5)
        self._failed = self._producer.failed
        if len(self._producer):
            self._producer.give_up()

    def totals(self) -> dict[str, Any]:
        """What became of everything sent; ``unacked`` lists some of [sensor_id, seq] if any."""
        return {
            "sent": self.sent,
            "acked": self.acked,
            "failed": self._producer.failed if self._failed is None else self._failed,
            "unacked": [_name(failure.value) for failure in self._producer.failures],
            "queue_full_stall_s": self.stall_ns / 1e9,
        }

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
        tell_progress(
            json_events=self.json_events, due=due, sent=self.sent, acked=self.acked, lag_ms=self._lag_ns / 1e6,
            offered_per_s=offered, sent_per_s=rate, wall_minus_monotonic_ns=wall_minus_monotonic_ns(),
        )  # fmt: skip
        self._last, self._report_at, self._lag_ns = (now_ns, due, self.sent), now_ns, 0


def tell_progress(*, json_events: bool, **progress: Any) -> None:
    """Report how it goes: an event for a program, a line for a person once there is a rate to tell."""
    if json_events:
        emit("progress", **progress)
    elif progress["sent_per_s"] is not None:
        sent, acked, rate = (progress[name] for name in ("sent", "acked", "sent_per_s"))
        print(f"sent {sent:,}, acknowledged {acked:,}, {rate:,.1f}/s", file=sys.stderr)


def messages_of(stretch: Prepared, burst: Burst) -> Messages:
    """The deliveries of ``burst`` as librdkafka takes them; valid while ``stretch`` lives."""
    messages = np.zeros(burst.high - burst.low, dtype=MESSAGE)
    for content, length, texts in (("payload", "len", stretch.values), ("key", "key_len", stretch.keys)):
        starts = texts.starts[burst.low : burst.high]
        messages[content] = texts.address + starts
        messages[length] = texts.stops[burst.low : burst.high] - starts
    return messages


def _name(value: bytes) -> tuple[int, int]:
    reading = orjson.loads(value)
    return reading["sensor_id"], reading["seq"]
