"""PATH OP LIMIT [{key=value}]: what it means at a cell, and what is told of one that means nothing."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import UsageError
from bench.conditions import OPERATORS, parse_condition, require_a_cell
from bench.records import Params

P99 = "latency_ms.due_to_seen.p99"


def params(trigger="5s", partitions=4, profile="tuned"):
    """One point of the matrix."""
    return Params(trigger=trigger, partitions=partitions, profile=profile)


def condition(text):
    """``text`` as the value of a flag."""
    return parse_condition(text, flag="--threshold")


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (f"{P99} < 100", 100),
        (f"{P99} < 5ms", 5),
        (f"{P99} < 2s", 2000),
        (f"{P99} < 2 s", 2000),
        (f"{P99} < 1.5min", 90_000),
        (f"{P99} < trigger", 5000),
        (f"{P99}<trigger+2s", 7000),
        (f"{P99} < trigger + 2s - 500ms", 6500),
        (f"{P99} < 2 * trigger + 3 * 100ms", 10_300),
        (f"{P99} < trigger * 1.5", 7500),
        (f"{P99} < -trigger + 6s", 1000),
        (f"{P99} < 1e3", 1000),
        (f"{P99} < 2e2 - 1e-1", 199.9),
        (f"{P99} < .5", 0.5),
        (f"{P99} < 3 * 0.1s", 300),
        ("resources.pipeline.cpu_s < trigger + 500ms", 5.5),
        ("fidelity.missing == 0", 0),
        ("fidelity.missing <= 2 * 3 + 1", 7),
        (f"  {P99}   <   1s  ", 1000),
    ],
)
def test_a_limit_is_in_the_unit_of_its_path(text, limit):
    """Durations and the trigger are scaled; a plain number is taken as it is."""
    assert condition(text).limit(params()) == limit


@pytest.mark.parametrize(("trigger", "limit"), [("0s", 2000), ("250ms", 2250), ("realtime:30s", 2000)])
def test_the_trigger_is_that_of_the_cell(trigger, limit):
    """In real-time mode it is 0: there no reading waits for one."""
    assert condition(f"{P99} < trigger + 2s").limit(params(trigger)) == limit


@pytest.mark.parametrize(("op", "holds"), [("<", "100"), ("<=", "110"), (">", "001"), (">=", "011"), ("==", "010")])
def test_each_operator_at_below_on_and_above_the_limit(op, holds):
    """And `!=` is the contrary of `==`."""
    judged = [condition(f"{P99} {op} 3").holds(value, params()) for value in (2, 3, 4)]
    assert judged == [one == "1" for one in holds]
    assert condition(f"{P99} != 3").holds(3, params()) is False


@given(st.sampled_from(sorted(OPERATORS)), st.integers(-5, 5))
def test_what_holds_has_no_negative_margin(op, value):
    """And what does not hold has no positive one."""
    one = condition(f"{P99} {op} 1")
    margin = one.margin(value, params())
    assert margin >= 0 if one.holds(value, params()) else margin <= 0


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("", "1s/1 1s/4 realtime:30s/1 realtime:30s/4"),
        ("{trigger=1s}", "1s/1 1s/4"),
        ("{trigger=1000ms}", "1s/1 1s/4"),
        ("{trigger=realtime}", "realtime:30s/1 realtime:30s/4"),
        ("{partitions=4}", "1s/4 realtime:30s/4"),
        ("{ trigger = 1s , partitions = 4 , profile = tuned }", "1s/4"),
    ],
)
def test_a_selector_names_the_cells(selector, chosen):
    """All that it names has to fit; a trigger is compared as a value, not as text."""
    one = condition(f"{P99} < 3s {selector}")
    cells = [params(trigger, partitions) for trigger in ("1s", "realtime:30s") for partitions in (1, 4)]
    assert [f"{cell.trigger}/{cell.partitions}" for cell in cells if one.applies(cell)] == chosen.split()


def test_a_selector_that_fits_no_planned_cell_says_what_there_is():
    """The values of the axes that it names."""
    one = condition(f"{P99} < 3s {{trigger=2s}}")
    planned = [params("1s"), params("5s"), params("1s", 1)]
    with pytest.raises(UsageError, match=r"\{trigger=2s\}': no cell of this run is selected; it has trigger 1s, 5s$"):
        require_a_cell(one, planned, flag="--threshold")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a condition; write PATH OP LIMIT"),
        (P99, "not a condition"),
        (f"{P99} < ", "not a condition"),
        (f"{P99} = 3", "not a condition"),
        (f"{P99} =< 3", "not a condition"),
        (f"{P99} < 3 < 4", "not a condition"),
        (f"3 < {P99}", "unknown path '3'"),
        ("latency_ms.due_to_sen.p99 < 3", "did you mean 'latency_ms.due_to_seen.p99'?"),
        (f"{P99} < 3 4", "'4' is no part of a limit"),
        (f"{P99} < (3)", "'(3)' is no part of a limit"),
        (f"{P99} < triggers", "'s' is no part of a limit"),
        (f"{P99} < 3 *", "'*' is no part of a limit"),
        (f"{P99} < 3 - - 4", "no part of a limit"),
        (f"{P99} < __import__('os')", "no part of a limit"),
        (f"{P99} < 5q", "'5q' is no duration"),
        (f"{P99} < 1.2.3", "'1.2.3' is no duration"),
        (f"{P99} < trigger + 2", "give the number a unit, such as 2s"),
        (f"{P99} < trigger * 2s", "two times cannot be multiplied"),
        (f"{P99} < 1e999", "too large"),
        (f"{P99} < {'9' * 400}s", "too large"),
        ("fidelity.missing < 2s", "fidelity.missing is no time"),
        ("throughput.drain_per_s > trigger", "throughput.drain_per_s is no time"),
        (f"{P99} < 3s {{}}", "empty value"),
        (f"{P99} < 3s {{trigger}}", "give trigger one value"),
        (f"{P99} < 3s {{trigger=1s,trigger=5s}}", "give trigger one value"),
        (f"{P99} < 3s {{tigger=1s}}", "did you mean 'trigger'?"),
        (f"{P99} < 3s {{trigger=soon}}", "no trigger; write 0s"),
        (f"{P99} < 3s {{trigger=1s}} {{partitions=1}}", "not a condition"),
    ],
)
def test_a_mistake_is_one_line_with_flag_value_and_remedy(text, words):
    """Whatever stands there, it is quoted, and the message says what to write."""
    with pytest.raises(UsageError) as caught:
        condition(text)
    message = str(caught.value)
    assert message.startswith(f"--threshold '{' '.join(text.split())}': ")
    assert words in message
    assert "\n" not in message


@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_a_usage_error(text):
    """Nothing that a shell can pass on ends in a traceback."""
    for whole in (text, f"{P99} < {text}", f"{P99} < 1s {{{text}}}"):
        with contextlib.suppress(UsageError):
            assert condition(whole).text
