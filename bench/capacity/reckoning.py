"""A trial's source topic, by the publisher's log: its ends and a sample are looked at, the rest is not read back.

Reading millions of readings back takes as long as the trial, beside a Spark that is warming up for the next one. What
stands in the topic is known without: what was sent and acknowledged, in the order of sending (the publisher is
idempotent), each key in the partition that the publisher's partitioner, that of Java's clients, puts it into. Where the
topic's ends or any of the sampled records say otherwise, all is read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import orjson
import polars as pl
from confluent_kafka import Consumer, TopicPartition

from base.kafka import Admin
from bench.cell_parts import Bench
from bench.collector import consumer_settings
from bench.phases import RawCell, ReadBack, collected_of, read_back, watched
from bench.stamps import deliveries_frame
from sim.delivery_log import read_delivery_log
from wire.reading import key_of

#: In so many places of every partition (its begin, its end, between) so many records are compared with what should
#: stand there.
PLACES: Final = 3
SAMPLE: Final = 100
_WAIT_S: Final = 5.0


def read_trial(raw: RawCell, bench: Bench, required: pl.DataFrame) -> ReadBack:
    """What `read_back` gives of a trial, but for the time at which a reading was appended; or that, where they differ.

    ``required``: of every reading of the stream on which a rule holds, and of every one that is to be rejected,
    ``sensor_id``, ``seq`` and the columns of `bench.judge.SCHEMA`, once.
    """
    ends = Admin(bench.broker.bootstrap, bench.settings).end_offsets(raw.topics.readings)
    sent = reckoned(deliveries_frame(read_delivery_log(raw.delivery_log)), ends)
    if raw.published["unacked"] or sent is None or not _as_reckoned(raw, bench, sent):
        return read_back(raw, bench)
    own = [column for column in required.columns if column not in ("sensor_id", "seq")]
    judged = (
        sent.select("partition", "offset", "sensor_id", "seq", "occurrence")
        .join(required, on=["sensor_id", "seq"], how="inner", maintain_order="left")
        .with_columns(appended_ms=pl.lit(None, pl.Int64))
        .select("partition", "offset", "appended_ms", "sensor_id", "seq", *own, "occurrence")
    )
    return ReadBack(judged=judged, collected=collected_of(raw, bench), watched=watched(raw.topics, bench))


def reckoned(deliveries: pl.DataFrame, ends: Mapping[int, int]) -> pl.DataFrame | None:
    """``deliveries`` (`deliveries_frame`) with the ``partition`` and ``offset`` where each should stand.

    ``ends``: one past the last offset of every partition; the last record of each is the probe that showed that it had
    drained, and before the first delivery come the probes that showed that the pipeline was ready. None: there is less
    than that in a partition.
    """
    sensors = deliveries["sensor_id"].unique()
    parts = [partition_of(key_of(sensor), len(ends)) for sensor in sensors]
    home = pl.DataFrame({"sensor_id": sensors, "partition": parts}, schema_overrides={"partition": pl.Int32})
    sent = deliveries.join(home, on="sensor_id", how="left", maintain_order="left")
    counts = dict(sent.group_by("partition").len().iter_rows())
    begins = {part: end - 1 - counts.get(part, 0) for part, end in ends.items()}
    if min(begins.values()) < 0:
        return None
    begin = pl.col("partition").replace_strict(begins, return_dtype=pl.Int64)
    return sent.with_columns(offset=begin + pl.int_range(pl.len()).over("partition"))


def partition_of(key: bytes, partitions: int) -> int:
    """Where Java's clients put ``key``: murmur2 as in ``org.apache.kafka.common.utils.Utils``, without its sign."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(key)
    whole = len(key) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * m & mask
        h = h * m & mask ^ (k ^ k >> 24) * m & mask
    if whole < len(key):
        h = (h ^ int.from_bytes(key[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return ((h ^ h >> 15) & 0x7FFFFFFF) % partitions


def _as_reckoned(raw: RawCell, bench: Bench, sent: pl.DataFrame) -> bool:
    """Whether a sample of the source topic holds the readings that are expected there."""
    consumer = Consumer(consumer_settings(bench.broker.bootstrap, bench.settings))
    try:
        for part in sent.partition_by("partition"):
            for row in np.linspace(0, max(0, part.height - SAMPLE), PLACES).astype(int):
                expected = part.slice(row, SAMPLE)
                first = expected.row(0, named=True)
                consumer.assign([TopicPartition(raw.topics.readings, first["partition"], first["offset"])])
                found = consumer.consume(expected.height, timeout=_WAIT_S)
                if len(found) < expected.height or any(
                    message.error() is not None or not holds(message.value(), sensor_id, seq)
                    for message, sensor_id, seq in zip(found, expected["sensor_id"], expected["seq"], strict=True)
                ):
                    return False
    finally:
        consumer.close()
    return True


def holds(value: bytes | None, sensor_id: int, seq: int) -> bool:
    """Whether ``value`` is that reading; one that a fault has garbled may be any."""
    try:
        reading = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return True
    if not isinstance(reading, dict) or not {"sensor_id", "seq"} <= reading.keys():
        return True
    return bool(reading["sensor_id"] == sensor_id and reading["seq"] == seq)
