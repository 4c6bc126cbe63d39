"""The embedded broker is a real one, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import uuid

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from processes import descendants, seen, wait_for

from base.errors import ComponentFailed, EnvironmentMissing, UsageError
from base.guard import ORPHANED_S
from base.kafka import Admin, free_ports
from bench.broker import embedded
from bench.broker.embedded import EmbeddedBroker
from bench.broker.external import ExternalBroker

pytestmark = pytest.mark.broker


def test_a_record_comes_back_with_the_broker_s_stamp(broker):
    """A topic is made with LogAppendTime, takes a record and gives it back."""
    topic = f"test-{uuid.uuid4().hex}"
    admin = Admin(broker.bootstrap)
    admin.create(topic, partitions=3)
    assert admin.partitions(topic) == 3
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(topic, b"value", key=b"key", partition=2)
    assert producer.flush(10) == 0
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": topic})
    try:
        consumer.assign([TopicPartition(topic, 2, 0)])
        message = consumer.poll(10)
    finally:
        consumer.close()
    assert (message.key(), message.value()) == (b"key", b"value")
    assert message.timestamp()[0] == 2, "2 is LogAppendTime"
    admin.delete([topic])
    admin.delete([topic])


def test_clients_with_another_protocol_are_told_why(broker):
    """To TLS a plain listener is no dead broker: the reason that librdkafka gives stands in the one line.

    It is "SSL handshake failed: ..." or "Disconnected: ... in state SSL_HANDSHAKE", as the broker's answer or its
    hanging up is read first.
    """
    reason = r"SSL(_HANDSHAKE| handshake failed)"
    with pytest.raises(EnvironmentMissing, match=rf"no Kafka broker answers .*{reason}.*--kafka-config$"):
        Admin(broker.bootstrap, {"security.protocol": "SSL"}).require_reachable(timeout_s=2.0)


def test_an_idle_broker_writes_nothing(tmp_path, monkeypatch):
    """What it writes goes through to the disk, and appends would wait for that: by default it does twice a second."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with EmbeddedBroker() as own:
        Admin(own.bootstrap).create("idle", partitions=1)
        time.sleep(2)
        data = own.log.parent / "data"

        def written() -> dict[str, tuple[int, int]]:
            files = (path for path in data.rglob("*") if path.is_file())
            return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}

        before = written()
        # More than the 5 s after which high watermarks are written.
        time.sleep(7)
        assert before
        assert written() == before


def test_listens_on_loopback_only(broker):
    """Nothing outside this machine can reach the broker."""
    (process,) = broker.processes()
    listening = {one.laddr.ip for one in process.net_connections() if one.status == "LISTEN"}
    assert listening
    assert listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_stop_leaves_no_process_and_no_folder(tmp_path, monkeypatch):
    """After `stop` the JVM is gone and so are its data."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with EmbeddedBroker() as one:
        (process,) = one.processes()
        assert list(tmp_path.iterdir())
    assert not process.is_running()
    assert list(tmp_path.iterdir()) == []


def test_a_parent_killed_while_the_folder_is_formatted_leaves_nothing(tmp_path):
    """kill -9 before there is a broker: neither the tool that formats nor the folder stays."""
    start = "from bench.broker.embedded import EmbeddedBroker; EmbeddedBroker()"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    parent = subprocess.Popen([sys.executable, "-c", start], env=environment)
    try:
        (tool,) = wait_for(lambda: list(filter(formats, descendants(parent.pid))), 20)
    finally:
        parent.kill()
        parent.wait()
    # The guard's own patience with what has lost its parent, and a moment to remove the folder.
    time.sleep(ORPHANED_S + 1)
    assert not tool.is_running()
    assert list(tmp_path.iterdir()) == []


def formats(process):
    """Whether it is the JVM that formats a broker's folder."""
    java = seen(process, psutil.Process.name) == "java"
    return java and "kafka.tools.StorageTool" in (seen(process, psutil.Process.cmdline) or [])


def test_a_port_clash_is_tried_again(monkeypatch):
    """If someone takes the port between our look and the bind, other ports are tried."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        clash = [taken.getsockname()[1], free_ports(1)[0]]
        answers = [clash, free_ports(2)]
        monkeypatch.setattr(embedded, "free_ports", lambda _count: answers.pop(0))
        with EmbeddedBroker() as one:
            assert Admin(one.bootstrap).require_reachable() == 1
    assert answers == []


def test_a_broker_that_cannot_start_quotes_its_log(monkeypatch):
    """A setting that Kafka refuses ends in an error that holds Kafka's own words."""
    monkeypatch.setattr(
        embedded, "server_properties", lambda **where: {**_properties(**where), "num.network.threads": "none"}
    )
    with pytest.raises((ComponentFailed, EnvironmentMissing), match=r"num\.network\.threads"):
        EmbeddedBroker()


def _properties(**where):
    from bench.broker.properties import server_properties

    return server_properties(**where)


def test_external_needs_an_answer():
    """An address where nothing listens is one line; a malformed one is a usage error."""
    (port,) = free_ports(1)
    with pytest.raises(EnvironmentMissing, match=f"no Kafka broker answers at 127.0.0.1:{port}"):
        ExternalBroker(f"127.0.0.1:{port}")
    with pytest.raises(UsageError, match="neither 'embedded' nor HOST:PORT"):
        ExternalBroker("kafka")
