"""Batches are read from Spark's own progress; a reading is picked with the batch that holds its offset."""

from __future__ import annotations

import numpy as np
import orjson

from bench.progress import picked_ns, read_batches

AT = "2026-01-01T00:00:0{}.000Z"
AT_NS = 1_767_225_600_000_000_000


def _progress(number, start, end, topic="t"):
    return {
        "batchId": number,
        "timestamp": AT.format(number),
        "numInputRows": 5,
        "durationMs": {"latestOffset": 3, "triggerExecution": 50},
        "sources": [{"startOffset": start and {topic: start}, "endOffset": {topic: end}}],
    }


def _batches(tmp_path, *lines):
    path = tmp_path / "progress.jsonl"
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return read_batches(path, "t")


def test_a_reading_belongs_to_the_batch_that_spans_its_offset(tmp_path):
    """
    offsets of partition 0:  0 .. 9 | 10 .. 19        batches begin at 0 s and 1 s
    """
    batches = _batches(tmp_path, _progress(0, None, {"0": 10}), _progress(1, {"0": 10}, {"0": 20}))
    assert [(one.start_ns, one.end_ns) for one in batches] == [
        (AT_NS, AT_NS + 50_000_000),
        (AT_NS + 1_000_000_000, AT_NS + 1_050_000_000),
    ]
    offset = np.array([0, 9, 10, 19, 20])
    picked = picked_ns(batches, np.zeros(5, dtype=np.int32), offset)
    first, second = AT_NS + 3_000_000, AT_NS + 1_003_000_000
    assert picked.tolist() == [first, first, second, second, -1], "no batch holds the last"


def test_other_topics_are_not_ours(tmp_path):
    """A batch of the warm-up's topic is left out."""
    assert _batches(tmp_path, _progress(0, None, {"0": 10}, topic="backlog")) == []
