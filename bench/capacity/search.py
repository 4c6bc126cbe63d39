"""Which offered rate to try next, and what all tries say: the search of ``--search-rate``. Pure.

A *trial* is one cell at one rate. Rates go up or down by a factor of two until one passed and a higher one did not
(from where the limit is thought to be, the first three steps are as wide as a bracket may be, as are those from a rate
that has both passed and failed; three more are twice as wide); the gap is halved geometrically, or left by a step as
wide as a bracket down from an upper end that has passed once; then each end is tried once more.
Near the limit the same rate passes today and fails tomorrow, so a rate stands by the majority of its trials: an end
that is contradicted gets a third one, which may move the bracket. What passed at a higher rate confirms the end that
passed, and what failed at a lower one the end that failed: that end is not tried again. A trial that tells nothing
about the pipeline (a noisy host, a publisher at its limit) is repeated once; a rate that told nothing twice bounds the
search like a failed one, and is never an end of the bracket.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

Outcome = Literal["passed", "failed", "untold"]

#: The first rate (readings/s) where nothing hints at the limit.
FIRST_PER_S: Final = 20_000.0
#: The factor by which rates go up or down until there is a bracket.
STEP: Final = 2.0
#: From a hint so many steps are as wide as the bracket may be (a little less: rates come in whole sensors), and as many
#: more are twice as wide.
NEAR_STEPS: Final = 3
WHOLE_SENSORS: Final = 0.98
#: How far apart the ends of the bracket may be, failed over passed: of whole searches, and of `--quick`.
RATIO: Final = 1.25
QUICK_RATIO: Final = 1.5
#: So many trials that agree confirm a rate, one of them its own; so many that tell nothing give it up.
CONFIRMS: Final = 2
GIVES_UP: Final = 2
#: However they contradict each other, one point of the matrix gets no more trials than these.
MOST_TRIALS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How fine the bracket is to be (``ratio``, above 1), and between which rates (readings/s) it is searched."""

    ratio: float
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
    """The highest rate that passed and the lowest above it that failed; ``reasons``: why an end is None or unsure."""

    passed: float | None
    failed: float | None
    reasons: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """One rate by all its trials, and by those that say more: passed at higher rates, failed at lower ones."""

    rate_per_s: float
    passed: int
    failed: int
    untold: int
    passed_above: int
    failed_below: int

    @property
    def outcome(self) -> Outcome | None:
        """By majority; None: it needs another trial."""
        if self.passed != self.failed:
            return "passed" if self.passed > self.failed else "failed"
        return "untold" if self.untold >= GIVES_UP else None

    @property
    def confirmed(self) -> bool:
        """Whether enough trials agree with its majority."""
        agreeing = {"passed": self.passed + self.passed_above, "failed": self.failed + self.failed_below}
        return agreeing.get(self.outcome or "", 0) >= CONFIRMS

    @property
    def settled(self) -> bool:
        """Whether another trial is of no use."""
        return self.confirmed or self.untold >= GIVES_UP


def next_rate(trials: Sequence[Trial], limits: Limits, hint: float | None = None) -> float | None:
    """The rate to try next, readings/s; None: the search is over.

    ``hint``: where the limit is thought to be, readings/s; it may come later.
    """
    return None if len(trials) >= MOST_TRIALS else _wanted(trials, limits, hint)


def bracket(trials: Sequence[Trial], limits: Limits) -> Bracket:
    """What ``trials``, at least one, say, whether the search is over or was cut off."""
    standings = _standings(trials)
    low, high = _ends(standings)
    failed = next(
        (one for one in standings if one.outcome == "failed" and (low is None or one.rate_per_s > low.rate_per_s)), None
    )
    reasons = {}
    if low is None:
        reasons["passed"] = f"none of {len(standings)} rates down to {_shown(standings[0].rate_per_s)} passed"
    if high is not None and high.outcome == "untold":
        reasons["failed"] = f"{_shown(high.rate_per_s)} tells nothing: {_last_reason(trials, high)}"
    elif failed is None and low is not None and low.rate_per_s >= limits.ceiling_per_s:
        reasons["failed"] = f"{_shown(low.rate_per_s)} passed, and no more can be offered and read back here"
    elif failed is None:
        reasons["failed"] = "no rate has failed"
    unsure = [one for one in (low, failed) if one is not None and not one.confirmed]
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
    for one in standings:
        if one.outcome is None:
            return one.rate_per_s
    low, high = _ends(standings)
    narrow = WHOLE_SENSORS * limits.ratio
    # What has both passed and failed is near the limit, as is what was tried first.
    tried = 1 if any(end is not None and end.passed and end.failed for end in (low, high)) else len(standings)
    step = STEP if hint is None or tried > 2 * NEAR_STEPS else min(narrow ** (1 if tried <= NEAR_STEPS else 2), STEP)
    if high is None and (low is None or low.rate_per_s < limits.ceiling_per_s):
        above = (hint or FIRST_PER_S) if low is None else max(step * low.rate_per_s, hint or 0.0)
        return min(max(above, limits.floor_per_s), limits.ceiling_per_s)
    if high is not None and low is None:
        above_floor = high.rate_per_s > limits.floor_per_s
        return max(high.rate_per_s / step, limits.floor_per_s) if above_floor else None
    if high is not None and low is not None and high.rate_per_s > limits.ratio * low.rate_per_s:
        middle = _middle(low.rate_per_s, high.rate_per_s, narrow)
        # What has passed, if less often than not, is near the limit.
        return max(middle, high.rate_per_s / narrow) if high.passed else middle
    # The older end comes first: the search went on from it by its one trial, and where that was luck it lies elsewhere.
    ends = [end.rate_per_s for end in (low, high) if end is not None and not end.settled]
    return next((trial.rate_per_s for trial in trials if trial.rate_per_s in ends), None)


def _middle(low: float, high: float, narrow: float) -> float:
    """The geometric middle; where the gap is an odd number of brackets wide, one with a whole number of them below it.

    Of three, one may be left by the next trial, where their middle would leave two either way.
    """
    wide = math.ceil(math.log(high / low) / math.log(narrow))
    return low * narrow ** (wide // 2) if wide % 2 else math.sqrt(low * high)


def _standings(trials: Sequence[Trial]) -> list[_Standing]:
    """Every rate that was tried, in ascending order."""
    counted = Counter((trial.rate_per_s, trial.outcome) for trial in trials)
    return [
        _Standing(
            rate_per_s=rate,
            **{outcome: counted[rate, outcome] for outcome in get_args(Outcome)},
            passed_above=sum(trial.rate_per_s > rate and trial.outcome == "passed" for trial in trials),
            failed_below=sum(trial.rate_per_s < rate and trial.outcome == "failed" for trial in trials),
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
