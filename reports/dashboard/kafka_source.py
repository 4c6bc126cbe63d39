"""The topics of a running pipeline, read beside it: no group to rebalance, bounded work, patient with the cluster."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from base.kafka import QUIET
from reports.dashboard.events import About, Batch
from reports.dashboard.records import alerts_frame, readings_frame, rejects_frame
from wire.topics import Topics, dashboard_group

#: How far back a topic is read at the start, records of each partition.
HISTORY: Final = 5_000
#: The most records that one look takes. What is further behind is passed over: nobody can look at it.
MOST_AT_ONCE: Final = 40_000
#: How often topics that do not exist yet, and a cluster that went away, are asked for, s.
ASK_EVERY_S: Final = 2.0
_ANSWER_S: Final = 1.0


class KafkaSource:
    """The three topics of one pipeline at ``bootstrap``; ``settings`` are librdkafka's, beside the address.

    Topics may come into being later, and the cluster may go away and come back.
    """

    def __init__(self, bootstrap: str, topics: Topics, settings: Mapping[str, str] | None = None) -> None:
        self.about = About(
            source=f"{topics.readings}, {topics.alerts} and {topics.rejects} at {bootstrap}",
            readings="all readings",
            latency="reading appended \u2192 alert appended",
        )
        self._bootstrap, self._topics = bootstrap, topics
        self._down = ""
        self._absent = {topics.readings, topics.alerts, topics.rejects}
        self._parts: list[TopicPartition] = []
        self._ask_at = 0.0
        self._consumer = Consumer(self._configured(settings or {}))

    def _configured(self, settings: Mapping[str, str]) -> dict[str, Any]:
        return {
            "bootstrap.servers": self._bootstrap,
            "group.id": dashboard_group(self._topics.readings),
            "enable.auto.commit": False,
            # A cluster that lost its data starts over: what comes next is what is of interest.
            "auto.offset.reset": "latest",
            # The default is 64 MiB for each partition.
            "queued.max.messages.kbytes": 4096,
            "reconnect.backoff.max.ms": 2000,
            "error_cb": self._heard,
            **QUIET,
            **settings,
        }

    def _heard(self, error: KafkaError) -> None:
        if error.code() in (KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION):
            self._down = error.str()

    def poll(self, timeout_s: float) -> Batch:
        """As in `Source`."""
        if (self._absent or self._down) and time.monotonic() >= self._ask_at:
            self._ask()
        messages: list[Message] = []
        if self._parts:
            messages = self._consumer.consume(MOST_AT_ONCE, timeout_s)
        else:
            time.sleep(timeout_s)
        skipped = self._catch_up() if len(messages) >= MOST_AT_ONCE else 0
        return self._batch(messages, skipped)

    def close(self) -> None:
        """As in `Source`."""
        self._consumer.close()

    def _ask(self) -> None:
        """See whether the cluster answers, and begin with the topics that have come into being."""
        self._ask_at = time.monotonic() + ASK_EVERY_S
        try:
            known = self._consumer.list_topics(timeout=_ANSWER_S).topics
            for topic in sorted(self._absent & known.keys()):
                if known[topic].error is None:
                    self._begin(topic, known[topic].partitions)
            self._down = ""
        except KafkaException as error:
            # error_cb knows more, if it has heard anything.
            self._down = self._down or error.args[0].str()

    def _begin(self, topic: str, partitions: Iterable[int]) -> None:
        starts = []
        for number in partitions:
            part = TopicPartition(topic, number)
            low, high = self._consumer.get_watermark_offsets(part, timeout=_ANSWER_S)
            part.offset = max(low, high - HISTORY)
            starts.append(part)
        self._consumer.incremental_assign(starts)
        self._parts += starts
        self._absent.discard(topic)
        if topic == self._topics.readings:
            # So that a measured run can tell that it was watched; `wire.topics.dashboard_group`.
            with contextlib.suppress(KafkaException):
                self._consumer.commit(offsets=starts[:1], asynchronous=True)

    def _catch_up(self) -> int:
        """Pass over what cannot be taken at once; how many readings these were."""
        skipped = 0
        for part in self._consumer.position(self._parts):
            _, high = self._consumer.get_watermark_offsets(part, cached=True)
            behind = high - part.offset
            if part.offset >= 0 and behind > MOST_AT_ONCE:
                with contextlib.suppress(KafkaException):
                    self._consumer.seek(TopicPartition(part.topic, part.partition, high - HISTORY))
                    skipped += behind - HISTORY if part.topic == self._topics.readings else 0
        return skipped

    def _batch(self, messages: list[Message], skipped: int) -> Batch:
        by_topic: dict[str | None, list[Message]] = {}
        for message in messages:
            error = message.error()
            if error is None:
                # It may have been fetched before the cluster went away: whether that is back, `_ask` finds out.
                by_topic.setdefault(message.topic(), []).append(message)
            elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                self._gone(message.topic())
        return Batch(
            now_ms=time.time_ns() // 1_000_000,
            readings=readings_frame(by_topic.get(self._topics.readings, [])),
            alerts=alerts_frame(by_topic.get(self._topics.alerts, [])),
            rejects=rejects_frame(by_topic.get(self._topics.rejects, [])),
            skipped=skipped,
            trouble=self._trouble(),
        )

    def _gone(self, topic: str | None) -> None:
        """A topic was removed: wait for it as at first."""
        gone = [part for part in self._parts if part.topic == topic]
        if gone and topic is not None:
            self._consumer.incremental_unassign(gone)
            self._parts = [part for part in self._parts if part.topic != topic]
            self._absent.add(topic)

    def _trouble(self) -> str:
        if self._down:
            return f"No Kafka answers at {self._bootstrap} ({self._down}); trying again"
        if self._topics.readings in self._absent:
            return f"Topic {self._topics.readings} does not exist yet"
        return ""
