"""`python -m pipeline.run` as another program sees it: events, exit status, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from confluent_kafka import Producer
from spark.rows import reading

from base.kafka import Admin

pytestmark = [pytest.mark.spark, pytest.mark.broker]


def start(broker, topic: str, *args: str) -> subprocess.Popen[bytes]:
    """The command on topics of its own."""
    command = [sys.executable, "-m", "pipeline.run", "--bootstrap", broker.bootstrap, "--topic", topic]
    command += ["--alerts-topic", f"{topic}-alerts", *args]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def events_until(process: subprocess.Popen[bytes], name: str) -> list[dict[str, object]]:
    """The events up to and with the first that is called ``name``."""
    assert process.stdout is not None
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == name:
            return events
    raise AssertionError(f"ended without '{name}': {events} {process.communicate()[1].decode()}")


@pytest.fixture
def topic(broker) -> str:
    """A fresh topic of readings with one partition, three hot readings in it."""
    name = f"sensor-{uuid.uuid4()}"
    Admin(broker.bootstrap).create(name, partitions=1)
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for number in range(3):
        producer.produce(name, reading(temperature=40, seq=number))
    assert producer.flush(15) == 0
    return name


def test_events_and_a_clean_stop(broker, topic, tmp_path):
    """With --json-events it tells its life in order, makes its topics, heeds `stop`, and leaves nothing else."""
    progress = tmp_path / "progress.jsonl"
    work = tmp_path / "work"
    args = ["--trigger", "0s", "--json-events", "--progress", str(progress), "--work-dir", str(work)]
    process = start(broker, topic, *args)
    events = events_until(process, "progress")
    out, err = process.communicate(b"stop\n", timeout=60)
    events += [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0
    assert err == b""
    assert [event["event"] for event in events[:2]] == ["session_ready", "started"]
    assert events[-1]["event"] == "stopped"
    assert events[-1]["reason"] == "stdin"
    assert events[-1]["rows"] == 3
    lines = [json.loads(line) for line in progress.read_text().splitlines()]
    assert sum(line["numInputRows"] for line in lines) == 3
    admin = Admin(broker.bootstrap)
    assert admin.partitions(f"{topic}-alerts") == 1
    assert admin.partitions(f"{topic}-rejected") == 1
    # Spark's own files went with it; its log and the checkpoint stay where the user can look.
    assert sorted(path.name for path in work.iterdir()) == ["checkpoint", "spark.log"]


def test_ctrl_c_in_real_time(broker, topic):
    """A person's Ctrl-C ends a real-time run with status 130 and plain lines, none of them from the JVM."""
    process = start(broker, topic, "--trigger", "realtime:5s")
    assert process.stderr is not None
    lines = [process.stderr.readline().decode() for _ in range(2)]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    lines += err.decode().splitlines()
    assert process.returncode == 130
    assert out == b""
    assert [line.split()[0] for line in lines] == ["Spark", "running:", "stopped"]


def test_dead_query_is_one_line(broker, topic, tmp_path):
    """A query that dies ends the command with status 1 and its root cause, without a Java stack."""
    process = start(broker, topic, "--trigger", "0s", "--json-events", "--work-dir", str(tmp_path))
    events_until(process, "progress")
    Admin(broker.bootstrap).delete([topic])
    events = events_until(process, "failed")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = err.decode().splitlines()
    assert line == f"error: {events[-1]['reason']}"
    assert line.startswith("error: the kafka sink's query died: ")
    assert str(Path(tmp_path) / "spark.log") in line


@pytest.mark.parametrize("meanwhile", [False, True])
def test_what_waits_for_go_may_warm_up_meanwhile(broker, topic, meanwhile):
    """With --warm-meanwhile it works on the backlog before the word `go`, else after it alone."""
    scratch = f"{topic}-scratch"
    args = ["--warm-topic", topic, "--warm-alerts-topic", scratch, "--warm-limit", "10s", "--wait-for-go"]
    process = start(broker, topic, *args, "--json-events", *["--warm-meanwhile"] * meanwhile)
    assert process.stdin is not None
    events_until(process, "session_ready")
    admin, until = Admin(broker.bootstrap), time.monotonic() + (60.0 if meanwhile else 5.0)
    while not (written := admin.end_offsets(scratch)[0]) and time.monotonic() < until:
        time.sleep(0.2)
    assert (written > 0) == meanwhile
    process.stdin.write(b"go\n")
    process.stdin.flush()
    warmed = events_until(process, "started")[0]
    assert warmed["event"] == "warmed"
    assert admin.end_offsets(scratch)[0] > written
    process.communicate(b"stop\n", timeout=60)
    assert process.returncode == 0
