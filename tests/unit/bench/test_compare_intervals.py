"""The statistics of comparisons against outside numbers, limit cases and slow, obvious twins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.compare.intervals import holm, ratio, share_difference
from bench.quality.scores import wilson

A, B = [100.0, 104.0, 97.0, 101.0], [118.0, 121.0, 131.0]


def test_a_ratio_is_scipys_welch_test_on_logs():
    """Value, p and interval are those of scipy's own t-test with unequal variances, taken on the logs."""
    found = ratio(A, B)
    theirs = stats.ttest_ind(np.log(B), np.log(A), equal_var=False)
    low, high = theirs.confidence_interval(0.95)
    assert found.value == pytest.approx(stats.gmean(B) / stats.gmean(A))
    assert found.p == pytest.approx(theirs.pvalue)
    assert (found.low, found.high) == pytest.approx((math.exp(low), math.exp(high)))


def test_a_ratio_has_no_direction_of_its_own():
    """A over B is one over B over A, with the same p."""
    there, back = ratio(A, B), ratio(B, A)
    assert (there.value * back.value, there.low * back.high, there.p / back.p) == pytest.approx((1.0, 1.0, 1.0))


@pytest.mark.parametrize(("a", "b"), [([1.0], [2.0]), ([1.0], [2.0, 3.0]), ([0.1] * 3, [0.3] * 5)])
def test_without_scatter_there_is_no_interval(a, b):
    """One repeat on a side, or repeats that do not differ at all, show a ratio and nothing about chance."""
    found = ratio(a, b)
    assert found.value == pytest.approx(stats.gmean(b) / stats.gmean(a))
    assert (found.low, found.high, found.p) == (None, None, None)


def test_known_noise_makes_an_interval_of_single_repeats():
    """Twice as much at a known 10 %: the normal interval of log 2 with 0.1 times the root of 2."""
    found = ratio([50.0], [100.0], log_sd=0.1)
    half = 1.959964 * 0.1 * math.sqrt(2)
    assert (found.low, found.high) == pytest.approx((2 * math.exp(-half), 2 * math.exp(half)))


def test_known_noise_counts_only_where_it_is_the_larger():
    """Repeats that look calmer than the machine is take its noise; wilder ones keep their own."""
    known = ratio(A, B, log_sd=0.2)
    assert known.high / known.low == pytest.approx(math.exp(2 * 1.959964 * 0.2 * math.sqrt(1 / 4 + 1 / 3)))
    assert ratio(A, B, log_sd=0.001) == ratio(A, B)


@pytest.mark.parametrize(
    ("b", "a", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombes_own_table(b, a, low, high):
    """Table II of Newcombe 1998, method 10."""
    found = share_difference(a, b)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_p_of_shares_is_where_the_interval_touches_0():
    """Below 0.05 exactly if the 95 % interval leaves out 0; 1 for equal shares; and symmetric."""
    for hits in range(41):
        found, back = share_difference((20, 40), (hits, 40)), share_difference((hits, 40), (20, 40))
        assert (found.p < 0.05) is (found.low > 0 or found.high < 0)
        assert found.p == pytest.approx(back.p)
    assert share_difference((20, 40), (20, 40)).p == 1.0


def test_shares_use_the_interval_that_results_carry():
    """Against a share known almost exactly, the difference has the Wilson interval of the other one."""
    found = share_difference((0, 10**9), (8, 10))
    theirs = wilson(8, 10)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-4)


def test_holm_of_a_textbook():
    """0.01, 0.04, 0.03, 0.005 become 0.03, 0.06, 0.06, 0.02: each times how many are left, never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
