"""Durations are read as people write them, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.durations import format_duration, parse_duration_s
from base.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("0s", 0.0), ("1.5s", 1.5), ("10min", 600.0), ("1h", 3600.0), ("2d", 172800.0)],
)
def test_numbers_with_units(text, seconds):
    """A number and a unit give seconds."""
    assert parse_duration_s(text, field="--warmup") == seconds


@pytest.mark.parametrize("text", ["", "3x", "5", "-1s", "1 s 2", "s", "nan s", "1e3s"])
def test_anything_else_names_field_value_and_remedy(text):
    """The error is one line with the field, what was given and what to write."""
    with pytest.raises(UsageError) as caught:
        parse_duration_s(text, field="--warmup")
    message = str(caught.value)
    assert message.startswith("--warmup: ")
    assert f"'{text}'" in message
    assert "500ms" in message
    assert "\n" not in message


@given(st.integers(min_value=0, max_value=10_000_000))
def test_format_is_read_back(milliseconds):
    """What is written is read back as the same duration."""
    assert parse_duration_s(format_duration(milliseconds / 1000), field="x") == pytest.approx(milliseconds / 1000)
