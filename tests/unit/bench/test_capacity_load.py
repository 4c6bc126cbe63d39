"""The load of a search: windows, rates in whole sensors, and one stream that grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from unit.bench.builders import a_config

from base.errors import UsageError
from bench.capacity.load import (
    MOST_READINGS,
    Extent,
    GrowingStream,
    limits_of,
    sensors_at,
    trial_config,
    trial_window_s,
    whole_rate,
    with_longest_warmup,
    with_searched_load,
)
from bench.capacity.ordinary import is_ordinary
from bench.config import RunConfig
from bench.judge import Judge
from bench.latency import samples_needed
from bench.stream import latency_sensors, prepare_stream, resolve
from pipeline.rules import load_rules
from pipeline.triggers import Trigger
from sim.deliveries import read_deliveries

RULES = load_rules(None)


@pytest.mark.parametrize(
    ("trigger", "window_s"),
    [("0s", 15), ("200ms", 15), ("1s", 15), ("2s", 16), ("5s", 20), ("10s", 40), ("realtime", 30), ("realtime:5s", 15)],
)
def test_a_window_holds_whole_triggers_and_batches(trigger: str, window_s: float):
    """15 s at least, 30 in a search of few points, four micro-batch triggers, whole real-time batches."""
    few, many = (a_config(triggers=(trigger,), partitions=tuple(range(1, n + 1)), search_rate=True) for n in (4, 5))
    parsed = Trigger.parse(trigger, field="t")
    assert trial_window_s(many, parsed) == window_s
    assert trial_window_s(few, parsed) == max(30, window_s)


@pytest.mark.parametrize(("partitions", "window_s", "least_s"), [((1, 2), 30.0, 30.0), ((1, 2, 4), 15.0, 10.0)])
def test_real_time_trials_warm_up_for_longer_and_the_stream_covers_them(
    partitions: tuple[int, ...], window_s: float, least_s: float
):
    """For longer in a search of few points. What was asked for counts where it is longer; other modes need no more."""
    one, realtime = (Trigger.parse(text, field="t") for text in ("1s", "realtime:30s"))

    def a_search(*triggers: str, warmup_s: float = 5.0) -> RunConfig:
        return a_config(triggers=triggers, partitions=partitions, search_rate=True, warmup_s=warmup_s)

    for asked_s, expected in [(5.0, [(window_s, 5.0), (30.0, least_s)]), (40.0, [(window_s, 40.0), (30.0, 40.0)])]:
        both = a_search("realtime:30s", "1s", warmup_s=asked_s)
        configs = [trial_config(both, trigger) for trigger in (one, realtime)]
        assert [(its.window_s, its.warmup_s) for its in configs] == expected
        assert with_longest_warmup(both).warmup_s == expected[1][1]
    assert with_longest_warmup(a_search("1s", "5s")).warmup_s == 5.0
    measured = a_config(triggers=("realtime:30s", "1s"))
    assert with_longest_warmup(measured) == measured


@pytest.mark.parametrize(("partitions", "expected_s"), [((1, 2), 24.0), ((1, 2, 4), 10.0)])
def test_spark_warms_up_for_longer_in_a_search_of_few_points(partitions: tuple[int, ...], expected_s: float):
    """Up to four points it may; with more, the whole search would take too long."""
    config = with_searched_load(a_config(triggers=("1s", "5s"), partitions=partitions, search_rate=True))
    assert config.spark_warmup_s == expected_s


def test_the_shortest_window_holds_a_day():
    """The stream lasts as long as the longest one; the first rate is 20,000/s, as nearly as whole sensors allow.

    And the longest warm-up is not longer than the day that scenarios hold before event time zero.
    """
    config = with_searched_load(a_config(triggers=("realtime:60s", "1s"), search_rate=True))
    assert (config.window_s, config.speedup, config.sensors) == (60.0, 2880.0, 4167)
    resolve(config).require_lead(-with_longest_warmup(config).warmup_s * config.speedup)
    assert resolve(config).rate_per_s == pytest.approx(20_000.0, rel=1e-3)


@pytest.mark.parametrize("scenario", ["seed", "no beacons"])
def test_a_scenario_whose_rate_cannot_be_searched_is_one_line(scenario: str, tmp_path: Path):
    """Readings drawn by lot come at the scenario's rate; without beacons nothing supports a p99."""
    if scenario == "no beacons":
        from sim.scenario import SCENARIOS_DIR

        text = (SCENARIOS_DIR / "calm.toml").read_text().replace("share = 0.02\n", "share = 0.0\n")
        scenario = str(tmp_path / "own.toml")
        Path(scenario).write_text(text)
    with pytest.raises(UsageError, match=rf"--scenario {scenario}: .*choose another one"):
        with_searched_load(a_config(scenario=scenario))


