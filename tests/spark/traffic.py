"""Topics of a real broker: made, filled and read by the tests."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

from confluent_kafka import Consumer, Message, Producer

from base.kafka import Admin
from wire.topics import Topics

#: As much as the broker takes, and more than any test sends at once.
_PRODUCER = {"linger.ms": 5, "message.max.bytes": 2_090_000, "queue.buffering.max.messages": 1_000_000}


def fresh_topics(bootstrap: str, *, partitions: int) -> Topics:
    """Three fresh topics: ``partitions`` of readings, one of alerts, one of rejects."""
    made = Topics(**{name: f"{name}-{uuid.uuid4()}" for name in ("readings", "alerts", "rejects")})
    admin = Admin(bootstrap)
    for name, count in ((made.readings, partitions), (made.alerts, 1), (made.rejects, 1)):
        admin.create(name, partitions=count)
    return made


def send(
    bootstrap: str,
    topic: str,
    values: Sequence[bytes | None],
    *,
    keys: Sequence[bytes | None] | None = None,
    partitions: int = 2,
) -> None:
    """Produce the records, by turns to the partitions, and wait for their acknowledgement.

    Record n lands in partition n % ``partitions``, in order. Keys are ``7`` unless given.
    """
    producer = Producer({"bootstrap.servers": bootstrap, **_PRODUCER})
    for number, value in enumerate(values):
        producer.produce(topic, value, key=b"7" if keys is None else keys[number], partition=number % partitions)
    assert producer.flush(60) == 0


def read(bootstrap: str, topic: str, count: int, timeout_s: float = 30.0) -> list[Message]:
    """The first ``count`` messages of a topic, or what came within ``timeout_s``."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": str(uuid.uuid4()), "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    messages: list[Message] = []
    deadline = time.monotonic() + timeout_s
    try:
        while len(messages) < count and time.monotonic() < deadline:
            messages += [one for one in consumer.consume(min(count, 10_000), 0.2) if one.error() is None]
    finally:
        consumer.close()
    return messages
