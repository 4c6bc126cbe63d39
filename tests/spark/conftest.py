"""One Spark session for all Spark tests, started as the job starts it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from pipeline.profiles import TUNED
from pipeline.session import spark_session


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The session of all Spark tests; three slots, as real-time mode wants one per partition and more."""
    with spark_session("local[3]", TUNED, tmp_path_factory.mktemp("spark")) as session:
        yield session
