"""Rules are scored against true weather: hazards found, missed, made up, marginal, masked."""

from __future__ import annotations

import polars as pl
import pytest

from bench.quality import quality, rule_score, wilson
from pipeline.rules import load_rules

RULES = load_rules(None)
HOT = RULES[0]


def truth(*true_temperatures, faults=()):
    """One sensor, one reading a minute; ``faults`` are the seqs that carry one."""
    n = len(true_temperatures)
    return pl.DataFrame(
        {
            "sensor_id": [1] * n,
            "seq": list(range(n)),
            "event_us": [i * 60_000_000 for i in range(n)],
            "true_temperature": [float(value) for value in true_temperatures],
            "true_humidity": [50.0] * n,
            "true_rainfall": [0.0] * n,
            "true_wind_speed": [0.0] * n,
            "true_UV_index": [0.0] * n,
            "fault_mask": [int(i in faults) for i in range(n)],
        }
    )


def alerts(*seqs, fired=("high_temperature",), rule=None):
    """Alerts of sensor 1 at the given readings."""
    return pl.DataFrame(
        {
            "sensor_id": [1] * len(seqs),
            "seq": list(seqs),
            "rule": [rule or fired[0]] * len(seqs),
            "fired": [list(fired)] * len(seqs),
        },
        schema={"sensor_id": pl.Int64, "seq": pl.Int64, "rule": pl.String, "fired": pl.List(pl.String)},
    )


def scored(frame, came):
    """The temperature rule (above 35 °C), noise 0.5 °C."""
    return rule_score(frame, came, HOT, noise_sigma=0.5, interval_s=60.0)


def test_found_missed_and_false():
    """
    true:    20 40 40 20 40 40 20 20 20
    alerts:   .  .  !  .  .  .  .  !  !     one hazard found (a reading late), one missed, one false alarm
    """
    result = scored(truth(20, 40, 40, 20, 40, 40, 20, 20, 20), alerts(2, 7, 8))
    assert (result.tp, result.fn, result.fp) == (1, 1, 1)
    assert (result.precision, result.recall) == (0.5, 0.5)
    assert result.delay == {"median_event_s": 60.0, "median_readings": 1.0}


def test_what_noise_decides_about_is_marginal():
    """A crossing by less than two sigma, or of a single reading, is neither found nor missed."""
    result = scored(truth(20, 35.9, 35.9, 20, 40, 20), alerts(4))
    assert (result.tp, result.fn, result.fp, result.marginal) == (0, 0, 0, 2)
    assert result.precision is None
    assert result.recall is None
    assert result.intervals == {"precision": None, "recall": None}


def test_a_label_hidden_by_an_earlier_rule_is_masked_not_missed():
    """The alert is called after another rule, but `fired` names ours: found, and counted as masked."""
    result = scored(truth(40, 40), alerts(0, 1, fired=("other", "high_temperature"), rule="other"))
    assert (result.tp, result.fn, result.masked) == (1, 0, 1)


def test_an_alarm_on_a_faulty_reading_is_ignored():
    """The other class is neither right nor wrong: an injected fault is no hazard."""
    result = scored(truth(20, 20, 20, faults=[1]), alerts(1))
    assert (result.fp, result.ignored) == (0, 1)


def test_a_gap_ends_a_run_and_sensors_do_not_touch():
    """Runs end at a missing reading and at the next sensor."""
    gap = truth(40, 40, 40, 40).filter(pl.col("seq") != 1)
    assert scored(gap, alerts()).marginal == 1
    both = pl.concat([truth(40, 40), truth(40, 40).with_columns(sensor_id=pl.lit(2, dtype=pl.Int64))])
    assert scored(both, alerts()).fn == 2


def test_all_pools_the_counts():
    """The pooled score adds tp, fp and fn of the five rules."""
    noise = dict.fromkeys(("temperature", "humidity", "rainfall", "wind_speed", "UV_index"), 0.5)
    result = quality(truth(40, 40, 20, 20), alerts(0, 3), RULES, noise_sigma=noise, interval_s=60.0)
    assert (result.all.tp, result.all.fp, result.all.fn) == (1, 1, 0)
    assert set(result.by_rule) == {rule.id for rule in RULES}
    assert result.by_fault == {}
    assert "by_fault" in result.reasons


def test_wilson_interval():
    """8 of 10: the textbook's 0.490 to 0.943; nothing of nothing has no interval."""
    interval = wilson(8, 10)
    assert (interval.low, interval.high) == pytest.approx((0.49016, 0.94332), abs=1e-5)
    assert wilson(0, 0) is None
