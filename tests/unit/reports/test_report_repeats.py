"""How repeats scatter, and what difference can be told."""

import math

import pytest
from unit.bench.builders import a_noise
from unit.reports.stored_runs import REASON, cell, result

from bench.compare.intervals import ratio
from reports.repeats import noise_sentence, repeats_table, tellable_table

NOISE = a_noise({"micro-batch": {"latency_ms.due_to_seen.p50": 0.02}})


def repeated(*p50s, **more):
    """A run of one point, whose repeats have these medians."""
    cells = [cell("1s", p50=p50, repeat=number) for number, p50 in enumerate(p50s, 1)]
    return result(cells=cells, **more)


def known(noise=NOISE):
    """The calibration of a machine whose noise is known."""
    return {"kafka_floor_ms": None, "noise": noise}


def test_each_repeat_stands_beside_the_mean_of_its_point():
    """The geometric one: 100 and 400 are a half and the double of 200."""
    frame = repeats_table(repeated(100.0, 400.0)).filter(metric="p50")
    assert frame["of_mean"].to_list() == pytest.approx([0.5, 2.0])
    assert frame["value"].to_list() == [100.0, 400.0]
    assert frame["noise_low"].to_list() == [None, None]


def test_a_repeat_that_is_not_valid_is_shown_and_moves_no_mean():
    """The mean is that of the valid ones."""
    built = repeated(100.0, 100.0)
    built.cells.append(cell("1s", p50=300.0, repeat=3, verdict="invalid", reasons=[REASON]))
    assert repeats_table(built).filter(metric="p50")["of_mean"].to_list() == pytest.approx([1.0, 1.0, 3.0])


def test_a_point_that_was_measured_once_has_no_spread():
    """One value, or one that has a number, says nothing about repeats."""
    assert repeats_table(repeated(100.0)).is_empty()
    assert repeats_table(repeated(100.0, None)).filter(metric="p50").is_empty()


def test_the_band_is_where_repeats_lie_by_the_stored_noise():
    """95 % of them: 1.96 standard deviations of the log to each side, in the mode of the cell."""
    frame = repeats_table(repeated(100.0, 101.0, calibration=known()))
    row = frame.filter(metric="p50").row(0, named=True)
    assert (row["noise_low"], row["noise_high"]) == pytest.approx((math.exp(-0.0392), math.exp(0.0392)))
    assert frame.filter(metric="drain")["noise_low"].null_count() == 2


def test_the_change_that_can_be_told_is_the_one_that_just_shows():
    """Two runs that far apart have an interval that just leaves out 1, if their repeats do not differ otherwise."""
    (row,) = tellable_table(repeated(100.0, 101.0, calibration=known())).iter_rows(named=True)
    assert (row["mode"], row["metric"], row["repeats"]) == ("micro-batch", "p50", 2)
    assert row["scatter"] == pytest.approx(math.expm1(0.0392))
    just = ratio([1.0, 1.0], [1 + row["change"]] * 2, log_sd=0.02)
    assert just.low == pytest.approx(1.0, abs=1e-5)


def test_unknown_noise_is_said():
    """Nothing is told then; known noise comes with its age."""
    assert tellable_table(repeated(100.0)).is_empty()
    assert "not known" in noise_sentence(repeated(100.0))
    assert "measured 0 days before this run" in noise_sentence(repeated(100.0, calibration=known()))
