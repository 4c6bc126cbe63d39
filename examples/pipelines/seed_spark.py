"""The seed's Spark job, from Kafka to Kafka, as one usually writes it: PySpark alone, nothing of alertbench.

python seed_spark.py --bootstrap HOST:PORT --topic sensor --alerts-topic alerts --trigger 1s --checkpoint DIR

It reads seven fields (no `seq`), labels each reading by the first of five rules that holds, and sends the eight
columns of those on which one does (no `alert_id`). A record that is no JSON becomes nulls, on which no rule holds.
SIGTERM needs no code: it ends Python at once, and the JVM by its own shutdown hook.
"""

from __future__ import annotations

import argparse
import re

import pyspark
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

SCHEMA = (
    "sensor_id INT, temperature DOUBLE, humidity DOUBLE, rainfall DOUBLE, wind_speed DOUBLE, UV_index DOUBLE, "
    "timestamp DOUBLE"
)
ALERT_COLUMNS = ("sensor_id", "temperature", "humidity", "timestamp", "rainfall", "wind_speed", "UV_index", "alert")
UNITS = {"ms": "milliseconds", "s": "seconds", "min": "minutes", "h": "hours", "d": "days"}


def alerts_of(rows: DataFrame) -> DataFrame:
    """From Kafka's rows to alerts as JSON, column `value`."""
    label = (
        F.when(F.col("temperature") > 35, "High Temperature")
        .when(F.col("humidity") < 20, "Low Humidity")
        .when(F.col("UV_index") > 8, "High UV Index")
        .when(F.col("rainfall") > 50, "Heavy Rainfall")
        .when(F.col("wind_speed") > 20, "High Wind Speed")
        .otherwise("No Alert")
    )
    return (
        rows.select(F.from_json(F.col("value").cast("string"), SCHEMA).alias("reading"))
        .select("reading.*")
        .withColumn("alert", label)
        .where("temperature > 35 OR humidity < 20 OR UV_index > 8 OR rainfall > 50 OR wind_speed > 20")
        .select(F.to_json(F.struct(*ALERT_COLUMNS), {"ignoreNullFields": "false"}).alias("value"))
    )


def processing_time(text: str) -> str:
    """``1s`` as Spark spells it, ``1 seconds``; ``0s`` is as soon as the last batch has ended."""
    match = re.fullmatch(r"([\d.]+)(ms|s|min|h|d)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"'{text}' is no processing time; write 0s, 500ms or 1s")
    return f"{match[1]} {UNITS[match[2]]}"


def session(jars: str | None) -> SparkSession:
    """Spark with its Kafka connector: from ``jars``, files with commas between, or else from Maven Central."""
    builder = SparkSession.builder.appName("seed")
    if jars is not None:
        return builder.config("spark.jars", jars).getOrCreate()
    connector = f"org.apache.spark:spark-sql-kafka-0-10_2.13:{pyspark.__version__}"
    return builder.config("spark.jars.packages", connector).getOrCreate()


def main() -> None:
    """One query, until a signal comes."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "topic", "alerts-topic", "checkpoint"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--trigger", type=processing_time, default="1s")
    parser.add_argument("--jars", help="the connector and its three companions, commas between  [Maven Central]")
    given = parser.parse_args()

    rows = (
        session(given.jars)
        .readStream.format("kafka")
        .option("kafka.bootstrap.servers", given.bootstrap)
        .option("subscribe", given.topic)
        .load()
    )
    query = (
        alerts_of(rows)
        .writeStream.format("kafka")
        .option("kafka.bootstrap.servers", given.bootstrap)
        .option("topic", given.alerts_topic)
        .option("checkpointLocation", given.checkpoint)
        .trigger(processingTime=given.trigger)
        .start()
    )
    query.awaitTermination()


if __name__ == "__main__":
    main()
