"""From a record's bytes to a reading: Spark's type for it, and the function that reads it (`ReadingParser.scala`).

It is written in Scala, as a function is that a Spark session shall run in its own JVM: of Spark 4.2's own
functions none reads JSON at half its speed (docs/performance.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, LongType, StringType, StructField, StructType

from base.scala import compiled
from wire.reading import CHANNELS, READING_FIELDS

_TYPES = {"sensor_id": LongType(), "seq": LongType(), "timestamp": DoubleType()} | dict.fromkeys(CHANNELS, DoubleType())

#: What a record is read as: a reading's fields, null where it has none, `timestamp` in epoch seconds and once
#: more in whole microseconds; or the `reason` (`wire.reject`) why it is a reject, and nothing else.
PARSED: Final = StructType(
    [
        *(StructField(name, _TYPES[name]) for name in READING_FIELDS),
        StructField("event_us", LongType()),
        StructField("reason", StringType()),
    ]
)

#: The function's name in SQL, and in plans.
PARSE_READING: Final = "parse_reading"


def parser_jar() -> Path:
    """The jar that a session needs for `register_parser`, compiled first if need be."""
    return compiled(Path(__file__).with_name("ReadingParser.scala"))


def register_parser(spark: SparkSession) -> None:
    """Make `parse_reading` known in the session, in SQL too: ``parse_reading(value).temperature``."""
    spark.udf.registerJavaFunction(PARSE_READING, "alertbench.ReadingParser", PARSED)


def parse_reading(record: Column) -> Column:
    """What each record of a binary column is read as (`PARSED`)."""
    return F.call_function(PARSE_READING, record)
