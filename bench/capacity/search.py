"""Which offered rate to try next, and what all tries say: the search of ``--search-rate``. Pure.

A *trial* is one cell at one rate. Rates go up or down by a factor of two until one passed and a higher one did not
(from where the limit is thought to be, the first three steps are as wide as a bracket may be, as are those from a rate
that has both passed and failed; three more are twice as wide); the gap is halved geometrically until the limit is
known nearly enough, or left by a step down from an upper end that has passed once; then each end is confirmed, as far
from the limit as the bracket may be wide.
Near the limit the same rate passes today and fails tomorrow, so a rate stands by the majority of its trials, among
which count those that passed at a higher rate and those that failed at a lower one: where that is a tie, it is tried
again, which may move the bracket. A trial that tells nothing about the pipeline (a noisy host, a publisher at its
limit) is repeated once; a rate that told nothing twice bounds the search like a failed one, and is never an end of the
bracket.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

Outcome = Literal["passed", "failed", "untold"]

#: The first rate (readings/s) where nothing hints at the limit.
FIRST_PER_S: Final = 20_000.0
#: The factor by which rates go up or down until there is a bracket.
STEP: Final = 2.0
#: From a hint so many steps are as wide as the bracket may be (a little less: rates come in whole sensors), and as many
#: more are twice as wide.
NEAR_STEPS: Final = 3
WHOLE_SENSORS: Final = 0.995
#: So many trials that tell nothing give a rate up.
GIVES_UP: Final = 2
#: However they contradict each other, one point of the matrix gets no more trials than these.
MOST_TRIALS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far apart, failed over passed, the ends of the bracket may be (``ratio``, above 1), and a rate that passed
    and one that failed before the ends are confirmed (``near``); how many trials that agree confirm an end, one of its
    own among them (``confirms``); between which rates (readings/s) it is searched.
    """

    ratio: float
    near: float
    confirms: int
    floor_per_s: float
    ceiling_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One cell at one offered rate (readings/s), and why it did not pass."""

    rate_per_s: float
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """The ends around the limit, on each of which enough trials agree; ``reasons``: why one is None or unsure."""

    passed: float | None
    failed: float | None
    reasons: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """One rate by all trials that say something of it: those that passed there or higher, or failed there or lower.

    Of two rates the higher one has no more that passed and no fewer that failed. ``here``: its own trials.
    """

    rate_per_s: float
    passed: int
    failed: int
    here: Counter[Outcome]

    @property
    def outcome(self) -> Outcome | None:
        """By majority; None: it needs another trial."""
        if self.passed != self.failed:
            return "passed" if self.passed > self.failed else "failed"
        return "untold" if self.here["untold"] >= GIVES_UP else None

    def confirmed(self, limits: Limits) -> bool:
        """Whether enough trials agree with its majority, one of its own among them."""
        if self.outcome not in ("passed", "failed"):
            return False
        return self.here[self.outcome] > 0 and max(self.passed, self.failed) >= limits.confirms


def next_rate(trials: Sequence[Trial], limits: Limits, hint: float | None = None) -> float | None:
    """The rate to try next, readings/s; None: the search is over.

    ``hint``: where the limit is thought to be, readings/s; it may come later.
    """
    return None if len(trials) >= MOST_TRIALS else _wanted(trials, limits, hint)


def ends_with(trials: Sequence[Trial], limits: Limits, rate_per_s: float) -> bool:
    """Whether the search is over if one more trial at ``rate_per_s`` comes out as most others say."""
    standings = _standings([*trials, Trial(rate_per_s=rate_per_s, outcome="untold")])
    expected = next(one for one in standings if one.rate_per_s == rate_per_s).outcome
    if expected is None:
        return False
    return next_rate([*trials, Trial(rate_per_s=rate_per_s, outcome=expected)], limits) is None


def bracket(trials: Sequence[Trial], limits: Limits) -> Bracket:
    """What ``trials``, at least one, say, whether the search is over or was cut off."""
    standings = _standings(trials)
    _, high = _ends(standings)
    # Each with a trial of its own that says so: the files of one are kept.
    by_itself = [one for one in standings if one.outcome is not None and one.here[one.outcome]]
    low = next((one for one in reversed(by_itself) if one.outcome == "passed"), None)
    failed = next((one for one in by_itself if one.outcome == "failed"), None)
    low, failed = _widest(standings, limits) or (low, failed)
    reasons = {}
    if low is None:
        reasons["passed"] = f"none of {len(standings)} rates down to {_shown(standings[0].rate_per_s)} passed"
    if high is not None and high.outcome == "untold":
        reasons["failed"] = f"{_shown(high.rate_per_s)} tells nothing: {_last_reason(trials, high)}"
    elif failed is None and low is not None and low.rate_per_s >= limits.ceiling_per_s:
        reasons["failed"] = f"{_shown(low.rate_per_s)} passed, and no more can be offered and read back here"
    elif failed is None:
        reasons["failed"] = "no rate has failed"
    unsure = [one for one in (low, failed) if one is not None and not one.confirmed(limits)]
    if _wanted(trials, limits, None) is not None:
        reasons["search"] = f"ended after {len(trials)} trials"
    elif unsure and low is not None:
        reasons["search"] = f"not confirmed: {', '.join(_shown(one.rate_per_s) for one in unsure)}"
    return Bracket(
        passed=low.rate_per_s if low is not None else None,
        failed=failed.rate_per_s if failed is not None else None,
        reasons=reasons,
    )


def _wanted(trials: Sequence[Trial], limits: Limits, hint: float | None) -> float | None:
    """`next_rate`, however many there have been."""
    standings = _standings(trials)
    if _widest(standings, limits) is not None:
        return None
    for one in standings:
        if one.outcome is None:
            return one.rate_per_s
    low, high = _ends(standings)
    # What has both passed and failed is near the limit, as is what was tried first.
    tried = 1 if any(end is not None and end.passed and end.failed for end in (low, high)) else len(standings)
    wide = WHOLE_SENSORS * limits.ratio
    step = STEP if hint is None or tried > 2 * NEAR_STEPS else min(wide ** (1 if tried <= NEAR_STEPS else 2), STEP)
    if low is None:
        if high is None:
            return min(max(hint or FIRST_PER_S, limits.floor_per_s), limits.ceiling_per_s)
        return max(high.rate_per_s / step, limits.floor_per_s) if high.rate_per_s > limits.floor_per_s else None
    if high is None and low.rate_per_s < limits.ceiling_per_s:
        return min(max(step * low.rate_per_s, hint or 0.0), limits.ceiling_per_s)
    if high is not None and high.rate_per_s > limits.near * low.rate_per_s:
        narrow = WHOLE_SENSORS * limits.near
        middle = _middle(low.rate_per_s, high.rate_per_s, narrow)
        # What has passed, if less often than not, is near the limit.
        return max(middle, high.rate_per_s / narrow) if high.passed else middle
    if high is None or high.outcome == "untold":
        return None if low.confirmed(limits) else low.rate_per_s
    return _end_to_confirm(standings, low, high, limits)


def _end_to_confirm(standings: Sequence[_Standing], low: _Standing, high: _Standing, limits: Limits) -> float:
    """The end that lacks trials, of two that are as far apart as they may be, around the gap between ``low`` and
    ``high``: the farther from the limit a rate is, the more surely a trial tells.
    """
    apart = math.sqrt(WHOLE_SENSORS * limits.ratio)
    middle = math.sqrt(low.rate_per_s * high.rate_per_s)
    lowest, highest = max(middle / apart, limits.floor_per_s), min(middle * apart, limits.ceiling_per_s)
    # What has been tried already, where it is as far as that.
    lowest = low.rate_per_s if low.rate_per_s * WHOLE_SENSORS < lowest else lowest
    highest = high.rate_per_s if high.rate_per_s > highest * WHOLE_SENSORS else highest
    passed = (one for one in standings if one.confirmed(limits) and one.rate_per_s <= low.rate_per_s)
    return highest if any(highest <= limits.ratio * one.rate_per_s for one in passed) else lowest


def _widest(standings: Sequence[_Standing], limits: Limits) -> tuple[_Standing, _Standing] | None:
    """Of the confirmed ends that are near enough the two that are farthest apart: most trials agree with them."""
    confirmed = [one for one in standings if one.confirmed(limits)]
    pairs = [
        (low, high)
        for low in confirmed
        for high in confirmed
        if low.outcome == "passed" and high.outcome == "failed" and high.rate_per_s <= limits.ratio * low.rate_per_s
    ]
    return max(pairs, key=lambda pair: pair[1].rate_per_s / pair[0].rate_per_s, default=None)


def _middle(low: float, high: float, narrow: float) -> float:
    """The geometric middle; where the gap is an odd number of brackets wide, one with a whole number of them below it.

    Of three, one may be left by the next trial, where their middle would leave two either way.
    """
    wide = math.ceil(math.log(high / low) / math.log(narrow))
    return low * narrow ** (wide // 2) if wide % 2 else math.sqrt(low * high)


def _standings(trials: Sequence[Trial]) -> list[_Standing]:
    """Every rate that was tried, in ascending order."""
    return [
        _Standing(
            rate_per_s=rate,
            passed=sum(trial.rate_per_s >= rate and trial.outcome == "passed" for trial in trials),
            failed=sum(trial.rate_per_s <= rate and trial.outcome == "failed" for trial in trials),
            here=Counter(trial.outcome for trial in trials if trial.rate_per_s == rate),
        )
        for rate in sorted({trial.rate_per_s for trial in trials})
    ]


def _ends(standings: Sequence[_Standing]) -> tuple[_Standing | None, _Standing | None]:
    """The highest rate that passed below all that did not, and the lowest that did not."""
    high = next((one for one in standings if one.outcome in ("failed", "untold")), None)
    below = [one for one in standings if one.outcome == "passed" and (high is None or one.rate_per_s < high.rate_per_s)]
    return (below[-1] if below else None), high


def _last_reason(trials: Sequence[Trial], rate: _Standing) -> str:
    told = [trial.reason for trial in trials if trial.rate_per_s == rate.rate_per_s and trial.outcome == "untold"]
    return told[-1]


def _shown(rate_per_s: float) -> str:
    return f"{rate_per_s:,.0f}/s"
