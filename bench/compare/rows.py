"""One row of a comparison: a metric of one cell in two results, with its ratio or difference. Pure.

What a row may claim is decided in `bench.compare.comparison`, from all rows together; here only what can
claim nothing is told apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from bench.compare.intervals import Estimate, ratio, share_difference
from bench.compare.metrics import Metric, value_of
from bench.records import BATCHES_FOR_WORDS, REPEATS_FOR_WORDS, Cell, Params, Score

Outcome = Literal["open", "better", "worse", "unchanged", "shown", "untold", "incomparable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One metric of one cell: ``a`` and ``b`` hold a value for each valid repeat, in ``unit``.

    ``estimate`` is of the ``effect``: ``b / a``, or ``b - a``. ``p_holm`` below 0.05 makes the outcome better or
    worse. Unit ``share``: 0 to 1, from the ``counts`` (how many, of how many) of each side; unit ``wrong``: no
    values but ``counts``, of the missing, extra and duplicated alerts of each measured repeat.
    """

    metric: str
    label: str
    unit: str
    a: list[float] = field(default_factory=list)
    b: list[float] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)
    effect: Literal["ratio", "difference"] = "ratio"
    estimate: Estimate | None = None
    p_holm: float | None = None
    outcome: Outcome = "open"
    words: str = ""


class Side:
    """The repeats of one point in one result."""

    def __init__(self, name: str, params: Params, cells: Iterable[Cell]) -> None:
        self.name = name
        self.all = [cell for cell in cells if point_of(cell) == params]
        self.valid = [cell for cell in self.all if cell.verdict == "valid"]

    @property
    def left_out(self) -> list[str]:
        """What is said of repeats that are not valid, where others are."""
        return [
            f"{self.name} without repeat {cell.params.repeat}, which is {_verdict(cell)}"
            for cell in self.all
            if self.valid and cell.verdict != "valid"
        ]

    @property
    def why_not(self) -> str | None:
        """Why nothing of it can be compared, or None."""
        if not self.all:
            return f"{self.name} has no such cell"
        return None if self.valid else f"{self.name}'s cell is {_verdict(self.all[0])}"


def _verdict(cell: Cell) -> str:
    return cell.verdict + (f": {cell.reasons[0].message}" if cell.reasons else "")


def point_of(cell: Cell) -> Params:
    """The cell's point of the matrix: its axes without the repeat, which is 1 in all of them."""
    return cell.params.model_copy(update={"repeat": 1})


def incomparable(row: Row, why: str) -> Row:
    """``row`` without an estimate; its values stay."""
    return replace(row, outcome="incomparable", words=f"not comparable because {why}", estimate=None)


def timed(metric: Metric, params: Params, sides: list[Side], log_sd: float | None) -> Row:
    """The metric's row with its ratio; what words it bears is left open, unless it can bear none."""
    row = Row(metric=metric.name, label=metric.label, unit=metric.unit)
    why = next((side.why_not for side in sides if side.why_not), None)
    if why is not None:
        return incomparable(row, why)
    values = []
    for side in sides:
        read = [value_of(metric, cell) for cell in side.valid]
        why = why or next((f"{side.name} has none: {value}" for value in read if isinstance(value, str)), None)
        values.append([value for value in read if isinstance(value, float)])
    row = replace(row, a=values[0], b=values[1])
    if why is not None:
        return incomparable(row, why)
    row = replace(row, estimate=ratio(*values, log_sd=log_sd))
    if not metric.decides:
        return replace(row, outcome="shown", words="shown only")
    doubt = _doubt(metric, params, sides, row, log_sd)
    return replace(row, outcome="untold", words=f"no change can be shown: {doubt}") if doubt else row


def _doubt(metric: Metric, params: Params, sides: list[Side], row: Row, log_sd: float | None) -> str | None:
    """Why the figures bear no words, with a remedy; None if they do."""
    batches = [cell.batches for side in sides for cell in side.valid if cell.batches is not None]
    if metric.rests_on_batches and not params.is_realtime and batches and min(batches) < BATCHES_FOR_WORDS:
        return f"{min(batches)} batches in a window, and words need {BATCHES_FOR_WORDS} (run with a longer --measure)"
    counts = sorted({len(row.a), len(row.b)})
    if counts[0] < REPEATS_FOR_WORDS and log_sd is None:
        repeats = " and ".join(map(str, counts)) + (" repeat" if counts == [1] else " repeats")
        return f"{repeats} and no stored noise (run with --repeats 3 or bench.noise)"
    if row.estimate is not None and row.estimate.p is None:
        return "the repeats do not differ at all, so their noise is not known (run bench.noise)"
    return None


def fidelity(sides: list[Side]) -> Row:
    """Wrong alerts of every measured repeat: a cell that has any is invalid, and this is why."""
    counts, texts = {}, []
    row = Row(metric="fidelity", label="alerts", unit="wrong")
    for side in sides:
        found = [cell.fidelity for cell in side.all if cell.fidelity is not None]
        if not found:
            return incomparable(row, side.why_not or f"{side.name} has no counts")
        names = ("missing", "extra", "duplicated")
        counts[side.name] = {name: [getattr(one, name) for one in found] for name in names}
        sums = {name: sum(repeats) for name, repeats in counts[side.name].items()}
        texts.append(", ".join(f"{n} {name}" for name, n in sums.items()) if any(sums.values()) else "exact")
    row = replace(row, counts=counts)
    if texts[0] == texts[1]:
        same = "exact in both" if texts[0] == "exact" else f"the same in both: {texts[0]}"
        return replace(row, outcome="unchanged", words=same)
    outcome: Outcome = "worse" if texts[0] == "exact" else "better" if texts[1] == "exact" else "untold"
    return replace(row, outcome=outcome, words=f"differ: {sides[0].name} {texts[0]}; {sides[1].name} {texts[1]}")


def share(name: str, sides: list[Side]) -> Row:
    """Precision or recall. Repeats judge the same readings, so that their counts are one sample, not several."""
    row = Row(metric=f"quality.all.{name}", label=name, unit="share", effect="difference")
    counts = {}
    for side in sides:
        if side.why_not:
            return incomparable(row, side.why_not)
        scores = [cell.quality.all for cell in side.valid if cell.quality is not None and cell.quality.all is not None]
        found = {_hits(name, score) for score in scores}
        if len(found) != 1:
            why = f"the repeats of {side.name} disagree" if found else f"{side.name} was not scored"
            return incomparable(row, why)
        counts[side.name] = found.pop()
        if not counts[side.name][1]:
            nothing = "alerted on nothing" if name == "precision" else "had no hazard to find"
            return incomparable(row, f"{side.name} {nothing}")
    (x, y), (k, n) = counts.values()
    return replace(row, a=[x / y], b=[k / n], counts=counts, estimate=share_difference((x, y), (k, n)))


def _hits(name: str, score: Score) -> tuple[int, int]:
    return (score.tp, score.tp + (score.fp if name == "precision" else score.fn))
