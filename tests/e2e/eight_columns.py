"""A pipeline as a user might have it: it begins with what comes next, and sends an alert's eight columns, no more.

Its rules are written out, once a poll it sends what it found, and it knows neither `seq` nor `alert_id`.
"""

from __future__ import annotations

import json
import signal
import sys

from confluent_kafka import Consumer, Producer

bootstrap, readings, alerts = sys.argv[1:]
stopped: list[int] = []
signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "mine", "auto.offset.reset": "latest"})
consumer.subscribe([readings])
producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})


def label(reading: dict[str, float | None]) -> str | None:
    """The seed's five rules, in their order."""
    beyond = {name: value for name, value in reading.items() if value is not None}
    if beyond.get("temperature", 0.0) > 35:
        return "High Temperature"
    if beyond.get("humidity", 100.0) < 20:
        return "Low Humidity"
    if beyond.get("UV_index", 0.0) > 8:
        return "High UV Index"
    if beyond.get("rainfall", 0.0) > 50:
        return "Heavy Rainfall"
    return "High Wind Speed" if beyond.get("wind_speed", 0.0) > 20 else None


while not stopped:
    message = consumer.poll(0.1)
    if message is None or message.error() is not None:
        continue
    reading = json.loads(message.value())
    if (said := label(reading)) is not None:
        del reading["seq"]
        producer.produce(alerts, json.dumps(reading | {"alert": said}))
        producer.poll(0)
consumer.close()
producer.flush(10)
