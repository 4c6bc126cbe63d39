"""``--objective`` and ``--minimise``: the cheapest trigger x partitions that holds, and what cannot be told.

Repeats are pooled, never averaged: a point's number is that of its middle repeat, of two middle ones the worse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from base.errors import UsageError
from bench.cell_paths import CellPath, find_path
from bench.compare.intervals import smallest_log_difference
from bench.conditions import Condition, parse_condition, require_a_cell
from bench.matrix import CellSpec, in_order
from bench.records import REPEATS_FOR_WORDS, Advice, Cell, Noise, Point, shown
from pipeline.rules import AlertRule

#: Short names of what is minimised: CPU seconds of the pipeline per million readings, and latency.
NAMES: Final = {"cpu": "resources.pipeline.cpu_s_per_million", "latency": "latency_ms.due_to_seen.p99"}
DEFAULT_MINIMISE: Final = "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What has to hold, and which number is to be small."""

    objective: Condition
    minimise: CellPath


def parse_goal(
    objective: str | None,
    minimise: str | None,
    planned: Sequence[CellSpec],
    rules: Sequence[AlertRule] | None = None,
) -> Goal | None:
    """The two flags as a goal of a run judged by ``rules`` (None: the seed's); None without them.

    Raises `UsageError` for what this run could never tell.
    """
    if objective is None:
        if minimise is not None:
            raise UsageError(
                f"--minimise {minimise}: what has to hold? add --objective, such as "
                "--objective 'fidelity.recall_at_deadline.1 >= 0.99'"
            )
        return None
    condition = parse_condition(objective, flag="--objective", rules=rules)
    return Goal(
        objective=require_a_cell(condition, [spec.params for spec in in_order(planned)], flag="--objective"),
        minimise=find_path(minimise or DEFAULT_MINIMISE, field="--minimise", names=NAMES, rules=rules),
    )


def advise(goal: Goal, cells: Sequence[Cell], noise: Noise | None = None) -> Advice:
    """The points of the matrix in the order of their worth, and what is to be said of them, by the machine's noise."""
    repeats: dict[str, list[Cell]] = {}
    for cell in cells:
        if goal.objective.applies(cell.params):
            repeats.setdefault(cell.params.model_dump_json(exclude={"repeat"}), []).append(cell)
    points = sorted((_pooled(goal, alike) for alike in repeats.values()), key=_worth)
    known = any(point.margin is not None for point in points)
    rivals = {other.name: why for other in points[1:] if (why := _why_alike(goal, points[0], other, noise))}
    return Advice(
        objective=goal.objective.text,
        minimise=goal.minimise.text,
        verdict="no value" if not known else "holds" if points[0].holds else "none holds",
        points=points,
        alike=list(rivals),
        sentences=_sentences(goal, points, rivals),
    )


