"""Spark's types for what travels, derived from `wire`."""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import DoubleType, LongType, StringType, StructField, StructType

from wire.reading import CHANNELS, READING_FIELDS

#: Where Spark puts the text of a record that it cannot read as a reading. Readings that have such a
#: field are none the worse: Spark ignores it.
CORRUPT: Final = "_corrupt"

_TYPES = {"sensor_id": LongType(), "seq": LongType(), "timestamp": DoubleType()} | dict.fromkeys(CHANNELS, DoubleType())

#: A reading as `from_json` must find it. Everything is nullable: what may be missing is judged later.
READING: Final = StructType(
    [*(StructField(name, _TYPES[name]) for name in READING_FIELDS), StructField(CORRUPT, StringType())]
)

#: Strict JSON. Spark's defaults also take 'single quotes' and NaN; wrong types land in `CORRUPT`.
JSON_OPTIONS: Final = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": CORRUPT,
    "allowNonNumericNumbers": "false",
    "allowSingleQuotes": "false",
}
