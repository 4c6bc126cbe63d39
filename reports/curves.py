"""The whole distribution of a latency at every point of the matrix, as percentiles and as a cumulative share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from bench.latency import exact_quantile, samples_needed
from bench.records import Result
from reports.measured import Measured
from reports.points import matrix_points

#: 0, 10 to 90 by ten, 91 to 99 by one, and so on to 99.99: as many between any two nines.
PERCENTILES: Final = (
    *(round(100 - (100 - step) / 10**nines, 6) for nines in range(4) for step in range(0, 90, 10)),
    99.99,
)

#: A cumulative curve has so many points at most.
_STEPS: Final = 60

_POINT: Final = {
    "variant": pl.String,
    "trigger": pl.String,
    "partitions": pl.Int64,
    "verdict": pl.String,
    "repeats": pl.Int64,
    "n": pl.Int64,
}


def percentiles_table(result: Result, cells: Sequence[Measured]) -> pl.DataFrame:
    """One row for each of `PERCENTILES` of due to seen (ms) that a point's n bears, over the beacons of its window.

    Exact, over the alerts that were expected; null from where on they are missing. ``repeats`` are pooled, ``n`` counts
    their samples; ``verdict`` is the point's.
    """
    rows = [
        point | {"percentile": percentile, "ms": _finite(exact_quantile(sample, percentile / 100))}
        for point, sample in _samples(result, cells)
        for percentile in PERCENTILES
        if samples_needed(percentile / 100) <= len(sample)
    ]
    return pl.DataFrame(rows, schema={**_POINT, "percentile": pl.Float64, "ms": pl.Float64})


def cumulative_table(result: Result, cells: Sequence[Measured]) -> pl.DataFrame:
    """Up to `_STEPS` rows a point: ``ms``, and the ``share`` of the expected alerts that were seen within it.

    Where alerts are missing the last share is below 1. The other columns are those of `percentiles_table`.
    """
    rows = [
        point | {"ms": float(sample[rank - 1]), "share": rank / len(sample)}
        for point, sample in _samples(result, cells)
        for rank in _ranks(int(np.isfinite(sample).sum()))
    ]
    return pl.DataFrame(rows, schema={**_POINT, "ms": pl.Float64, "share": pl.Float64})


def _samples(result: Result, cells: Sequence[Measured]) -> Iterator[tuple[dict[str, Any], npt.NDArray[np.float64]]]:
    """Every point that has beacons, and their due to seen (n,) in ms, sorted; a missing alert is infinite."""
    by_id = {one.cell.id: one for one in cells}
    for point in matrix_points(result):
        there = [by_id[cell.id] for cell in point.used if cell.id in by_id]
        waits = [one.beacons.filter(one.inside("due_ns")).select(_wait_ms()).to_series() for one in there]
        sample = np.sort(np.concatenate([np.empty(0), *(wait.to_numpy() for wait in waits)]))
        if len(sample):
            yield point.axes | {"verdict": point.verdict, "repeats": len(there), "n": len(sample)}, sample


def _wait_ms() -> pl.Expr:
    return ((pl.col("seen_ns") - pl.col("due_ns")) / 1e6).fill_null(np.inf)


def _ranks(seen: int) -> list[int]:
    """Evenly spread ranks from the first to the last of ``seen`` samples."""
    return sorted({round(rank) for rank in np.linspace(1, seen, min(_STEPS, seen))}) if seen else []


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
