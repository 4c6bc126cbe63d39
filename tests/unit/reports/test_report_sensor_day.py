"""Which sensor is shown, and what is shown of it."""

import polars as pl
import pytest
from unit.reports.stored_runs import REASON, RULES, SPEEDUP, ZERO_US, alerts, cell, result, store, stream

from reports.sensor_day import channel_of, choose_sensor, event_zero_us, outcomes, sensor_day
from reports.stored import open_run
from wire.reading import CHANNELS

NO_FAULTS = stream()["intervals"].clear()


def fired(rows):
    """Alerts from (sensor, rules) pairs."""
    schema = {"sensor_id": pl.Int64, "seq": pl.Int64, "alert": pl.String, "fired": pl.List(pl.String)}
    columns = zip(*[(sensor, number, "x", rules) for number, (sensor, rules) in enumerate(rows)], strict=True)
    return pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema)


def test_every_rule_of_the_seed_points_to_its_channel():
    """The id of a rule names the channel it looks at; an unknown one names none."""
    assert {channel_of(rule) for rule in RULES} == set(CHANNELS)
    assert channel_of("silence") is None


def test_the_sensor_with_most_kinds_of_alerts_is_shown():
    """Kinds of rules count before their number."""
    rows = fired([(7, ["a"]), (7, ["a"]), (7, ["a"]), (4, ["a", "b"])])
    assert choose_sensor(rows, NO_FAULTS, set()) == 4


def test_faults_then_alerts_then_the_lowest_number_decide_a_tie():
    """The choice is the same on every machine."""
    tie = [(5, ["a"]), (3, ["a"]), (8, ["a"])]
    assert choose_sensor(fired(tie), NO_FAULTS, set()) == 3
    assert choose_sensor(fired([*tie, (8, ["a"])]), NO_FAULTS, set()) == 8
    spike = stream()["intervals"].with_columns(sensor_id=pl.lit(5, pl.Int32))
    assert choose_sensor(fired([*tie, (8, ["a"])]), spike, set()) == 5


def test_beacons_are_never_shown():
    """A beacon's weather is no weather."""
    assert choose_sensor(fired([(1, ["a"])]), NO_FAULTS, {1}) is None


def test_event_zero_follows_from_the_schedule():
    """The reading due at the window's start was taken at event time zero."""
    frames = stream()
    assert event_zero_us(frames["readings"], frames["schedule"], SPEEDUP) == pytest.approx(ZERO_US, abs=2)


def test_a_day_holds_truth_readings_alerts_and_faults(tmp_path):
    """Hours count from the window's start; a ring stands on each channel whose rule fired."""
    day = sensor_day(open_run(store(tmp_path / "run", result())))
    assert (day.sensor_id, day.hours) == (3, 24.0)
    assert day.readings["hour"].is_between(0, 24, closed="left").all()
    assert len(day.readings) == 144
    hits = day.outcomes.filter(outcome="hit")
    assert dict(hits.group_by("channel").len().iter_rows()) == {"temperature": 18, "humidity": 18}
    assert hits.filter(channel="humidity")["value"].unique().to_list() == [15.0]
    missed = day.outcomes.filter(pl.col("outcome") != "hit").select("channel", "rule", "outcome", "value")
    assert missed.rows() == [("rainfall", "heavy_rainfall", "missed", 0.0)]
    assert day.hazards.select("rule", "marginal").sort("rule").rows() == [
        ("heavy_rainfall", False),
        ("high_temperature", False),
        ("high_wind_speed", True),
        ("low_humidity", False),
    ]
    told = day.readings.drop_nulls("outcomes")["outcomes"].unique().sort().to_list()
    assert told == ["heavy_rainfall: missed", "high_temperature: hit, low_humidity: hit"]
    assert day.faults.select("kind", "field").rows() == [("spike", "temperature")]
    assert day.faults["start_h"].to_list() == pytest.approx([9.0], abs=1e-6)


