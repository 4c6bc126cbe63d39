"""A relay from one topic to others that tampers with what passes: holds it back, loses, doubles or forges it.

``python -m bench.trust.relay --bootstrap HOST:PORT --source T --to T2 ...`` runs until it reads ``stop``, sends what
it still holds, and tells what it did. The bench's probes pass untouched.
"""

from __future__ import annotations

import gc
import heapq
import itertools
import select
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import orjson
import typer
from confluent_kafka import Consumer, Producer

from base.errors import one_line_errors
from base.jsonl import emit
from base.kafka import QUIET
from base.kafka_config import read_kafka_config
from base.kafka_security import librdkafka_settings
from bench.collector import assign_all, consumer_settings
from wire.topics import PROBE_SENSOR_ID

#: A forged alert comes beside every so many true ones, until there are enough.
FORGED_EVERY: Final = 97


class Record(NamedTuple):
    """A record on its way: ``timestamp`` is its broker stamp, ms."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int


@dataclass(kw_only=True)
class Tamper:
    """What happens to the records of one topic; without settings, nothing but a hop."""

    #: Target topic -> how long after its append a record is passed on there, ms.
    hold_ms: dict[str, float]
    #: Every so many records, one is lost, or sent twice; 0: never.
    lose_every: int = 0
    twice_every: int = 0
    #: How many alerts that nothing gave cause to are put between.
    forge: int = 0
    #: The most that passes in a second; None: as it comes.
    per_second: float | None = None
    #: What was done: partition and offset of each record lost, and counts.
    lost: list[tuple[int, int]] = field(default_factory=list)
    twice: int = 0
    forged: int = 0
    passed: int = 0
    _free_ns: int = 0

    def __call__(self, record: Record, now_ns: int) -> list[tuple[int, Record]]:
        """What is to be sent for ``record``, each with its instant in wall ns."""
        if is_probe(record.value):
            return self._timed([record], now_ns)
        self.passed += 1
        if self.lose_every and self.passed % self.lose_every == 0:
            self.lost.append((record.partition, record.offset))
            return []
        sent = [record]
        # Half a period off, so that nothing is both lost and doubled.
        if self.twice_every and self.passed % self.twice_every == self.twice_every // 2:
            self.twice += 1
            sent.append(record)
        if self.forged < self.forge and self.passed % FORGED_EVERY == 0:
            self.forged += 1
            sent.append(forged(record))
        return self._timed(sent, now_ns)

    def _timed(self, records: list[Record], now_ns: int) -> list[tuple[int, Record]]:
        timed = []
        for record in records:
            # The broker cuts its stamp to a millisecond: its middle is meant.
            appended_ns = record.timestamp * 1_000_000 + 500_000
            for topic, hold_ms in self.hold_ms.items():
                due_ns = appended_ns + round(hold_ms * 1e6) if hold_ms else now_ns
                if self.per_second is not None:
                    due_ns = self._free_ns = max(due_ns, self._free_ns + round(1e9 / self.per_second))
                timed.append((due_ns, record._replace(topic=topic)))
        return timed


def is_probe(value: bytes | None) -> bool:
    """Whether a reading or an alert is one of the bench's own."""
    try:
        found: Any = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and found.get("sensor_id") == PROBE_SENSOR_ID


def forged(record: Record) -> Record:
    """An alert of a rule that does not exist, on the reading of a true one."""
    alert = orjson.loads(record.value or b"{}")
    alert |= {"alert": "Forged", "rule": "forged", "fired": ["forged"], "alert_id": f"{alert['alert_id']}-forged"}
    return record._replace(value=orjson.dumps(alert))


def relay(consumer: Consumer, send: Callable[[Record], None], tamper: Tamper) -> None:
    """Pass records on until told to stop, and then what is still held."""
    held: list[tuple[int, int, Record]] = []
    number = itertools.count()
    stdin = sys.stdin.fileno()
    stopping = False
    gc.disable()
    while held or not stopping:
        wait_s = 0.05 if not held else min(max((held[0][0] - time.time_ns()) / 1e9, 0.0), 0.05)
        message = consumer.poll(wait_s)
        while message is not None:
            if message.error() is None:
                record = Record(
                    topic=message.topic() or "",
                    partition=message.partition() or 0,
                    offset=message.offset() or 0,
                    key=message.key(),
                    value=message.value(),
                    timestamp=message.timestamp()[1],
                )
                for due_ns, out in tamper(record, time.time_ns()):
                    heapq.heappush(held, (due_ns, next(number), out))
            # What is due goes first, however much there is to read.
            message = consumer.poll(0) if not held or held[0][0] > time.time_ns() else None
        while held and held[0][0] <= time.time_ns():
            send(heapq.heappop(held)[2])
        stopping = stopping or (
            bool(select.select([stdin], [], [], 0)[0]) and sys.stdin.readline().strip() in ("", "stop")
        )


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    bootstrap: Annotated[str, typer.Option(help="Kafka's HOST:PORT.")],
    source: Annotated[str, typer.Option(help="The topic that is read.")],
    to: Annotated[list[str], typer.Option(metavar="TOPIC[=MS]", help="Where to, and how long after its append.")],
    lose_every: Annotated[int, typer.Option(help="Lose one in so many.")] = 0,
    twice_every: Annotated[int, typer.Option(help="Send one in so many twice.")] = 0,
    forge: Annotated[int, typer.Option(help="Put so many made-up alerts between.")] = 0,
    per_second: Annotated[float | None, typer.Option(help="Pass no more than this in a second.")] = None,
    kafka_config: Annotated[Path | None, typer.Option(metavar="FILE", help="TOML file for a secured cluster.")] = None,
) -> None:
    """Pass records on and tamper with them; started and stopped by bench.trust."""
    settings = librdkafka_settings(read_kafka_config(kafka_config))
    consumer = Consumer(consumer_settings(bootstrap, settings))
    producer = Producer(
        {"bootstrap.servers": bootstrap, "linger.ms": 0, "enable.idempotence": True, **QUIET, **settings}
    )

    def send(record: Record) -> None:
        producer.produce(
            record.topic, value=record.value, key=record.key, partition=record.partition, timestamp=record.timestamp
        )
        producer.poll(0)

    holds = (target.partition("=") for target in to)
    tamper = Tamper(
        hold_ms={topic: float(hold or 0) for topic, _, hold in holds},
        lose_every=lose_every,
        twice_every=twice_every,
        forge=forge,
        per_second=per_second,
    )
    try:
        assign_all(consumer, [source], offset=0)
        emit("ready")
        relay(consumer, send, tamper)
        left = producer.flush(30)
    finally:
        consumer.close()
    emit("done", passed=tamper.passed, lost=tamper.lost, twice=tamper.twice, forged=tamper.forged, unacknowledged=left)


if __name__ == "__main__":
    one_line_errors(app)()
