"""The engine without Spark judges records as the reference does."""

from __future__ import annotations

import orjson
from spark.nasty import RECORDS
from spark.rows import reading

from pipeline.plain import judge
from pipeline.reference import evaluate_all
from pipeline.rules import load_rules
from wire.alert import ALERT_COLUMNS, ALERT_EXTRAS

RULES = load_rules()

#: Where its parser has other limits than Spark's: numbers beyond a double, half a surrogate pair, and what is
#: long, deep or of the wrong type where it does not count.
OTHER_LIMITS = {
    "escapes in a string",
    "1e999 in a foreign member",
    "null timestamp",
    "timestamp overflows",
    "1e999",
    "-1e999",
    "integer overflows a double",
    "twice, the first is text",
    "twice, the first is infinite",
    "longest integer",
    "fraction too long",
    "too deep",
    "name too long",
}


def test_judges_as_the_reference():
    """Alerts and rejects of every nasty record are the reference's, but for the limits of its parser."""
    records = [(name, value) for name, value, _ in RECORDS if name not in OTHER_LIMITS]
    assert len(records) == len(RECORDS) - len(OTHER_LIMITS)
    values = [value for _, value in records]
    expected = evaluate_all(values, RULES)
    judged = judge(values, RULES)
    rejects = dict(judged.rejects)
    wrong = [
        (name, rejects.get(index), one.reason)
        for index, ((name, _), one) in enumerate(zip(records, expected, strict=True))
        if rejects.get(index) != one.reason
    ]
    assert wrong == []
    ids = [one.alert_id for one in expected if one.alert_id is not None]
    assert [key.decode() for key, _ in judged.alerts] == ids


def test_a_whole_alert():
    """Columns, order and labels are an alert's; all rules that hold are named, the first gives the label."""
    value = reading(temperature=36.0, humidity=None, wind_speed=25.0, timestamp=1732879703500, seq=...)
    ((key, alert),) = judge([value], RULES).alerts
    told = orjson.loads(alert)
    assert tuple(told) == (*ALERT_COLUMNS, *ALERT_EXTRAS)
    assert told["timestamp"] == 1732879703.5
    assert (told["alert"], told["humidity"], told["seq"]) == ("High Temperature", None, None)
    assert told["fired"] == ["high_temperature", "high_wind_speed"]
    assert told["alert_id"] == key.decode() == "7-t1732879703500000-high_temperature"


def test_nothing_to_judge():
    """A batch of nothing, or of rejects alone, raises no alert."""
    assert judge([], RULES).alerts == []
    assert judge([b"", b"{"], RULES).alerts == []
