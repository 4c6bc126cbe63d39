"""A reject: key and raw bytes of a malformed record, with the reason and its origin in the headers."""

from __future__ import annotations

from typing import Final

#: A reject's key and value are cut at so many bytes each; the header `original_length` tells the value's
#: whole length.
MAX_REJECT_BYTES: Final = 64 * 1024

#: Names of the headers, all values UTF-8 text.
REJECT_HEADERS: Final = ("reason", "topic", "partition", "offset", "original_length")

#: Why a record is rejected, in the order in which the reasons are tried.
EMPTY: Final = "empty record"
NOT_JSON: Final = "no JSON object, or a field of the wrong type"
NO_SENSOR_ID: Final = "missing sensor_id"
NO_TIMESTAMP: Final = "missing timestamp"
NOT_FINITE: Final = "a number is not finite"
REASONS: Final = (EMPTY, NOT_JSON, NO_SENSOR_ID, NO_TIMESTAMP, NOT_FINITE)
