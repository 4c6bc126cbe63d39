"""Measured cells for the tests of tables over stamps."""

import numpy as np
import polars as pl
from unit.reports.stored_runs import ZERO_NS

from bench import records
from reports.measured import Measured


def measured(cell: records.Cell, due_s, wait_ms) -> Measured:
    """A cell of beacons due so many seconds into the window; a wait of None is a missing alert."""
    due_ns = np.rint(np.asarray(due_s, dtype=np.float64) * 1e9).astype(np.int64) + ZERO_NS
    seen_ns = [None if ms is None else int(at) + round(ms * 1e6) for at, ms in zip(due_ns, wait_ms, strict=True)]
    stamps = pl.DataFrame(
        {"beacon": [True] * len(due_ns), "due_ns": due_ns, "seen_ns": pl.Series(seen_ns, dtype=pl.Int64)}
    )
    return Measured(cell, stamps.with_columns(alert_appended_ns="seen_ns"), ZERO_NS)
