"""Each metric against a slow twin written from its definition, on random rows; and what must hold of them all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np
import pytest

from bench.metrics.affiliation import affiliation
from bench.metrics.counts import Counts, composite, delay_adjusted, event, point, point_adjusted, time_tolerant
from bench.metrics.nab import PROFILES, Profile, nab, raw_score
from bench.metrics.pate import pate, pate_f1
from bench.metrics.range_based import BIASES, CARDINALITIES, mean_reward, range_based
from bench.metrics.ranges import distance, prf, ranges
from bench.metrics.thresholds import MOST, ranked
from bench.metrics.vus import areas, vus
from bench.quality.scores import wilson

SEEDS = range(12)
TICKS = 48

Rows = np.ndarray


def draw(seed: int) -> tuple[Rows, Rows, np.ndarray]:
    """Truth, alarms and scores of three sensors: runs of all lengths, that touch the ends of rows as well."""
    rng = np.random.default_rng(seed)

    def runs(stay: float, share: float) -> Rows:
        """A chain that stays as it is with some chance, or is drawn anew."""
        rows = rng.random((3, TICKS)) < share
        keep = rng.random((3, TICKS)) < stay
        for tick in range(1, TICKS):
            rows[:, tick] = np.where(keep[:, tick], rows[:, tick - 1], rows[:, tick])
        return rows

    truth = runs(0.8, 0.25 if seed % 4 else 0.6)
    alarm = runs(0.6, 0.3)
    scores = np.round(rng.random((3, TICKS)) + 0.5 * truth, 2 if seed % 2 else 1)
    return truth, alarm, scores


def segments(row: Rows) -> list[tuple[int, int]]:
    """The runs of one row as (first, last), both inside."""
    found: list[tuple[int, int]] = []
    for tick in np.flatnonzero(row).tolist():
        if found and found[-1][1] == tick - 1:
            found[-1] = (found[-1][0], tick)
        else:
            found.append((tick, tick))
    return found


def meet(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two runs share a tick."""
    return one[0] <= other[1] and other[0] <= one[1]


def mean(values: list[float]) -> float | None:
    """The average, None of nothing."""
    return sum(values) / len(values) if values else None


@pytest.mark.parametrize("seed", SEEDS)
def test_ranges_and_distance(seed: int):
    """Runs end with their row; the nearest true tick is one of the same row."""
    truth, _, _ = draw(seed)
    truth[1] = False
    found = ranges(truth)
    expected = [(row, *run) for row in range(3) for run in segments(truth[row])]
    offset = found.row * TICKS
    assert list(zip(found.row, found.start - offset, found.end - offset - 1, strict=True)) == expected
    for row, tick in product(range(3), range(TICKS)):
        near = [abs(tick - other) for other in np.flatnonzero(truth[row])]
        assert distance(truth)[row, tick] == min(near, default=TICKS)


@pytest.mark.parametrize("seed", SEEDS)
def test_event_counts(seed: int):
    """Every true run against every run of alarms."""
    truth, alarm, _ = draw(seed)
    tp = fp = fn = 0
    for row in range(3):
        events, runs = segments(truth[row]), segments(alarm[row])
        hits = sum(any(meet(one, run) for run in runs) for one in events)
        tp, fn = tp + hits, fn + len(events) - hits
        fp += sum(not any(meet(one, run) for one in events) for run in runs)
    assert event(truth, alarm) == Counts(tp=tp, fp=fp, fn=fn)


@pytest.mark.parametrize("seed", SEEDS)
def test_adjusted_and_tolerant(seed: int):
    """Events are filled or emptied one by one; ticks are compared with all others."""
    truth, alarm, _ = draw(seed)
    filled, emptied = alarm.copy(), alarm.copy()
    for row in range(3):
        for first, last in segments(truth[row]):
            inside = slice(first, last + 1)
            if alarm[row, inside].mean() > 0.3:
                filled[row, inside] = True
            emptied[row, inside] = alarm[row, first : min(first + 2, last) + 1].any()
    assert (point_adjusted(truth, alarm, share=0.3) == filled).all()
    assert (delay_adjusted(truth, alarm, ticks=2) == emptied).all()

    def near(row: int, tick: int, rows: Rows) -> bool:
        return bool(rows[row, max(tick - 3, 0) : tick + 4].any())

    tolerant = time_tolerant(truth, alarm, 3)
    assert tolerant.precision == mean([near(row, tick, truth) for row, tick in np.argwhere(alarm)])
    assert tolerant.recall == mean([near(row, tick, alarm) for row, tick in np.argwhere(truth)])


