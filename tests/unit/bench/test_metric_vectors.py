"""Numbers that others published for these metrics, reproduced: each test names where they stand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.metrics.affiliation import affiliation, zones
from bench.metrics.counts import (
    Counts,
    composite,
    delay_adjusted,
    event,
    point,
    point_adjusted,
    time_tolerant,
)
from bench.metrics.nab import PROFILES, Profile, nab, raw_score, scaled, sigma
from bench.metrics.pate import pate, pate_f1
from bench.metrics.range_based import mean_reward, range_based
from bench.metrics.ranges import Ranges, ranges
from bench.metrics.vus import areas, vus


def at(*ticks: int, n: int = 10) -> np.ndarray:
    """A row of ``n`` ticks, true at the given ones."""
    row = np.zeros(n, dtype=bool)
    row[list(ticks)] = True
    return row


def spans(*pairs: tuple[int, int], n: int) -> np.ndarray:
    """A row of ``n`` ticks, true from each first to each last one."""
    return at(*(tick for first, last in pairs for tick in range(first, last + 1)), n=n)


def bits(text: str) -> np.ndarray:
    """A row, as the sources write it: ``0011111``."""
    return np.array([letter == "1" for letter in text])


TRUTH, ALARM = at(1, 2, 3, 4, 9), at(4, 5, 6)


def test_point_wise():
    """TSAD_eval tests.py: truth {1..4}, alarms {4,5,6}: one tick found, two made up, three missed."""
    assert point(at(1, 2, 3, 4), ALARM) == Counts(tp=1, fp=2, fn=3)


@pytest.mark.parametrize(
    ("adjusted", "counts"),
    [
        (point_adjusted(TRUTH, ALARM), (4, 2, 1)),
        (delay_adjusted(TRUTH, ALARM, ticks=3), (4, 2, 1)),
        (delay_adjusted(TRUTH, ALARM, ticks=2), (0, 2, 5)),
        (point_adjusted(TRUTH, ALARM, share=0.5), (1, 2, 4)),
        (point_adjusted(TRUTH, ALARM, share=0.1), (4, 2, 1)),
    ],
)
def test_point_adjusted(adjusted: np.ndarray, counts: tuple[int, int, int]):
    """TSAD_eval tests.py: PA, PA limited to a delay of 3 and 2 ticks, PA%50 and PA%10."""
    assert point(TRUTH, adjusted) == Counts(*counts)


def test_point_adjust_flatters_a_random_alarm():
    """Kim et al. 2022: 5 % of the ticks in events of 200, alarmed at random with 2 %: PA F1 0.83, true F1 0.03."""
    truth = np.tile(np.arange(4000) < 200, 1000)
    alarm = np.random.default_rng(7).random(truth.size) < 0.02
    found = point(truth, point_adjusted(truth, alarm)).prf
    assert (found.precision, found.recall, found.f1) == pytest.approx((0.721, 0.982, 0.832), abs=0.012)
    assert point(truth, alarm).prf.f1 == pytest.approx(0.029, abs=0.001)


@pytest.mark.parametrize(
    ("alarm", "counts"),
    [
        (spans((6, 6), (8, 8), n=10), (1, 1, 2)),
        (spans((0, 6), n=10), (2, 0, 1)),
        (spans((0, 9), n=10), (3, 0, 0)),
        (at(), (0, 0, 3)),
    ],
)
def test_event_wise(alarm: np.ndarray, counts: tuple[int, int, int]):
    """TSAD_eval tests.py: truth [1,2], [4,4], [7,9]."""
    assert event(spans((1, 2), (4, 4), (7, 9), n=10), alarm) == Counts(*counts)


def test_composite():
    """TSAD_eval tests.py: precision by ticks, recall by events."""
    found = composite(at(0, 2, 3, 5, 7, 9), at(3, 6))
    assert (found.precision, found.recall) == (0.5, 0.2)


def test_time_tolerant():
    """Two ticks of tolerance: every alarm is near truth, one true tick of three is not near an alarm."""
    found = time_tolerant(at(3, 4, 8), at(1, 2, 3), 2)
    assert (found.precision, found.recall) == (1.0, pytest.approx(2 / 3))


@pytest.mark.parametrize(
    ("truth", "alarm", "cardinality", "expected"),
    [
        ("11000", "01000", "one", (1.0, 0.5, 2 / 3)),
        ("11100", "01000", "one", (1.0, 1 / 3, 0.5)),
        ("0011111", "0111100", "one", (0.75, 0.6, 0.666667)),
        ("00111110111", "01110111000", "one", (0.666667, 0.4, 0.5)),
        ("00111110111", "01110111000", "reciprocal", (0.666667, 0.2, 0.307692)),
    ],
)
def test_range_based(truth: str, alarm: str, cardinality: str, expected: tuple[float, float, float]):
    """PRTS tests, and aeon tests/test_range_ts_metrics.py; flat."""
    found = range_based(bits(truth), bits(alarm), cardinality=cardinality)
    assert (found.precision, found.recall, found.f1) == pytest.approx(expected, abs=1e-6)


#: TSAD-Evaluator, examples/simple.
SIMPLE = spans((20, 21), (25, 27), (44, 47), n=50)
SIMPLE_ALARM = spans((19, 20), (23, 30), (37, 37), (49, 49), n=50)


@pytest.mark.parametrize(("bias", "recall"), [("flat", 0.5), ("front", 5 / 9), ("back", 4 / 9), ("middle", 0.5)])
def test_range_based_bias(bias: str, recall: float):
    """TSAD-Evaluator, examples/simple: reciprocal, precision flat, recall with each bias."""
    found = range_based(SIMPLE, SIMPLE_ALARM, cardinality="reciprocal", bias=bias)
    assert (found.precision, found.recall) == pytest.approx((0.21875, recall))


def test_simple_example_by_the_other_metrics():
    """TSAD-Evaluator, examples/simple: by ticks, point-adjusted, by events."""
    found = point(SIMPLE, SIMPLE_ALARM).prf
    assert (found.precision, found.recall, found.f1) == pytest.approx((1 / 3, 4 / 9, 0.3810), abs=1e-4)
    assert point(SIMPLE, point_adjusted(SIMPLE, SIMPLE_ALARM)).prf.f1 == pytest.approx(0.4545, abs=1e-4)
    assert event(SIMPLE, SIMPLE_ALARM) == Counts(tp=2, fp=2, fn=1)


def test_nab_sigmoid():
    """The benchmark's docstring: the left edge of a window, its middle, its right edge."""
    assert sigma(np.array([-1.0, -0.5, 0.0])) == pytest.approx([0.98661, 0.84828, 0.0], abs=5e-6)
    assert sigma(np.array([3.1])) == -1.0


