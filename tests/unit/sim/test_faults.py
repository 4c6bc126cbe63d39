"""What every kind of fault has to keep to, and what each one does."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from sim.beacons import is_beacon
from sim.faults import FAULT_BITS, FAULTS, INTERMITTENT_DUTY, Episodes, FaultPlan, Faulty
from sim.scenario import load_scenario
from sim.scenario_sensors import LEVELS, Faults, LevelledFault
from sim.simulate import Collected, collect
from sim.stream import StreamSpec, resolve_stream
from wire.reading import CHANNELS

SCENARIO = load_scenario("temperate-day")
DAY_S = 86400.0
DAY_US = 86_400_000_000
EVERY_KIND = pytest.mark.parametrize("kind", FAULTS)


def only(kind: str, *, seed: int = 42, sensors: int = 150, **changes: object) -> StreamSpec:
    """A stream in which this kind of fault is frequent, and no other happens."""
    settings = getattr(SCENARIO.faults, kind).model_copy(update={"per_sensor_day": 0.5, **changes})
    scenario = SCENARIO.model_copy(update={"faults": Faults(**{kind: settings})})
    return resolve_stream(scenario, seed=seed, sensors=sensors)


def seen(collected: Collected) -> pl.DataFrame:
    """The truth, and beside it what arrived: the channels under their names, `sent` whether anything did."""
    arrived = collected.readings.select("sensor_id", "seq", *CHANNELS, sent=pl.lit(value=True))
    joined = collected.truth.readings.join(arrived, on=["sensor_id", "seq"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("sent").fill_null(value=False))


def inside(table: pl.DataFrame, row: dict[str, object]) -> pl.DataFrame:
    """The readings of an interval."""
    return table.filter(
        pl.col("sensor_id") == row["sensor_id"],
        pl.col("event_us") >= row["start_us"],
        pl.col("event_us") < row["end_us"],
    )


@pytest.fixture(scope="module")
def days() -> dict[str, Collected]:
    """Two days of each kind alone."""
    return {kind: collect(only(kind), start_s=0.0, end_s=2 * DAY_S) for kind in FAULTS}


@EVERY_KIND
def test_the_label_is_the_change(days: dict[str, Collected], kind: str):
    """The bit is set on exactly the readings that differ from clean ones, or were not sent."""
    table = seen(days[kind])
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"clean_{name}")) for name in CHANNELS)
    changed = table.select(differs | ~pl.col("sent")).to_series()
    assert changed.sum() > 50
    assert table["fault_mask"].to_list() == (changed.cast(pl.UInt16) * FAULT_BITS[kind]).to_list()


@EVERY_KIND
def test_intervals_are_exact(days: dict[str, Collected], kind: str):
    """No changed reading lies outside an interval, and an interval tells how many inside it are changed."""
    table, intervals = seen(days[kind]), days[kind].truth.intervals.filter(pl.col("class") == "fault")
    assert set(intervals["kind"]) == {kind}
    marked = 0
    for row in intervals.iter_rows(named=True):
        readings = inside(table, row)
        share = (readings["fault_mask"] > 0).mean() if len(readings) else 0.0
        marked += (readings["fault_mask"] > 0).sum()
        if row["scorable"]:
            assert share >= 0.5 * FAULTS[kind].duty
    assert marked == (table["fault_mask"] > 0).sum()


@EVERY_KIND
def test_only_its_field_changes(days: dict[str, Collected], kind: str):
    """In an episode every other channel shows the clean value."""
    table = seen(days[kind]).filter("sent")
    for row in days[kind].truth.intervals.filter(pl.col("class") == "fault").head(40).iter_rows(named=True):
        hit = {row["field"]} if row["field"] else {CHANNELS[channel] for channel in FAULTS[kind].whole}
        readings = inside(table, row)
        for name in set(CHANNELS) - hit:
            assert readings[name].equals(readings[f"clean_{name}"].rename(name))


@EVERY_KIND
def test_the_peak_is_what_happened(days: dict[str, Collected], kind: str):
    """The realised peak is the largest change in units of the field's sigma; null where nothing is shown."""
    table = seen(days[kind]).filter("sent")
    sigma = dict(zip(CHANNELS, SCENARIO.faults.sigma.as_tuple(), strict=True))
    for row in days[kind].truth.intervals.filter(pl.col("class") == "fault").head(60).iter_rows(named=True):
        fields = [row["field"]] if row["field"] else [CHANNELS[channel] for channel in FAULTS[kind].whole]
        readings = inside(table, row)
        changes = [((readings[name] - readings[f"clean_{name}"]).abs() / sigma[name]).max() for name in fields]
        changes = [change for change in changes if change is not None]
        if kind == "dropout" or not changes:
            assert row["peak_sigma"] is None
        else:
            assert row["peak_sigma"] == pytest.approx(max(changes))


