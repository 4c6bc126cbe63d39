"""What travels keeps its names: they are what people and scripts rely on."""

from __future__ import annotations

from wire.alert import ALERT_COLUMNS, ALERT_EXTRAS, alert_id
from wire.reading import CHANNELS, epoch_seconds, key_of
from wire.topics import cell_topics


def test_alert_columns_stand_as_the_seed_printed_them():
    """Eight columns in the seed's order; ours come after them."""
    assert (
        *("sensor_id", "temperature", "humidity", "timestamp", "rainfall", "wind_speed", "UV_index", "alert"),
    ) == ALERT_COLUMNS
    assert ALERT_EXTRAS == ("seq", "rule", "fired", "alert_id")
    assert set(CHANNELS) < set(ALERT_COLUMNS)


def test_seconds_and_milliseconds_are_the_same_instant():
    """Older readings carry integer milliseconds; both give epoch seconds."""
    assert epoch_seconds(1732985789438) == 1732985789.438
    assert epoch_seconds(1732985789.438) == 1732985789.438


def test_alert_id_is_a_function_of_the_reading():
    """With a number it carries the number, without one the event time in microseconds."""
    assert alert_id(7, 12, "high_temperature", 5) == "7-12-high_temperature"
    assert alert_id(7, None, "high_temperature", 5) == "7-t5-high_temperature"


def test_topics_are_the_cell_s_own():
    """Every cell of every run has three topics that no other has."""
    topics = cell_topics("run", "1s-p4-tuned-r1")
    assert topics.readings == "sensor-run-1s-p4-tuned-r1"
    assert topics.alerts == "alerts-run-1s-p4-tuned-r1"
    assert topics.rejects == "sensor-run-1s-p4-tuned-r1-rejected"
    assert key_of(42) == b"42"
