"""Readings in, alerts out, in plain Python: confluent-kafka and json, nothing of alertbench.

python plain_consumer.py BOOTSTRAP READINGS_TOPIC ALERTS_TOPIC

It begins with what comes next, sends an alert's eight columns and no more, and ends at SIGTERM or Ctrl-C.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

from confluent_kafka import Consumer, Producer

FIELDS = ("sensor_id", "temperature", "humidity", "timestamp", "rainfall", "wind_speed", "UV_index")
RULES = (
    ("temperature", lambda value: value > 35, "High Temperature"),
    ("humidity", lambda value: value < 20, "Low Humidity"),
    ("UV_index", lambda value: value > 8, "High UV Index"),
    ("rainfall", lambda value: value > 50, "Heavy Rainfall"),
    ("wind_speed", lambda value: value > 20, "High Wind Speed"),
)


def alert_of(record: bytes | None) -> dict[str, Any] | None:
    """The alert that a record raises: the first rule that holds names it. A failed channel is null, and raises none."""
    try:
        reading = dict(json.loads(record or b"null"))
        held = [label for field, holds, label in RULES if reading.get(field) is not None and holds(reading[field])]
    except (TypeError, ValueError):
        # No JSON, no object, or text where a number belongs.
        return None
    return {name: reading.get(name) for name in FIELDS} | {"alert": held[0]} if held else None


def main() -> None:
    """Until a signal comes."""
    bootstrap, readings, alerts = sys.argv[1:]
    # A signal ends the loop and not the program: what the producer still holds is sent.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit())
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "plain-consumer", "auto.offset.reset": "latest"})
    consumer.subscribe([readings])
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
    try:
        while True:
            message = consumer.poll(0.1)
            if message is not None and message.error() is None and (alert := alert_of(message.value())):
                producer.produce(alerts, json.dumps(alert))
                producer.poll(0)
    finally:
        consumer.close()
        producer.flush(10)


if __name__ == "__main__":
    main()
