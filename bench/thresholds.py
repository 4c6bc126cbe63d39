"""``--threshold``: read before the run, judged when it has ended, each at every cell that it is meant for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from base.errors import UsageError
from bench.conditions import Condition, parse_condition, require_a_cell
from bench.matrix import CellSpec, in_order
from bench.records import Cell, ThresholdVerdict
from pipeline.rules import AlertRule

FLAG: Final = "--threshold"
#: The environment's variable. Typer would split it at spaces, which a threshold may hold.
ENV: Final = "BENCH_THRESHOLD"


def split_env(text: str) -> list[str]:
    """The thresholds in the value of `ENV`: separated by semicolons."""
    return [part for part in text.split(";") if part.strip()]


def parse_thresholds(
    texts: Sequence[str], planned: Sequence[CellSpec], rules: Sequence[AlertRule] | None = None
) -> list[Condition]:
    """Every threshold of the command line, for a run judged by ``rules`` (None: the seed's).

    Raises `UsageError` for one that could never be judged in this run.
    """
    params = [spec.params for spec in in_order(planned)]
    parsed = [require_a_cell(parse_condition(text, flag=FLAG, rules=rules), params, flag=FLAG) for text in texts]
    known = [condition.text for condition in parsed]
    for text in known:
        # Two test cases of one name: CI systems drop one of them.
        if known.count(text) > 1:
            raise UsageError(f"{FLAG} '{text}': it is given twice; give it once")
    return parsed


def judge_thresholds(
    thresholds: Sequence[Condition], planned: Sequence[CellSpec], cells: Sequence[Cell]
) -> list[ThresholdVerdict]:
    """One verdict for each threshold at each planned cell it is for, whether the cell has run or not."""
    by_id = {cell.id: cell for cell in cells}
    return [
        _verdict(threshold, spec, by_id.get(spec.id))
        for threshold in thresholds
        for spec in in_order(planned)
        if threshold.applies(spec.params)
    ]


def _verdict(threshold: Condition, spec: CellSpec, cell: Cell | None) -> ThresholdVerdict:
    judged = ThresholdVerdict(
        expression=threshold.text,
        cell=spec.id,
        verdict="no value",
        value=None,
        limit=threshold.limit(spec.params),
        unit=threshold.path.unit,
        reason="the cell has not run",
    )
    if cell is None:
        return judged
    judged.value, judged.reason = threshold.path.look(cell)
    against = "; ".join(" ".join(reason.message.split()) for reason in cell.reasons) or "no reason given"
    if cell.verdict == "invalid":
        judged.verdict, judged.reason = "cell invalid", against
    elif judged.value is not None:
        judged.verdict = "passed" if threshold.holds(judged.value, cell.params) else "failed"
        # The number is there and is judged; what casts doubt on it is told.
        doubts = [f"cell inconclusive: {against}"] if cell.verdict == "inconclusive" else []
        judged.reason = "; ".join([*doubts, *threshold.path.doubt(cell)])
    return judged
