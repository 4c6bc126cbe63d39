"""``python -m pipeline.plain``: the alert job without Spark, one process as a user would write it by hand.

It reads, judges and writes the same topics as `pipeline.run` with its Kafka sink, and shares with it the
rules as data and what travels, nothing else: a second engine to hold Spark's figures against. It keeps no
offsets: what it had read when it ended is read again by the next one that begins at the earliest. And its
parser of JSON has limits of its own: a number beyond a double's range, or half a surrogate pair, is no JSON to it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import orjson
import typer
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from base.durations import parse_duration_s
from base.errors import ComponentFailed, ExitCode, one_line_errors
from base.kafka import QUIET, Admin
from base.kafka_config import read_kafka_config
from base.kafka_security import librdkafka_settings
from pipeline.announce import Announcer
from pipeline.rules import AlertRule, load_rules
from pipeline.stopping import Stop
from pipeline.topics import create_missing, job_topics, require_topic
from wire.alert import ALERT_COLUMNS, alert_id
from wire.reading import CHANNELS, epoch_seconds
from wire.reject import (
    EMPTY,
    MAX_REJECT_BYTES,
    NO_SENSOR_ID,
    NO_TIMESTAMP,
    NOT_FINITE,
    NOT_JSON,
    REJECT_HEADERS,
)
from wire.topics import Topics

#: The most records that are judged together.
MOST_AT_ONCE: Final = 10_000

_HOLDS = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}
_LONG = 2**63
_MAX_EVENT_US = 9e18
_PROGRESS_S = 1.0

Headers = list[tuple[str, str | bytes | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a batch of records becomes: alerts as (key, value), rejects as (index of the record, reason)."""

    alerts: list[tuple[bytes, bytes]]
    rejects: list[tuple[int, str]]


def judge(values: Sequence[bytes | None], rules: Sequence[AlertRule]) -> Judged:
    """Judge records' raw bytes, all rules on all readings at once."""
    readings: list[dict[str, Any]] = []
    rejects: list[tuple[int, str]] = []
    for index, value in enumerate(values):
        reading = parse(value)
        if isinstance(reading, str):
            rejects.append((index, reading))
        else:
            readings.append(reading)
    if not readings:
        return Judged(alerts=[], rejects=rejects)
    # None becomes NaN, on which no comparison holds.
    columns = {
        name: np.array([reading.get(name) for reading in readings], dtype=np.float64)
        for name in {rule.field for rule in rules}
    }
    holds = np.array([_HOLDS[rule.comparison](columns[rule.field], rule.threshold) for rule in rules])
    alerts = []
    for at in np.flatnonzero(holds.any(axis=0)):
        fired = [rule for rule, held in zip(rules, holds[:, at], strict=True) if held]
        alerts.append(_alert(readings[at], fired))
    return Judged(alerts=alerts, rejects=rejects)


def parse(value: bytes | None) -> dict[str, Any] | str:
    """A record's reading, `timestamp` in epoch seconds and `event_us` beside it; or why it is a reject."""
    if not value:
        return EMPTY
    try:
        reading = orjson.loads(value)
    except orjson.JSONDecodeError:
        return NOT_JSON
    if type(reading) is not dict or not all(_is_typed(reading, name) for name in (*CHANNELS, "timestamp")):
        return NOT_JSON
    if not all(_is_long(reading.get(name)) for name in ("sensor_id", "seq")):
        return NOT_JSON
    if reading.get("sensor_id") is None:
        return NO_SENSOR_ID
    if reading.get("timestamp") is None:
        return NO_TIMESTAMP
    seconds = epoch_seconds(reading["timestamp"])
    if not abs(seconds * 1e6) <= _MAX_EVENT_US:
        return NOT_FINITE
    return reading | {"timestamp": seconds, "event_us": round(seconds * 1e6)}


def _is_typed(reading: dict[str, Any], name: str) -> bool:
    return type(reading.get(name)) in (float, int, type(None))


def _is_long(number: Any) -> bool:
    return number is None or (type(number) is int and -_LONG <= number < _LONG)


def _alert(reading: dict[str, Any], fired: Sequence[AlertRule]) -> tuple[bytes, bytes]:
    first, seq = fired[0], reading.get("seq")
    name = alert_id(reading["sensor_id"], seq, first.id, reading["event_us"])
    alert = {column: reading.get(column) for column in ALERT_COLUMNS} | {"alert": first.label, "seq": seq}
    alert |= {"rule": first.id, "fired": [rule.id for rule in fired], "alert_id": name}
    return name.encode(), orjson.dumps(alert)


def batches(consumer: Consumer, wait_s: float) -> Iterator[list[Message]]:
    """What has come, again and again: a wait for the first record, and all that are there with it."""
    while True:
        first = consumer.poll(wait_s)
        yield [] if first is None else [first, *consumer.consume(MOST_AT_ONCE, timeout=0)]


