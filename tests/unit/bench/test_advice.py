"""The cheapest point that holds the objective, with what could not be told."""

from __future__ import annotations

import pytest
from unit.bench.builders import a_config, a_noise
from unit.reports.stored_runs import cell, fidelity

from base.errors import UsageError
from bench.advice import advise, parse_goal
from bench.matrix import plan

OBJECTIVE = "fidelity.recall_at_deadline.1 >= 0.99"


def one(trigger="1s", partitions=1, *, cpu=40.0, recall=1.0, repeat=1, **more):
    """A cell whose pipeline took ``cpu`` seconds for a million readings, and which saw ``recall`` in time."""
    usage = {"pipeline": {"cpu_s": 1.0, "cpu_s_per_million": cpu, "cores": 0.5, "rss_bytes": 1}}
    seen = fidelity(recall_at_deadline={"1": recall})
    return cell(trigger, partitions, repeat=repeat, resources=usage, fidelity=seen, **more)


def repeated(trigger, partitions=1, *, cpu, recall=(1.0, 1.0, 1.0), **more):
    """A cell's repeats: one for each of ``cpu``."""
    pairs = zip(cpu, recall, strict=True)
    return [one(trigger, partitions, cpu=c, recall=r, repeat=repeat, **more) for repeat, (c, r) in enumerate(pairs, 1)]


def advice(cells, objective=OBJECTIVE, minimise="cpu", noise=None):
    """What is advised for ``cells`` of the default run."""
    goal = parse_goal(objective, minimise, plan(a_config(repeats=3)))
    return advise(goal, cells, noise)


def names(points):
    """Trigger and partitions of each."""
    return [f"{point.trigger}/{point.partitions}" for point in points]


def test_the_cheapest_that_holds_comes_first_and_what_holds_not_last():
    """5 s costs least and is too late; of the two that hold, the cheaper is advised and the other runs up."""
    told = advice(
        [
            *repeated("realtime:30s", cpu=(80.0, 82.0, 81.0)),
            *repeated("1s", cpu=(50.0, 52.0, 51.0), recall=(0.992, 0.995, 0.996)),
            *repeated("5s", cpu=(30.0, 31.0, 32.0), recall=(0.2, 0.2, 0.2)),
        ]
    )
    assert told.verdict == "holds"
    assert names(told.points) == ["1s/1", "realtime:30s/1", "5s/1"]
    best = told.points[0]
    assert (best.cost, best.value, best.margin, best.held, best.repeats) == (51.0, 0.995, 0.005, 3, 3)
    assert told.alike == []
    first, second = told.sentences
    assert first == (
        f"Cheapest as measured that holds {OBJECTIVE} on this machine: trigger 1s x 1 partition (tuned), "
        "resources.pipeline.cpu_s_per_million 51, fidelity.recall_at_deadline.1 0.995, margin 0.005 "
        "(middle of 3 repeats)."
    )
    assert second == (
        "Runner-up: trigger realtime:30s x 1 partition (tuned), resources.pipeline.cpu_s_per_million 81, "
        "fidelity.recall_at_deadline.1 1, margin 0.01 (middle of 3 repeats)."
    )


def test_repeats_that_overlap_cannot_be_told_apart():
    """The runner-up's cheapest repeat costs less than the best one's dearest."""
    told = advice([*repeated("1s", cpu=(50.0, 51.0, 60.0)), *repeated("1s", 4, cpu=(59.0, 61.0, 62.0))])
    assert names(told.points) == ["1s/1", "1s/4"]
    assert told.alike == ["trigger 1s x 4 partitions (tuned)"]
    assert told.sentences[-1] == (
        "Could not be told apart from the first: trigger 1s x 4 partitions (tuned) (their repeats overlap)."
    )


def test_under_three_repeats_nothing_can_be_told_apart():
    """However far the two lie from each other: this machine's noise is not known."""
    told = advice([one("1s", cpu=10.0), one("5s", cpu=90.0), one("realtime:30s", cpu=1.0, recall=0.5)])
    assert told.alike == ["trigger 5s x 1 partition (tuned)"]
    assert "fewer than 3 valid repeats and no stored noise" in told.sentences[-1]


