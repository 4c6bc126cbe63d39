"""Percentiles are exact, honest about missing alerts, and silent where n does not bear them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.latency import (
    boundary_stalls,
    exact_quantile,
    quantiles,
    recall_at_deadlines,
    samples_needed,
)


def _slow_quantile(values, q):
    """The definition, word by word: the smallest value with a share of at least q at or below it."""
    return min(v for v in values if sum(w <= v for w in values) >= q * len(values) - 1e-9)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_exact_quantile_is_the_definition(values, q):
    """The fast order statistic equals the slow and obvious one."""
    assert exact_quantile(np.sort(np.array(values)), q) == _slow_quantile(values, q)


@pytest.mark.parametrize(("q", "needed"), [(0.5, 20), (0.9, 100), (0.95, 200), (0.99, 1000), (0.999, 10_000)])
def test_ten_samples_beyond_every_percentile(q, needed):
    """A percentile needs 10 / (1 - q) samples."""
    assert samples_needed(q) == needed


def test_unsupported_percentiles_are_null_with_a_reason():
    """999 samples give a p95, no p99, and say why; the maximum needs no support."""
    result = quantiles(np.arange(999.0))
    assert result.supported == ["p50", "p90", "p95"]
    assert result.p99 is None
    assert result.reasons["p99"] == "needs 1000 samples, has 999"
    assert result.max == 998.0


def test_two_percent_missing_make_p99_infinite():
    """A missing alert counts as infinite: p99 is null with that reason, p95 stands."""
    latencies = np.concatenate([np.full(980, 5.0), np.full(20, np.inf)])
    result = quantiles(latencies)
    assert (result.p50, result.p95) == (5.0, 5.0)
    assert result.p99 is None
    assert "missing" in result.reasons["p99"]
    assert result.max is None


def test_nothing_expected_gives_nothing():
    """No sample, no number."""
    result = quantiles(np.array([]))
    assert (result.n, result.p50, result.max, result.supported) == (0, None, None, [])


def test_recall_at_deadline_counts_what_was_seen_in_time():
    """The share of expected alerts within each deadline; a missing one is in none."""
    found = recall_at_deadlines(np.array([5.0, 50.0, 1500.0, np.inf]), (0.01, 0.05, 1.0, 2.0))
    assert found == {"0.01": 0.25, "0.05": 0.5, "1": 0.5, "2": 0.75}
    assert recall_at_deadlines(np.array([]), (1.0,)) == {"1": None}


def test_a_stall_is_the_longest_wait_around_a_boundary():
    """
    due:       0 s ... 10 s | 10.2 s ... 20 s      boundary at 10 s
    latency:   3 ms     180 ms   40 ms   3 ms
    """
    due_ns = np.array([0, 10_000, 10_200, 20_000]) * 1_000_000
    stalls = boundary_stalls(due_ns, np.array([3.0, 180.0, 40.0, 3.0]), [10_000_000_000])
    assert (stalls.each, stalls.median, stalls.max) == ([180.0], 180.0, 180.0)
    assert boundary_stalls(due_ns, np.zeros(4), []).max is None
