"""The engine without Spark against a real broker: what it reads, writes, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest
from spark.rows import reading
from spark.traffic import fresh_topics, read, send

from base.kafka import Admin
from base.paths import PROJECT_ROOT

pytestmark = pytest.mark.broker


def started(broker, topics, *options):
    """The command at work on ``topics``."""
    command = [sys.executable, "-m", "pipeline.plain", "--bootstrap", broker.bootstrap, "--json-events"]
    command += ["--topic", topics.readings, "--alerts-topic", topics.alerts, "--rejects-topic", topics.rejects]
    return subprocess.Popen(
        [*command, *options], cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_alerts_and_rejects(broker):
    """Every hot reading of both partitions raises its alert once, every reject tells where it stood; `stop` ends it."""
    topics = fresh_topics(broker.bootstrap, partitions=2)
    values = [reading(seq=n, temperature=36.0 if n % 4 == 0 else 20.0) for n in range(20_000)] + [b"{", b""]
    send(broker.bootstrap, topics.readings, values)
    with started(broker, topics) as job:
        assert json.loads(job.stdout.readline())["event"] == "started"
        alerts = Counter(one.key().decode() for one in read(broker.bootstrap, topics.alerts, 5_000))
        rejects = read(broker.bootstrap, topics.rejects, 2)
        stopped, _ = job.communicate("stop\n", timeout=20)
    assert job.returncode == 0
    last = json.loads(stopped.splitlines()[-1])
    assert (last["event"], last["reason"], last["rows"]) == ("stopped", "stdin", len(values))
    assert alerts == Counter(f"7-{n}-high_temperature" for n in range(0, 20_000, 4))
    ends = Admin(broker.bootstrap).end_offsets(topics.alerts)
    assert sum(ends.values()) == 5_000
    told = [{name: text.decode() for name, text in one.headers()} for one in rejects]
    assert {(one["partition"], one["offset"], one["original_length"]) for one in told} == {
        ("0", "10000", "1"),
        ("1", "10000", "0"),
    }


def test_a_topic_that_is_not_there(broker):
    """One line that says what to do, exit 5."""
    command = [sys.executable, "-m", "pipeline.plain", "--bootstrap", broker.bootstrap, "--topic", "nowhere"]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert done.stderr.count("\n") == 1
    assert "topic nowhere does not exist" in done.stderr
