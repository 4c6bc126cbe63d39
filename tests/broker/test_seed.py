"""SEED.md's topic and producer against a real broker, as docs/seed.md says to start them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import uuid

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from base.kafka import Admin
from base.paths import PROJECT_ROOT
from bench.topic_reader import read_topic

pytestmark = pytest.mark.broker

WEEK_MS = str(7 * 24 * 3600 * 1000)
RANGES = {
    "temperature": (20, 40),
    "humidity": (30, 70),
    "rainfall": (0, 50),
    "wind_speed": (0, 20),
    "UV_index": (0, 11),
}


@pytest.fixture
def topic(broker):
    """The topic that the command of docs/seed.md makes, under a name of its own; gone afterwards."""
    name = f"sensor-{uuid.uuid4().hex}"
    (code,) = re.findall(r'^python -c "(.*)"$', (PROJECT_ROOT / "docs" / "seed.md").read_text(), re.MULTILINE)
    code = code.replace("127.0.0.1:9092", broker.bootstrap).replace("'sensor'", f"'{name}'")
    assert broker.bootstrap in code
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=True)
    yield name
    Admin(broker.bootstrap).delete([name])


def test_topic_has_partitions_and_a_weeks_retention(broker, topic):
    """The documented command makes four partitions that keep readings for a week."""
    assert Admin(broker.bootstrap).partitions(topic) == 4
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    (told,) = admin.describe_configs([resource]).values()
    assert told.result(10)["retention.ms"].value == WEEK_MS


def test_producer(broker, topic):
    """The seed's readings: 100 sensors, SEED's fields and ranges, 2 digits, epoch seconds; printed; Ctrl-C ends it."""
    command = [sys.executable, "-m", "sim.publish", "--bootstrap", broker.bootstrap, "--topic", topic]
    command += ["--scenario", "seed", "--sensors", "100", "--verbose", "--rate", "100"]
    started = time.time()
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    printed = [process.stderr.readline() for _ in range(200)]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out.startswith(b"sent ")
    assert out.endswith(b" 0 failed\n")
    assert b"Traceback" not in err
    records = read_topic(broker.bootstrap, topic, {})
    values = [bytes(value) for value in records["value"]]
    # Between the readings stands how many were sent, now and then.
    readings = {line.strip() for line in printed if line.startswith(b"{")}
    assert len(readings) > 150
    assert readings <= set(values)
    assert records["partition"].n_unique() == 4
    for key, value in zip(records["key"], values, strict=True):
        reading = json.loads(value.decode("utf-8"))
        assert list(reading) == ["sensor_id", *RANGES, "timestamp", "seq"]
        assert 1 <= reading["sensor_id"] <= 100
        assert bytes(key) == str(reading["sensor_id"]).encode()
        for field, (low, high) in RANGES.items():
            assert low <= reading[field] <= high
            assert reading[field] == round(reading[field], 2)
        assert isinstance(reading["timestamp"], float)
        assert started - 60 < reading["timestamp"] < time.time() + 60