class Job:
    """Source topic in, alerts and rejects out."""

    def __init__(
        self, *, bootstrap: str, topics: Topics, rules: Sequence[AlertRule], settings: dict[str, str], latest: bool
    ) -> None:
        self._topics, self._rules = topics, rules
        self._failed: str | None = None
        admin = Admin(bootstrap, settings)
        partitions = require_topic(admin, topics.readings, flag="--topic")
        create_missing(admin, (topics.alerts, topics.rejects))
        common: dict[str, Any] = {"bootstrap.servers": bootstrap, **QUIET, **settings}
        self._consumer = Consumer({**common, "group.id": "alertbench-plain", "enable.auto.commit": False})
        ends = admin.end_offsets(topics.readings) if latest else dict.fromkeys(range(partitions), 0)
        self._consumer.assign([TopicPartition(topics.readings, part, offset) for part, offset in ends.items()])
        # An alert leaves at once, and in order.
        self._producer = Producer({**common, "linger.ms": 0, "enable.idempotence": True})

    def run(self, stop: Stop, announce: Announcer, for_s: float | None) -> tuple[int, int]:
        """Until ``stop`` is asked for, or ``for_s`` is over; how many records, in how many batches."""
        records = count = 0
        began = told = time.monotonic()
        for messages in batches(self._consumer, wait_s=0.05):
            now = time.monotonic()
            if stop.asked() or (for_s is not None and now - began >= for_s):
                stop.ask("duration")
                break
            if messages:
                records += self._take(messages)
                count += 1
            if now - told >= _PROGRESS_S and records:
                took_ms = round((time.monotonic() - now) * 1000)
                announce("progress", sink="kafka", batches=count, rows=records, last_batch_ms=took_ms)
                told = now
        return records, count

    def close(self) -> None:
        """Send all that is left; raises `ComponentFailed` if the cluster did not take something."""
        self._consumer.close()
        left = self._producer.flush(10.0)
        if self._failed is not None or left:
            raise ComponentFailed(f"{self._failed or f'{left} records were not acknowledged within 10 s'}")

    def _take(self, messages: Sequence[Message]) -> int:
        for message in messages:
            if (error := message.error()) is not None:
                raise ComponentFailed(f"reading {self._topics.readings}: {error.str()}")
        judged = judge([message.value() for message in messages], self._rules)
        for name, alert in judged.alerts:
            self._send(self._topics.alerts, name, alert)
        for index, reason in judged.rejects:
            self._reject(messages[index], reason)
        self._producer.poll(0)
        return len(messages)

    def _reject(self, message: Message, reason: str) -> None:
        key, value = message.key(), message.value()
        told = (reason, message.topic(), message.partition(), message.offset(), len(value or b""))
        headers: Headers = [(name, str(text).encode()) for name, text in zip(REJECT_HEADERS, told, strict=True)]
        self._send(self._topics.rejects, key and key[:MAX_REJECT_BYTES], value and value[:MAX_REJECT_BYTES], headers)

    def _send(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers | None = None) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, headers=headers or [], on_delivery=self._delivered)
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def _delivered(self, error: Any, message: Message) -> None:
        if error is not None:
            self._failed = f"the cluster did not take a record of {message.topic()}: {error.str()}"


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@one_line_errors
def main(
    bootstrap: Annotated[str, typer.Option(help="The Kafka cluster, HOST:PORT.")] = "localhost:9092",
    topic: Annotated[str, typer.Option(help="Topic of the readings; it must exist.")] = "sensor",
    alerts_topic: Annotated[str, typer.Option(help="Topic for alerts; created if missing.")] = "alerts",
    rejects_topic: Annotated[
        str | None,
        typer.Option(help="Topic for malformed records; created if missing. \\[default: TOPIC-rejected]"),
    ] = None,
    rules: Annotated[Path | None, typer.Option(help="TOML file of rules. \\[default: the five seed rules]")] = None,
    for_: Annotated[str | None, typer.Option("--for", help="Stop after this long. \\[default: run on]")] = None,
    from_end: Annotated[bool, typer.Option("--from-end", help="Begin with what comes next.")] = False,
    kafka_config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file for a secured cluster (docs/secured-clusters.md).")
    ] = None,
    json_events: Annotated[bool, typer.Option(help="JSON lines on stdout; `stop` or EOF on stdin ends.")] = False,
) -> None:
    """Turn sensor readings into alerts in one process, without Spark, until Ctrl-C.

    The same topics, rules, alerts and rejects as pipeline.run: what a job costs that is written by hand.
    """
    topics = job_topics(topic, alerts_topic, rejects_topic)
    for_s = None if for_ is None else parse_duration_s(for_, field="--for")
    loaded, settings = load_rules(rules), librdkafka_settings(read_kafka_config(kafka_config))
    announce, stop = Announcer(json_events=json_events), Stop()
    stop.heed_signals()
    if json_events:
        stop.heed_stdin()
    job = Job(bootstrap=bootstrap, topics=topics, rules=loaded, settings=settings, latest=from_end)
    to = f"{topics.alerts} and {topics.rejects}"
    announce("started", sink="kafka", trigger="as it comes", topic=topic, to=to, profile="plain")
    began = time.monotonic()
    try:
        records, count = job.run(stop, announce, for_s)
    finally:
        job.close()
    seconds = time.monotonic() - began
    announce("stopped", reason=stop.reason, sink="kafka", rows=records, batches=count, last_batch_ms=0, seconds=seconds)
    if stop.reason == "SIGINT":
        raise typer.Exit(int(ExitCode.INTERRUPTED))


if __name__ == "__main__":
    app()
