"""Probe readings: one that must raise an alert, sent to see that its alert comes.

They carry sensor number 0, which no simulated sensor has; no score counts them. Sent one by one they
show that a pipeline is ready, whatever it is made of; one into every partition after the last reading
shows that it has drained, since a partition keeps its order.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Any

import orjson
from confluent_kafka import Producer

from base.errors import ComponentFailed
from base.kafka import QUIET
from pipeline.rules import AlertRule
from wire.reading import CHANNELS, epoch_seconds, key_of
from wire.topics import PROBE_SENSOR_ID

#: How many probes show that a pipeline is ready, and how far they are apart where it reads already, s.
READY_PROBES = 3
PROBE_EVERY_S = 0.1
#: How far past a threshold a probe stands: beyond doubt, and within the channel's plausible range.
_BEYOND = 5.0


def probe_reading(rule: AlertRule, seq: int, timestamp: float) -> bytes:
    """A reading on which ``rule`` holds; its other channels are null."""
    sign = 1 if rule.comparison.startswith(">") else -1
    channels: dict[str, float | None] = dict.fromkeys(CHANNELS)
    channels[rule.field] = rule.threshold + sign * _BEYOND
    return orjson.dumps({"sensor_id": PROBE_SENSOR_ID, **channels, "timestamp": timestamp, "seq": seq})


def unanswered(probes: int, waited_s: float) -> ComponentFailed:
    """The error of a pipeline that let ``probes`` readings pass for ``waited_s`` s."""
    return ComponentFailed(
        f"{probes} probe readings raised no alert within {waited_s:g} s: the pipeline is not reading, not writing, "
        "does not know the rule, or sends alerts in which sensor_id and timestamp are no numbers"
    )


class NotDrained(ComponentFailed):
    """The pipeline was still behind when the wait for it ended."""


class Prober:
    """Sends probes into one topic; alerts that came back are put into ``returned`` by the collector's reader."""

    def __init__(self, bootstrap: str, topic: str, partitions: int, rule: AlertRule, settings: dict[str, str]) -> None:
        self.returned: queue.Queue[dict[str, Any]] = queue.Queue()
        self._topic = topic
        self._partitions = partitions
        self._rule = rule
        self._seq = 0
        self._last_s = 0.0
        #: Timestamps of the probes that show that the pipeline is ready, while it has not answered them.
        self._asked: set[float] = set()
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "acks": "all", **QUIET, **settings})

    def _send(self, partition: int) -> float:
        self._seq += 1
        # Whole milliseconds survive every JSON writer on the way; no two probes share one.
        timestamp = self._last_s = round(max(time.time(), self._last_s + 0.001), 3)
        self._producer.produce(
            self._topic,
            value=probe_reading(self._rule, self._seq, timestamp),
            key=key_of(PROBE_SENSOR_ID),
            partition=partition,
        )
        self._producer.flush(10)
        return timestamp

    def _await(self, timestamps: set[float], timeout_s: float, check: Callable[[], None]) -> int:
        """Take those of ``timestamps`` away whose alerts come back in time; the wall instant (ns) the last was seen."""
        deadline = time.monotonic() + timeout_s
        last_ns = 0
        while timestamps:
            check()
            try:
                event = self.returned.get(timeout=0.2)
            except queue.Empty:
                if time.monotonic() > deadline:
                    break
                continue
            last_ns = max(last_ns, event["seen_ns"])
            timestamps.discard(round(epoch_seconds(event["timestamp"]), 3))
        return last_ns

    def until_answered(self, *, timeout_s: float, check: Callable[[], None], every_s: float = 1.0) -> None:
        """Send probes again and again until any of them is back: who starts late may not see the first."""
        deadline = time.monotonic() + timeout_s
        sent = 0
        while self.returned.empty():
            check()
            if time.monotonic() > deadline:
                raise unanswered(sent, timeout_s)
            self._send(sent % self._partitions)
            sent += 1
            time.sleep(every_s)

    def ask(self, *, every_s: float = PROBE_EVERY_S) -> None:
        """Send the probes that `until_ready` waits for, one by one; none waits for the one before.

        A pipeline that begins with what stands in the topic is asked before it starts: its first batch answers,
        where probes sent later would wait for the next trigger.
        """
        for number in range(READY_PROBES):
            self._asked.add(self._send(number % self._partitions))
            time.sleep(every_s)

    def until_ready(self, *, timeout_s: float, check: Callable[[], None]) -> None:
        """Return once `READY_PROBES` readings have come back as alerts; they are sent now if they have not been.

        ``check`` is called while waiting and raises if a process has died.
        """
        if not self._asked:
            self.ask()
        self._await(self._asked, timeout_s, check)
        if self._asked:
            raise unanswered(len(self._asked), timeout_s)

    def until_drained(self, *, timeout_s: float, check: Callable[[], None]) -> int:
        """Send one probe into every partition and wait for all; returns when (wall ns) the last was seen.

        Raises `NotDrained` if that takes longer.
        """
        timestamps = {self._send(part) for part in range(self._partitions)}
        last_ns = self._await(timestamps, timeout_s, check)
        if timestamps:
            raise NotDrained(
                f"the pipeline had not caught up {timeout_s:g} s after the last reading: "
                f"{len(timestamps)} of {self._partitions} partitions were behind"
            )
        return last_ns
