"""Rules are scored against true weather: hazards found, missed, made up, marginal, masked; and what follows from it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from bench.metrics.affiliation import affiliation
from bench.metrics.nab import PROFILES, nab
from bench.metrics.pate import pate_f1
from bench.quality.baselines import blind_alarms
from bench.quality.metric_set import NO_ALERT, NO_EVENT, NO_SCORES, PATE_BUFFERS
from bench.quality.scores import quality, sample, wilson
from pipeline.rules import AlertRule, load_rules

RULES = load_rules(None)
HOT = RULES[0]
CHANNELS = ("temperature", "humidity", "rainfall", "wind_speed", "UV_index")
NOISE = dict.fromkeys(CHANNELS, 0.5)


def truth(*true_temperatures, faults=(), sensor=1, every_s=60):
    """One sensor, one reading a minute, harmless but for its temperature; ``faults`` are the seqs that carry one."""
    n = len(true_temperatures)
    return pl.DataFrame(
        {
            "sensor_id": pl.Series([sensor] * n, dtype=pl.Int32),
            "seq": list(range(n)),
            "event_us": [i * every_s * 1_000_000 for i in range(n)],
            "true_temperature": [float(value) for value in true_temperatures],
            "true_humidity": [50.0] * n,
            "true_rainfall": [0.0] * n,
            "true_wind_speed": [0.0] * n,
            "true_UV_index": [0.0] * n,
            "fault_mask": pl.Series([int(i in faults) for i in range(n)], dtype=pl.UInt16),
        }
    )


def alerts(*seqs, fired=("high_temperature",), rule=None, sensor=1):
    """Alerts of one sensor at the given readings."""
    return pl.DataFrame(
        {
            "sensor_id": [sensor] * len(seqs),
            "seq": list(seqs),
            "rule": [rule or fired[0]] * len(seqs),
            "fired": [list(fired)] * len(seqs),
        },
        schema={"sensor_id": pl.Int64, "seq": pl.Int64, "rule": pl.String, "fired": pl.List(pl.String)},
    )


def sampled(frame, came, rules=(HOT,), every_s=60):
    """A window as long as the longest sensor's readings; noise 0.5 in every channel."""
    most = frame.group_by("sensor_id").len()["len"].max() or 0
    return sample(frame, came, rules, noise_sigma=NOISE, interval_s=every_s, window_event_s=most * every_s)


def scored(frame, came, every_s=60):
    """The temperature rule: above 35 °C."""
    return quality([sampled(frame, came, every_s=every_s)]).by_rule["high_temperature"]


#: One hazard is found a reading late, one is missed, one run of two alerts is about nothing.
FRAME, CAME = truth(20, 40, 40, 20, 40, 40, 20, 20, 20), alerts(2, 7, 8)
HAZARD = np.array([[0, 1, 1, 0, 1, 1, 0, 0, 0]], dtype=bool)
ALARM = np.array([[0, 0, 1, 0, 0, 0, 0, 1, 1]], dtype=bool)


def test_found_missed_and_false():
    """
    true:    20 40 40 20 40 40 20 20 20
    alerts:   .  .  !  .  .  .  .  !  !     one hazard found (a reading late), one missed, one false alarm
    """
    result = scored(FRAME, CAME)
    assert (result.tp, result.fn, result.fp) == (1, 1, 1)
    assert (result.precision, result.recall, result.f1) == (0.5, 0.5, 0.5)
    # Nine minutes of one sensor are 1/160 of a day.
    assert result.false_alarms_per_sensor_day == 160.0


