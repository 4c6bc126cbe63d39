"""The batch producer delivers what confluent-kafka's own would, and counts what fails, with a real broker."""

from __future__ import annotations

import uuid

import numpy as np
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from base.batch_producer import MESSAGE, BatchProducer, Messages
from base.errors import UsageError
from base.kafka import Admin

pytestmark = pytest.mark.broker

SETTINGS = {"acks": "all", "enable.idempotence": True, "partitioner": "murmur2_random"}
PARTITIONS = 4


class Column:
    """Keys and values in two buffers, and the messages that point into them; keep it while they are in use."""

    def __init__(self, keys: list[bytes], values: list[bytes]) -> None:
        self._buffers = [np.frombuffer(b"".join(texts) + b"\0", dtype=np.uint8) for texts in (keys, values)]
        self.messages: Messages = np.zeros(len(keys), dtype=MESSAGE)
        for buffer, texts, (place, length) in zip(
            self._buffers, (keys, values), (("key", "key_len"), ("payload", "len")), strict=True
        ):
            lengths = np.array([len(text) for text in texts])
            self.messages[place] = buffer.ctypes.data + np.cumsum(lengths) - lengths
            self.messages[length] = lengths


@pytest.fixture
def topic(broker):
    """A topic of four partitions, gone afterwards."""
    name, admin = f"test-{uuid.uuid4().hex}", Admin(broker.bootstrap)
    admin.create(name, partitions=PARTITIONS)
    yield name
    admin.delete([name])


def producer(broker, topic: str, **settings: object) -> BatchProducer:
    """A producer to the broker."""
    return BatchProducer({**SETTINGS, "bootstrap.servers": broker.bootstrap, **settings}, topic)


def records(broker, topic: str) -> dict[int, list[tuple[bytes, bytes]]]:
    """(key, value) of every record, by partition, in order."""
    ends = Admin(broker.bootstrap).end_offsets(topic)
    found: dict[int, list[tuple[bytes, bytes]]] = {partition: [] for partition in ends}
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": topic})
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in ends])
        while sum(map(len, found.values())) < sum(ends.values()):
            for message in consumer.consume(1000, 0.3):
                found[message.partition()].append((message.key(), message.value()))
    finally:
        consumer.close()
    return found


def test_records_are_those_of_confluent_kafka(broker, topic):
    """Same keys and values in the same partitions, in the same order, as one produce() a message gives."""
    keys = [b"%d" % (1 + number * 7919 % 500) for number in range(3000)]
    values = [b"value %d" % number for number in range(3000)]
    column = Column(keys, values)
    with producer(broker, topic) as batches:
        for low in range(0, 3000, 700):
            part = column.messages[low : low + 700]
            assert batches.produce(part) == len(part)
        batches.flush(10)
        assert (len(batches), batches.failed) == (0, 0)
    ours = records(broker, topic)
    other, admin = f"test-{uuid.uuid4().hex}", Admin(broker.bootstrap)
    admin.create(other, partitions=PARTITIONS)
    plain = Producer({**SETTINGS, "bootstrap.servers": broker.bootstrap})
    for key, value in zip(keys, values, strict=True):
        plain.produce(other, value, key)
    assert plain.flush(10) == 0
    assert ours == records(broker, other)
    assert all(ours.values())
    admin.delete([other])


def test_a_message_that_is_refused_is_counted_and_kept(broker, topic):
    """One that is too large fails by itself; the others are delivered."""
    values = [b"small", b"x" * 5000, b"small as well"]
    column = Column([b"1", b"2", b"3"], values)
    with producer(broker, topic, **{"message.max.bytes": 1000}) as batches:
        assert batches.produce(column.messages) == 3
        batches.flush(10)
        assert (len(batches), batches.failed) == (0, 1)
    (failure,) = batches.failures
    assert failure.value == values[1]
    assert "Message size too large" in failure.reason
    assert sorted(value for part in records(broker, topic).values() for _, value in part) == [values[0], values[2]]


def test_a_full_queue_takes_what_there_is_room_for(broker, topic):
    """The first so many are queued; what is tried again later is delivered once."""
    values = [b"%d" % number for number in range(250)]
    column = Column([b"1"] * 250, values)
    with producer(broker, topic, **{"queue.buffering.max.messages": 100, "linger.ms": 50}) as batches:
        rest, taken = column.messages, [batches.produce(column.messages)]
        assert taken == [100]
        while len(rest := rest[taken[-1] :]):
            batches.poll(0.01)
            taken.append(batches.produce(rest))
        batches.flush(10)
        assert (len(batches), batches.failed) == (0, 0)
    (delivered,) = [[value for _, value in part] for part in records(broker, topic).values() if part]
    assert delivered == values


def test_what_is_given_up_fails(topic):
    """Without a broker nothing is acknowledged; giving up makes a failure of all of it."""
    with BatchProducer({**SETTINGS, "bootstrap.servers": "127.0.0.1:1", "log_level": 0}, topic) as batches:
        assert batches.produce(Column([b"1", b"2"], [b"a", b"b"]).messages) == 2
        batches.flush(0.2)
        assert len(batches) == 2
        batches.give_up()
        assert (len(batches), batches.failed) == (0, 2)


def test_settings_and_names_that_are_none_are_refused():
    """One line each, in librdkafka's words."""
    with pytest.raises(UsageError, match="No such configuration property"):
        BatchProducer({"lingering.ms": 3}, "t")
    with pytest.raises(UsageError, match=r"refuses linger\.ms=soon"):
        BatchProducer({"linger.ms": "soon"}, "t")
    with pytest.raises(UsageError, match="no name for a topic"):
        BatchProducer({"bootstrap.servers": "127.0.0.1:1"}, "t" * 600)
