"""The dashboard's Kafka source against a real broker: what it reads, from where, and through an outage."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Producer
from spark.rows import reading
from spark.traffic import fresh_topics, send

from base.kafka import Admin
from bench.broker.embedded import EmbeddedBroker
from reports.dashboard import kafka_source
from reports.dashboard.kafka_source import KafkaSource
from reports.dashboard.state import NOTHING, Kept, remember
from wire.reject import REJECT_HEADERS
from wire.topics import Topics, dashboard_group

pytestmark = pytest.mark.broker


def watched(source: KafkaSource, until: Callable[[Kept], bool], *, since: Kept = NOTHING) -> Kept:
    """What is remembered of ``source``, on top of ``since``, once something is so."""
    kept, deadline = since, time.monotonic() + 30
    while not until(kept):
        assert time.monotonic() < deadline, kept
        kept = remember(kept, source.poll(0.1), timed=True)
    return kept


@contextmanager
def source_of(bootstrap: str, topics: Topics) -> Iterator[KafkaSource]:
    """A source over ``topics``, closed in the end."""
    source = KafkaSource(bootstrap, topics)
    try:
        yield source
    finally:
        source.close()


def alert(**fields) -> bytes:
    """An alert of the reading with these ``fields``."""
    return reading(alert="High Temperature", **fields)


def test_three_topics_become_readings_alerts_and_rejects(broker):
    """Readings of both partitions, an alert with its latency, a reject with its reason; no probe, nothing malformed."""
    topics = fresh_topics(broker.bootstrap, partitions=2)
    values = [reading(sensor_id=n, timestamp=1000.5) for n in range(6)] + [b"{", b"", b"[]", reading(sensor_id="x")]
    send(broker.bootstrap, topics.readings, values)
    with source_of(broker.bootstrap, topics) as source:
        read = watched(source, lambda kept: kept.readings_seen >= 5)
        send(broker.bootstrap, topics.alerts, [alert(sensor_id=3, timestamp=1000.5), b"no alert"], partitions=1)
        producer = Producer({"bootstrap.servers": broker.bootstrap})
        producer.produce(topics.rejects, b"{", headers=[(REJECT_HEADERS[0], b"empty record")])
        assert producer.flush(30) == 0
        kept = watched(source, lambda kept: kept.rejects_seen and len(kept.alerts), since=read)
    assert sorted(kept.readings["sensor_id"]) == [1, 2, 3, 4, 5]
    assert set(kept.readings["event_us"]) == {1_000_500_000}
    assert kept.alerts["alert"].to_list() == ["High Temperature"]
    assert kept.alerts["latency_ms"].item() >= 0
    assert kept.rejects["reason"].to_list() == ["empty record"]


def test_a_long_topic_is_read_from_near_its_end(broker, monkeypatch):
    """Of what stands there already only the latest records of each partition are read."""
    monkeypatch.setattr(kafka_source, "HISTORY", 100)
    topics = fresh_topics(broker.bootstrap, partitions=2)
    send(broker.bootstrap, topics.readings, [reading(timestamp=float(n)) for n in range(1000)])
    with source_of(broker.bootstrap, topics) as source:
        kept = watched(source, lambda kept: kept.readings_seen >= 200)
    assert kept.readings["event_us"].min() == 800_000_000
    assert kept.readings_seen == 200


def test_what_cannot_be_looked_at_is_passed_over(broker, monkeypatch):
    """Behind by more than it takes at once, the source goes on near the end, and tells how much it left out."""
    topics = fresh_topics(broker.bootstrap, partitions=1)
    for name, value in (("HISTORY", 50), ("MOST_AT_ONCE", 200)):
        monkeypatch.setattr(kafka_source, name, value)
    with source_of(broker.bootstrap, topics) as source:
        send(broker.bootstrap, topics.readings, [reading(seq=0)], partitions=1)
        watched(source, lambda kept: kept.readings_seen == 1)
        send(broker.bootstrap, topics.readings, [reading(timestamp=float(n)) for n in range(5000)], partitions=1)
        kept = watched(source, lambda kept: len(kept.readings) and kept.readings["event_us"].max() == 4_999_000_000)
    assert kept.skipped > 4000
    assert kept.readings_seen + kept.skipped == 5000


def test_topics_may_come_later(broker):
    """Without its topics the source says which is missing; once they are there, it reads them."""
    topics = Topics(readings="later-sensor", alerts="later-alerts", rejects="later-rejected")
    with source_of(broker.bootstrap, topics) as source:
        assert source.poll(0.1).trouble == "Topic later-sensor does not exist yet"
        Admin(broker.bootstrap).create(topics.readings, partitions=1)
        send(broker.bootstrap, topics.readings, [reading()], partitions=1)
        assert watched(source, lambda kept: kept.readings_seen == 1).trouble == ""
    Admin(broker.bootstrap).delete([topics.readings])


def test_no_broker_is_no_end():
    """An address at which nobody answers is told, again and again, and raises nothing."""
    topics = Topics(readings="sensor", alerts="alerts", rejects="sensor-rejected")
    with source_of("127.0.0.1:1", topics) as source:
        for _ in range(3):
            assert source.poll(0.1).trouble.startswith("No Kafka answers at 127.0.0.1:1")


def test_a_broker_that_comes_back(tmp_path):
    """A broker killed and started again on its data is told to be away, then read on: nothing lost, nothing twice."""
    with EmbeddedBroker() as own:
        topics = fresh_topics(own.bootstrap, partitions=2)
        with source_of(own.bootstrap, topics) as source:
            send(own.bootstrap, topics.readings, [reading(timestamp=float(n)) for n in range(10)])
            first = watched(source, lambda kept: kept.readings_seen >= 10)
            (jvm,) = own.processes()
            command = jvm.cmdline()
            jvm.kill()
            jvm.wait(10)
            away = watched(source, lambda kept: bool(kept.trouble))
            assert away.trouble.startswith("No Kafka answers")
            again = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                send(own.bootstrap, topics.readings, [reading(timestamp=100.0 + n) for n in range(10)])
                back = watched(source, lambda kept: kept.readings_seen >= 10 and not kept.trouble)
            finally:
                again.kill()
                again.wait(10)
    assert sorted(first.readings["event_us"]) == [n * 1_000_000 for n in range(10)]
    assert sorted(back.readings["event_us"]) == [(100 + n) * 1_000_000 for n in range(10)]


def test_a_watched_topic_can_be_told(broker):
    """The source leaves its group's name at the cluster, by which the bench marks a watched cell."""
    topics = fresh_topics(broker.bootstrap, partitions=1)
    admin = Admin(broker.bootstrap)
    assert dashboard_group(topics.readings) not in admin.groups()
    with source_of(broker.bootstrap, topics) as source:
        deadline = time.monotonic() + 30
        while dashboard_group(topics.readings) not in admin.groups():
            assert time.monotonic() < deadline
            source.poll(0.1)