def reward(of: tuple[int, int], others: list[tuple[int, int]], cardinality: str, bias: str, alpha: float) -> float:
    """Of one range, position by position."""
    length = of[1] - of[0] + 1
    weigh = {
        "flat": lambda t: 1.0,
        "front": lambda t: length - t + 1.0,
        "back": float,
        "middle": lambda t: float(t) if t <= length / 2 else length - t + 1.0,
    }[bias]
    weights = [weigh(t) for t in range(1, length + 1)]
    met = [other for other in others if meet(of, other)]
    covered = sum(
        weight
        for tick, weight in zip(range(of[0], of[1] + 1), weights, strict=True)
        if any(other[0] <= tick <= other[1] for other in met)
    )
    gamma = 1 / len(met) if cardinality == "reciprocal" and met else 1.0
    return alpha * bool(met) + (1 - alpha) * gamma * covered / sum(weights)


@pytest.mark.parametrize(("cardinality", "bias"), list(product(CARDINALITIES, BIASES)))
@pytest.mark.parametrize("seed", SEEDS)
def test_range_based(seed: int, cardinality: str, bias: str):
    """Averages over the ranges of all sensors."""
    truth, alarm, _ = draw(seed)
    rows = [(segments(truth[row]), segments(alarm[row])) for row in range(3)]
    found = range_based(truth, alarm, cardinality=cardinality, bias=bias, alpha=0.3)
    recall = mean([reward(one, runs, cardinality, bias, 0.3) for events, runs in rows for one in events])
    precision = mean([reward(run, events, cardinality, "flat", 0.0) for events, runs in rows for run in runs])
    assert found.recall == pytest.approx(recall)
    assert found.precision == pytest.approx(precision)


def nab_twin(truth: Rows, alarm: Rows, profile: Profile) -> float:
    """Window by window, false alarm by false alarm."""

    def sigmoid(y: float) -> float:
        return 2 / (1 + np.exp(5 * y)) - 1

    total = 0.0
    for row in range(3):
        windows = segments(truth[row])
        for a, b in windows:
            credit = [profile.tp * sigmoid(-(b - t + 1) / (b - a + 1)) for t in range(a, b + 1) if alarm[row, t]]
            total += max(credit) / sigmoid(-1) if credit else -profile.fn
        for t in np.flatnonzero(alarm[row] & ~truth[row]):
            before = [(a, b) for a, b in windows if b < t]
            if not before or before[-1][0] == before[-1][1]:
                total -= profile.fp
                continue
            a, b = before[-1]
            y = (t - b) / (b - a)
            total += -profile.fp if y > 3 else profile.fp * sigmoid(y)
    return total


@pytest.mark.parametrize("seed", SEEDS)
def test_nab(seed: int):
    """Raw scores of all sensors are added; an alarm knows the windows of its own sensor only."""
    truth, alarm, _ = draw(seed)
    for profile in PROFILES.values():
        assert raw_score(truth, alarm, profile) == pytest.approx(nab_twin(truth, alarm, profile))


def affiliation_twin(truth: Rows, alarm: Rows) -> tuple[float | None, float | None]:
    """Means over 64 instants of every tick instead of integrals."""
    instants = (np.arange(TICKS * 64) + 0.5) / 64
    precisions, recalls = [], []
    for row in range(3):
        events = [(first, last + 1) for first, last in segments(truth[row])]
        borders = [0.0, *((one[1] + two[0]) / 2 for one, two in pairwise(events)), float(TICKS)]
        for (a, b), left, right in zip(events, borders, borders[1:], strict=False):
            x = instants[np.repeat(alarm[row], 64) & (instants > left) & (instants < right)]
            if not len(x):
                recalls.append(0.0)
                continue
            d = np.maximum(np.maximum(a - x, x - b), 0)
            nearer = np.where(d > 0, (b - a + np.minimum(d, a - left) + np.minimum(d, right - b)) / (right - left), 0)
            precisions.append(1 - nearer.mean())
            y = instants[(instants > a) & (instants < b)]
            d = np.abs(y[:, None] - x[None, :]).min(axis=1)
            recalls.append(1 - ((np.minimum(d, y - left) + np.minimum(d, right - y)) / (right - left)).mean())
    return mean(precisions), mean(recalls)


