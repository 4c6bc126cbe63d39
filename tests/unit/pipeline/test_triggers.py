"""Triggers are read as people write them and handed to Spark as it wants them."""

from __future__ import annotations

import pytest

from base.errors import UsageError
from pipeline.triggers import Trigger


@pytest.mark.parametrize(
    ("text", "name", "seconds", "kwargs"),
    [
        ("0s", "0s", 0.0, {"processingTime": "0 milliseconds"}),
        ("100ms", "100ms", 0.1, {"processingTime": "100 milliseconds"}),
        ("1s", "1s", 1.0, {"processingTime": "1000 milliseconds"}),
        ("1000ms", "1s", 1.0, {"processingTime": "1000 milliseconds"}),
        (" 30s ", "30s", 30.0, {"processingTime": "30000 milliseconds"}),
        ("2min", "2min", 120.0, {"processingTime": "120000 milliseconds"}),
        ("realtime", "realtime:30s", 30.0, {"realTime": "30000 milliseconds"}),
        ("realtime:5s", "realtime:5s", 5.0, {"realTime": "5000 milliseconds"}),
        ("realtime:60s", "realtime:1min", 60.0, {"realTime": "60000 milliseconds"}),
    ],
)
def test_spellings(text, name, seconds, kwargs):
    """Each spelling has one name, which reads back as the same trigger."""
    trigger = Trigger.parse(text, field="--triggers")
    assert (trigger.name, trigger.seconds, trigger.spark_kwargs) == (name, seconds, kwargs)
    assert trigger.is_realtime == ("realtime" in text)
    assert Trigger.parse(trigger.name, field="--triggers") == trigger


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("3x", "realtime:30s"),
        ("", "realtime:30s"),
        ("-1s", "realtime:30s"),
        ("real-time", "realtime:30s"),
        ("realtime:", "realtime:30s"),
        ("realtime:fast", "realtime:30s"),
        ("realtime:4s", "at least 5 s"),
        ("100us", "milliseconds"),
    ],
)
def test_mistakes_are_one_line(text, word):
    """The line begins with the flag and the value, and says what to write."""
    with pytest.raises(UsageError) as caught:
        Trigger.parse(text, field="--triggers")
    message = str(caught.value)
    assert message.startswith(f"--triggers {text}: ")
    assert word in message
    assert "\n" not in message