def test_nab_all_metrics():
    """NAB tests/integration/scorer_test.py: two windows, two alarms in one, one after it; every weight 1."""
    truth, alarm = spans((30, 34), (65, 69), n=100), at(30, 31, 37, n=100)
    assert raw_score(truth, alarm, Profile(tp=1.0, fp=1.0, fn=1.0)) == pytest.approx(-0.9540, abs=5e-5)
    assert point(truth, alarm) == Counts(tp=2, fp=1, fn=8)


@pytest.mark.parametrize(("alarm", "expected"), [(at(3), 100.0), (at(), 0.0), (at(1), -5.5)])
def test_nab_scaled(alarm: np.ndarray, expected: float):
    """TSAD_eval tests.py: an alarm at the onset, none, one before any window."""
    assert nab(spans((3, 6), n=10), alarm, PROFILES["standard"]) == pytest.approx(expected)


def test_nab_normalisation():
    """NAB tests/unit/normalize_test.py: raw 2, five labels, silence -5."""
    assert scaled(2.0, 5, PROFILES["standard"]) == 70.0


def test_affiliation_of_ticks():
    """affiliation-metrics: a tick i is the interval [i, i+1)."""
    truth, alarm = bits("0001000111"), bits("0000100010")
    found = zones(ranges(truth), ranges(alarm), ticks=10)
    assert found.precision == pytest.approx([0.6364, 1.0], abs=5e-5)
    assert found.recall == pytest.approx([0.8182, 0.8704], abs=5e-5)
    assert found.precision_distance == pytest.approx([0.5, 0.0])
    assert found.recall_distance == pytest.approx([0.5, 1 / 3])
    assert affiliation(truth, alarm) == pytest.approx((0.8182, 0.8443), abs=5e-5)


