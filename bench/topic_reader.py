"""Reads a topic back, whole: what really stands there, after the cell has ended."""

from __future__ import annotations

import time

import polars as pl
from confluent_kafka import Consumer

from base.errors import ComponentFailed
from base.kafka import Admin
from bench.collector import assign_all, consumer_settings
from bench.messages import Columns, row_of


def read_topic(bootstrap: str, topic: str, settings: dict[str, str], *, timeout_s: float = 60.0) -> pl.DataFrame:
    """Every record of ``topic`` up to its present end, with the columns of `bench.messages.SCHEMA`."""
    # Throughput counts here, not latency: large fetches, large batches.
    reading = {"fetch.max.bytes": "67108864", "max.partition.fetch.bytes": "16777216", **settings}
    consumer = Consumer(consumer_settings(bootstrap, reading))
    read = Columns()
    try:
        wanted = sum(Admin(bootstrap, settings).end_offsets(topic).values())
        assign_all(consumer, [topic], offset=0)
        deadline = time.monotonic() + timeout_s
        # As long as records come, they are waited for.
        while len(read) < wanted:
            if time.monotonic() > deadline:
                raise ComponentFailed(
                    f"read {len(read):,} of {wanted:,} records of {topic}, and none more within {timeout_s:g} s"
                )
            for message in consumer.consume(10_000, timeout=0.05):
                deadline = time.monotonic() + timeout_s
                if message.error() is None:
                    read.add(row_of(message, seen_ns=0))
    finally:
        consumer.close()
    return read.frame()
