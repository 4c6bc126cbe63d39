"""More than a hundred thousand malformed records among good ones, through a real query from Kafka to Kafka."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import NamedTuple

import pytest
from pyspark.sql.streaming.query import StreamingQuery
from spark.damage import damaged, drawn_records, long_records
from spark.nasty import RECORDS
from spark.rows import reading
from spark.traffic import read, send, start_job

from base.kafka import Admin
from pipeline.progress import ProgressTail
from pipeline.reference import Judgement, evaluate_all
from pipeline.rules import load_rules
from wire.reject import MAX_REJECT_BYTES, REASONS

pytestmark = [pytest.mark.spark, pytest.mark.broker]

RULES = load_rules()

#: At least so many of the records are rejects; a tenth as many are good.
MALFORMED, GOOD = 100_000, 10_000

#: Drawn one by one, which takes hypothesis some milliseconds each; damage makes many of each.
DRAWN = 1_500

#: Below any number that a malformed record comes by.
FIRST_GOOD_SENSOR = 4_000_000_000

#: What makes a good reading raise an alert, and the id of its rule.
HAZARDS = (
    ({"temperature": 41.5}, "high_temperature"),
    ({"humidity": 3}, "low_humidity"),
    ({"UV_index": 11.0}, "high_uv_index"),
    ({"rainfall": 77.25}, "heavy_rainfall"),
    ({"wind_speed": 33.0}, "high_wind_speed"),
)


class Traffic(NamedTuple):
    """What is sent, in this order, how the reference judges each record, and the good ones' alerts."""

    keys: list[bytes | None]
    values: list[bytes | None]
    judged: list[Judgement]
    good_ids: list[str]


def good_readings() -> tuple[list[bytes], list[str]]:
    """Readings of a sensor each, by turns above each threshold, and the ids of their alerts."""
    values, ids = [], []
    for number in range(GOOD):
        fields, rule = HAZARDS[number % len(HAZARDS)]
        # Some are as long as a record may be: length alone is no fault.
        foreign = {"note": "y" * 1_000_000} if number in (500, 5_000) else {}
        values.append(reading(sensor_id=FIRST_GOOD_SENSOR + number, seq=number, **fields, **foreign))
        ids.append(f"{FIRST_GOOD_SENSOR + number}-{number}-{rule}")
    return values, ids


def malformed() -> list[bytes | None]:
    """Records of every shape until `MALFORMED` of them are rejects; damage leaves some readable."""
    rng = random.Random(20261125)
    by_hand = [value for _, value, _ in RECORDS]
    drawn = drawn_records(DRAWN)
    values: list[bytes | None] = [*by_hand, *drawn, *long_records(), *([None, b""] * 500)]
    originals = [[value for value in source if value and len(value) < 400] for source in (by_hand, drawn)]
    missing = MALFORMED - rejects_among(values)
    while missing > 0:
        more = [damaged(rng.choice(rng.choice(originals)), rng) for _ in range(max(missing, 1_000))]
        values += more
        missing -= rejects_among(more)
    return values


def rejects_among(values: list[bytes | None] | list[bytes]) -> int:
    """How many of the records the reference rejects."""
    return sum(judgement.reason is not None for judgement in evaluate_all(values, RULES))


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    """Good and malformed records in one seeded disorder."""
    good, ids = good_readings()
    values: list[bytes | None] = [*good, *malformed()]
    rng = random.Random(7)
    rng.shuffle(values)
    # A key is anyone's bytes as well: most are a sensor's, some are missing, empty, no text, or as long as
    # a broker's own limit (1 MiB) lets a record be.
    keys = rng.choices((b"7", None, b"", b"\xff\x00", b"k" * 2_000), (90, 4, 3, 2, 1), k=len(values))
    keys[::20_000] = [b"K" * 1_048_400 for _ in keys[::20_000]]
    return Traffic(keys, values, evaluate_all(values, RULES), ids)


def run_through(query: StreamingQuery, tail: ProgressTail, records: int, timeout_s: float = 120.0) -> None:
    """Follow a query until it has told of so many records."""
    deadline = time.monotonic() + timeout_s
    while tail.totals.rows < records and time.monotonic() < deadline:
        assert query.isActive, query.exception()
        query.awaitTermination(0.2)  # type: ignore[arg-type]
        tail.poll()


# Real-time mode has another task loop, another sink writer and another way to count: it is fuzzed too.
@pytest.mark.parametrize("trigger", ["0s", "realtime:5s"])
def test_a_query_outlives_malformed_records(spark, broker, topics, tmp_path, traffic, trigger):
    """The query lives on, each good reading raises its alert once, each record is judged as the reference judges it."""
    assert sum(judgement.reason is not None for judgement in traffic.judged) >= MALFORMED
    # Several micro-batches; real-time mode takes what comes.
    source = {"maxOffsetsPerTrigger": "20000"} if trigger == "0s" else {}
    query = start_job(spark, broker.bootstrap, topics, tmp_path, trigger, source)
    try:
        tail = ProgressTail(spark, query)
        send(broker.bootstrap, topics.readings, traffic.values, keys=traffic.keys)
        run_through(query, tail, len(traffic.values))
        assert query.isActive
    finally:
        query.stop()
    assert tail.totals.rows == len(traffic.values)
    if trigger == "0s":
        assert tail.totals.batches >= 5

    ends = {name: sum(Admin(broker.bootstrap).end_offsets(name).values()) for name in (topics.alerts, topics.rejects)}
    alerts = Counter(one.key().decode() for one in read(broker.bootstrap, topics.alerts, ends[topics.alerts]))
    assert [(name, alerts[name]) for name in traffic.good_ids if alerts[name] != 1] == []
    expected = Counter(judgement.alert_id for judgement in traffic.judged if judgement.alert_id is not None)
    assert (alerts - expected, expected - alerts) == (Counter(), Counter())

    # By where it stood: record n went to partition n % 2, offset n // 2.
    rejected = {}
    for message in read(broker.bootstrap, topics.rejects, ends[topics.rejects]):
        told = {name: value.decode() for name, value in message.headers()}
        number = 2 * int(told["offset"]) + int(told["partition"])
        rejected[number] = told["reason"], int(told["original_length"]), message.key(), message.value()
    assert len(rejected) == ends[topics.rejects]
    wrong = [
        (value, judgement.reason, rejected.get(number))
        for number, (value, judgement) in enumerate(zip(traffic.values, traffic.judged, strict=True))
        if rejected.get(number) != as_reject(traffic.keys[number], value, judgement)
    ]
    assert wrong[:5] == []
    assert {reason for reason, *_ in rejected.values()} == set(REASONS)


def as_reject(
    key: bytes | None, value: bytes | None, judgement: Judgement
) -> tuple[str, int, bytes | None, bytes | None] | None:
    """Reason, original length, key and value of the reject that the reference makes of a record, if it is one."""
    if judgement.reason is None:
        return None
    return judgement.reason, len(value or b""), key and key[:MAX_REJECT_BYTES], value and value[:MAX_REJECT_BYTES]