@pytest.mark.parametrize(("cpu", "alike"), [(10.4, True), (11.0, False)])
def test_stored_noise_tells_single_repeats_apart(cpu, alike):
    """Where 2 % of noise are known, one repeat a side shows a tenth more, and not a twenty-fifth."""
    noise = a_noise({"micro-batch": {"resources.pipeline.cpu_s_per_million": 0.02}})
    told = advice([one("1s", cpu=10.0), one("5s", cpu=cpu)], noise=noise)
    assert told.alike == (["trigger 5s x 1 partition (tuned)"] if alike else [])
    assert ("this machine's noise hides a difference under 6%" in told.sentences[-1]) is alike


def test_noise_of_the_other_mode_says_nothing():
    """Real-time noise is not known: the old rule holds."""
    noise = a_noise({"micro-batch": {"resources.pipeline.cpu_s_per_million": 0.02}})
    told = advice([one("realtime:30s", cpu=10.0), one("1s", cpu=99.0)], noise=noise)
    assert "fewer than 3 valid repeats" in told.sentences[-1]


def test_an_invalid_repeat_is_not_one():
    """Of three repeats one is left out: two are too few."""
    cells = [*repeated("1s", cpu=(10.0, 11.0, 12.0)), *repeated("5s", cpu=(90.0, 91.0, 92.0))]
    cells[0] = one("1s", cpu=10.0, verdict="inconclusive")
    told = advice(cells)
    assert told.points[0].repeats == 2
    assert told.alike == ["trigger 5s x 1 partition (tuned)"]


@pytest.mark.parametrize(
    ("recall", "value", "cost"),
    [((0.991, 0.999), 0.991, 50.0), ((0.999, 0.991), 0.991, 50.0), ((0.97, 1.0, 0.995, 0.98), 0.98, 45.0)],
)
def test_repeats_are_pooled_and_never_averaged(recall, value, cost):
    """Of two middle ones the worse counts: the value and the cost are those of a repeat that was measured."""
    cpu = (40.0, 50.0, 45.0, 30.0)[: len(recall)]
    (point,) = advice(repeated("1s", cpu=cpu, recall=recall)).points
    assert (point.value, point.cost) == (value, cost)
    assert point.cost_range == (min(cpu), max(cpu))


def test_a_latency_is_pooled_by_its_worse_middle_too():
    """Where less is better, of 900 and 1,100 ms the latter counts."""
    cells = [one("1s", p99=900.0), one("1s", p99=1100.0, repeat=2)]
    (point,) = advice(cells, "latency_ms.due_to_seen.p99 < trigger + 200ms", "latency").points
    assert (point.value, point.margin, point.margin_range, point.cost) == (1100.0, 100.0, (100.0, 300.0), 1100.0)


def test_repeats_that_disagree_are_told():
    """The middle one holds, one does not."""
    told = advice(repeated("1s", cpu=(1.0, 2.0, 3.0), recall=(0.9, 0.995, 1.0)))
    assert told.verdict == "holds"
    assert "trigger 1s x 1 partition (tuned) holds it in 2 of 3 repeats: undecided." in told.sentences


def test_where_none_holds_the_closest_is_named():
    """By how much it misses; cost plays no part."""
    told = advice(
        [*repeated("1s", cpu=(90.0,) * 3, recall=(0.9,) * 3), *repeated("5s", cpu=(1.0,) * 3, recall=(0.2,) * 3)]
    )
    assert told.verdict == "none holds"
    assert names(told.points) == ["1s/1", "5s/1"]
    assert told.sentences[0].startswith(f"None of 2 holds {OBJECTIVE} on this machine; closest: trigger 1s x 1")
    assert "misses by 0.09 (middle of 3 repeats)." in told.sentences[0]
    assert told.alike == []


