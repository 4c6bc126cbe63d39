"""What a trial says about the pipeline: it passed, it failed, or the limit that was met is not the pipeline's."""

from __future__ import annotations

from typing import Any

import pytest
from unit.bench.builders import a_config
from unit.reports.stored_runs import broken, cell, latency, quantiles

from base.errors import UsageError
from bench.capacity.slo import judge_trial, parse_slo, slo_of
from bench.jobs import broken as broken_row
from bench.matrix import plan
from bench.records import Cell, Reason

PLANNED = plan(a_config())


def reason(rule: str, verdict: Any = "invalid") -> Reason:
    """A rule's word against a cell."""
    return Reason(rule=rule, verdict=verdict, message=f"{rule} was seen", remedy="try something")


def a_cell(*rules: str, due_p99: float | None = 900.0, sent_p99: float | None = 890.0, **changes: Any) -> Cell:
    """A 1 s cell with these rules against it."""
    measured = latency(500.0, due_p99, realtime=False)
    measured.sent_to_seen = quantiles(490.0, sent_p99)
    reasons = [reason(rule, "inconclusive" if rule == "host noise" else "invalid") for rule in rules]
    verdict = "valid" if not rules else "inconclusive" if set(rules) == {"host noise"} else "invalid"
    return cell("1s", **{"latency_ms": measured, "reasons": reasons, "verdict": verdict, **changes})


def outcome(one: Cell) -> str:
    """By the default SLO of its mode."""
    return judge_trial(one, slo_of(None, one.params)).outcome


def test_the_default_is_the_modes():
    """A second beyond the trigger; a tenth of one where no reading waits for a trigger."""
    realtime, micro = cell(), cell("5s")
    assert slo_of(None, realtime.params).limit(realtime.params) == 100.0
    assert slo_of(None, micro.params).limit(micro.params) == 6000.0


def test_a_given_one_holds_where_it_applies():
    """Its selector decides; other cells keep the default."""
    given = parse_slo("latency_ms.due_to_seen.p50 < 200ms {trigger=1s}", PLANNED)
    assert slo_of(given, cell("1s").params).path.text == "latency_ms.due_to_seen.p50"
    assert slo_of(given, cell("5s").params).path.text == "latency_ms.due_to_seen.p99"


@pytest.mark.parametrize("text", ["latency_ms.due_to_sen.p99 < 1s", "fidelity.missing == 0 {trigger=9s}", "p99"])
def test_one_that_no_cell_could_be_held_to_is_one_line(text: str):
    """As a threshold's mistake, with the flag's name."""
    with pytest.raises(UsageError, match=r"^--slo '"):
        parse_slo(text, PLANNED)


def test_valid_and_within():
    """It passes, with the number and no reason."""
    judged = judge_trial(a_cell(), slo_of(None, a_cell().params))
    assert (judged.outcome, judged.value, judged.reason) == ("passed", 900.0, "")


def test_valid_and_late_fails_with_both_numbers():
    """Nothing is wrong with the cell, but p99 is beyond the SLO."""
    late = a_cell(due_p99=2100.0, sent_p99=2090.0)
    judged = judge_trial(late, slo_of(None, late.params))
    assert judged.outcome == "failed"
    assert judged.reason == "latency_ms.due_to_seen.p99 2,100 ms, where <= 2,000 ms is asked"


@pytest.mark.parametrize(
    ("rules", "p99s", "expected"),
    [
        (("backlog",), (5000.0, 4990.0), "failed"),
        (("backlog",), (900.0, 890.0), "failed"),
        (("backlog", "host noise"), (5000.0, 4990.0), "failed"),
        (("fidelity",), (900.0, 890.0), "failed"),
        (("fidelity", "late generator"), (900.0, 890.0), "failed"),
        # The publisher was late, and what it sent was alerted in time: its limit, not the pipeline's.
        (("late generator",), (2500.0, 890.0), "untold"),
        # Late as it was, all of it was in time.
        (("late generator",), (900.0, 800.0), "passed"),
        (("late generator", "not steady"), (900.0, 800.0), "passed"),
        (("late generator", "offered rate"), (900.0, 800.0), "untold"),
        (("late generator", "host noise"), (900.0, 800.0), "untold"),
        (("late generator", "backlog"), (900.0, 800.0), "failed"),
        (("offered rate", "backlog"), (9000.0, 1500.0), "untold"),
        (("instrument load",), (900.0, 890.0), "untold"),
        # The publisher was late, but so was what it did send.
        (("late generator",), (5000.0, 2500.0), "failed"),
        (("offered rate", "backlog"), (9000.0, None), "failed"),
        (("host noise",), (900.0, 890.0), "untold"),
        (("clock",), (900.0, 890.0), "untold"),
        (("negative stages",), (900.0, 890.0), "untold"),
        ((), (None, None), "untold"),
        # Still getting faster: if all of it was fast enough, then what follows would be, too.
        (("not steady",), (900.0, 890.0), "passed"),
        (("not steady",), (2500.0, 2490.0), "untold"),
        (("not steady", "host noise"), (900.0, 890.0), "untold"),
    ],
)
def test_who_is_to_blame(rules: tuple[str, ...], p99s: tuple[float | None, float | None], expected: str):
    """The pipeline, the instrument or the host, by the rules against the cell and by what counts from *sent*."""
    assert outcome(a_cell(*rules, due_p99=p99s[0], sent_p99=p99s[1])) == expected


@pytest.mark.parametrize(
    ("second_half", "expected"), [(1990.0, "untold"), (2000.0, "untold"), (2001.0, "failed"), (None, "untold")]
)
def test_one_that_is_late_to_the_end_has_failed_however_unsteady(second_half: float | None, expected: str):
    """Getting faster or slower excuses what came before it was as it is now, not what came after."""
    late = a_cell("not steady", due_p99=2500.0, sent_p99=2490.0)
    judged = judge_trial(late, slo_of(None, late.params), second_half)
    assert judged.outcome == expected
    if expected == "failed":
        assert judged.reason == (
            "latency_ms.due_to_seen.p99 2,500 ms (2,001 ms over the second half), where <= 2,000 ms is asked"
        )
    # A steady one is judged by all of its window.
    steady = a_cell(due_p99=2500.0, sent_p99=2490.0)
    assert judge_trial(steady, slo_of(None, steady.params), second_half).outcome == "failed"


def test_without_a_number_the_cells_own_reason_is_told():
    """A p99 that nothing supports says nothing, and why."""
    few = a_cell(due_p99=None, sent_p99=None)
    assert few.latency_ms is not None
    few.latency_ms.due_to_seen.reasons["p99"] = "needs 1000 samples, has 200"
    assert judge_trial(few, slo_of(None, few.params)).reason == "needs 1000 samples, has 200"


def test_a_broken_cell_fails_only_if_it_was_overtaxed():
    """One that had not caught up failed; one whose processes died says nothing."""
    assert outcome(broken()) == "untold"
    spec = next(one for one in PLANNED if one.trigger.name == "1s")
    assert outcome(broken_row(spec, "it had not caught up", rule="backlog")) == "failed"