def test_the_metric_set_by_hand_and_by_its_functions():
    """
    By readings: one true of three alarmed, one found of four true. By ranges: alarms cover 1 and 0, hazards 1/2 and 0.
    The others are those of `bench.metrics`, whose tests have the published numbers.
    """
    found = scored(FRAME, CAME).metrics
    assert found.point.model_dump() == {"precision": 0.33333, "recall": 0.25, "f1": 0.28571}
    assert found.range.model_dump() == {"precision": 0.5, "recall": 0.25, "f1": 0.33333}
    near = affiliation(HAZARD, ALARM)
    assert (found.affiliation.precision, found.affiliation.recall) == pytest.approx(near, abs=5e-6)
    for name, profile in PROFILES.items():
        assert getattr(found.nab, name) == pytest.approx(nab(HAZARD, ALARM, profile), abs=5e-6)
    assert found.pate.f1 == pytest.approx(pate_f1(HAZARD, ALARM, buffers=PATE_BUFFERS), abs=5e-6)
    assert (found.pate.ap, found.vus.pr, found.vus.roc) == (None, None, None)
    assert found.reasons == {"pate": NO_SCORES, "vus": NO_SCORES}


def test_time_to_detection_counts_a_miss():
    """Found after one reading of 60 s; the miss counts as three hours, which are 180 readings."""
    result = scored(FRAME, CAME)
    assert result.delay.model_dump() == {
        "median_event_s": 60.0,
        "median_readings": 1.0,
        "restricted_mean_event_s": (60 + 10_800) / 2,
        "restricted_mean_readings": (1 + 180) / 2,
        "restricted_to_event_s": 10_800.0,
    }
    assert result.recall_at_delay == {"60": 0.5, "600": 0.5, "1800": 0.5, "3600": 0.5, "10800": 0.5}
    assert result.reasons == {}


def test_recall_at_a_delay_counts_event_time():
    """Hazards found after 0, 20 and 40 minutes: a delay of exactly D is within D; one below the interval is null."""
    frame = truth(20, *[40] * 5, 20, *[40] * 5, 20, *[40] * 5, every_s=600)
    result = scored(frame, alerts(1, 9, 17), every_s=600)
    assert result.recall_at_delay == {"60": None, "600": 0.33333, "1800": 0.66667, "3600": 1.0, "10800": 1.0}
    assert "600 s apart" in result.reasons["recall_at_delay"]
    assert (result.delay.median_event_s, result.delay.median_readings) == (1200.0, 2.0)
    assert (result.delay.restricted_mean_event_s, result.delay.restricted_mean_readings) == (1200.0, 2.0)


def test_readings_farther_apart_than_the_longest_delay_tell_no_delay():
    """Twice a day: every D is null, and so is a mean that is restricted to less than a reading."""
    result = scored(truth(20, 40, 40, every_s=43_200), alerts(1), every_s=43_200)
    assert set(result.recall_at_delay.values()) == {None}
    assert (result.delay.median_event_s, result.delay.restricted_mean_event_s) == (0.0, None)
    assert "43200 s apart" in result.reasons["delay"]


def test_further_alerts_in_an_event_are_its_duplicates():
    """Four and two alerts in two hazards: four more than were needed, two an event; a miss has none."""
    frame = truth(20, 40, 40, 40, 40, 20, 40, 40, 40, 20, 40, 40)
    assert scored(frame, alerts(1, 2, 3, 4, 6, 8)).duplicates_per_event == 2.0
    assert scored(frame, alerts(0)).duplicates_per_event is None


def test_what_noise_decides_about_is_marginal():
    """A crossing by less than two sigma, or of a single reading, is neither found nor missed."""
    result = scored(truth(20, 35.9, 35.9, 20, 40, 20), alerts(4))
    assert (result.tp, result.fn, result.fp, result.marginal) == (0, 0, 0, 2)
    assert (result.precision, result.recall, result.f1) == (None, None, None)
    assert result.intervals == {"precision": None, "recall": None}
    assert result.reasons["recall"] == NO_EVENT
    assert result.reasons["precision"] == NO_ALERT
    assert (result.metrics.point.precision, result.metrics.nab.standard) == (None, None)
    assert result.metrics.reasons["point"] == f"{NO_EVENT}; {NO_ALERT}"


