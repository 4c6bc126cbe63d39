"""The reference judges the seed's rows, nasty records and all, as written down by hand."""

from __future__ import annotations

import json
import random

import pytest
from spark.nasty import RECORDS
from spark.rows import reading
from spark.seed_by_hand import GOLDEN, GOLDEN_COLUMNS, MILLISECONDS

from bench.trust.by_hand import seed_alert
from pipeline.reference import Judgement, evaluate, evaluate_all
from pipeline.rules import load_rules
from wire.alert import NO_ALERT

RULES = load_rules()


@pytest.mark.parametrize(("row", "label"), GOLDEN)
def test_golden_rows(row, label):
    """The seed's printed rows get the seed's labels, and the ids of all rules that hold."""
    fields = dict(zip(GOLDEN_COLUMNS, row, strict=True))
    judgement = evaluate(json.dumps(fields).encode(), RULES)
    assert (judgement.reason, judgement.label) == (None, label)
    assert (judgement.label, list(judgement.fired)) == seed_alert(fields)


def test_milliseconds_example():
    """The older message's integer milliseconds are the same instant as seconds; it raises no alert."""
    assert evaluate(MILLISECONDS, RULES) == Judgement(sensor_id=79, event_us=1732985789438000, fired=(), label=NO_ALERT)


def test_a_whole_alert():
    """An alert carries its sensor, number, instant, all rules that hold, the first one and its id."""
    value = reading(sensor_id=3, seq=12, timestamp=1732879703.8874645, humidity=10, wind_speed=21)
    assert evaluate(value, RULES) == Judgement(
        sensor_id=3,
        seq=12,
        event_us=1732879703887464,
        fired=("low_humidity", "high_wind_speed"),
        rule="low_humidity",
        label="Low Humidity",
        alert_id="3-12-low_humidity",
    )


@pytest.mark.parametrize(("value", "expected"), [one[1:] for one in RECORDS], ids=[one[0] for one in RECORDS])
def test_nasty_records(value, expected):
    """Each record becomes the reject, the alert or the nothing that stands beside it."""
    judgement = evaluate(value, RULES)
    assert (judgement.reason or judgement.rule) == expected
    assert (judgement.label is None) == (judgement.reason is not None)


def test_event_time_stands_for_seq():
    """Without seq an alert's id carries the event time in whole microseconds, ties to even."""
    for timestamp, text in ((0.0000025, "t2"), (0.0000035, "t4"), (-1.25, "t-1250000")):
        judgement = evaluate(reading(timestamp=timestamp, seq=..., temperature=36), RULES)
        assert judgement.alert_id == f"7-{text}-high_temperature"


def test_as_by_hand():
    """5,000 readings around the thresholds, nulls and gaps included, are judged as the hand-written rules do."""
    rng = random.Random(3)
    near = {"temperature": 35, "humidity": 20, "rainfall": 50, "wind_speed": 20, "UV_index": 8}
    cases = [
        {name: rng.choice((None, limit, limit - 0.01, limit + 0.01)) for name, limit in near.items()}
        for _ in range(5_000)
    ]
    judged = evaluate_all([reading(**fields) for fields in cases], RULES)
    assert [(one.label, list(one.fired)) for one in judged] == [seed_alert(fields) for fields in cases]
