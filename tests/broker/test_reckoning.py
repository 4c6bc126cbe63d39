"""What a trial's source topic holds, reckoned from the publisher's log, beside what really stands there."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from confluent_kafka import Producer
from polars.testing import assert_frame_equal
from unit.bench.builders import a_config

from base.kafka import Admin
from bench.capacity.load import Extent, GrowingStream
from bench.capacity.reckoning import read_trial
from bench.judge import Judge
from bench.messages import SCHEMA
from bench.phases import read_back
from bench.probes import Prober
from bench.stream import prepare_stream, resend_command, resolve
from pipeline.rules import load_rules
from wire.topics import cell_topics

pytestmark = pytest.mark.broker

RULES = load_rules(None)
ALL = Extent(sensors=120, since_ns=-(10**12), until_ns=10**12)


@pytest.fixture
def trial(broker, tmp_path: Path, request: pytest.FixtureRequest):
    """A trial whose readings have been sent to three partitions, probes before and after; and its stream."""
    config = a_config(triggers=("1s",), sensors=120, scenario=request.param, warmup_s=0.5, window_s=2.0)
    first = prepare_stream(resolve(config), config, tail_s=0.5, folder=tmp_path)
    first.write(RULES)
    topics = cell_topics("reckoned", tmp_path.name)
    admin = Admin(broker.bootstrap)
    for topic, partitions in ((topics.readings, 3), (topics.alerts, 1), (topics.rejects, 1)):
        admin.create(topic, partitions=partitions)
    prober = Prober(broker.bootstrap, topics.readings, 3, RULES[0], {})
    prober.ask(every_s=0.0)
    log = tmp_path / "deliveries.bin"
    command = resend_command(first.deliveries, bootstrap=broker.bootstrap, topic=topics.readings)
    subprocess.run([*command, "--unpaced", "--log", str(log)], check=True, capture_output=True)
    for partition in range(3):
        prober._send(partition)
    pl.DataFrame(schema=SCHEMA).write_parquet(tmp_path / "collected.parquet")
    raw: Any = SimpleNamespace(
        topics=topics, delivery_log=log, collected=tmp_path / "collected.parquet", published={"unacked": []}
    )
    bench: Any = SimpleNamespace(broker=broker, settings={}, judge=Judge(RULES), rules=RULES)
    yield raw, bench, GrowingStream(first, config, tail_s=0.5)
    admin.delete([topics.readings, topics.alerts, topics.rejects])


@pytest.mark.parametrize("trial", ["temperate-day", "hostile"], indirect=True)
def test_it_is_what_is_read_back(trial):
    """Every reading that must be alerted or rejected, in its place and with all its copies; with garbled ones, too."""
    raw, bench, stream = trial
    whole = read_back(raw, bench).judged
    reckoned = read_trial(raw, bench, stream.required(bench.judge, bench.rules, ALL)).judged
    assert reckoned["appended_ms"].null_count() == len(reckoned)
    alerted = whole.filter(pl.col("alert_id").is_not_null())
    assert len(alerted) > 30
    assert_frame_equal(
        reckoned.filter(pl.col("alert_id").is_not_null()).sort("partition", "offset").drop("appended_ms"),
        alerted.select(reckoned.columns).drop("appended_ms"),
    )
    # A garbled reading does not say whose it was.
    rejected = [
        frame.filter(pl.col("reason").is_not_null()).select("partition", "offset", "reason").sort("partition", "offset")
        for frame in (whole, reckoned)
    ]
    assert_frame_equal(*rejected)


@pytest.mark.parametrize("trial", ["temperate-day"], indirect=True)
@pytest.mark.parametrize("wrong", ["one more", "another order", "not acknowledged"])
def test_where_the_topic_says_otherwise_it_is_read_back(trial, broker, wrong: str):
    """A record that nobody sent, readings in another order, one without an acknowledgement."""
    raw, bench, stream = trial
    if wrong == "one more":
        producer = Producer({"bootstrap.servers": broker.bootstrap})
        producer.produce(raw.topics.readings, b"{}", partition=0)
        producer.flush()
    elif wrong == "another order":
        log = Path(raw.delivery_log)
        half = len(log.read_bytes()) // 29 // 2 * 29
        log.write_bytes(log.read_bytes()[half:] + log.read_bytes()[:half])
    else:
        raw.published["unacked"] = [(1, 1)]
    read = read_trial(raw, bench, stream.required(bench.judge, bench.rules, ALL)).judged
    assert read["appended_ms"].null_count() == 0
    assert_frame_equal(read, read_back(raw, bench).judged)