def _pooled(goal: Goal, repeats: Sequence[Cell]) -> Point:
    """One point from the valid ones of its cells."""
    params = repeats[0].params
    valid = [cell for cell in repeats if cell.verdict == "valid"]
    point = Point(**params.model_dump(exclude={"repeat"}), repeats=len(valid), held=0, holds=False)
    if not valid:
        point.reasons = dict.fromkeys(("value", "cost"), "no valid cell")
        return point
    values = _each(goal.objective.path, valid, point.reasons, "value")
    if values:
        values.sort(key=lambda value: goal.objective.margin(value, params))
        margins = [goal.objective.margin(value, params) for value in values]
        middle = (len(values) - 1) // 2
        point.value, point.margin, point.margin_range = values[middle], margins[middle], (margins[0], margins[-1])
        point.held = sum(goal.objective.holds(value, params) for value in values)
        point.holds = goal.objective.holds(values[middle], params)
    costs = sorted(_each(goal.minimise, valid, point.reasons, "cost"))
    if costs:
        point.cost, point.cost_range = costs[len(costs) // 2], (costs[0], costs[-1])
    return point


def _each(path: CellPath, cells: Sequence[Cell], reasons: dict[str, str], what: str) -> list[float]:
    """The number in every cell; none at all if one lacks it, or has none to rank by: it may be the worst."""
    values = []
    for cell in cells:
        value, why = path.look(cell)
        doubts = path.doubt(cell)
        if value is None or doubts:
            reasons[what] = f"{cell.id} {'; '.join(doubts) or why}"
            return []
        values.append(value)
    return values


def _worth(point: Point) -> tuple[bool, float, float]:
    """Those that hold, by their cost; the others, by how much they miss; a number that is not known comes last."""
    far = float("inf")
    miss = far if point.margin is None else -point.margin
    return (False, far if point.cost is None else point.cost, miss) if point.holds else (True, miss, far)


def _why_alike(goal: Goal, first: Point, other: Point, noise: Noise | None) -> str:
    """Why ``other`` may be as good as ``first``; empty if it is not, or if the two are not to be compared.

    Compared is what ranks them: the cost of two that hold, the margin of two that do not. A few repeats may
    look calmer than the machine is, so costs whose noise is known are judged by that.
    """
    if first.holds != other.holds:
        return ""
    ours, theirs = (first.cost_range, other.cost_range) if first.holds else (first.margin_range, other.margin_range)
    if ours is None or theirs is None:
        return ""
    by_metric = [noise.of(point) if noise is not None else {} for point in (first, other)]
    known = [
        (log_sd[goal.minimise.text], point.repeats)
        for log_sd, point in zip(by_metric, (first, other), strict=True)
        if goal.minimise.text in log_sd
    ]
    if first.holds and len(known) == 2 and first.cost and other.cost:
        least = smallest_log_difference(*known)
        apart = abs(math.log(other.cost / first.cost)) > least
        return "" if apart else f"this machine's noise hides a difference under {math.expm1(least):.0%}"
    if min(first.repeats, other.repeats) < REPEATS_FOR_WORDS:
        return f"fewer than {REPEATS_FOR_WORDS} valid repeats and no stored noise of this machine"
    return "their repeats overlap" if ours[0] <= theirs[1] and theirs[0] <= ours[1] else ""


def _sentences(goal: Goal, points: Sequence[Point], rivals: Mapping[str, str]) -> list[str]:
    """The advice in words; ``rivals``: why each point that could not be told apart from the first could not."""
    objective = goal.objective.text
    known = [point for point in points if point.margin is not None]
    told = []
    if not known:
        told.append(f"Nothing can be said about {objective} on this machine.")
    elif not known[0].holds:
        told.append(f"None of {len(known)} holds {objective} on this machine; closest: {_told(goal, known[0])}.")
    elif known[0].cost is not None:
        told.append(f"Cheapest as measured that holds {objective} on this machine: {_told(goal, known[0])}.")
        if len(known) > 1 and known[1].holds and known[1].cost is not None:
            told.append(f"Runner-up: {_told(goal, known[1])}.")
    told += [f"Could not be told apart from the first: {which}." for which in _by_reason(rivals)]
    for point in known:
        if point.holds and point.cost is None:
            told.append(f"{point.name} holds it, but its cost is not known: {point.reasons['cost']}.")
        if 0 < point.held < point.repeats:
            told.append(f"{point.name} holds it in {point.held} of {point.repeats} repeats: undecided.")
    unknown = {point.name: point.reasons["value"] for point in points if point.margin is None}
    return told + [f"Left out: {which}." for which in _by_reason(unknown)]


def _by_reason(reasons: Mapping[str, str]) -> list[str]:
    """``a, b (why)`` for each reason, from the reason of each name."""
    return [
        f"{', '.join(name for name, its in reasons.items() if its == why)} ({why})"
        for why in dict.fromkeys(reasons.values())
    ]


def _told(goal: Goal, point: Point) -> str:
    """``trigger 1s x 1 partition (tuned), <cost's path> 41.2, <objective's path> 0.995, margin 0.005``."""
    unit = goal.objective.path.unit
    value, margin = shown(point.value or 0.0, unit), shown(abs(point.margin or 0.0), unit)
    cost = "not known" if point.cost is None else shown(point.cost, goal.minimise.unit)
    parts = [point.name, f"{goal.minimise.text} {cost}", f"{goal.objective.path.text} {value}"]
    parts.append(f"{'margin' if point.holds else 'misses by'} {margin}")
    return ", ".join(parts) + (f" (middle of {point.repeats} repeats)" if point.repeats > 1 else "")
