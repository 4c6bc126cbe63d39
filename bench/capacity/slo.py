"""What a capacity is held to (``--slo``), and whether one cell passed, failed, or tells nothing about the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.capacity.search import Outcome
from bench.cell_paths import find_path
from bench.conditions import Condition, parse_condition, require_a_cell
from bench.matrix import CellSpec, in_order
from bench.records import Cell, Params, shown
from pipeline.triggers import Trigger

FLAG: Final = "--slo"
MICRO_BATCH: Final = "latency_ms.due_to_seen.p99 <= trigger + 1s"
REALTIME: Final = "latency_ms.due_to_seen.p99 <= 100ms"

#: The rule whose fault a latency counted from due contains.
LATE: Final = "late generator"
COUNTED_FROM_DUE: Final = "latency_ms.due_to_"
#: Rules of `bench.checks` that find fault with what puts the load on, and with the pipeline itself; any other one
#: is about the host.
INSTRUMENT: Final = (LATE, "offered rate", "deliveries", "instrument load")
PIPELINE: Final = ("backlog", "fidelity")
#: The rule that doubts a number because it would be another one a little later.
UNSTEADY: Final = "not steady"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """``value``: the number that the SLO is about, in its path's unit. ``reason``: why the cell did not pass."""

    outcome: Outcome
    value: float | None
    reason: str


def parse_slo(text: str | None, planned: Sequence[CellSpec]) -> Condition | None:
    """``--slo`` as a condition, None without; raises `UsageError` for one that no planned cell could be held to."""
    if text is None:
        return None
    return require_a_cell(parse_condition(text, flag=FLAG), [spec.params for spec in in_order(planned)], flag=FLAG)


def slo_of(given: Condition | None, params: Params) -> Condition:
    """What a cell is held to: ``given`` if it is for it, else the default of its mode."""
    if given is not None and given.applies(params):
        return given
    realtime = Trigger.parse(params.trigger, field=FLAG).is_realtime
    return parse_condition(REALTIME if realtime else MICRO_BATCH, flag=FLAG)


def judge_trial(cell: Cell, slo: Condition, second_half: float | None = None) -> Judged:
    """Whether ``cell`` is valid and within ``slo``; if not, whether the pipeline is to blame.

    A publisher that was late, but sent all, does not matter where the SLO holds although it counts from *due*. Where it
    does not, or more is wrong with what puts the load on, the pipeline is judged by what it got: if counted from
    *sent* the SLO holds, the limit that was met is the instrument's. A cell that is not steady, because it is still
    getting faster or slower, passes if all of it is within the SLO. Else it has failed if ``second_half``, the SLO's
    number over the second half of the window, is beyond the SLO as well, and tells nothing if not, or if that is
    unknown.
    """
    rules = {reason.rule for reason in cell.reasons}
    against = "; ".join(" ".join(reason.message.split()) for reason in cell.reasons)
    value, why = slo.path.look(cell)

    def judged(outcome: Outcome, reason: str = against) -> Judged:
        return Judged(outcome=outcome, value=value, reason=reason)

    if cell.status == "broken":
        return judged("failed" if rules & {*PIPELINE} else "untold")
    if "fidelity" in rules:
        return judged("failed")
    if slo.path.text.startswith(COUNTED_FROM_DUE) and value is not None and slo.holds(value, cell.params):
        rules -= {LATE}
    if rules & {*INSTRUMENT}:
        return judged("untold" if _holds_from_sent(cell, slo) else "failed")
    if rules & {*PIPELINE}:
        return judged("failed")
    if rules - {UNSTEADY}:
        return judged("untold")
    if value is None:
        return judged("untold", why)
    # Over all of the window, that is in its slower half too: what became of it does not matter.
    if slo.holds(value, cell.params):
        return judged("passed", "")
    if rules and (second_half is None or slo.holds(second_half, cell.params)):
        return judged("untold")
    unit = slo.path.unit
    again = "" if not rules or second_half is None else f" ({shown(second_half, unit)} over the second half)"
    asked = f"where {slo.op} {shown(slo.limit(cell.params), unit)} is asked"
    return judged("failed", f"{slo.path.text} {shown(value, unit)}{again}, {asked}")


def _holds_from_sent(cell: Cell, slo: Condition) -> bool:
    path = find_path(slo.path.text.replace("due_to_seen", "sent_to_seen"), field=FLAG)
    value, _ = path.look(cell)
    return value is not None and slo.holds(value, cell.params)
