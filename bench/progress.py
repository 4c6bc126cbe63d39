"""Spark's own progress, as the pipeline wrote it down: batches with their offsets and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from bench.host import read_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch: when it began (wall ns), when its offsets were fixed, when it ended, what it read."""

    batch_id: int
    start_ns: int
    picked_ns: int
    end_ns: int
    rows: int
    #: partition -> (first offset, one past the last).
    offsets: dict[int, tuple[int, int]]


def read_batches(path: Path, topic: str) -> list[Batch]:
    """The batches of a progress file (a raw JSON progress a line) that read from ``topic``."""
    return [batch for line in read_seconds(path) if (batch := _batch(line, topic)) is not None]


def _offsets(text: Any, topic: str) -> dict[int, int]:
    value = orjson.loads(text) if isinstance(text, str) else text
    return {int(part): int(offset) for part, offset in (value or {}).get(topic, {}).items()}


def _batch(progress: dict[str, Any], topic: str) -> Batch | None:
    source = progress["sources"][0]
    end = _offsets(source.get("endOffset"), topic)
    begin = _offsets(source.get("startOffset"), topic)
    if not end:
        return None
    start_ns = int(datetime.fromisoformat(progress["timestamp"]).timestamp() * 1e3) * 1_000_000
    duration = progress["durationMs"]
    return Batch(
        batch_id=progress["batchId"],
        start_ns=start_ns,
        picked_ns=start_ns + duration.get("latestOffset", 0) * 1_000_000,
        end_ns=start_ns + duration.get("triggerExecution", 0) * 1_000_000,
        rows=progress["numInputRows"],
        offsets={part: (begin.get(part, 0), offset) for part, offset in end.items()},
    )


def picked_ns(
    batches: list[Batch], partition: npt.NDArray[np.int32], offset: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """When the batch that holds each record (n,) had fixed its offsets, wall ns; -1 where none is known."""
    result = np.full(len(offset), -1, dtype=np.int64)
    for part in np.unique(partition):
        mine = sorted((b.offsets[part][1], b.picked_ns) for b in batches if part in b.offsets and b.rows)
        if not mine:
            continue
        ends = np.array([end for end, _ in mine])
        times = np.array([time for _, time in mine], dtype=np.int64)
        rows = np.flatnonzero(partition == part)
        index = np.searchsorted(ends, offset[rows], side="right")
        known = index < len(ends)
        result[rows[known]] = times[index[known]]
    return result