def test_an_alarm_around_a_marginal_hazard_is_no_false_one():
    """
    true:    20 40 20 20 20      the hazard of one reading is marginal
    alerts:   !  !  !  .  !      its run is left out whole where runs count, its middle where readings do
    """
    result = scored(truth(20, 40, 20, 20, 20), alerts(0, 1, 2, 4))
    assert (result.tp, result.fp, result.fn, result.marginal, result.ignored) == (0, 1, 0, 1, 0)
    assert result.metrics.range.precision == 0.0
    assert (result.metrics.point.precision, result.metrics.point.recall) == (0.0, None)
    # Without the last alert no run is left to judge.
    assert scored(truth(20, 40, 20, 20, 20), alerts(0, 1, 2)).metrics.range.precision is None


def test_an_alarm_on_a_faulty_reading_is_ignored():
    """The other class is neither right nor wrong: an injected fault is no hazard, and its time is no time at risk."""
    result = scored(truth(20, 20, 20, 20, faults=[1]), alerts(1))
    assert (result.fp, result.ignored) == (0, 1)
    assert result.metrics.point.precision is None
    false = scored(truth(20, 20, 20, 20, faults=[1]), alerts(3))
    assert (false.fp, false.ignored) == (1, 0)
    assert false.false_alarms_per_sensor_day == 86_400 / 180
    assert scored(truth(20, 20, faults=[0, 1]), alerts(0)).false_alarms_per_sensor_day is None


def test_faulty_readings_beside_a_hazard_count_for_nothing():
    """
    true:    20 40 40 20 20 20
    faults:                x
    alerts:   .  !  !  !  !  .     the run is right; of its readings two are, one is wrong and one is faulty
    """
    result = scored(truth(20, 40, 40, 20, 20, 20, faults=[4]), alerts(1, 2, 3, 4))
    assert (result.tp, result.fp, result.ignored) == (1, 0, 0)
    assert result.metrics.point.precision == 0.66667
    assert result.metrics.range.precision == 0.66667


def test_a_fault_does_not_excuse_a_miss():
    """The hazard was there; and an alert that a fault happens to cause in it has found it."""
    frame = truth(20, 40, 40, 20, faults=[1, 2])
    assert (scored(frame, alerts()).fn, scored(frame, alerts(2)).tp) == (1, 1)


def test_a_label_hidden_by_an_earlier_rule_is_masked_not_missed():
    """The alert is called after another rule, but `fired` names ours: found, and counted as masked."""
    result = scored(truth(40, 40), alerts(0, 1, fired=("other", "high_temperature"), rule="other"))
    assert (result.tp, result.fn, result.masked) == (1, 0, 1)


def test_a_gap_ends_a_run_and_sensors_do_not_touch():
    """Runs end at a missing reading and at the next sensor."""
    gap = truth(40, 40, 40, 40).filter(pl.col("seq") != 1)
    assert (scored(gap, alerts()).marginal, scored(gap, alerts()).fn) == (1, 1)
    both = pl.concat([truth(40, 40), truth(40, 40, sensor=2)])
    assert scored(both, alerts()).fn == 2


def test_a_hazard_over_the_edge_of_the_window_is_cut_there():
    """It began before the first reading or ends after the last: what lies inside counts, from there on."""
    result = scored(truth(40, 40, 20, 40, 40), alerts(1, 4))
    assert (result.tp, result.delay.median_event_s) == (2, 60.0)
    assert scored(truth(20, 20, 40), alerts()).marginal == 1


def test_no_reading_at_all():
    """A window without readings has nothing to find and nothing to judge."""
    result = scored(truth(40).clear(), alerts(3))
    assert (result.tp, result.fp, result.fn, result.marginal) == (0, 0, 0, 0)
    assert result.false_alarms_per_sensor_day is None
    assert set(result.recall_at_delay.values()) == {None}


def test_no_alert():
    """Everything is missed: recall 0, precision undefined, silence scores 0 with NAB, a miss lasts three hours."""
    result = scored(FRAME, alerts())
    assert (result.precision, result.recall, result.f1) == (None, 0.0, None)
    assert (result.metrics.nab.standard, result.metrics.pate.f1) == (0.0, None)
    assert (result.delay.median_event_s, result.delay.restricted_mean_event_s) == (None, 10_800.0)
    assert result.reasons["delay"] == "no event was found"
    assert result.metrics.reasons["pate"] == f"{NO_ALERT}; {NO_SCORES}"