@EVERY_KIND
def test_same_seed_same_faults(kind: str):
    """Episodes follow from the seed alone; another seed has others; beacons have none."""
    span = (0, 4 * DAY_US)
    first, again, other = (FaultPlan(only(kind, seed=seed)).between(kind, *span) for seed in (1, 1, 2))
    assert first.start_us.tolist() == again.start_us.tolist() != other.start_us.tolist()
    assert not is_beacon(only(kind, seed=1).sensor_ids[first.column], SCENARIO.beacons).any()


@pytest.mark.parametrize("duration", ["10min", "11h", "2d"])
def test_rate_is_as_asked_and_episodes_do_not_meet(duration: str):
    """So many begin per sensor-day, whatever their length, and one sensor's never overlap."""
    spec = only("bias", sensors=400, per_sensor_day=0.2, duration=duration)
    episodes = FaultPlan(spec).between("bias", 0, 40 * DAY_US)
    assert len(episodes) == pytest.approx(0.2 * 392 * 40, rel=0.1)
    assert (episodes.end_us - episodes.start_us == episodes.end_us[0] - episodes.start_us[0]).all()
    order = np.lexsort((episodes.start_us, episodes.column))
    sorted_ = episodes.take(order)
    same = np.diff(sorted_.column) == 0
    assert (sorted_.start_us[1:] - sorted_.end_us[:-1])[same].min() >= 0


def test_levels_and_signs_are_drawn_evenly():
    """Each of the allowed levels is as frequent, and either sign."""
    episodes = FaultPlan(only("bias", sensors=3000)).between("bias", 0, 2 * DAY_US)
    assert np.bincount(episodes.level) / len(episodes) == pytest.approx([1 / 3] * 3, abs=0.04)
    assert (episodes.magnitude > 0).mean() == pytest.approx(0.5, abs=0.05)
    assert set(FaultPlan(only("bias", levels=("high",))).between("bias", 0, DAY_US).level) == {LEVELS.index("high")}


@pytest.mark.parametrize("kind", [kind for kind in FAULTS if isinstance(getattr(Faults(), kind), LevelledFault)])
def test_magnitudes_are_in_units_of_the_field(kind: str):
    """A level is so many sigma of the episode's field; for a gain it is a ratio, inverted where it damps."""
    episodes: Episodes = FaultPlan(only(kind, fields=("temperature", "humidity"))).between(kind, 0, 2 * DAY_US)
    how, sigma = FAULTS[kind], np.array(SCENARIO.faults.sigma.as_tuple())
    size = np.array([how.low, how.medium, how.high])[episodes.level]
    if how.relative:
        assert np.allclose(np.maximum(1 + episodes.magnitude, 1 / (1 + episodes.magnitude)), 1 + size)
    else:
        assert np.allclose(np.abs(episodes.magnitude), size * sigma[episodes.channel])


def at(
    value: list[float], *, held: float = 10.0, magnitude: float = 2.0, days: float = 0.0, drawn: float = 0.5
) -> Faulty:
    """Some readings of one episode."""
    n = len(value)
    return Faulty(np.array(value), np.full(n, held), np.full(n, magnitude), np.full(n, days), np.full(n, drawn))


@pytest.mark.parametrize(
    ("kind", "faulty", "expected"),
    [
        ("spike", at([20.0], magnitude=-5.0), [15.0]),
        ("stuck_at", at([20.0, 21.0]), [10.0, 10.0]),
        ("stuck_code", at([20.0], magnitude=122.15), [122.15]),
        ("sentinel", at([20.0], magnitude=-999.0), [-999.0]),
        ("bias", at([20.0, 21.0]), [22.0, 23.0]),
        ("drift", at([20.0], days=0.5), [21.0]),
        ("drift_quadratic", at([20.0], days=0.5), [20.5]),
        ("gain", at([10.0, 12.0], magnitude=1.0), [10.0, 14.0]),
        ("gain", at([10.0, 12.0], magnitude=-0.5), [10.0, 11.0]),
        ("noise", at([20.0], drawn=0.5), [20.0]),
        ("noise", at([20.0], drawn=0.8413447460685429), [22.0]),
        ("clipping", at([9.0, 11.0, 13.0]), [9.0, 11.0, 12.0]),
        ("clipping", at([7.0, 9.0], magnitude=-2.0), [8.0, 9.0]),
        ("intermittent", at([20.0], drawn=INTERMITTENT_DUTY + 0.01), [20.0]),
        ("intermittent", at([20.0], drawn=INTERMITTENT_DUTY - 0.01), [22.0]),
        ("cross_field", at([20.0]), [0.0]),
    ],
)  # fmt: skip
def test_each_kind_distorts_as_named(kind: str, faulty: Faulty, expected: list[float]):
    """Known answers of the pure functions."""
    assert FAULTS[kind].distort(faulty) == pytest.approx(expected)


