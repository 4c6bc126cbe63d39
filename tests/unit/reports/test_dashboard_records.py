"""Kafka's records as the dashboard takes them: readings and alerts, and nothing that is neither."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.dashboard.events import ALERT, READING, REJECT
from reports.dashboard.records import alerts_frame, readings_frame, rejects_frame
from wire.reading import CHANNELS
from wire.reject import REJECT_HEADERS

APPENDED_MS = 1_782_043_200_000
READ = {"sensor_id": 7, "temperature": 25.0, "humidity": 50, "rainfall": None, "timestamp": 1_732_879_703.5}


class Record:
    """As much of confluent-kafka's `Message` as is looked at."""

    def __init__(self, value: bytes | None, headers: list | None = None) -> None:
        self._value, self._headers = value, headers

    def value(self):
        """The record's bytes."""
        return self._value

    def timestamp(self):
        """LogAppendTime, ms."""
        return 2, APPENDED_MS

    def headers(self):
        """Names and values, or None."""
        return self._headers


def records(*values) -> list[Record]:
    """A record of each value: bytes and None as they are, the rest as JSON."""
    raw = [value if isinstance(value, bytes | None) else json.dumps(value).encode() for value in values]
    return [Record(one) for one in raw]


def test_a_reading_keeps_its_numbers():
    """Event time is in µs, a channel that failed or is absent is null, its arrival is when it was appended."""
    frame = readings_frame(records(READ))
    assert frame.schema == pl.Schema(READING)
    named = {"sensor_id": 7, "event_us": 1_732_879_703_500_000, "at_ms": APPENDED_MS}
    assert frame.row(0, named=True) == {
        **dict.fromkeys(CHANNELS),
        "temperature": 25.0,
        "humidity": 50.0,
        **named,
    }


def test_seconds_and_milliseconds_are_one_instant():
    """A reading and its alert find each other, whichever unit the reading came in."""
    seconds, milliseconds = 1_732_985_789.438, 1_732_985_789_438
    frame = readings_frame(records(READ | {"timestamp": seconds}, READ | {"timestamp": milliseconds}))
    assert frame["event_us"].to_list() == [1_732_985_789_438_000] * 2


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        {},
        READ | {"sensor_id": None},
        READ | {"sensor_id": "7"},
        READ | {"sensor_id": True},
        READ | {"sensor_id": 7.5},
        READ | {"sensor_id": 2**63},
        READ | {"timestamp": None},
        READ | {"timestamp": "now"},
        READ | {"timestamp": 1e300},
        READ | {"sensor_id": 0},
    ],
)
def test_what_is_no_reading_is_none(value):
    """Malformed records and the bench's probes are passed over, whatever stands beside them."""
    assert readings_frame(records(value, READ)).height == 1
    labelled = value | {"alert": "High Temperature"} if isinstance(value, dict) else value
    assert alerts_frame(records(labelled, READ | {"alert": "Frost"}))["alert"].to_list() == ["Frost"]


def test_an_alert_needs_a_label():
    """A record without one, or with one that is no text, is no alert."""
    frame = alerts_frame(records(READ, READ | {"alert": None}, READ | {"alert": 3}, READ | {"alert": "Frost"}))
    assert frame.schema == pl.Schema(ALERT)
    assert frame["alert"].to_list() == ["Frost"]


def test_a_reject_has_its_reason():
    """It stands in a header; a reject of somebody else's, without it, counts as well."""
    told = [Record(b"{", [(REJECT_HEADERS[0], b"empty record")]), Record(None), Record(b"", [("other", None)])]
    frame = rejects_frame(told)
    assert frame.schema == pl.Schema(REJECT)
    assert frame["reason"].to_list() == ["empty record", "no reason given", "no reason given"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*READ, "alert", "x"]), inner),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.lists(_JSON, max_size=5))
def test_no_record_stops_the_page(values):
    """Whatever is sent, the frames keep their columns, and hold no more rows than there were records."""
    told = records(*values)
    for make, schema in ((readings_frame, READING), (alerts_frame, ALERT)):
        frame = make(told)
        assert frame.schema == pl.Schema(schema)
        assert frame.height <= len(values)
