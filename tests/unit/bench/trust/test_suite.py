"""The loop of bench.trust's suite: which cells are run again, and which one counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.bench.trust.test_trust_checks import observed, reading, reason
from unit.reports.stored_runs import fidelity

from bench.trust.suite import SUITE, Suite
from bench.view import View

HOSTILE = next(plant for plant in SUITE if plant.name == "hostile")


def seen_as(verdict, *, echoed=1):
    """A hostile cell with one echo in its topic."""
    reasons = [] if verdict == "valid" else reason("host noise", verdict)
    values = [reading(1, humidity=19.0), reading(1, humidity=19.0)]
    return observed(values, fidelity=fidelity(echoed=echoed), verdict=verdict, reasons=reasons)


@pytest.mark.parametrize(
    ("cells", "run", "found"),
    [
        ([seen_as("valid")], 1, True),
        ([seen_as("inconclusive"), seen_as("valid")], 2, True),
        ([seen_as("inconclusive")] * 3, 3, False),
        ([seen_as("inconclusive", echoed=2), seen_as("valid")], 1, False),
        ([seen_as("inconclusive"), seen_as("valid", echoed=2), seen_as("valid")], 2, False),
    ],
)
def test_a_disturbed_cell_is_run_again_and_the_last_one_counts(tmp_path, cells, run, found):
    """Never one in which anything but the verdict is wrong, and never more than the plant allows."""
    left = list(cells)
    with Suite(None, tmp_path, View(total=1, cell_estimate_s=lambda _: 1.0, quiet=True)) as suite:
        suite._observe = lambda *_: ({}, left.pop(0))
        (outcome,) = suite.run(replace(HOSTILE, off=lambda seen: seen))
    assert (len(cells) - len(left), outcome.found) == (run, found)
