"""Reads alerts (and rejects) as a downstream system would, and stamps the moment each is seen.

``python -m bench.collector --bootstrap HOST:PORT --topic T [--topic T2] --out FILE`` runs until its
stdin closes or it reads ``stop``. It waits for the first message with poll() and takes the rest
without waiting, so that its own share stays below a millisecond. Parsing comes after the stamp.
"""

from __future__ import annotations

import gc
import select
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from confluent_kafka import Consumer, TopicPartition

from base.errors import one_line_errors
from base.jsonl import emit
from base.kafka import QUIET
from base.kafka_config import read_kafka_config
from base.kafka_security import librdkafka_settings
from bench import clock
from bench.messages import MessageLog, read_message_log
from wire.topics import PROBE_SENSOR_ID

#: At most this many (event time, seen) pairs a second leave the collector while it reads.
LIVE_SAMPLES = 300


class Samples:
    """Pairs (event time in s, seen in wall ns) of some of a second's alerts, evenly among all of them.

    The first of a second would not do: those of a batch come in one burst, the longest waiting first.
    """

    def __init__(self) -> None:
        self.pairs: list[tuple[float, int]] = []
        self._every = 1
        self._came = 0

    def add(self, event_s: float, seen_ns: int) -> None:
        """One more alert."""
        if self._came % self._every == 0:
            self.pairs.append((event_s, seen_ns))
            if len(self.pairs) > LIVE_SAMPLES:
                del self.pairs[1::2]
                self._every *= 2
        self._came += 1


def assign_all(consumer: Consumer, topics: list[str], offset: int) -> None:
    """Read every partition of ``topics`` from ``offset``, without a group and its rebalances."""
    metadata = consumer.list_topics(timeout=10).topics
    consumer.assign([TopicPartition(name, part, offset) for name in topics for part in metadata[name].partitions])


def consumer_settings(bootstrap: str, extra: dict[str, str]) -> dict[str, Any]:
    """librdkafka settings of a measuring reader: every message at once, nothing committed."""
    return {
        "bootstrap.servers": bootstrap,
        "group.id": "alertbench-reader",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "fetch.min.bytes": 1,
        # Only a cap on an empty fetch; a message ends the wait at once.
        "fetch.wait.max.ms": 100,
        "fetch.queue.backoff.ms": 1,
        # Aborted transactions are the pipeline's business; waiting for them would be our delay.
        "isolation.level": "read_uncommitted",
        **QUIET,
        **extra,
    }


def collect(consumer: Consumer, alerts_topic: str, log: MessageLog) -> None:
    """Read into ``log`` until told to stop; emits ``probe`` for each probe's alert, ``progress`` once a second."""
    alerts = 0
    samples = Samples()
    next_report = time.monotonic() + 1.0
    stdin = sys.stdin.fileno()
    # Nothing here makes cycles, and a full collection would be our own stall.
    gc.disable()
    while True:
        message = consumer.poll(0.05)
        while message is not None:
            seen_ns = clock.wall_ns()
            if message.error() is None:
                log.add(message, seen_ns)
                if message.topic() == alerts_topic:
                    alerts += 1
                    _notice(message.value(), seen_ns, samples)
            message = consumer.poll(0)
        now = time.monotonic()
        if now >= next_report:
            emit("progress", alerts=alerts, other=log.messages - alerts, samples=samples.pairs)
            log.flush()
            samples = Samples()
            next_report = now + 1.0
        if select.select([stdin], [], [], 0)[0] and sys.stdin.readline().strip() in ("", "stop"):
            return


def _notice(value: bytes | None, seen_ns: int, samples: Samples) -> None:
    try:
        alert = orjson.loads(value or b"")
        sensor_id, timestamp = alert["sensor_id"], alert["timestamp"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return
    # A pipeline of someone else's may send anything; it is scored later, and no probe has come back.
    if not isinstance(timestamp, int | float):
        return
    if sensor_id == PROBE_SENSOR_ID:
        emit("probe", timestamp=timestamp, seq=alert.get("seq"), seen_ns=seen_ns)
    else:
        samples.add(timestamp, seen_ns)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    bootstrap: Annotated[str, typer.Option(help="Kafka's HOST:PORT.")],
    topic: Annotated[list[str], typer.Option(help="Topics to read, the alerts' first.")],
    out: Annotated[Path, typer.Option(help="Parquet file for every message read.")],
    kafka_config: Annotated[Path | None, typer.Option(metavar="FILE", help="TOML file for a secured cluster.")] = None,
) -> None:
    """Stamp every message of the topics as it is seen; started and stopped by bench.run."""
    consumer = Consumer(consumer_settings(bootstrap, librdkafka_settings(read_kafka_config(kafka_config))))
    try:
        assign_all(consumer, topic, offset=0)
        emit("ready")
        with MessageLog(out.with_suffix(".log"), topic) as log:
            collect(consumer, topic[0], log)
    finally:
        consumer.close()
    # Only now: a table takes memory and time, which the cell needs while it is measured.
    read_message_log(out.with_suffix(".log"), topic).write_parquet(out)
    out.with_suffix(".log").unlink()
    emit("done", messages=log.messages)


if __name__ == "__main__":
    one_line_errors(app)()
