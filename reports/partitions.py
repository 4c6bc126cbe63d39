"""Does the number of partitions make a difference? Each against the fewest, by the statistics of `bench.compare`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.compare.comparison import Point, in_words
from bench.compare.metrics import METRICS
from bench.compare.rows import Row, Side, point_of, timed
from bench.records import Params, Result
from reports import words
from reports.tables import ordered_cells

#: What is compared, by its label among the metrics that `bench.compare` puts into words.
_COMPARED = "p50"


@dataclass(frozen=True)
class Told:
    """What was found: differences that hold, or that none could be shown, and why."""

    differences: list[str]
    none_shown: str


def partitions_told(result: Result) -> Told | None:
    """What the partition counts of each trigger and variant make of p50; None where there is one count alone.

    All comparisons are one family: together they are wrong in at most 5 % of runs (Holm).
    """
    pairs = list(_pairs(result))
    if not pairs:
        return None
    rows = [row for point in in_words([point for _, _, point in pairs]) for row in point.rows]
    named = [(few, many, row) for (few, many, _), row in zip(pairs, rows, strict=True)]
    shown = [_difference(few, many, row) for few, many, row in named if row.outcome in ("better", "worse")]
    if shown:
        return Told(shown, "")
    if any(row.outcome == "unchanged" for row in rows):
        return Told([], "No difference in p50 between partition counts could be shown on this machine.")
    reasons = [row.words.partition(": ")[2] for row in rows if row.outcome == "untold"]
    why = reasons[0] if reasons else "too few of their cells are valid"
    return Told([], f"No difference in p50 between partition counts could be shown: {why}.")


def _pairs(result: Result) -> Iterator[tuple[Params, Params, Point]]:
    """Every number of partitions beside the fewest of the same trigger and variant."""
    noise = result.calibration.noise
    (metric,) = [metric for metric in METRICS if metric.label == _COMPARED]
    fewest: dict[str, Params] = {}
    points = {params.model_dump_json(): params for params in map(point_of, ordered_cells(result))}
    for params in sorted(points.values(), key=lambda one: one.partitions):
        few = fewest.setdefault(params.model_dump_json(exclude={"partitions"}), params)
        if few is params:
            continue
        sides = [Side(words.plural(one.partitions, "partition"), one, result.cells) for one in (few, params)]
        known = noise.of(params) if noise is not None else {}
        row = timed(metric, params, sides, known.get(metric.name))
        repeats = (len(sides[0].valid), len(sides[1].valid))
        yield few, params, Point(params=params.model_dump(), repeats=repeats, left_out=[], rows=[row])


def _difference(few: Params, many: Params, row: Row) -> str:
    assert row.estimate is not None
    assert row.estimate.low is not None
    assert row.estimate.high is not None
    interval = f"95 % interval {words.number(row.estimate.low)} to {words.number(row.estimate.high)}"
    return (
        f"{words.trigger(many.trigger)} ({words.variant(many)}) at {words.plural(many.partitions, 'partition')} had "
        f"{words.number(row.estimate.value)} times the {row.label} of {words.plural(few.partitions, 'partition')} "
        f"({interval})"
    )
