"""What all records share: unknown keys are errors."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1
#: Changes whenever a number's meaning does: results of different methods are not comparable.
METHOD_VERSION = "2"

Verdict = Literal["valid", "invalid", "inconclusive"]

#: Under so many repeats, and without stored noise of this machine, no difference is put into words.
REPEATS_FOR_WORDS = 3
#: A percentile that fewer micro-batches contributed to is shown, and neither ranked nor put into words: the
#: alerts of a batch are late together.
BATCHES_FOR_WORDS = 20


class Record(BaseModel):
    """Base of all records: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")
