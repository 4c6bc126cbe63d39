"""The Spark job judges as SEED.md says, and exactly as the reference does."""

from __future__ import annotations

import json
import random

import pytest
from pyspark.sql import SparkSession
from spark.damage import damaged
from spark.nasty import RECORDS
from spark.rows import TOPICS, alerts_of, kafka_rows, reading, rejects_of
from spark.seed_by_hand import GOLDEN, GOLDEN_COLUMNS, MILLISECONDS

from bench.trust.by_hand import seed_alert
from pipeline.alerts import build_output
from pipeline.reference import Judgement, evaluate_all
from pipeline.rules import load_rules
from wire.alert import ALERT_COLUMNS, ALERT_EXTRAS
from wire.reject import MAX_REJECT_BYTES, REJECT_HEADERS

pytestmark = pytest.mark.spark

RULES = load_rules()


def judged_by_spark(spark: SparkSession, values: list[bytes | None]) -> list[tuple[object, ...]]:
    """What becomes of each record, by its place: ``(reason,)``, ``(label, fired, alert_id)`` or ``()``."""
    rows = build_output(kafka_rows(spark, values), RULES, TOPICS).collect()
    rejects = rejects_of(rows)
    # One partition keeps the order, so alerts come in the order of the records that made them.
    alerts = iter(alerts_of(rows))
    expected = evaluate_all(values, RULES)
    found: list[tuple[object, ...]] = []
    for offset, judgement in enumerate(expected):
        if offset in rejects:
            found.append((rejects[offset]["reason"],))
        elif judgement.rule is not None:
            alert = next(alerts, {"alert": "missing", "fired": [], "alert_id": ""})
            found.append((alert["alert"], tuple(alert["fired"]), alert["alert_id"]))
        else:
            found.append(())
    found.extend((alert["alert_id"],) for alert in alerts)
    return found


def judged_by_reference(judgement: Judgement) -> tuple[object, ...]:
    """The same for one judgement of the reference."""
    if judgement.reason is not None:
        return (judgement.reason,)
    return () if judgement.rule is None else (judgement.label, judgement.fired, judgement.alert_id)


def test_golden_rows(spark):
    """The seed's printed rows get the seed's labels; its calm ones and its millisecond one get no alert."""
    values = [json.dumps(dict(zip(GOLDEN_COLUMNS, row, strict=True))).encode() for row, _ in GOLDEN]
    alerts = alerts_of(build_output(kafka_rows(spark, [*values, MILLISECONDS]), RULES, TOPICS).collect())
    expected = [(*row, label) for row, label in GOLDEN if label != "No Alert"]
    names = (*GOLDEN_COLUMNS, "alert")
    assert [tuple(alert[name] for name in names) for alert in alerts] == expected


def test_alert_as_it_travels(spark):
    """An alert has the eight columns, then the extras, in order; nulls stay; the key is its id."""
    values = [
        reading(temperature=36, humidity=None, UV_index=9.0, seq=41),
        reading(temperature=36, seq=..., timestamp=1732985789438),
    ]
    first, second = build_output(kafka_rows(spark, values), RULES, TOPICS).collect()
    alert = json.loads(first.value)
    assert tuple(alert) == ALERT_COLUMNS + ALERT_EXTRAS
    assert alert == {
        "sensor_id": 7,
        "temperature": 36.0,
        "humidity": None,
        "timestamp": 1732879703.5,
        "rainfall": 0.0,
        "wind_speed": 5.0,
        "UV_index": 9.0,
        "alert": "High Temperature",
        "seq": 41,
        "rule": "high_temperature",
        "fired": ["high_temperature", "high_uv_index"],
        "alert_id": "7-41-high_temperature",
    }
    assert bytes(first.key) == b"7-41-high_temperature"
    assert first.headers is None
    assert json.loads(second.value)["timestamp"] == 1732985789.438
    assert json.loads(second.value)["seq"] is None
    assert bytes(second.key) == b"7-t1732985789438000-high_temperature"


