"""The Spark job among the examples, which a newcomer may copy, on a batch."""

from __future__ import annotations

import json
import runpy

import pytest
from pyspark.sql import SparkSession
from spark.rows import kafka_rows, reading
from spark.seed_by_hand import GOLDEN, GOLDEN_COLUMNS

from base.paths import PROJECT_ROOT
from wire.alert import ALERT_COLUMNS

pytestmark = pytest.mark.spark

EXAMPLE = runpy.run_path(str(PROJECT_ROOT / "examples" / "pipelines" / "seed_spark.py"))


def alerts(spark: SparkSession, *records: bytes | None) -> list[dict]:
    """What the example makes of Kafka records."""
    return [json.loads(row.value) for row in EXAMPLE["alerts_of"](kafka_rows(spark, records)).collect()]


def test_golden_rows(spark: SparkSession):
    """The seed's own readings raise the seed's own alerts, eight columns each, in its order."""
    found = alerts(spark, *(json.dumps(dict(zip(GOLDEN_COLUMNS, row, strict=True))).encode() for row, _ in GOLDEN))
    assert {tuple(alert) for alert in found} == {ALERT_COLUMNS}
    assert [tuple(alert.values()) for alert in found] == [(*row, label) for row, label in GOLDEN if label != "No Alert"]


def test_a_failed_channel_is_null_in_the_alert(spark: SparkSession):
    """It raises nothing itself, and does not hide what another channel raises."""
    (alert,) = alerts(spark, reading(temperature=None, humidity=19.9))
    assert (alert["alert"], alert["temperature"]) == ("Low Humidity", None)


def test_malformed_records_do_not_end_the_query(spark: SparkSession):
    """ANSI mode is on, and what is no JSON, or has text where a number belongs, raises no alert and no error."""
    malformed = [b'{"sensor_id":', b"[1]", b"\xff", b"", None, reading(temperature="hot"), reading(timestamp="now")]
    (alert,) = alerts(spark, *malformed, reading(temperature=36))
    assert alert["alert"] == "High Temperature"


@pytest.mark.parametrize(
    ("told", "spark_says"), [("0s", "0 seconds"), ("500ms", "500 milliseconds"), ("1.5s", "1.5 seconds")]
)
def test_triggers_as_the_bench_spells_them(spark: SparkSession, told: str, spark_says: str):
    """Spark takes what the example makes of them."""
    assert EXAMPLE["processing_time"](told) == spark_says
    spark.readStream.format("rate").load().writeStream.trigger(processingTime=spark_says)
