"""`python -m pipeline.run` refuses what cannot work before it starts Spark, in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from base.kafka import free_ports
from pipeline.announce import Announcer
from pipeline.stopping import Stop


def command(*args: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pipeline.run", *args],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["--trigger", "3x"], "error: --trigger 3x: "),
        (["--profile", "fast"], "error: --profile fast: "),
        (["--for", "soon"], "error: --for: 'soon' "),
        (["--alerts-topic", "sensor"], "error: --topic sensor: "),
        (["--warm-topic", "backlog"], "error: --warm-topic and --warm-alerts-topic "),
        (["--wait-for-go"], "error: --wait-for-go: "),
        (["--warm-meanwhile"], "error: --warm-meanwhile: "),
        (["--rules", "none.toml"], "error: --rules none.toml: "),
        (["--kafka-config", "none.toml"], "error: --kafka-config none.toml: "),
        (["--sink", "parket"], "error: --sink parket: "),
        (["--sink", "memory:realtime"], "error: --sink memory:realtime: "),
        (["--sink", "parquet", "--checkpoint", "here"], "error: --checkpoint here: "),
        (["--sql", "SELECT 1"], "error: --sql SELECT 1: "),
        (["--sink", "memory", "--sql-every", "soon"], "error: --sql-every: "),
        (["--sink", "memory", "--memory-rows", "0"], "error: --memory-rows 0: "),
        (
            ["--sink", "console", "--warm-topic", "backlog", "--warm-alerts-topic", "none"],
            "error: --warm-topic backlog: ",
        ),
    ],
)
def test_usage_errors(args, line):
    """Status 2 and one line on stderr that begins with the flag."""
    done = command(*args)
    assert done.returncode == 2
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_no_broker():
    """An address where no broker answers is status 5 and one line; a program is told `failed`, too."""
    (port,) = free_ports(1)
    done = command("--bootstrap", f"127.0.0.1:{port}", "--json-events")
    assert done.returncode == 5
    assert done.stderr.startswith("error: no Kafka broker answers at ")
    assert done.stderr.count("\n") == 1
    failed = json.loads(done.stdout)
    assert failed["event"] == "failed"
    assert done.stderr == f"error: {failed['reason']}\n"


def test_first_reason_to_stop_counts():
    """Whoever asks first gives the reason; waiting ends at once."""
    stop = Stop()
    assert not stop.wait(0.0)
    stop.ask("duration")
    stop.ask("stdin")
    assert stop.asked()
    assert stop.wait(60.0)
    assert stop.reason == "duration"


def test_signals_ask_once():
    """SIGTERM and SIGINT ask; the next SIGINT interrupts a job that does not heed the first."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        stop = Stop()
        stop.heed_signals()
        signal.raise_signal(signal.SIGINT)
        assert stop.reason == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        stop = Stop()
        stop.heed_signals()
        signal.raise_signal(signal.SIGTERM)
        assert stop.reason == "SIGTERM"
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("text", [b"other\nst", b"other\nstop\n"])
def test_stdin_asks(text, monkeypatch):
    """A line `stop` asks, and so does the end of stdin."""
    pieces = iter([text, b""])
    monkeypatch.setattr(os, "read", lambda *_: next(pieces))
    stop = Stop()
    stop.heed_stdin()
    assert stop.wait(10.0)
    assert stop.reason == "stdin"
    _join_reader()


@pytest.mark.parametrize(("text", "asked"), [(b"go\n", False), (b"stop\n", True), (b"", True)])
def test_who_waits_for_go_is_let_go(text, asked, monkeypatch):
    """By the word; and by being asked to end, since nobody will say it any more."""
    read_end, write_end = os.pipe()
    read = os.read
    monkeypatch.setattr(os, "read", lambda _, size: read(read_end, size))
    with os.fdopen(read_end, "rb"), os.fdopen(write_end, "wb", buffering=0) as stdin:
        stop = Stop()
        assert not stop.let_go()
        stop.heed_stdin()
        if text:
            stdin.write(text)
        else:
            stdin.close()
        stop.wait_for_go()
        assert stop.let_go()
        assert stop.asked() == asked
        stdin.close()
        _join_reader()


def _join_reader() -> None:
    for thread in threading.enumerate():
        if thread.name == "stdin":
            thread.join(10.0)


def test_people_and_programs_are_told_the_same(capsysbinary):
    """JSON lines on stdout for a program; for a person plain lines on stderr, progress not too often."""
    fields = {"sink": "kafka", "rows": 1200, "batches": 3, "last_batch_ms": 40}
    Announcer(json_events=True)("progress", **fields)
    out, err = capsysbinary.readouterr()
    assert json.loads(out) == {"event": "progress", **fields}
    assert err == b""
    person = Announcer(json_events=False)
    for _ in range(3):
        person("progress", **fields)
    out, err = capsysbinary.readouterr()
    assert out == b""
    assert err == b"kafka: 1,200 readings in 3 batches, the last one took 40 ms\n"
