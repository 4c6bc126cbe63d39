"""From two results to rows of ratios and words, cell by cell. Pure.

A cell's repeats stay separate values: no percentile is averaged, and a repeat that is not valid is
left out and named. Words are held to `ALPHA` over all decision metrics of all cells at once (Holm),
and over all shares at once; without enough repeats or stored noise there are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from bench.compare.comparable import machine_differences, other_differences, workload_differences
from bench.compare.intervals import ALPHA, holm
from bench.compare.metrics import METRICS
from bench.compare.rows import Row, Side, fidelity, incomparable, point_of, share, timed
from bench.records import Cell, Noise, Params, Result

_BY_NAME = {metric.name: metric for metric in METRICS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """All repeats of one point of the matrix in both results: how many were valid, what was left out, the rows."""

    params: dict[str, Any]
    repeats: tuple[int, int]
    left_out: list[str]
    rows: list[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One result, called ``label``, against the baseline, called A."""

    label: str
    run: str
    sha: str | None
    #: What else would have kept the two apart.
    forced: list[str]
    #: What makes their machines two, so that times and rates are not comparable.
    machines: list[str]
    other: list[str]
    points: list[Point]


def compare(a: Result, b: Result, *, label: str = "B", force: bool = False, noise: Noise | None = None) -> Comparison:
    """``b`` against the baseline ``a``, whatever their workloads (`workload_differences` says whether they are one).

    ``noise``: what is known of the machine's. ``force``: put differences into words although the machines are two.
    """
    machines = machine_differences(a, b)
    triggers = a.config.get("triggers")
    points = []
    for params in _points([*a.cells, *b.cells], triggers if isinstance(triggers, list) else []):
        sides = [Side(name, params, result.cells) for name, result in (("A", a), (label, b))]
        known = noise.of(params) if noise is not None else {}
        rows = [timed(metric, params, sides, known.get(metric.name)) for metric in METRICS if metric.of(params)]
        if machines and not force:
            rows = [row if row.outcome == "incomparable" else incomparable(row, "the machines differ") for row in rows]
        # Counts, which no machine changes.
        rows += [fidelity(sides), share("precision", sides), share("recall", sides)]
        points.append(
            Point(
                params=params.model_dump(exclude={"repeat"}),
                repeats=(len(sides[0].valid), len(sides[1].valid)),
                left_out=[words for side in sides for words in side.left_out],
                rows=rows,
            )
        )
    return Comparison(
        label=label,
        run=b.run.id,
        sha=b.git.sha,
        forced=workload_differences(a, b) + (machines if force else []),
        machines=[] if force else machines,
        other=other_differences(a, b),
        points=in_words(points),
    )


def _points(cells: Iterable[Cell], triggers: Sequence[str]) -> list[Params]:
    """The points of the matrix, each once: triggers as the baseline's command line had them, then the other axes."""

    def place(params: Params) -> tuple[Any, ...]:
        known = triggers.index(params.trigger) if params.trigger in triggers else len(triggers)
        return (known, *params.model_dump().values())

    return sorted({params.model_dump_json(): params for params in map(point_of, cells)}.values(), key=place)


def in_words(points: list[Point]) -> list[Point]:
    """The points with every row that was left open put into words. Two families: timings, and shares."""
    still_open = [row for point in points for row in point.rows if row.outcome == "open"]
    worded: dict[int, Row] = {}
    for shares in (False, True):
        family = [row for row in still_open if (row.effect == "difference") is shares]
        adjusted = holm([row.estimate.p for row in family if row.estimate is not None and row.estimate.p is not None])
        worded |= {id(row): _worded(row, p) for row, p in zip(family, adjusted, strict=True)}
    return [replace(point, rows=[worded.get(id(row), row) for row in point.rows]) for point in points]


def _worded(row: Row, p_holm: float) -> Row:
    row = replace(row, p_holm=p_holm)
    assert row.estimate is not None
    metric = _BY_NAME.get(row.metric)
    resolution = 0.0 if metric is None else metric.resolution
    if p_holm >= ALPHA or abs(fmean(row.b) - fmean(row.a)) <= resolution:
        return replace(row, outcome="unchanged", words="no change shown")
    more = row.estimate.value > (0 if row.effect == "difference" else 1)
    if metric is None:
        return replace(row, outcome="better" if more else "worse", words="higher" if more else "lower")
    good = more is metric.more_is_better
    return replace(row, outcome="better" if good else "worse", words=metric.better if good else metric.worse)