@pytest.mark.parametrize("seed", SEEDS)
def test_affiliation(seed: int):
    """The closed forms are the means over instants."""
    truth, alarm, _ = draw(seed)
    assert affiliation(truth, alarm) == pytest.approx(affiliation_twin(truth, alarm), abs=2e-3)


def pate_counts(truth: Rows, alarm: Rows, early: int, late: int) -> tuple[float, float, float]:
    """Weighted true and false positives and misses, tick by tick."""
    tp = fp = fn = 0.0
    for row in range(3):
        events = segments(truth[row])
        weight = np.zeros(TICKS)
        taken = -1
        for number, (s, e) in enumerate(events):
            following = events[number + 1][0] if number + 1 < len(events) else TICKS
            q, p = min(e + late, following - 1), max(s - early, taken + 1)
            taken = q
            hit = alarm[row, s : e + 1]
            weight[s : e + 1] = 1.0
            for x in range(e + 1, q + 1):
                weight[x] = 1 - sum(x - y for y in range(s, e + 1)) / sum(q - y for y in range(s, e + 1))
            for x in range(p, s):
                near = sum(y - x for y in range(s, e + 1)) / sum(y - p for y in range(s, e + 1))
                weight[x] = (1 - near) if hit.any() else 0.0
            if not hit.any():
                fn += e - s + 1
                continue
            first_run = segments(hit)[0]
            covered = first_run[1] - first_run[0] + 1
            for x in range(s, e + 1):
                if alarm[row, x]:
                    continue
                onset = sum(x - y for y in range(s, s + covered + 1)) / max(sum(e - y for y in range(s, e + 1)), 1)
                fn += 1.0 if x <= s + covered else 1 - onset
        tp += weight[alarm[row]].sum()
        fp += (1 - weight[alarm[row]]).sum()
    return tp, fp, fn


@pytest.mark.parametrize("seed", SEEDS)
def test_pate(seed: int):
    """F1 and area from weights that are summed over the sensors, for each pair of buffers."""
    truth, alarm, scores = draw(seed)
    buffers = (0, 3, 9)
    f1s, under = [], []
    for early, late in product(buffers, repeat=2):
        tp, fp, fn = pate_counts(truth, alarm, early, late)
        f1s.append(prf(tp / (tp + fp), tp / (tp + fn)).f1)
        recalls, precisions = [0.0], [1.0]
        for threshold in sorted(set(scores.ravel()), reverse=True):
            tp, fp, fn = pate_counts(truth, scores >= threshold, early, late)
            if tp / (tp + fn) >= recalls[-1] - 1e-12:
                recalls.append(tp / (tp + fn))
                precisions.append(tp / (tp + fp))
        under.append(np.trapezoid(precisions, recalls))
    assert pate_f1(truth, alarm, buffers=buffers) == pytest.approx(np.mean(f1s))
    assert pate(truth, scores, buffers=buffers) == pytest.approx(np.mean(under))


def curve(truth: Rows, scores: np.ndarray, buffer: int, slope: str) -> Iterator[tuple[float, float, float]]:
    """Recall, false positive rate and precision at each falling threshold."""
    half = buffer // 2
    degree = np.zeros(truth.shape)
    for row, tick in product(range(3), range(TICKS)):
        d = min((abs(tick - other) for other in np.flatnonzero(truth[row])), default=TICKS)
        if d == 0:
            degree[row, tick] = 1.0
        elif d <= half:
            degree[row, tick] = np.sqrt(1 - d / buffer) if slope == "sqrt" else 1 - (1 - 1 / np.sqrt(2)) * d / half
    positives = (truth.sum() + degree.sum()) / 2
    events = [(row, max(s - half, 0), e + half) for row in range(3) for s, e in segments(truth[row])]
    for threshold in sorted(set(scores.ravel()), reverse=True):
        alarm = scores >= threshold
        tp = (degree * alarm).sum()
        hit = np.mean([alarm[row, s : e + 1].any() for row, s, e in events])
        yield min(tp / positives, 1) * hit, (alarm.sum() - tp) / (truth.size - positives), tp / alarm.sum()


