"""One Spark session for all Spark tests, started as the job starts it, and topics for those that need Kafka."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession
from spark.traffic import fresh_topics

from bench.broker.embedded import EmbeddedBroker
from pipeline.profiles import TUNED
from pipeline.session import spark_session
from wire.topics import Topics


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The session of all Spark tests; three slots, as real-time mode wants one per partition and more."""
    with spark_session("local[3]", TUNED, tmp_path_factory.mktemp("spark")) as session:
        yield session


@pytest.fixture
def topics(broker: EmbeddedBroker) -> Topics:
    """Three fresh topics: two partitions of readings, one of alerts, one of rejects."""
    return fresh_topics(broker.bootstrap, partitions=2)
