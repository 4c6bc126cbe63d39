"""The job against a real broker: routing by the `topic` column in both modes, and whole commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from spark.rows import reading
from spark.traffic import read, send, start_job

from pipeline.job import job
from pipeline.profiles import PROFILES, TUNED
from pipeline.rules import load_rules
from pipeline.warmup import Warmer
from wire.topics import Topics

pytestmark = [pytest.mark.spark, pytest.mark.broker]

RULES = load_rules()


@pytest.mark.parametrize("trigger", ["realtime:5s", "0s"])
def test_topic_column_routes(spark, broker, topics, tmp_path, trigger):
    """In both modes one query sends alerts to one topic, rejects with their headers to the other."""
    query = start_job(spark, broker.bootstrap, topics, tmp_path, trigger)
    try:
        hot = [reading(temperature=40, seq=number) for number in range(20)]
        send(broker.bootstrap, topics.readings, [*hot, b"{", None, b"", reading(seq=20)])
        alerts = read(broker.bootstrap, topics.alerts, 20)
        rejects = read(broker.bootstrap, topics.rejects, 3)
        assert query.isActive
    finally:
        query.stop()
    ids = {f"7-{number}-high_temperature" for number in range(20)}
    assert {message.key().decode() for message in alerts} == ids
    assert {json.loads(message.value())["alert_id"] for message in alerts} == ids
    assert sorted((message.key(), message.value() or b"") for message in rejects) == [
        (b"7", b""),
        (b"7", b""),
        (b"7", b"{"),
    ]
    for message in rejects:
        headers = {name: value.decode() for name, value in message.headers()}
        assert headers["topic"] == topics.readings
        assert (headers["partition"], headers["offset"]) in {("0", "10"), ("1", "10"), ("0", "11")}


def test_replay_yields_the_same_ids(spark, broker, topics, tmp_path):
    """Both profiles and every replay give the same alerts, so that readers can drop the copies."""
    send(broker.bootstrap, topics.readings, [reading(humidity=3, seq=number) for number in range(50)])
    for name, profile in PROFILES.items():
        job(
            spark,
            bootstrap=broker.bootstrap,
            topics=topics,
            rules=RULES,
            profile=profile,
            checkpoint=tmp_path / name,
            trigger={"availableNow": True},
        ).start().awaitTermination()
    values = [message.value() for message in read(broker.bootstrap, topics.alerts, 100)]
    assert len(values) == 100
    assert len(set(values)) == 50


def never() -> bool:
    """Nobody asks for the end."""
    return False


def warmer_of(spark, broker, topics, folder: Path, *, realtime: bool) -> Warmer:
    """One with a backlog of 1,000 readings that all raise an alert."""
    send(broker.bootstrap, topics.readings, [reading(temperature=40, seq=number) for number in range(1_000)])
    scratch = Topics(readings=topics.readings, alerts=topics.alerts, rejects=topics.alerts)
    return Warmer(
        spark=spark,
        bootstrap=broker.bootstrap,
        topics=scratch,
        readings=lambda: 1_000,
        rules=RULES,
        profile=TUNED,
        folder=folder,
        realtime=realtime,
    )


@pytest.mark.parametrize(
    ("asked", "realtime", "passes"), [(never, False, 2), (never, True, 2), (lambda: True, False, 0)]
)
def test_warm_up(spark, broker, topics, tmp_path, asked: Callable[[], bool], realtime: bool, passes: int):
    """The backlog is drained whole at least twice, then in short batches of the mode, in time; or not at all."""
    warmer = warmer_of(spark, broker, topics, tmp_path, realtime=realtime)
    floor = spark.conf.get("spark.sql.streaming.realTimeMode.minBatchDuration")
    warmed = warmer.warm_up(7.0, asked)
    assert len(warmed.passes) >= passes
    assert (warmed.short_batches > 0) == (passes > 0)
    assert warmed.seconds < 10.0
    assert spark.conf.get("spark.sql.streaming.realTimeMode.minBatchDuration") == floor
    if passes:
        # Whole passes and nothing beside them, for the warm-up reads the backlog from its first record.
        whole = [message.key() for message in read(broker.bootstrap, topics.alerts, 1_000 * passes)]
        assert len(set(whole)) == 1_000
        # A warm session drains twice in a few seconds, and says so without another warm-up.
        again = warmer.drain(20.0)
        assert len(again.passes) >= 2
        assert again.drain_per_s is not None


def test_a_whole_warm_up_uses_all_of_its_time(spark, broker, topics, tmp_path):
    """It goes through the backlog in short batches again and again; once through it takes a second."""
    warmed = warmer_of(spark, broker, topics, tmp_path, realtime=False).warm_up(10.0, never, whole=True)
    assert 10.0 <= warmed.seconds < 13.0
    assert warmed.short_batches > 0
