"""The job as it is usually written: parse, label, keep what has a label. The twin that ours is measured beside.

It does less than the pipeline: no reject is told, nothing is counted, and of an alert there are the eight
columns only. It is what a first version looks like, and what most tutorials end with.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wire.alert import ALERT_COLUMNS, NO_ALERT

_SCHEMA = (
    "sensor_id INT, temperature DOUBLE, humidity DOUBLE, rainfall DOUBLE, wind_speed DOUBLE, UV_index DOUBLE, "
    "timestamp DOUBLE"
)


def obvious(kafka_rows: DataFrame, alerts_topic: str) -> DataFrame:
    """Kafka's rows to rows for the Kafka sink: `topic`, `key`, `value`."""
    readings = kafka_rows.select(F.from_json(F.col("value").cast("string"), _SCHEMA).alias("data")).select("data.*")
    labelled = readings.withColumn(
        "alert",
        F.when(F.col("temperature") > 35, "High Temperature")
        .when(F.col("humidity") < 20, "Low Humidity")
        .when(F.col("UV_index") > 8, "High UV Index")
        .when(F.col("rainfall") > 50, "Heavy Rainfall")
        .when(F.col("wind_speed") > 20, "High Wind Speed")
        .otherwise(NO_ALERT),
    )
    alerts = labelled.filter(F.col("alert") != NO_ALERT)
    return alerts.select(
        F.lit(alerts_topic).alias("topic"),
        F.col("sensor_id").cast("string").alias("key"),
        F.to_json(F.struct(*ALERT_COLUMNS)).alias("value"),
    )