def test_reject_as_it_travels(spark):
    """A reject is the raw bytes up to 64 KiB, with its key, its reason, its origin and its length."""
    long = b"\xff" * 70 * 1024
    rows = build_output(kafka_rows(spark, [None, b"", b"\x00\xff", long]), RULES, TOPICS).collect()
    assert [row.topic for row in rows] == [TOPICS.rejects] * 4
    assert [row.key for row in rows] == [b"0", b"1", b"2", b"3"]
    assert [row.value for row in rows] == [None, b"", b"\x00\xff", long[:MAX_REJECT_BYTES]]
    assert [tuple(header.key for header in row.headers) for row in rows] == [REJECT_HEADERS] * 4
    headers = rejects_of(rows)
    assert [headers[offset]["original_length"] for offset in range(4)] == ["0", "0", "2", "71680"]
    assert headers[3]["topic"] == "sensor"
    assert headers[3]["partition"] == "3"


def test_nasty_records_judged_as_the_reference_does(spark):
    """Reason or rule, fired list and alert id are the reference's, for every record of the table."""
    values = [value for _, value, _ in RECORDS]
    found = judged_by_spark(spark, values)
    expected = [judged_by_reference(judgement) for judgement in evaluate_all(values, RULES)]
    names = [name for name, _, _ in RECORDS]
    assert dict(zip(names, found, strict=True)) == dict(zip(names, expected, strict=True))


def test_damaged_records_judged_as_the_reference_does(spark):
    """12,000 records with random damage: Spark and the reference agree on every one."""
    rng = random.Random(20261124)
    whole = [value for _, value, _ in RECORDS if value and len(value) < 400]
    values: list[bytes | None] = [damaged(rng.choice(whole), rng) for _ in range(12_000)]
    found = judged_by_spark(spark, values)
    expected = [judged_by_reference(judgement) for judgement in evaluate_all(values, RULES)]
    differ = [case for case in zip(values, found, expected, strict=True) if case[1] != case[2]]
    assert differ == []
    # Damage leaves some of everything, or this would prove little.
    assert len({judgement[:1] for judgement in expected}) >= 7


def test_rules_judged_as_by_hand(spark):
    """2,000 readings around the thresholds get the labels and fired lists of the hand-written rules."""
    rng = random.Random(7)
    near = {"temperature": 35, "humidity": 20, "rainfall": 50, "wind_speed": 20, "UV_index": 8}
    readings = [
        {name: rng.choice((None, limit, limit - 0.01, limit + 0.01)) for name, limit in near.items()}
        for _ in range(2_000)
    ]
    values = [reading(**fields, seq=number) for number, fields in enumerate(readings)]
    alerts = alerts_of(build_output(kafka_rows(spark, values), RULES, TOPICS).collect())
    by_hand = [(number, *seed_alert(fields)) for number, fields in enumerate(readings)]
    assert [(alert["seq"], alert["alert"], alert["fired"]) for alert in alerts] == [
        case for case in by_hand if case[1] != "No Alert"
    ]


def test_other_rules(spark):
    """Comparisons, order and labels come from the rules that are given."""
    seed = {rule.id: rule for rule in RULES}
    wet = seed["heavy_rainfall"].model_copy(update={"id": "wet", "comparison": ">=", "threshold": 1.0, "label": "Wet"})
    dry = seed["low_humidity"].model_copy(update={"id": "dry", "comparison": "<=", "threshold": 30.0, "label": "Dry"})
    values = [reading(rainfall=1.0, humidity=30.0), reading(rainfall=0.99, humidity=30.01)]
    for rules, label in (((wet, dry), "Wet"), ((dry, wet), "Dry")):
        (alert,) = alerts_of(build_output(kafka_rows(spark, values), rules, TOPICS).collect())
        assert (alert["alert"], alert["fired"]) == (label, [rule.id for rule in rules])
        assert evaluate_all(values, rules)[0].fired == tuple(rule.id for rule in rules)
