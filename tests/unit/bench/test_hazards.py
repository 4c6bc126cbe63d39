"""The hazards that are stored with a stream are those that quality counts."""

import polars as pl
from unit.bench.test_quality import HOT, NOISE, alerts, scored, truth

from bench.quality.hazards import HAZARDS, hazard_frame


def test_a_hazard_is_a_run_of_readings():
    """
    true:    20 40 40 20 40 20 35.5 35.5     two readings; one alone, and two by less than two sigma, are marginal
    """
    found = hazard_frame(truth(20, 40, 40, 20, 40, 20, 35.5, 35.5), (HOT,), NOISE)
    minute = 60_000_000
    assert found.rows() == [
        ("high_temperature", 1, 1, 2, minute, 2 * minute, False),
        ("high_temperature", 1, 4, 4, 4 * minute, 4 * minute, True),
        ("high_temperature", 1, 6, 7, 6 * minute, 7 * minute, True),
    ]
    assert dict(found.schema) == HAZARDS


def test_quality_counts_the_same():
    """As many events to find, and as many marginal ones, over several sensors and gaps in their numbers."""
    frame = pl.concat([truth(40, 40, 20, 40, 40, 40), truth(20, 40, 20, 40, 40, sensor=2)])
    frame = frame.filter((pl.col("sensor_id") != 1) | (pl.col("seq") != 4))
    found, score = hazard_frame(frame, (HOT,), NOISE), scored(frame, alerts())
    assert (~found["marginal"]).sum() == score.tp + score.fn > 0
    assert found["marginal"].sum() == score.marginal > 0


def test_nothing_to_find_is_an_empty_table():
    """With its columns."""
    found = hazard_frame(truth(20, 20), (HOT,), NOISE)
    assert found.is_empty()
    assert dict(found.schema) == HAZARDS
