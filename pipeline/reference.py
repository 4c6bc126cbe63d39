"""The slow and obvious evaluator: what one record must become, judged as the Spark job judges it.

It reads the raw bytes that stand in a topic and shares the rules, as data, with the Spark job; the
parsing and the comparing are its own. Where Spark's JSON parser has limits (`_check_limits`), they
are the reference's too.
"""

from __future__ import annotations

import json
import math
import operator
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from pipeline.rules import AlertRule
from wire.alert import NO_ALERT, alert_id
from wire.reading import CHANNELS, epoch_seconds
from wire.reject import EMPTY, NO_SENSOR_ID, NO_TIMESTAMP, NOT_FINITE, NOT_JSON

#: Event times beyond this many microseconds from 1970 (285,000 years) count as overflows.
MAX_EVENT_US: Final = 9e18

_INTEGERS = frozenset({"sensor_id", "seq"})
_FLOATS = frozenset({*CHANNELS, "timestamp"})
_LONG_MIN, _LONG_MAX = -(2**63), 2**63 - 1

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


#: Id, label, field, comparison and threshold.
_Rule = tuple[str, str, str, Callable[[float, float], bool], float]


class Judgement(NamedTuple):
    """What one record becomes: a reject (``reason`` is set, the rest is None), an alert, or neither.

    ``fired``: ids of all rules that hold, in their order; ``rule``, ``label`` and ``alert_id``
    follow from the first. Where none holds, ``label`` is `NO_ALERT` and the other two are None.
    """

    reason: str | None = None
    sensor_id: int | None = None
    seq: int | None = None
    event_us: int | None = None
    fired: tuple[str, ...] = ()
    rule: str | None = None
    label: str | None = None
    alert_id: str | None = None


def evaluate(value: bytes | None, rules: Iterable[AlertRule]) -> Judgement:
    """Judge one record's raw bytes."""
    return evaluate_all([value], rules)[0]


def evaluate_all(values: Iterable[bytes | None], rules: Iterable[AlertRule]) -> list[Judgement]:
    """Judge every record, each by itself and in the order given."""
    compiled: list[_Rule] = [
        (rule.id, rule.label, rule.field, _COMPARE[rule.comparison], rule.threshold) for rule in rules
    ]
    return [_judge(value, compiled) for value in values]


def _judge(value: bytes | None, rules: Sequence[_Rule]) -> Judgement:
    if not value:
        return Judgement(reason=EMPTY)
    try:
        reading = _parse(value)
    except (ValueError, RecursionError):
        return Judgement(reason=NOT_JSON)
    sensor_id, seq, timestamp = reading.get("sensor_id"), reading.get("seq"), reading.get("timestamp")
    if sensor_id is None:
        return Judgement(reason=NO_SENSOR_ID)
    if timestamp is None:
        return Judgement(reason=NO_TIMESTAMP)
    if any(math.isinf(reading[name]) for name in _FLOATS if reading.get(name) is not None):
        return Judgement(reason=NOT_FINITE)
    event_us = epoch_seconds(timestamp) * 1e6
    if abs(event_us) > MAX_EVENT_US:
        return Judgement(reason=NOT_FINITE)
    event_us = round(event_us)
    held = [
        (rule, label)
        for rule, label, field, compare, threshold in rules
        if reading.get(field) is not None and compare(reading[field], threshold)
    ]
    if not held:
        return Judgement(sensor_id=sensor_id, seq=seq, event_us=event_us, label=NO_ALERT)
    first, label = held[0]
    return Judgement(
        sensor_id=sensor_id,
        seq=seq,
        event_us=event_us,
        fired=tuple(rule for rule, _ in held),
        rule=first,
        label=label,
        alert_id=alert_id(sensor_id, seq, first, event_us),
    )


def _parse(value: bytes) -> dict[str, Any]:
    """The reading's fields, floats as float; raises `ValueError` for what is no object of ours.

    A field that stands twice counts by its last value, but every one of them must be of its type.
    """
    text = value.decode("utf-8")
    root = _decode(text) if len(value) <= _LONGEST_NUMBER else _decode_long(text)
    if type(root) is not _Object:
        raise ValueError("no JSON object")
    reading: dict[str, Any] = {}
    for name, field in root:
        if field is None:
            reading[name] = None
        elif name in _FLOATS:
            if type(field) is not float and type(field) is not int:
                raise ValueError(f"{name} is no number")
            reading[name] = _to_float(field)
        elif name in _INTEGERS:
            if type(field) is not int or not _LONG_MIN <= field <= _LONG_MAX:
                raise ValueError(f"{name} is no 64-bit integer")
            reading[name] = field
    return reading


def _to_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


class _Object(tuple[tuple[str, Any], ...]):
    """The members of a JSON object as they stand, repeated names included."""


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


_decode = json.JSONDecoder(object_pairs_hook=_Object, parse_constant=_refuse).decode

# Limits of the Jackson parser in Spark, all in characters or levels. Only a record that is longer
# than the smallest of them can break one.
_LONGEST_NUMBER = 1000
_LONGEST_NAME = 50_000
_DEEPEST = 1000

_NOT_NESTING = re.compile(r'"(?:[^"\\]|\\.)*"|[^\[\]{}"]+', re.DOTALL)


def _decode_long(text: str) -> Any:
    depth = deepest = 0
    for bracket in _NOT_NESTING.sub("", text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        raise ValueError("nested too deep")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + _DEEPEST)
    try:
        return _decode_checked(text)
    finally:
        sys.setrecursionlimit(limit)


def _short_number(digits: str) -> str:
    if sum(character.isdigit() for character in digits) > _LONGEST_NUMBER:
        raise ValueError("a number is too long")
    return digits


def _short_names(members: list[tuple[str, Any]]) -> _Object:
    if any(len(name) > _LONGEST_NAME for name, _ in members):
        raise ValueError("a name is too long")
    return _Object(members)


_decode_checked = json.JSONDecoder(
    object_pairs_hook=_short_names,
    parse_constant=_refuse,
    parse_int=lambda digits: int(_short_number(digits)),
    parse_float=lambda digits: float(_short_number(digits)),
).decode
