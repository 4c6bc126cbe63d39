"""How right the rules are, and how soon: from the scores of a result to the tables of two figures. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from bench.records import Counted, Quality, Result, Score
from reports import words
from reports.tables import quality_groups, scores

SHARES: Final = ("precision", "recall")

_SHARES: Final = {
    **dict.fromkeys(("of", "detector", "metric"), pl.String),
    **dict.fromkeys(("value", "low", "high"), pl.Float64),
    **dict.fromkeys(("hits", "n"), pl.Int64),
}
_DELAYS: Final = {
    "of": pl.String,
    **dict.fromkeys(("events", "missed"), pl.Int64),
    **dict.fromkeys(("missed_share", "missed_low", "missed_high"), pl.Float64),
    **dict.fromkeys(("median_s", "median_readings", "restricted_mean_s", "restricted_to_s"), pl.Float64),
}


def judged(result: Result) -> tuple[str, Quality] | None:
    """Where the rules were judged from most events, in words, and how: the quality cell, else the cells.

    Of cells that were not scored alike, valid ones come first, then those that most of them agree with.
    """
    if result.quality_cell.quality is not None:
        return "the quality cell", result.quality_cell.quality
    groups = quality_groups(result)
    if not groups:
        return None
    cells, quality = max(groups, key=lambda group: (sum(cell.verdict == "valid" for cell in group[0]), len(group[0])))
    return words.first_of([cell.id for cell in cells], most=3), quality


def shares_table(quality: Quality) -> pl.DataFrame:
    """Precision and recall with 95 % Wilson intervals, of the alerts and of detectors that know nothing.

    ``of``: a rule, a kind of fault, or all rules, in this order; ``hits`` of ``n`` alarms (precision) or
    events (recall). A share without anything to count is null.
    """
    rows = [
        {"of": of, "detector": detector, "metric": metric, **_share(counts, metric)}
        for of, score in _named(quality)
        for detector, counts in _detectors(score)
        for metric in SHARES
    ]
    return pl.DataFrame(rows, schema=_SHARES)


def delays_table(quality: Quality) -> pl.DataFrame:
    """Time to detection in event time: medians over what was found, and the share that was not, with its interval.

    ``restricted_mean_s`` counts a miss, and everything later, as ``restricted_to_s``.
    """
    rows = []
    for of, score in _named(quality):
        recall, delay = score.intervals.get("recall"), score.delay
        rows.append(
            {
                "of": of,
                "events": score.tp + score.fn,
                "missed": score.fn,
                "missed_share": None if score.recall is None else 1 - score.recall,
                "missed_low": None if recall is None else 1 - recall.high,
                "missed_high": None if recall is None else 1 - recall.low,
                "median_s": delay.median_event_s,
                "median_readings": delay.median_readings,
                "restricted_mean_s": delay.restricted_mean_event_s,
                "restricted_to_s": delay.restricted_to_event_s,
            }
        )
    return pl.DataFrame(rows, schema=_DELAYS)


def _named(quality: Quality) -> Iterator[tuple[str, Score]]:
    for group, name, score in scores(quality):
        yield {"rule": name, "fault": f"fault: {name}", "all": "all rules"}[group], score


def _detectors(score: Score) -> Iterator[tuple[str, Counted]]:
    yield "alerts", score
    yield from score.baselines.items()


def _share(counts: Counted, metric: str) -> dict[str, Any]:
    ends = counts.intervals.get(metric)
    return {
        "value": getattr(counts, metric),
        "low": None if ends is None else ends.low,
        "high": None if ends is None else ends.high,
        "hits": counts.tp,
        "n": counts.tp + (counts.fp if metric == "precision" else counts.fn),
    }
