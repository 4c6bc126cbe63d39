"""The judge says what the reference evaluator says, whatever it has met before."""

from __future__ import annotations

import json

from bench.judge import SCHEMA, Judge
from pipeline.reference import evaluate
from pipeline.rules import load_rules

RULES = load_rules(None)
HOT = json.dumps({"sensor_id": 1, "temperature": 40.0, "humidity": 10.0, "timestamp": 1.0, "seq": 0}).encode()
MILD = json.dumps({"sensor_id": 2, "temperature": 20.0, "timestamp": 1.0, "seq": 0}).encode()
VALUES = [HOT, MILD, b"{", None, HOT]


def expected(value: bytes | None) -> dict[str, object]:
    """One record, by the evaluator itself."""
    judged = evaluate(value, RULES)
    return {name: list(judged.fired) if name == "fired" else getattr(judged, name) for name in SCHEMA}


def test_rows_follow_the_values_and_repeat_with_them():
    """One row each, in order; the same bytes give the same row, the first time and every other."""
    judge = Judge(RULES)
    assert judge([MILD]).to_dicts() == [expected(MILD)]
    assert judge(VALUES).to_dicts() == [expected(value) for value in VALUES]
    assert judge(VALUES[::-1]).to_dicts() == [expected(value) for value in VALUES[::-1]]


def test_no_values():
    """No record, no row, all columns."""
    assert dict(Judge(RULES)([]).schema) == SCHEMA