def test_points_without_a_number_are_left_out_with_the_reason():
    """No valid cell, or a valid one that lacks the number: neither holds, and neither is compared."""
    told = advice([one("1s"), one("5s", verdict="invalid"), one("realtime:30s", recall=None)])
    assert told.points[0].holds
    assert told.alike == []
    assert "Left out: trigger 5s x 1 partition (tuned) (no valid cell)." in told.sentences
    assert told.sentences[-1].startswith("Left out: trigger realtime:30s x 1 partition (tuned) (realtime-30s-p1")


def test_a_percentile_of_few_batches_is_not_ranked():
    """Neither as objective nor as cost."""
    cells = [one("1s", batches=30), one("5s", batches=6)]
    told = advice(cells, "latency_ms.due_to_seen.p99 < 30s", "cpu")
    assert names(point for point in told.points if point.holds) == ["1s/1"]
    assert told.sentences[-1] == (
        "Left out: trigger 5s x 1 partition (tuned) (5s-p1-tuned-r1 rests on 6 batches, and a percentile wants 20)."
    )
    assert "its cost is not known: 5s-p1-tuned-r1 rests on 6" in advice(cells, minimise="latency").sentences[-1]


def test_one_repeat_without_a_number_may_be_the_worst():
    """So the point has none."""
    (point,) = advice(repeated("1s", cpu=(1.0, 2.0, 3.0), recall=(1.0, None, 1.0))).points
    assert (point.value, point.holds) == (None, False)
    assert "1s-p1-tuned-r2" in point.reasons["value"]


def test_a_cost_that_is_not_known_is_not_cheap():
    """It comes after those that are known, and is told."""
    told = advice([one("1s", cpu=None), one("5s", cpu=70.0)])
    assert names(told.points) == ["5s/1", "1s/1"]
    assert told.alike == []
    assert "trigger 1s x 1 partition (tuned) holds it, but its cost is not known" in told.sentences[-1]
    (alone,) = advice([one("1s", cpu=None)]).sentences
    assert "its cost is not known" in alone


@pytest.mark.parametrize("cells", [[], [one(verdict="invalid")]])
def test_without_a_number_nothing_is_said(cells):
    """No cell, or none that is valid."""
    told = advice(cells)
    assert told.verdict == "no value"
    assert told.sentences[0] == f"Nothing can be said about {OBJECTIVE} on this machine."


def test_a_selector_limits_the_choice():
    """Cells that the objective is not for are no points."""
    told = advice([one("1s", 1), one("1s", 4, cpu=1.0)], OBJECTIVE + " {partitions=1}")
    assert names(told.points) == ["1s/1"]


@pytest.mark.parametrize(
    ("minimise", "path"),
    [
        (None, "resources.pipeline.cpu_s_per_million"),
        ("cpu", "resources.pipeline.cpu_s_per_million"),
        ("latency", "latency_ms.due_to_seen.p99"),
        ("params.partitions", "params.partitions"),
    ],
)
def test_what_is_minimised(minimise, path):
    """A short name, any path, or CPU."""
    assert advice([one()], minimise=minimise).minimise == path


@pytest.mark.parametrize(
    ("objective", "minimise", "words"),
    [
        (OBJECTIVE, "cpus", "--minimise: unknown path 'cpus'; did you mean 'cpu'?"),
        (OBJECTIVE, "batch_ms.p5", "did you mean 'batch_ms.p50'?"),
        (OBJECTIVE, "batch_ms", "go on with one of max, n, p50, p99"),
        (None, "cpu", "--minimise cpu: what has to hold? add --objective"),
        ("fidelity.missing", None, "--objective 'fidelity.missing': not a condition"),
        (OBJECTIVE + " {partitions=3}", None, "it has partitions 1, 4"),
    ],
)
def test_a_goal_that_cannot_be_is_one_line(objective, minimise, words):
    """Flag, value and remedy."""
    with pytest.raises(UsageError) as caught:
        parse_goal(objective, minimise, plan(a_config()))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_an_objective_there_is_no_goal():
    """And no advice."""
    assert parse_goal(None, None, plan(a_config())) is None