def test_alerts_only_where_nothing_happens():
    """An alert at a sensor without hazards lies in no zone: affiliation has no precision, and says why."""
    both = pl.concat([truth(20, 40, 40), truth(20, 20, 20, sensor=2)])
    found = scored(both, alerts(1, sensor=2)).metrics
    assert (found.affiliation.precision, found.affiliation.recall) == (None, 0.0)
    assert found.reasons["affiliation"] == "no alert at a sensor that has an event"


def test_detectors_that_know_nothing():
    """Silence finds nothing; an alarm that is always on finds all, and is wrong on five readings of nine."""
    result = scored(FRAME, CAME)
    never, always = result.baselines["never"], result.baselines["always_on"]
    assert (never.tp, never.fp, never.fn, never.precision, never.recall) == (0, 0, 2, None, 0.0)
    assert never.metrics.nab.standard == 0.0
    assert (always.tp, always.fp, always.fn, always.f1) == (2, 0, 0, 1.0)
    assert (always.metrics.point.precision, always.metrics.point.recall) == (0.44444, 1.0)
    assert set(result.baselines) == {"never", "always_on", "random"}
    assert scored(FRAME, CAME).baselines == result.baselines


def test_the_random_detector_alerts_as_often_and_only_at_readings():
    """As many alarms as the detector has, none where there is no reading, and not where the detector's are."""
    rng = np.random.default_rng(1)
    exists = rng.random((40, 50)) < 0.7
    alarm = exists & (rng.random((40, 50)) < 0.1)
    blind = blind_alarms(alarm, exists, np.random.default_rng(2))
    assert blind["random"].sum() == alarm.sum()
    assert not (blind["random"] & ~exists).any()
    assert (blind["random"] & alarm).sum() < 0.3 * alarm.sum()
    assert (blind["always_on"] == exists).all()


def test_all_pools_the_rules():
    """Counts, times and readings of all rules are added; the pooled random detector is that of each rule."""
    frame = truth(40, 40, 20, 20).with_columns(true_humidity=pl.Series([50.0, 10.0, 10.0, 10.0]))
    came = pl.concat([alerts(0, 3), alerts(2, fired=["low_humidity"])])
    result = quality([sampled(frame, came, RULES)])
    assert (result.all.tp, result.all.fp, result.all.fn) == (2, 1, 0)
    assert set(result.by_rule) == {rule.id for rule in RULES}
    assert result.all.delay.median_event_s == 30.0
    assert (result.all.metrics.point.precision, result.all.metrics.point.recall) == (0.66667, 0.4)
    assert result.all.false_alarms_per_sensor_day == 360.0
    assert result.by_fault == {}
    assert "by_fault" in result.reasons
    alone = quality([sampled(frame, came)])
    assert alone.all == alone.by_rule["high_temperature"]


def test_four_hundred_events_in_two_samples():
    """One hazard for each of 400 sensors, 360 found: the textbook's interval, however the sensors are parted."""

    def part(first, last):
        frames = [truth(20, 40, 40, 20, sensor=sensor) for sensor in range(first, last)]
        came = [alerts(1, sensor=sensor) for sensor in range(first, last) if sensor % 10]
        return sampled(pl.concat(frames), pl.concat(came))

    result = quality([part(1, 101), part(101, 401)]).all
    assert (result.tp, result.fn, result.recall) == (360, 40, 0.9)
    assert (result.intervals["recall"].low, result.intervals["recall"].high) == pytest.approx((0.867, 0.926), abs=5e-4)
    whole = quality([part(1, 401)]).all
    assert result == whole


def test_a_longer_sample_pads_the_shorter():
    """Samples of different length are pooled as they are: padding is no reading, not for an alarm always on either."""
    pooled = quality([sampled(FRAME, CAME), sampled(truth(40, 40), alerts(0))]).all
    assert (pooled.tp, pooled.fp, pooled.fn) == (2, 1, 1)
    assert pooled.baselines["always_on"].metrics.point.precision == round(6 / 11, 5)