def test_affiliation_of_the_paper():
    """The example of Huet et al., in seconds: distances, the second event's probabilities, the averages."""

    def minutes(*pairs: tuple[int, int]) -> Ranges:
        start, end = 60 * np.array(pairs).T
        return Ranges(start=start, end=end, row=np.zeros(len(start), dtype=np.int64))

    truth = minutes((0, 10), (50, 70), (170, 175))
    alarms = minutes((5, 6), (7, 10), (11, 12), (40, 60), (115, 130), (135, 140), (165, 170))
    found = zones(truth, alarms, ticks=180 * 60)
    assert found.precision_distance == pytest.approx([18.0, 11.5 * 60, 31.25 * 60])
    assert found.recall_distance == pytest.approx([76.5, 2.5 * 60, 2.5 * 60])
    assert (found.precision[1], found.recall[1]) == pytest.approx((0.672222222, 0.944444444))
    assert found.precision.mean() == pytest.approx(0.63949, abs=5e-6)
    assert found.recall.mean() == pytest.approx(0.93231, abs=5e-6)


#: TimeEval tests/metrics/test_metrics.py.
TEN = bits("0111000000")
TEN_SCORES = np.array([0.05, 0.2, 1.0, 0.2, 0.1, 0.05, 0.1, 0.05, 0.1, 0.07])


def test_vus_of_timeeval():
    """TimeEval tests/metrics/test_metrics.py: areas at a buffer of 3 and volumes up to 200, to four digits."""
    pr, roc = areas(TEN, TEN_SCORES, most_buffer=3)
    assert (pr[3], roc[3]) == pytest.approx((0.9636, 0.9653), abs=5.1e-5)
    assert vus(TEN, TEN_SCORES, most_buffer=200) == pytest.approx((0.9937, 0.9904), abs=5.1e-5)


#: The example of PATE's README: one event of 20 ticks among 500, alarmed from 10 ticks before to its middle.
EVENT, HALF = spans((40, 59), n=500), spans((30, 49), n=500)


def test_pate_readme():
    """PATE README.md, to its two digits; buffers of 20, VUS up to 40 with the paper's slope."""
    assert pate(EVENT, HALF.astype(float), buffers=[20]) == pytest.approx(0.76, abs=0.005)
    assert pate_f1(EVENT, HALF, buffers=[20]) == pytest.approx(0.75, abs=0.005)
    assert point(EVENT, HALF).prf.f1 == 0.5
    adjusted = point(EVENT, point_adjusted(EVENT, HALF)).prf
    assert (adjusted.precision, adjusted.recall, adjusted.f1) == pytest.approx((0.67, 1.0, 0.8), abs=0.005)
    assert range_based(EVENT, HALF, alpha=0.2).recall == pytest.approx(0.6)
    # Its range-based precision rewards mere existence as well.
    backwards = mean_reward(ranges(HALF), ranges(EVENT), cardinality="one", bias="flat", alpha=0.2)
    assert backwards == pytest.approx(0.6)
    assert affiliation(EVENT, HALF) == pytest.approx((0.97, 0.99), abs=0.005)
    assert vus(EVENT, HALF.astype(float), most_buffer=40, slope="sqrt") == pytest.approx((0.72, 0.79), abs=0.005)
    pr, roc = areas(EVENT, HALF.astype(float), most_buffer=0)
    assert (pr[0], roc[0]) == pytest.approx((0.51, 0.74), abs=0.005)


@pytest.mark.parametrize(
    ("alarm", "points", "adjusted_f1", "near", "proximate_f1"),
    [
        (spans((20, 39), n=500), (0.0, 0.0, 0.0), 0.0, (0.92, 0.96), 0.0),
        (HALF, (0.5, 0.5, 0.5), 0.8, (0.97, 0.99), 0.7513),
        (spans((60, 79), n=500), (0.0, 0.0, 0.0), 0.0, (0.92, 0.96), 0.2774),
    ],
    ids=["before", "half", "after"],
)
def test_why_the_metric_matters(alarm, points, adjusted_f1, near, proximate_f1):
    """Alarms before, upon and after the event: affiliation hardly tells them apart, PATE credits the late ones."""
    found = point(EVENT, alarm).prf
    assert (found.precision, found.recall, found.f1) == points
    assert point(EVENT, point_adjusted(EVENT, alarm)).prf.f1 == pytest.approx(adjusted_f1)
    assert affiliation(EVENT, alarm) == pytest.approx(near, abs=0.005)
    assert pate_f1(EVENT, alarm, buffers=[20]) == pytest.approx(proximate_f1, abs=5e-5)
