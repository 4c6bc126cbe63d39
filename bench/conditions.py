"""What ``--threshold`` and ``--objective`` are written in: ``PATH OP LIMIT [{key=value,...}]``.

``latency_ms.due_to_seen.p99 < trigger + 2s {partitions=4}``. A limit is a sum of products of numbers, durations
and ``trigger``, the cell's interval, which in real-time mode is 0: there no reading waits for a trigger.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from base.durations import parse_duration_s
from base.errors import UsageError, did_you_mean
from bench.cell_paths import CellPath, find_path
from bench.config import AXES, split_list
from bench.records import Params
from pipeline.rules import AlertRule
from pipeline.triggers import Trigger

OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

_FORM: Final = "write PATH OP LIMIT, such as 'latency_ms.due_to_seen.p99 < trigger + 2s' (docs/thresholds.md)"
_CONDITION = re.compile(
    r"(?P<path>[^\s<>=!{}]+)\s*(?P<op><=|>=|==|!=|<|>)(?P<limit>[^<>=!{}]+)(?:\{(?P<only>[^{}]*)\})?"
)
_FACTOR: Final = r"(?:trigger|[0-9.]+(?:e[+-]?[0-9]+)?\s*[a-z]*)"
_TERM = re.compile(rf"\s*(?P<sign>[+-]?)\s*(?P<product>{_FACTOR}(?:\s*\*\s*{_FACTOR})*)\s*")

#: Far from where a float loses its whole numbers or ends.
_LARGEST: Final = 1e15

_Kind = Literal["number", "seconds", "triggers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition on one number of a cell. The limit is ``constant + triggers`` x the cell's trigger interval;
    if ``is_time``, ``constant`` is in s, else in whatever the number is in. ``only``: the axes' values it is for."""

    text: str
    path: CellPath
    op: str
    constant: float
    triggers: float
    is_time: bool
    only: dict[str, str]

    def applies(self, params: Params) -> bool:
        """Whether it is meant for this cell."""
        return all(str(getattr(params, axis)) == value for axis, value in self.only.items())

    def limit(self, params: Params) -> float:
        """What the number of this cell is compared with, in the unit of the path."""
        trigger = Trigger.parse(params.trigger, field="trigger")
        waits_s = 0.0 if trigger.is_realtime else trigger.seconds
        scale = 1000 if self.is_time and self.path.unit == "ms" else 1
        return round((self.constant + self.triggers * waits_s) * scale, 9)

    def holds(self, value: float, params: Params) -> bool:
        """Whether ``value``, in the unit of the path, is on the right side of this cell's limit."""
        return OPERATORS[self.op](value, self.limit(params))

    def margin(self, value: float, params: Params) -> float:
        """How far ``value`` is on the right side of the limit, in the unit of the path; negative on the wrong one."""
        above = value - self.limit(params)
        # Plus zero: a margin of -0.0 is none that anybody wants to read.
        return round({"<": -above, ">": above, "=": -abs(above), "!": abs(above)}[self.op[0]], 9) + 0.0


def parse_condition(text: str, *, flag: str, rules: Sequence[AlertRule] | None = None) -> Condition:
    """``text`` as a condition on a number that a cell judged by ``rules`` (None: the seed's) has.

    Raises `UsageError`, one line with flag, value and remedy.
    """
    text = " ".join(text.split())
    field = f"{flag} '{text}'"
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise UsageError(f"{field}: not a condition; {_FORM}")
    path = find_path(found["path"], field=field, rules=rules)
    total = _limit(found["limit"], field=field)
    is_time = "number" not in total
    if is_time and path.unit is None:
        raise UsageError(f"{field}: {path.text} is no time; compare it with a plain number")
    return Condition(
        text=text,
        path=path,
        op=found["op"],
        constant=total.get("seconds" if is_time else "number", 0.0),
        triggers=total.get("triggers", 0.0),
        is_time=is_time,
        only=_selector(found["only"], field=field),
    )


def require_a_cell(condition: Condition, planned: Sequence[Params], *, flag: str) -> Condition:
    """``condition``, a `UsageError` if none of the ``planned`` cells is one it is for."""
    if any(condition.applies(params) for params in planned):
        return condition
    axes = {axis: list(dict.fromkeys(str(getattr(params, axis)) for params in planned)) for axis in condition.only}
    there = "; ".join(f"{axis} {', '.join(values)}" for axis, values in axes.items())
    raise UsageError(f"{flag} '{condition.text}': no cell of this run is selected; it has {there}")


def _limit(text: str, *, field: str) -> dict[_Kind, float]:
    """The terms of a limit, added up by their kind; a plain number stands alone."""
    total: dict[_Kind, float] = {}
    at = 0
    while at < len(text):
        term = _TERM.match(text, at)
        if term is None or (total and not term["sign"]):
            raise UsageError(f"{field}: '{text[at:].strip()}' is no part of a limit; {_FORM}")
        kind, size = _product(term["product"], field=field)
        total[kind] = total.get(kind, 0.0) + (-size if term["sign"] == "-" else size)
        at = term.end()
    if "number" in total and len(total) > 1:
        raise UsageError(f"{field}: a number and a time cannot be added; give the number a unit, such as 2s")
    if not all(abs(size) < _LARGEST for size in total.values()):
        raise UsageError(f"{field}: the limit is too large; write a smaller one")
    return total


def _product(text: str, *, field: str) -> tuple[_Kind, float]:
    kind: _Kind = "number"
    size = 1.0
    for factor in map(str.strip, text.split("*")):
        try:
            size *= float(factor)
        except ValueError:
            if kind != "number":
                raise UsageError(f"{field}: two times cannot be multiplied; write 2 * trigger, say") from None
            kind = "triggers" if factor == "trigger" else "seconds"
            size *= 1.0 if factor == "trigger" else parse_duration_s(factor, field=field)
    return kind, size


def _selector(text: str | None, *, field: str) -> dict[str, str]:
    only: dict[str, str] = {}
    for part in split_list(text, field=f"{field}: selector") if text is not None else []:
        axis, _, value = map(str.strip, part.partition("="))
        if axis not in AXES:
            raise UsageError(f"{field}: cells are not selected by '{axis}'{did_you_mean(axis, AXES)}")
        if not value or axis in only:
            raise UsageError(f"{field}: give {axis} one value, as in {{trigger=1s, partitions=4}}")
        only[axis] = Trigger.parse(value, field=f"{field}: trigger").name if axis == "trigger" else value
    return only