def test_readings_that_never_came_stay_gaps(tmp_path):
    """Truth goes on where a reading was never sent; the observed channels are null there."""
    folder = store(tmp_path / "run", result())
    readings = pl.read_parquet(folder / "stream/readings.parquet")
    gap = (pl.col("sensor_id") == 3) & (pl.col("seq") == 200)
    readings.filter(~gap).write_parquet(folder / "stream/readings.parquet")
    row = sensor_day(open_run(folder)).readings.filter(seq=200).row(0, named=True)
    assert row["temperature"] is None
    assert row["true_temperature"] is not None


def test_the_alerts_are_those_of_a_valid_cell(tmp_path):
    """An invalid cell is shown only where no valid one has alerts."""
    cells = [cell("realtime:30s", verdict="invalid", reasons=[REASON]), cell("5s")]
    folder = store(tmp_path / "run", result(cells=cells))
    assert sensor_day(open_run(folder)).cell == "5s-p1-tuned-r1"
    alerts(stream()["truth"]).clear().write_parquet(folder / "cells/5s-p1-tuned-r1/alerts.parquet")
    assert sensor_day(open_run(folder)).cell == "realtime-30s-p1-tuned-r1"


def test_a_sensor_that_the_tables_lack_is_not_shown(tmp_path):
    """A search sends more sensors than it keeps tables of: the busiest of those that are kept is shown."""
    folder = store(tmp_path / "run", result(cells=[cell()]))
    shown = sensor_day(open_run(folder)).sensor_id
    file = folder / "cells/realtime-30s-p1-tuned-r1/alerts.parquet"
    known = pl.read_parquet(file)
    busy = pl.concat([known.with_columns(sensor_id=pl.lit(99, known.schema["sensor_id"]))] * 9)
    pl.concat([known, busy]).write_parquet(file)
    assert sensor_day(open_run(folder)).sensor_id == shown != 99


def test_without_truth_there_is_no_day(tmp_path):
    """A missing file is named, not guessed around."""
    folder = store(tmp_path / "run", result())
    (folder / "stream/truth.parquet").unlink()
    run = open_run(folder)
    assert sensor_day(run) is None
    assert run.absent == {"stream/truth.parquet": "is not there"}


def judged(alerted, hazards=(), faulty=()):
    """(seq, outcome) of a sensor with ten readings; ``hazards``: first, last, marginal."""
    rows = pl.DataFrame(
        [
            {
                "seq": seq,
                "hour": seq / 6,
                "fault_mask": int(seq in faulty),
                "fired": ["hot"] if seq in alerted else None,
            }
            for seq in range(10)
        ],
        schema_overrides={"fired": pl.List(pl.String)},
    )
    columns = {"rule": pl.String, "first_seq": pl.Int64, "last_seq": pl.Int64, "marginal": pl.Boolean}
    frame = pl.DataFrame([("hot", *hazard) for hazard in hazards], schema=columns, orient="row")
    return outcomes(rows, frame).select("seq", "outcome").rows()


def test_an_alert_in_a_hazard_is_a_hit_and_one_alone_is_false():
    """A hazard without an alert is missed, on its first reading."""
    assert judged({2, 7}, [(1, 3, False), (5, 5, False)]) == [(2, "hit"), (5, "missed"), (7, "false")]


def test_a_run_of_alerts_is_judged_whole():
    """As `bench.quality.scores` counts: what touches a hazard at one end is no false alarm at the other."""
    assert judged({3, 4, 6}, [(2, 3, False)]) == [(3, "hit"), (4, "hit"), (6, "false")]


def test_noise_and_faults_make_an_alert_neither_right_nor_wrong():
    """On a marginal hazard or a faulty reading; a real hazard counts all the same, a marginal one is never missed."""
    assert judged({1, 4}, [(1, 1, True)], faulty={4}) == [(1, "neither"), (4, "neither")]
    assert judged({4}, [(4, 5, False)], faulty={4}) == [(4, "hit")]
    assert judged(set(), [(1, 2, True)]) == []


def test_without_hazards_nothing_is_judged(tmp_path):
    """A run that was stored before they were: its alerts are shown, and called nothing."""
    folder = store(tmp_path / "run", result())
    (folder / "stream/hazards.parquet").unlink()
    day = sensor_day(open_run(folder))
    assert set(day.outcomes["outcome"]) == {"unjudged"}
    assert day.hazards.is_empty()
