"""Same scenario and seed, same readings: whoever else is simulated, however it is cut, wherever it starts."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from sim.digest import stream_digest
from sim.scenario import load_scenario
from sim.simulate import collect, simulate
from sim.stream import StreamSpec, resolve_stream

# More faults than usual, so that a stretch of hours holds every kind and cuts through some.
SCENARIO = load_scenario("temperate-day")
FAULTS = {
    kind: getattr(SCENARIO.faults, kind).model_copy(update={"per_sensor_day": 0.9})
    for kind in ("spike", "stuck_at", "dropout")
}
FAULTY = SCENARIO.model_copy(update={"faults": SCENARIO.faults.model_copy(update=FAULTS)})

few = settings(max_examples=5, deadline=None)
seeds = st.integers(0, 2**63)
hours = st.integers(-24, 12)


def stream(seed: int, sensors: int = 40, rate_factor: float = 1.0) -> StreamSpec:
    """A stream full of faults."""
    return resolve_stream(FAULTY, seed=seed, sensors=sensors, rate=sensors * 4.8 * rate_factor)


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
