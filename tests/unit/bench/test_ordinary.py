"""What is spared the reference evaluator would have become neither an alert nor a reject."""

from __future__ import annotations

import orjson
import pytest
from spark.nasty import RECORDS

from bench.capacity.ordinary import is_ordinary
from pipeline.reference import evaluate
from pipeline.rules import load_rules

RULES = load_rules(None)
ORDINARY = (
    b'{"sensor_id":17191,"temperature":19.6,"humidity":98.3,"rainfall":0.0,"wind_speed":4.1,"UV_index":3.5,'
    b'"timestamp":1781942400.004752,"seq":48}'
)


def test_an_ordinary_reading_is_spared():
    """In the form of the wire, with a channel that is null or a number at its threshold, too; no more than that."""
    at_threshold, null = ORDINARY.replace(b"19.6", b"35.0"), ORDINARY.replace(b"19.6", b"null")
    hot, cold = ORDINARY.replace(b"19.6", b"35.1"), ORDINARY.replace(b"19.6", b"-19.6")
    assert is_ordinary([ORDINARY, at_threshold, null, hot, cold], RULES).tolist() == [True, True, True, False, True]
    assert is_ordinary([], RULES).tolist() == []
    one_rule = [RULES[0].model_copy(update={"comparison": ">="})]
    assert is_ordinary([at_threshold, ORDINARY], one_rule).tolist() == [False, True]


@pytest.mark.parametrize("record", [value for _, value, _ in RECORDS if value])
def test_nasty_records_are_not(record: bytes):
    """Whatever the evaluator rejects or alerts on is left to it."""
    judged = evaluate(record, RULES)
    if judged.reason is not None or judged.alert_id is not None:
        assert not is_ordinary([record], RULES)[0]


def test_no_damage_to_a_reading_is_spared_that_matters():
    """Each byte dropped, doubled or replaced, each field dropped or beyond its threshold."""
    damaged = [ORDINARY[:at] + ORDINARY[at + 1 :] for at in range(len(ORDINARY))]
    for other in (b"9", b"-", b"\xff"):
        damaged += [ORDINARY[:at] + other + ORDINARY[at + 1 :] for at in range(len(ORDINARY))]
    damaged += [ORDINARY[: at + 1] + ORDINARY[at:] for at in range(len(ORDINARY))]
    damaged += [ORDINARY[:at] for at in range(1, len(ORDINARY))]
    fields = orjson.loads(ORDINARY)
    for name in fields:
        damaged.append(orjson.dumps({key: value for key, value in fields.items() if key != name}))
        damaged += [orjson.dumps(fields | {name: value}) for value in (None, "3", 1e9, -1e9, True, [])]
    spared = is_ordinary(damaged, RULES)
    for record, ordinary in zip(damaged, spared, strict=True):
        judged = evaluate(record, RULES)
        assert not ordinary or (judged.reason is None and judged.alert_id is None), record
    assert spared.any()
    assert not spared.all()
