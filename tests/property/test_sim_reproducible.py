"""Same scenario and seed, same readings: whoever else is simulated, however it is cut, wherever it starts."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from sim.digest import stream_digest
from sim.faults import FAULTS as FAULT_KINDS
from sim.scenario import load_scenario
from sim.scenario_sensors import Delivery
from sim.simulate import collect, simulate
from sim.stream import Shard, StreamSpec, resolve_stream

# More faults than usual, so that a stretch of hours holds every kind and cuts through some.
SCENARIO = load_scenario("temperate-day")
FAULTS = {kind: getattr(SCENARIO.faults, kind).model_copy(update={"per_sensor_day": 0.4}) for kind in FAULT_KINDS}
FAULTY = SCENARIO.model_copy(update={"faults": SCENARIO.faults.model_copy(update=FAULTS)})

# Every delivery fault, often, and with delays that reach over many chunks; clocks fast and slow.
DELIVERY = Delivery(
    jitter=0.5,
    loss=0.05,
    bursts_per_sensor_day=0.7,
    burst_duration="1h",
    duplicates=0.1,
    late=0.3,
    late_median="20min",
    late_p99="3h",
    outages_per_sensor_day=0.7,
    outage_duration="3h",
    clock_skew_sigma="4min",
)
UNRELIABLE = FAULTY.model_copy(update={"delivery": DELIVERY})

few = settings(max_examples=5, deadline=None)
seeds = st.integers(0, 2**63)
hours = st.integers(-24, 12)


def stream(seed: int, sensors: int = 40, rate_factor: float = 1.0) -> StreamSpec:
    """A stream full of faults."""
    return resolve_stream(FAULTY, seed=seed, sensors=sensors, rate=sensors * 4.8 * rate_factor)


def unreliable(seed: int, sensors: int = 40, rate_factor: float = 1.0) -> StreamSpec:
    """The same stream over a network that loses, delays and repeats."""
    return resolve_stream(UNRELIABLE, seed=seed, sensors=sensors, rate=sensors * 4.8 * rate_factor)


def deliveries(spec: StreamSpec, start_h: float, end_h: float, **cut: int) -> pl.DataFrame:
    """Everything that is delivered of a stretch in hours of event time, in order, with all it carries."""
    chunks = simulate(spec, start_s=start_h * 3600.0, end_s=end_h * 3600.0, **cut)
    return pl.concat([chunk.readings.to_polars() for chunk in chunks])


def stretch(spec: StreamSpec, start_h: float, end_h: float) -> dict[str, pl.DataFrame]:
    """The tables of a stretch given in hours of event time."""
    whole = collect(spec, start_s=start_h * 3600.0, end_s=end_h * 3600.0)
    return {"readings": whole.readings, "schedule": whole.schedule, "truth": whole.truth.readings}


@few
@given(seed=seeds, other=seeds)
def test_the_seed_decides(seed: int, other: int):
    """One seed has one digest; two seeds have two."""
    assert stream_digest(stream(seed), 0.0, 7200.0) == stream_digest(stream(seed), 0.0, 7200.0)
    if seed != other:
        assert stream_digest(stream(seed), 0.0, 7200.0) != stream_digest(stream(other), 0.0, 7200.0)


@few
@given(seed=seeds, sensors=st.integers(1, 60))
def test_more_sensors_change_none_of_the_first(seed: int, sensors: int):
    """Sensors 1..N have the same readings, schedule and truth among N and among 5 N."""
    alone, among = stretch(stream(seed, sensors), 9, 15), stretch(stream(seed, 5 * sensors), 9, 15)
    for name, table in alone.items():
        assert_frame_equal(table, among[name].filter(pl.col("sensor_id") <= sensors))


@few
@given(seed=seeds, chunk=st.sampled_from([1, 40, 170, 1000]))
def test_chunks_are_only_a_cut(seed: int, chunk: int):
    """The size of chunks changes no reading and no truth."""
    spec, span = stream(seed), {"start_s": -3600.0, "end_s": 20_000.0}
    parts = list(simulate(spec, chunk_readings=chunk, **span))
    whole = list(simulate(spec, chunk_readings=10**6, **span))
    for name in ("readings", "truth"):
        cut, uncut = (pl.concat([getattr(one, name).to_polars() for one in chunks]) for chunks in (parts, whole))
        assert_frame_equal(cut, uncut)


@few
@given(seed=seeds, start_h=hours, rate_factor=st.sampled_from([0.4, 1.0, 3.7]))
def test_the_start_of_emission_changes_nothing(seed: int, start_h: int, rate_factor: float):
    """A stream that starts later holds exactly what the whole one holds from there on."""
    spec = stream(seed, rate_factor=rate_factor)
    late, whole = stretch(spec, start_h + 0.3, 14), stretch(spec, -24, 14)
    begin_us = FAULTY.start_us + round((start_h + 0.3) * 3600e6)
    for name in ("readings", "truth"):
        assert_frame_equal(late[name], whole[name].filter(pl.col("event_us") >= begin_us))


@few
@given(seed=seeds)
def test_faults_can_be_switched_off(seed: int):
    """Without faults the truth is the same, and what is seen is what clean sensors show."""
    healthy = SCENARIO.model_copy(update={"faults": type(SCENARIO.faults)()})
    with_faults = stretch(stream(seed), 0, 6)["truth"]
    without = stretch(resolve_stream(healthy, seed=seed, sensors=40), 0, 6)
    assert_frame_equal(with_faults.drop("fault_mask"), without["truth"].drop("fault_mask"))
    assert without["truth"]["fault_mask"].sum() == 0
    assert len(without["readings"]) == len(without["truth"])


@few
@given(seed=seeds, sensors=st.integers(1, 60))
def test_more_sensors_change_no_delivery_of_the_first(seed: int, sensors: int):
    """Sensors 1..N have the same deliveries, in the same order, among N and among 5 N."""
    alone, among = (deliveries(unreliable(seed, count), 9, 15) for count in (sensors, 5 * sensors))
    assert_frame_equal(alone, among.filter(pl.col("sensor_id") <= sensors))


@few
@given(seed=seeds, chunk=st.sampled_from([1, 40, 170, 1000]))
def test_late_deliveries_do_not_show_the_cut(seed: int, chunk: int):
    """Whatever the size of chunks, the deliveries are the same, in one total order."""
    cut, uncut = (deliveries(unreliable(seed), -1, 6, chunk_readings=size) for size in (chunk, 10**6))
    assert_frame_equal(cut, uncut)
    order = ["due_ns", "event_us", "sensor_id", "copy"]
    assert_frame_equal(cut, cut.sort(order))


@few
@given(seed=seeds, start_h=hours, rate_factor=st.sampled_from([0.4, 1.0, 3.7]))
def test_the_start_of_emission_changes_no_delivery(seed: int, start_h: int, rate_factor: float):
    """A stream that starts amid outages and delays delivers what the whole one does of the same readings."""
    spec = unreliable(seed, rate_factor=rate_factor)
    begin_us = UNRELIABLE.start_us + round((start_h + 0.3) * 3600e6)
    whole = deliveries(spec, -24, 14)
    assert_frame_equal(deliveries(spec, start_h + 0.3, 14), whole.filter(pl.col("event_us") >= begin_us))


@few
@given(seed=seeds)
def test_delivery_faults_can_be_switched_off(seed: int):
    """They change neither the truth nor any value: what arrives is what a perfect network carries."""
    # A clock that is off is the sensor's own: with it, other instants are measured.
    punctual = UNRELIABLE.model_copy(update={"delivery": DELIVERY.model_copy(update={"clock_skew_sigma": "0s"})})
    lossy = stretch(resolve_stream(punctual, seed=seed, sensors=40, rate=192.0), 0, 12)
    perfect = stretch(stream(seed), 0, 12)
    assert_frame_equal(lossy["truth"], perfect["truth"])
    arrived = lossy["readings"].sort("sensor_id", "seq")
    assert_frame_equal(
        arrived, perfect["readings"].join(arrived, on=["sensor_id", "seq"], how="semi").sort("sensor_id", "seq")
    )
    assert 0 < len(arrived) < len(perfect["readings"])
    assert perfect["schedule"]["copy"].sum() == 0 < lossy["schedule"]["copy"].sum()


@few
@given(seed=seeds, count=st.sampled_from([2, 3, 7]), start_h=hours)
def test_shards_are_the_whole_stream_cut_by_sensor(seed: int, count: int, start_h: int):
    """Each shard has exactly its sensors' deliveries and truth, in the same order, and together they have all."""
    spec = unreliable(seed)
    whole = collect(spec, start_s=start_h * 3600.0, end_s=15 * 3600.0)
    sent = pl.concat([batch.to_polars() for batch in whole.batches])
    for number in range(1, count + 1):
        shard = collect(replace(spec, shard=Shard(number, count)), start_s=start_h * 3600.0, end_s=15 * 3600.0)
        ours = (pl.col("sensor_id") - 1) % count == number - 1
        assert_frame_equal(pl.concat([batch.to_polars() for batch in shard.batches]), sent.filter(ours))
        assert_frame_equal(shard.truth.readings, whole.truth.readings.filter(ours))
        everywhere = pl.col("sensor_id").is_null()
        assert_frame_equal(shard.truth.intervals, whole.truth.intervals.filter(everywhere | ours))


@few
@given(seed=seeds, count=st.sampled_from([2, 3]))
def test_shards_of_readings_by_lot(seed: int, count: int):
    """Of readings drawn by lot each shard has those of its sensors."""
    spec = resolve_stream(load_scenario("seed"), seed=seed, sensors=12)
    whole = deliveries(spec, 0, 1)
    for number in range(1, count + 1):
        shard = deliveries(replace(spec, shard=Shard(number, count)), 0, 1)
        assert_frame_equal(shard, whole.filter((pl.col("sensor_id") - 1) % count == number - 1))
