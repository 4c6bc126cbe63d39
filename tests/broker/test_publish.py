"""What stands in a topic after publishing, with a real broker."""

from __future__ import annotations

import subprocess
import sys
import uuid

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from base.kafka import Admin
from bench.topic_reader import read_topic

pytestmark = pytest.mark.broker

STREAM = ["--scenario", "hostile", "--sensors", "60", "--start", "scenario", "--speedup", "2880", "--for", "3s"]


@pytest.fixture
def topics(broker):
    """Two topics of four partitions, gone afterwards."""
    names, admin = [f"test-{uuid.uuid4().hex}" for _ in range(2)], Admin(broker.bootstrap)
    for name in names:
        admin.create(name, partitions=4)
    yield names
    admin.delete(names)


def published(broker, topic: str, *options: str) -> pl.DataFrame:
    """The records after a publisher has sent the stream there: by partition and key, in order."""
    command = [sys.executable, "-m", "sim.publish", "--bootstrap", broker.bootstrap, "--topic", topic]
    subprocess.run([*command, *STREAM, *options], check=True, capture_output=True)
    records = read_topic(broker.bootstrap, topic, {}).sort("partition", "offset")
    return records.select("partition", "key", "value").sort("partition", "key", maintain_order=True)


@pytest.mark.parametrize("paced", [[], ["--unpaced"]], ids=["paced", "unpaced"])
def test_workers_fill_a_topic_as_one_process_does(broker, topics, paced: list[str]):
    """Same bytes under the same keys in the same partitions, each key's in the same order."""
    alone = published(broker, topics[0], *paced)
    together = published(broker, topics[1], *paced, "--workers", "3")
    assert alone.height > 500
    assert_frame_equal(together, alone)


def test_shards_of_two_machines_are_the_whole(broker, topics):
    """Two publishers that know nothing of each other send one stream between them."""
    whole = published(broker, topics[0], "--unpaced")
    first = published(broker, topics[1], "--unpaced", "--shard", "1/2")
    assert 0 < first.height < whole.height
    assert_frame_equal(published(broker, topics[1], "--unpaced", "--shard", "2/2"), whole)