@pytest.mark.parametrize("slope", ["linear", "sqrt"])
@pytest.mark.parametrize("seed", SEEDS)
def test_vus(seed: int, slope: str):
    """Areas buffer by buffer and threshold by threshold; buffers end at the row."""
    truth, _, scores = draw(seed)
    pr, roc = areas(truth, scores, most_buffer=11, slope=slope)
    for buffer in range(12):
        recall, fpr, precision = np.array(list(curve(truth, scores, buffer, slope))).T
        assert pr[buffer] == pytest.approx(np.trapezoid([1, *precision], [0, *recall]))
        assert roc[buffer] == pytest.approx(np.trapezoid([0, *recall, 1], [0, *fpr, 1]))
    assert vus(truth, scores, most_buffer=11, slope=slope) == pytest.approx((pr.mean(), roc.mean()))


def test_few_thresholds_stand_for_many_scores():
    """At most 250 of them, the largest and the smallest score among them, each alarming what is not below it."""
    scores = np.random.default_rng(1).random((2, 5000))
    found = ranked(scores)
    assert found.count == MOST
    alarmed = found.until(found.rank)
    assert (alarmed[0], alarmed[-1]) == (1, 10_000)
    assert np.diff(alarmed).max() - np.diff(alarmed).min() <= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_what_holds_for_any_rows(seed: int):
    """F1 by ticks is symmetric; alpha 1 is event recall; single ticks make range-based point-wise."""
    truth, alarm, _ = draw(seed)
    assert point(truth, alarm).prf.f1 == point(alarm, truth).prf.f1
    exists = range_based(truth, alarm, alpha=1.0).recall
    assert exists == pytest.approx(event(truth, alarm).prf.recall)
    even = np.arange(TICKS) % 2 == 0
    single = range_based(truth & even, alarm & even)
    by_tick = point(truth & even, alarm & even).prf
    assert (single.precision, single.recall) == pytest.approx((by_tick.precision, by_tick.recall))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_perfect_detector(seed: int):
    """Alarms that are the truth get all there is to get."""
    truth, _, _ = draw(seed)
    for found in (point(truth, truth).prf, event(truth, truth).prf, range_based(truth, truth), composite(truth, truth)):
        assert (found.precision, found.recall, found.f1) == (1.0, 1.0, 1.0)
    assert affiliation(truth, truth) == (1.0, 1.0)
    assert [nab(truth, truth, profile) for profile in PROFILES.values()] == pytest.approx([100.0] * 3)
    assert pate_f1(truth, truth) == 1.0
    assert areas(truth, truth.astype(float), most_buffer=0)[0] == pytest.approx([1.0])


def test_silence_and_nothing_to_find_are_undefined():
    """No alarm: no precision; no truth: no recall; a score that never differs: no curve. Never 0 and never NaN."""
    truth, none = draw(0)[0], np.zeros((3, TICKS), dtype=bool)
    for metric in (lambda t, a: point(t, a).prf, lambda t, a: event(t, a).prf, range_based, composite):
        silent, calm = metric(truth, none), metric(none, truth)
        assert (silent.precision, silent.recall, silent.f1) == (None, 0.0, None)
        assert (calm.precision, calm.recall, calm.f1) == (0.0, None, None)
    assert affiliation(truth, none) == (None, 0.0)
    assert affiliation(none, truth) == (None, None)
    assert [nab(truth, none, profile) for profile in PROFILES.values()] == [0.0] * 3
    assert nab(none, truth, PROFILES["standard"]) is None
    assert pate_f1(truth, none) is None
    assert pate_f1(none, truth) is None
    for rows in (truth, none):
        assert vus(rows, np.full(rows.shape, 0.5)) == (None, None)
        assert pate(rows, np.full(rows.shape, 0.5)) is None
    assert vus(none, draw(0)[2]) == (None, None)
    everywhere = np.ones((3, TICKS), dtype=bool)
    pr, roc = vus(everywhere, draw(0)[2])
    assert pr == pytest.approx(1.0)
    assert roc is None
    assert mean_reward(ranges(none), ranges(truth), cardinality="one", bias="flat", alpha=0.0) is None


def test_wilson_intervals():
    """180 of 200, 360 of 400, none of 100: the 95 % intervals that event counts are shown with."""
    for tp, n, low, high in ((180, 200, 0.851, 0.934), (360, 400, 0.867, 0.926), (0, 100, 0.0, 0.037)):
        found = wilson(tp, n)
        assert found is not None
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-4)