def test_dropouts_are_null_or_silent(days: dict[str, Collected]):
    """A null channel, or no reading at all in about half of the episodes."""
    assert np.isnan(FAULTS["dropout"].distort(at([1.0]))).all()
    dropped = seen(days["dropout"]).filter(pl.col("fault_mask") > 0)
    assert 0.3 < dropped["sent"].mean() < 0.7
    shown = dropped.filter("sent")
    assert shown.select(
        pl.sum_horizontal(pl.col(name).is_null() for name in CHANNELS)
    ).to_series().unique().to_list() == [1]


def test_stuck_sensors_repeat_their_last_clean_value(days: dict[str, Collected]):
    """Every reading of an episode shows what the reading before it showed."""
    table = seen(days["stuck_at"])
    for row in days["stuck_at"].truth.intervals.filter(kind="stuck_at").head(30).iter_rows(named=True):
        earlier = table.filter(pl.col("sensor_id") == row["sensor_id"], pl.col("event_us") < row["start_us"])
        if len(earlier):
            assert inside(table, row)[row["field"]].unique().to_list() in ([], [earlier[f"clean_{row['field']}"][-1]])


def test_quantum_and_range_bind_what_is_measured(days: dict[str, Collected]):
    """A drifting value still comes in steps of the quantum, and humidity stays up to 100 %."""
    drifted = seen(days["drift"]).filter(pl.col("fault_mask") > 0)["temperature"].to_numpy()
    assert np.allclose(drifted * 10, np.rint(drifted * 10))
    biased = collect(only("bias", fields=("humidity",), levels=("high",)), start_s=0.0, end_s=DAY_S)
    assert biased.readings["humidity"].max() <= 100.0


def test_what_nobody_could_see_is_not_scorable():
    """A stuck rain gauge on a dry day changes nothing; UV that is stuck at night neither."""
    dry = only("stuck_at", fields=("rainfall",)).scenario
    calm = load_scenario("calm")
    spec = resolve_stream(calm.model_copy(update={"faults": dry.faults}), seed=42, sensors=200)
    truth = collect(spec, start_s=0.0, end_s=DAY_S).truth
    stuck = truth.intervals.filter(pl.col("kind") == "stuck_at")
    assert len(stuck) > 50
    unchanged = stuck.filter(pl.col("peak_sigma").fill_null(0.0) == 0.0)
    assert len(unchanged) > 10
    assert not unchanged["scorable"].any()


def test_what_replaces_a_value_hides_other_faults():
    """A code is shown as it is; that the sensor also drifts and scatters is not to be seen, and not labelled."""
    always = {kind: {"per_sensor_day": 0.5, "duration": "12h"} for kind in ("drift", "noise", "bias")}
    faults = Faults.model_validate(
        {**always, "sentinel": {"per_sensor_day": 0.5, "duration": "12h", "fields": ("temperature",)}}
    )
    spec = resolve_stream(SCENARIO.model_copy(update={"faults": faults}), seed=3, sensors=100)
    table = seen(collect(spec, start_s=0.0, end_s=DAY_S))
    marked = table.filter(pl.col("fault_mask") & FAULT_BITS["sentinel"] > 0)
    assert len(marked) > 1000
    assert marked["temperature"].unique().to_list() == [-999.0]
    assert marked["fault_mask"].unique().to_list() == [FAULT_BITS["sentinel"]]
    assert len(table.filter(pl.col("fault_mask") == FAULT_BITS["drift"] | FAULT_BITS["noise"])) > 100


def test_default_day_has_every_kind_and_few_faulty_readings():
    """In the default scenario all kinds happen, to 2 to 5 % of the readings."""
    spec = resolve_stream(SCENARIO, seed=42, sensors=1000)
    truth = collect(spec, start_s=0.0, end_s=DAY_S).truth
    assert set(truth.intervals.filter(pl.col("class") == "fault")["kind"]) == set(FAULTS)
    assert 0.02 < (truth.readings["fault_mask"] > 0).mean() < 0.05
    assert math.isclose(truth.intervals.filter(pl.col("class") == "fault")["scorable"].mean(), 0.75, abs_tol=0.2)
