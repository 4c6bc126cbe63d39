"""The search for the highest rate, on systems whose limit is known."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.capacity.search import (
    FIRST_PER_S,
    MOST_TRIALS,
    Bracket,
    Limits,
    Outcome,
    Trial,
    bracket,
    ends_with,
    next_rate,
)

LIMITS = Limits(ratio=1.25, near=1.25, confirms=2, floor_per_s=5_000.0, ceiling_per_s=500_000.0)

System = Callable[[float], Outcome]


def search(system: System, limits: Limits = LIMITS, hint: float | None = None) -> list[Trial]:
    """Every trial until the search is over."""
    trials: list[Trial] = []
    while (rate := next_rate(trials, limits, hint)) is not None:
        outcome = system(rate)
        trials.append(Trial(rate_per_s=rate, outcome=outcome, reason="" if outcome == "passed" else f"at {rate:.0f}"))
    return trials


def sharp(limit: float) -> System:
    """Whatever is at most ``limit`` passes."""
    return lambda rate: "passed" if rate <= limit else "failed"


def script(*outcomes: Outcome) -> System:
    """These outcomes, one trial after the other."""
    coming = iter(outcomes)
    return lambda _: next(coming)


def in_thousands(trials: list[Trial]) -> list[float]:
    """The rates in their order."""
    return [round(trial.rate_per_s / 1000, 1) for trial in trials]


def tries(trials: list[Trial], rate: float | None, outcome: Outcome) -> int:
    """How often ``rate`` ended so."""
    return sum(trial.rate_per_s == rate and trial.outcome == outcome for trial in trials)


def saying(trials: list[Trial], rate: float, outcome: Outcome) -> int:
    """How many trials say that ``rate`` ends so: those that passed there or higher, or failed there or lower."""
    beyond = (lambda tried: tried >= rate) if outcome == "passed" else (lambda tried: tried <= rate)
    return sum(trial.outcome == outcome and beyond(trial.rate_per_s) for trial in trials)


@pytest.mark.parametrize("limit", [5_100.0, 9_000.0, 20_000.0, 33_333.0, 77_000.0, 140_000.0, 499_000.0])
@pytest.mark.parametrize("hint", [None, 20_000.0, 77_000.0, 490_000.0])
@pytest.mark.parametrize(("ratio", "near"), [(1.25, 1.25), (1.5, 1.15)])
@pytest.mark.parametrize("confirms", [2, 3])
def test_a_sharp_limit_is_bracketed_and_confirmed(
    limit: float, hint: float | None, ratio: float, near: float, confirms: int
):
    """Wherever it is and wherever the search begins: the ends are around it, near enough, each with its trials."""
    limits = Limits(ratio=ratio, near=near, confirms=confirms, floor_per_s=5_000.0, ceiling_per_s=500_000.0)
    trials = search(sharp(limit), limits, hint)
    found = bracket(trials, limits)
    assert found.passed is not None
    assert found.failed is not None
    assert found.passed <= limit < found.failed
    assert found.failed <= ratio * found.passed * (1 + 1e-9)
    assert found.reasons == {}
    assert saying(trials, found.passed, "passed") >= confirms
    assert saying(trials, found.failed, "failed") >= confirms
    assert len(trials) <= MOST_TRIALS


def test_a_good_hint_takes_four_trials():
    """Two for the bracket and two to confirm it, one more a step; without, eight."""
    assert in_thousands(search(sharp(90_000.0), hint=80_000.0)) == [80.0, 99.5, 80.0, 99.5]
    assert in_thousands(search(sharp(100_000.0), hint=80_000.0)) == [80.0, 99.5, 123.8, 99.5, 123.8]
    assert in_thousands(search(sharp(70_000.0), hint=80_000.0)) == [80.0, 64.3, 64.3, 80.0]
    # Three steps as wide as the bracket may be; what is farther takes wider ones, and a trial between.
    assert in_thousands(search(sharp(130_000.0), hint=80_000.0)) == [80.0, 99.5, 123.8, 153.9, 123.8, 153.9]
    assert len(search(sharp(100_000.0))) == 8


def test_ends_are_confirmed_as_far_from_the_limit_as_they_may_be():
    """It is known within 1.15 by then: the ends are 1.4925 apart, around that. A bracket that is as wide is kept."""
    wide = Limits(ratio=1.5, near=1.15, confirms=2, floor_per_s=5_000.0, ceiling_per_s=500_000.0)
    trials = search(sharp(20_000.0), wide, hint=20_000.0)
    assert in_thousands(trials) == [20.0, 29.9, 22.9, 17.5, 26.1]
    found = bracket(trials, wide)
    assert (found.passed, found.failed) == (trials[3].rate_per_s, trials[4].rate_per_s)
    assert found.reasons == {}
    # Where three trials confirm, one more at each of them.
    three = replace(wide, confirms=3)
    trials = search(sharp(20_000.0), three, hint=20_000.0)
    assert in_thousands(trials) == [20.0, 29.9, 22.9, 17.5, 17.5, 26.1, 26.1]
    assert bracket(trials, three) == found
    # Never beyond what may be offered.
    trials = search(sharp(5_400.0), wide, hint=5_000.0)
    assert min(in_thousands(trials)) == 5.0


def test_the_first_rate_is_the_hint():
    """Else the same for every machine, within the limits; and a hint that comes later is made use of."""
    assert next_rate([], LIMITS) == FIRST_PER_S
    passed = [Trial(rate_per_s=20_000.0, outcome="passed")]
    assert next_rate(passed, LIMITS) == 40_000.0
    hinted = [next_rate([], LIMITS, rate) for rate in (70_000.0, 5_000_000.0, 50.0)]
    assert hinted == [70_000.0, LIMITS.ceiling_per_s, LIMITS.floor_per_s]
    assert next_rate(passed, LIMITS, 70_000.0) == 70_000.0
    assert next_rate(passed, LIMITS, 20_000.0) == pytest.approx(24_875.0)


@pytest.mark.parametrize("seed", range(30))
def test_a_noisy_limit_is_bracketed_near_it(seed: int):
    """Within 15 % of the limit chance decides: the search ends, and no end is further off than that."""
    lots = random.Random(seed)

    def system(rate: float) -> Outcome:
        chance = min(max(0.5 + (100_000.0 - rate) / 30_000.0, 0.0), 1.0)
        return "passed" if lots.random() < chance else "failed"

    trials = search(system, hint=77_000.0)
    found = bracket(trials, LIMITS)
    assert found.passed is not None
    assert found.failed is not None
    assert found.passed < 115_001.0
    assert found.failed > 84_999.0
    assert found.passed < found.failed
    for rate, right, wrong in ((found.passed, "passed", "failed"), (found.failed, "failed", "passed")):
        agree = saying(trials, rate, right)
        assert agree >= LIMITS.confirms or "search" in found.reasons
        assert agree > saying(trials, rate, wrong)


def test_a_passed_end_that_fails_twice_moves_the_bracket_down():
    """11.9 k passed once, but below it 11.6 k failed twice: that is the failed end; below it 11.9 k still counts."""
    trials = search(script("failed", "passed", "failed", "passed", "failed", "failed"))
    assert in_thousands(trials) == [20.0, 10.0, 14.1, 11.9, 11.6, 11.6]
    found = bracket(trials, LIMITS)
    assert (found.passed, found.failed) == (10_000.0, pytest.approx(11_628.0, abs=1.0))
    assert found.reasons == {}


def test_a_gap_three_brackets_wide_may_be_left_by_the_next_trial():
    """Its middle would leave two on either side; one bracket above what passed, a failure is the end of it."""
    trials = [Trial(rate_per_s=100_000.0, outcome="passed"), Trial(rate_per_s=165_000.0, outcome="failed")]
    assert next_rate(trials, LIMITS) == pytest.approx(124_375.0)
    trials.append(Trial(rate_per_s=124_375.0, outcome="failed"))
    assert next_rate(trials, LIMITS) == 100_000.0


def test_below_what_has_passed_once_the_step_is_narrow():
    """40 k passed before 39.1 k failed twice: the limit is near it, and not in the middle between it and 20 k."""
    trials = search(script("passed", "passed", *["failed"] * 5, "passed"))
    assert in_thousands(trials) == [20.0, 40.0, 80.0, 56.6, 47.6, 39.1, 39.1, 31.4]
    found = bracket(trials, LIMITS)
    assert (found.passed, found.failed) == (pytest.approx(31_448.0, abs=1.0), pytest.approx(39_113.0, abs=1.0))
    assert found.reasons == {}


def test_a_failed_end_that_passes_twice_moves_the_bracket_up():
    """14.1 k failed once and then passed, as 14.5 k did twice: the bracket is above them; 20 k has failed all the same.

    What passes once above what has failed is tried again.
    """
    trials = search(script("failed", "passed", "failed", *["passed"] * 7))
    assert in_thousands(trials) == [20.0, 10.0, 14.1, 11.9, 11.6, 14.5, 14.1, 14.5, 17.0, 17.0]
    found = bracket(trials, LIMITS)
    assert (found.passed, found.failed) == (pytest.approx(17_007.0, abs=1.0), pytest.approx(20_000.0, abs=1.0))
    assert found.reasons == {}


@pytest.mark.parametrize(("ratio", "near"), [(1.25, 1.25), (1.5, 1.15)])
def test_the_end_is_foreseen(ratio: float, near: float):
    """Before the last trial it is known that the search ends with it, if it comes out as expected; not earlier."""
    limits = Limits(ratio=ratio, near=near, confirms=2, floor_per_s=5_000.0, ceiling_per_s=500_000.0)
    trials = search(sharp(33_000.0), limits, hint=30_000.0)
    foreseen = [ends_with(trials[:known], limits, trials[known].rate_per_s) for known in range(len(trials))]
    assert foreseen == [False] * (len(trials) - 1) + [True]
    # Of a rate between what passed and what failed nothing is expected.
    assert not ends_with(trials[:-1], limits, 33_000.0)


def test_contradicted_once_and_confirmed_by_a_third():
    """11.6 k failed although 11.9 k had passed; it passes when it is tried again, and nothing moves."""
    trials = search(script("failed", "passed", "failed", "passed", "failed", "passed"))
    assert in_thousands(trials) == [20.0, 10.0, 14.1, 11.9, 11.6, 11.6]
    found = bracket(trials, LIMITS)
    assert (found.passed, found.failed) == (pytest.approx(11_628.0, abs=1.0), pytest.approx(14_142.0, abs=1.0))
    assert found.reasons == {}


def test_one_that_never_passes_ends_at_the_floor():
    """No number for what passed, the reason instead, and the floor as what failed."""
    trials = search(sharp(100.0))
    assert in_thousands(trials) == [20.0, 10.0, 5.0]
    found = bracket(trials, LIMITS)
    assert found.passed is None
    assert found.failed == 5_000.0
    assert found.reasons["passed"] == "none of 3 rates down to 5,000/s passed"


def test_one_that_the_instrument_cannot_overtax_has_no_failed_end():
    """Above 150 k the publisher is at its limit: the highest that passed, and why there is no bracket."""
    trials = search(lambda rate: "passed" if rate < 150_000.0 else "untold", hint=77_000.0)
    found = bracket(trials, LIMITS)
    assert found.passed is not None
    assert 120_000.0 < found.passed < 150_000.0
    assert found.failed is None
    assert found.reasons == {"failed": "184,257/s tells nothing: at 184257"}


def test_one_that_passes_at_the_ceiling_has_no_failed_end():
    """What cannot be offered is not claimed to fail."""
    trials = search(lambda _: "passed")
    found = bracket(trials, LIMITS)
    assert found.passed == LIMITS.ceiling_per_s
    assert found.failed is None
    assert "no more can be offered" in found.reasons["failed"]
    assert tries(trials, LIMITS.ceiling_per_s, "passed") == LIMITS.confirms


def test_a_noisy_host_is_given_one_more_chance():
    """A trial that tells nothing is repeated; the search then goes on as if it had not been."""
    first = [Trial(rate_per_s=20_000.0, outcome="untold", reason="hiccups")]
    assert next_rate(first, LIMITS) == 20_000.0
    once = itertools.chain(["untold"], itertools.repeat(None))

    def system(rate: float) -> Outcome:
        return next(once) or sharp(33_000.0)(rate)

    trials = search(system)
    assert bracket(trials, LIMITS) == bracket(search(sharp(33_000.0)), LIMITS)


def test_a_rate_that_tells_nothing_twice_bounds_the_search():
    """40 k told nothing twice and 80 k failed: what failed is 80 k, what passed is close below 40 k, and why."""
    told = [
        Trial(rate_per_s=80_000.0, outcome="failed"),
        Trial(rate_per_s=40_000.0, outcome="untold", reason="naps overran"),
        Trial(rate_per_s=40_000.0, outcome="untold", reason="naps overran by 42 ms"),
    ]
    trials = list(told)
    while (rate := next_rate(trials, LIMITS)) is not None:
        trials.append(Trial(rate_per_s=rate, outcome=sharp(38_000.0)(rate)))
    found = bracket(trials, LIMITS)
    assert found.passed is not None
    assert 32_000.0 <= found.passed < 40_000.0
    assert found.failed == 80_000.0
    assert found.reasons["failed"] == "40,000/s tells nothing: naps overran by 42 ms"


def test_an_end_has_a_trial_of_its_own():
    """110 k failed once; that 120 k passed twice makes it pass, but it is 100 k that did."""
    told: list[tuple[float, Outcome]] = [(100e3, "passed"), (110e3, "failed"), *[(120e3, "passed")] * 2]
    told += [(115e3, "failed")] * 2
    found = bracket([Trial(rate_per_s=rate, outcome=outcome) for rate, outcome in told], LIMITS)
    assert (found.passed, found.failed) == (100e3, 115e3)


def test_the_number_of_trials_is_bounded():
    """A host that tells nothing at all ends after so many, and says so."""
    limits = Limits(ratio=1.25, near=1.25, confirms=2, floor_per_s=1.0, ceiling_per_s=500_000.0)
    trials = search(lambda _: "untold", limits)
    assert len(trials) == MOST_TRIALS
    found = bracket(trials, limits)
    assert found.reasons["search"] == f"ended after {MOST_TRIALS} trials"
    assert (found.passed, found.failed) == (None, None)


def test_a_search_that_is_cut_off_gives_what_it_has():
    """After three trials the bracket is wide, and the reason stands beside it."""
    found = bracket(search(sharp(33_000.0))[:3], LIMITS)
    assert found == Bracket(
        passed=pytest.approx(28_284.0, abs=1.0), failed=40_000.0, reasons={"search": "ended after 3 trials"}
    )