def runs(rows, holds):
    """The runs of consecutive readings of one sensor for which ``holds`` is true, written the obvious way."""
    found = []
    for before, row in pairwise([None, *rows]):
        if holds(row):
            follows = before and before["sensor_id"] == row["sensor_id"] and before["seq"] + 1 == row["seq"]
            if follows and holds(before):
                found[-1].append(row)
            else:
                found.append([row])
    return found


def counted_by_hand(rows, rule: AlertRule):
    """tp, fp, fn, marginal, masked, ignored of rows with true, faulty, fired and named."""

    def beyond(row):
        margin = row["true"] - rule.threshold
        return margin if rule.comparison == ">" else -margin

    clear, slight = [], []
    for run in runs(rows, lambda row: beyond(row) > 0):
        enough = len(run) >= 2 and max(map(beyond, run)) >= 2 * NOISE[rule.field]
        (clear if enough else slight).append(run)
    in_any = {(row["sensor_id"], row["seq"]) for run in clear + slight for row in run}
    alone = [
        run
        for run in runs(rows, lambda row: row["fired"])
        if not any((row["sensor_id"], row["seq"]) in in_any for row in run)
    ]
    found = [run for run in clear if any(row["fired"] for row in run)]
    return {
        "tp": len(found),
        "fp": sum(not any(row["faulty"] for row in run) for run in alone),
        "fn": len(clear) - len(found),
        "marginal": len(slight),
        "masked": sum(not any(row["named"] for row in run) for run in found),
        "ignored": sum(any(row["faulty"] for row in run) for run in alone),
    }


@pytest.mark.parametrize("seed", range(8))
def test_counts_are_those_of_a_slow_twin(seed):
    """Random weather of a dozen sensors with missing readings, faults and alerts, in no order."""
    rng = np.random.default_rng(seed)
    n = 12 * 60
    frame = pl.concat([truth(*[20.0] * 60, sensor=sensor) for sensor in range(1, 13)]).with_columns(
        true_temperature=pl.Series(35 + np.repeat(rng.normal(0, 1.5, n // 3), 3) + rng.normal(0, 0.4, n)),
        true_humidity=pl.Series(20 + np.repeat(rng.normal(0, 1.5, n // 4), 4)),
        fault_mask=pl.Series((rng.random(n) < 0.2).astype(np.uint16)),
    )
    frame = frame.filter(pl.Series(rng.random(n) < 0.95)).sample(fraction=1.0, shuffle=True, seed=seed)
    hot = rng.random(len(frame)) < np.where(frame["true_temperature"] > 35, 0.3, 0.08)
    dry = rng.random(len(frame)) < np.where(frame["true_humidity"] < 20, 0.3, 0.08)
    fired = [["high_temperature"] * h + ["low_humidity"] * d for h, d in zip(hot.tolist(), dry.tolist(), strict=True)]
    came = frame.select(pl.col("sensor_id").cast(pl.Int64), "seq", fired=pl.Series(fired, dtype=pl.List(pl.String)))
    came = came.filter(pl.col("fired").list.len() > 0).with_columns(rule=pl.col("fired").list.first())
    result, totals = quality([sampled(frame, came, RULES[:2])]), Counter()
    for rule, fires in zip(RULES[:2], (hot, dry), strict=True):
        named = fires & ~hot if rule.id == "low_humidity" else fires
        rows = frame.select("sensor_id", "seq", true=f"true_{rule.field}", faulty=pl.col("fault_mask") > 0)
        rows = rows.with_columns(fired=pl.Series(fires), named=pl.Series(named)).sort("sensor_id", "seq")
        expected = counted_by_hand(rows.to_dicts(), rule)
        assert result.by_rule[rule.id].model_dump(include=set(expected)) == expected
        totals.update(expected)
    assert min(totals[name] for name in ("tp", "fp", "fn", "marginal", "ignored")) > 0


def test_wilson_interval():
    """8 of 10: the textbook's 0.490 to 0.943; nothing of nothing has no interval."""
    interval = wilson(8, 10)
    assert (interval.low, interval.high) == pytest.approx((0.49016, 0.94332), abs=1e-5)
    assert wilson(0, 0) is None
