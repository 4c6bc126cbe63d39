"""Topics of a real broker: made, filled and read by the tests."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from confluent_kafka import Consumer, Message, Producer
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from base.kafka import Admin
from pipeline.job import job
from pipeline.profiles import TUNED
from pipeline.rules import load_rules
from pipeline.triggers import Trigger
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


def start_job(
    spark: SparkSession,
    bootstrap: str,
    topics: Topics,
    folder: Path,
    trigger: str,
    source: Mapping[str, str] | None = None,
) -> StreamingQuery:
    """The job with the seed's rules and the tuned profile, at work; its checkpoint lies in ``folder``."""
    return job(
        spark,
        bootstrap=bootstrap,
        topics=topics,
        rules=load_rules(),
        profile=TUNED,
        checkpoint=folder / "checkpoint",
        trigger=Trigger.parse(trigger, field="trigger").spark_kwargs,
        source=source,
    ).start()


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