def test_the_limits_are_what_p99_needs_and_what_can_be_read_back():
    """At the floor a window has its 1,000 beacon alerts, at the ceiling a trial its most readings; both whole rates."""
    config = with_searched_load(a_config(triggers=("1s",), quick=True))
    spec = resolve(config)
    limits = limits_of(spec, config, tail_s=1.0)
    assert (limits.ratio, limits.near, limits.confirms) == (1.5, 1.15, 3)
    assert samples_needed(0.99) <= limits.floor_per_s * 0.02 / 2 * 30.0 < 1.1 * samples_needed(0.99)
    assert limits.ceiling_per_s * 36.0 == pytest.approx(MOST_READINGS, rel=1e-3)
    for rate in (limits.floor_per_s, limits.ceiling_per_s, whole_rate(spec, 12_345.6)):
        assert whole_rate(spec, rate) == rate
    # A search of many points has no time for more.
    many = a_config(triggers=("1s", "2s", "5s"), partitions=(1, 2, 4))
    assert limits_of(spec, many, tail_s=1.0).confirms == 2


@pytest.fixture
def growing(tmp_path: Path) -> tuple[GrowingStream, Any]:
    """A short stream of 100 sensors, and its specification."""
    config = a_config(triggers=("1s",), sensors=100, warmup_s=0.5, window_s=2.0)
    spec = resolve(config)
    first = prepare_stream(spec, config, tail_s=0.5, folder=tmp_path)
    first.write(load_rules(None))
    return GrowingStream(first, config, tail_s=0.5), spec


def test_a_rate_is_so_many_sensors(growing: tuple[GrowingStream, Any]):
    """The stream at a rate says how many are sent, has their beacons, and their rate."""
    stream, spec = growing
    at = stream.at(0.7 * spec.rate_per_s)
    assert (at.sent_sensors, at.spec.sensors) == (70, 70)
    assert at.spec.rate_per_s == pytest.approx(0.7 * spec.rate_per_s)
    assert at.beacons == {1, 51} == {sensor for sensor in latency_sensors(at.truth) if sensor <= 70}


def test_a_higher_rate_is_written_anew_and_a_lower_one_is_not(growing: tuple[GrowingStream, Any]):
    """What the first 100 sensors send is the same in the larger file; twice the rate is twice the readings."""
    stream, spec = growing

    def sent(rate: float) -> list[tuple[int, int, bytes]]:
        at = stream.at(rate)
        read = read_deliveries(at.deliveries, sensors=at.sent_sensors)
        return [row for one in read for row in zip(one.sensor_id, one.due_ns.tolist(), one.values, strict=True)]

    before = sent(spec.rate_per_s)
    written = stream.at(spec.rate_per_s).deliveries.stat().st_mtime_ns
    sent(0.5 * spec.rate_per_s)
    assert stream.at(spec.rate_per_s).deliveries.stat().st_mtime_ns == written
    twice = sent(2.0 * spec.rate_per_s)
    assert len(twice) == pytest.approx(2 * len(before), rel=0.05)
    assert max(sensor for sensor, *_ in twice) == 200 == sensors_at(spec, 2.0 * spec.rate_per_s)
    assert sent(spec.rate_per_s) == before


def test_nothing_is_judged_twice(growing: tuple[GrowingStream, Any]):
    """First what a slow trial sent, later what is new alone, in a file that has grown too; no ordinary reading."""
    stream, spec = growing
    seen: list[bytes] = []

    def judge(values: Sequence[bytes]) -> pl.DataFrame:
        seen.extend(values)
        return Judge(RULES)(values)

    few = Extent(sensors=30, since_ns=0, until_ns=1_500_000_000)
    slow = stream.required(judge, RULES, few)
    assert len(slow) > 0
    assert set(slow["sensor_id"]) <= set(range(1, 31))
    stream.at(2.0 * spec.rate_per_s)
    config = a_config(triggers=("1s",), warmup_s=0.5, window_s=2.0)
    whole = stream.required(judge, RULES, Extent.of(replace(spec, sensors=200), config, tail_s=0.5))
    sent = list(read_deliveries(stream.at(spec.rate_per_s).deliveries, sensors=200))
    values = [value for stretch in sent for value in stretch.values]
    ordinary = is_ordinary(values, RULES)
    assert 0.5 < np.mean(ordinary) < 1.0
    assert sorted(seen) == sorted(value for value, spared in zip(values, ordinary, strict=True) if not spared)
    judged = Judge(RULES)(values)
    matters = judged.filter(pl.any_horizontal(pl.col("alert_id", "reason").is_not_null()))
    assert whole["alert_id"].drop_nulls().sort().to_list() == sorted(set(matters["alert_id"].drop_nulls()))
    assert_frame_equal(stream.required(judge, RULES, few), whole)
    early = [(int(one.sensor_id[row]), int(one.seq[row])) for one in sent for row in np.flatnonzero(few.holds(one))]
    mine = pl.DataFrame(early, schema={"sensor_id": pl.Int64, "seq": pl.Int64}, orient="row")
    columns = ["sensor_id", "seq"]
    assert_frame_equal(whole.join(mine, on=columns, how="semi").sort(columns), slow.sort(columns))
