"""Between sensor and broker: loss, lateness, second copies, outages and clocks are as the scenario says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from base.errors import UsageError
from sim.batch import ReadingBatch
from sim.beacons import is_beacon
from sim.delivery import DAY_US, LONGEST_DELAY_US, Schedule, deliver, release, skew_us, transport_intervals
from sim.encode import encode, ready_to_send
from sim.scenario import load_scenario, parse_scenario
from sim.scenario_sensors import Delivery
from sim.simulate import collect, simulate
from sim.stream import StreamSpec, resolve_stream

HEALTHY = load_scenario("calm")
SENSORS = 400
TICKS = 144  # a day, at a reading every ten minutes
HOUR_US = 3_600_000_000


def stream(sensors: int = SENSORS, speedup: float | None = None, **faults: Any) -> StreamSpec:
    """A stream whose table [delivery] holds ``faults`` and whose sensors have no others; no beacons."""
    changes = {
        "delivery": Delivery(**faults),
        "beacons": HEALTHY.beacons.model_copy(update={"share": 0.0}),
    }
    return resolve_stream(HEALTHY.model_copy(update=changes), seed=42, sensors=sensors, speedup=speedup)


def delivered(spec: StreamSpec, ticks: int = TICKS) -> tuple[pl.DataFrame, int]:
    """What becomes of the readings of the first ticks, one row a delivery, and how many readings there are.

    Columns sensor_id, seq, event_us (relative to zero), copy, due_us: the due instant in event time.
    """
    event_us = spec.event_rel_us(0, ticks)
    order = np.argsort(event_us.ravel(), kind="stable")
    sensor_id = np.broadcast_to(spec.sensor_ids, event_us.shape).ravel()[order]
    seq = np.broadcast_to(np.arange(ticks)[:, None] - spec.first_tick, event_us.shape).ravel()[order]
    event_us = event_us.ravel()[order]
    schedule = deliver(spec, sensor_id, seq, event_us)
    row = schedule.reading
    columns = {"sensor_id": sensor_id[row], "seq": seq[row], "event_us": event_us[row], "copy": schedule.copy}
    return pl.DataFrame({**columns, "due_us": schedule.due_ns * spec.speedup / 1e3}), len(order)


def within(found: int, trials: int, share: float, sigmas: float = 4.0) -> bool:
    """Whether a count lies inside the binomial's bounds."""
    return abs(found - trials * share) <= sigmas * math.sqrt(trials * share * (1 - share))


def test_without_faults_everything_is_due_when_it_is_taken():
    """The empty table delivers each reading once, at its event time."""
    found, readings = delivered(stream())
    assert len(found) == readings
    assert found["copy"].sum() == 0
    assert (found["due_us"] - found["event_us"]).abs().max() < 2.0


def test_loss_is_as_frequent_as_asked():
    """A share of the single readings never arrives, and no copy of them either."""
    found, readings = delivered(stream(loss=0.03, duplicates=0.5))
    assert within(readings - found.filter(pl.col("copy") == 0).height, readings, 0.03)
    assert (
        found.filter(pl.col("copy") == 1)
        .join(found.filter(pl.col("copy") == 0), on=["sensor_id", "seq"], how="anti")
        .is_empty()
    )


def test_bursts_swallow_exactly_their_intervals():
    """Bursts begin on a share of the sensor-days, inside one day; what is lost is what lies in them."""
    spec = stream(bursts_per_sensor_day=0.2, burst_duration="2h")
    found, readings = delivered(spec, ticks=2 * TICKS)
    bursts = transport_intervals(spec, 0, 2 * DAY_US)
    assert within(len(bursts), 2 * SENSORS, 0.2)
    assert set(bursts.kind) == {"loss_burst"}
    assert np.all(bursts.end_us - bursts.start_us == 2 * HOUR_US)
    assert np.array_equal(bursts.start_us // DAY_US, (bursts.end_us - 1) // DAY_US)
    begins_h = bursts.start_us % DAY_US / HOUR_US
    assert begins_h.max() < 22.0
    assert begins_h.mean() == pytest.approx(11.0, abs=2.0)
    ticks = spec.event_rel_us(0, 2 * TICKS)
    lost = 0
    for sensor, start, end in zip(bursts.sensor_id, bursts.start_us, bursts.end_us, strict=True):
        own = ticks[:, sensor - 1]
        lost += int(((own >= start) & (own < end)).sum())
        assert found.filter(pl.col("sensor_id") == sensor, pl.col("event_us").is_between(start, end, "left")).is_empty()
    assert lost > 500
    assert len(found) == readings - lost


def test_intervals_are_those_that_overlap():
    """A look at an hour finds, uncut, what a look at the week finds there."""
    spec = stream(bursts_per_sensor_day=0.3, outages_per_sensor_day=0.3, outage_duration="5h")

    def between(start_us: int, end_us: int) -> list[tuple[str, int, int, int]]:
        found = transport_intervals(spec, start_us, end_us)
        columns = (found.sensor_id.tolist(), found.start_us.tolist(), found.end_us.tolist())
        return list(zip(found.kind, *columns, strict=True))

    week, start, end = between(-DAY_US, 6 * DAY_US), 2 * DAY_US + 11 * HOUR_US, 2 * DAY_US + 12 * HOUR_US
    assert [row[2] for row in week] == sorted(row[2] for row in week)
    assert {row[0] for row in week} == {"loss_burst", "outage"}
    assert between(start, end) == [row for row in week if row[2] < end and row[3] > start]
    assert len(transport_intervals(stream(), 0, 6 * DAY_US)) == 0


def test_second_copies_are_as_frequent_as_asked_and_come_later():
    """A share of the readings comes twice, the second time with copy 1 and a lognormal delay."""
    found, readings = delivered(stream(duplicates=0.1, late_median="20min", late_p99="3h"))
    first, second = found.filter(pl.col("copy") == 0), found.filter(pl.col("copy") == 1)
    assert len(first) == readings
    assert within(len(second), readings, 0.1)
    behind = second.join(first, on=["sensor_id", "seq"], validate="1:1")
    assert (behind["due_us"] >= behind["due_us_right"]).all()
    assert (behind["due_us"] - behind["due_us_right"]).median() == pytest.approx(1.2e9, rel=0.06)


def test_lateness_has_the_median_and_the_p99_asked_for():
    """Late readings are as many as asked, delayed by a lognormal; the others are on time."""
    found, readings = delivered(stream(late=0.3, late_median="20min", late_p99="3h"))
    delays = found.select(delay=pl.col("due_us") - pl.col("event_us")).filter(pl.col("delay") > 2.0)["delay"]
    assert within(len(delays), readings, 0.3)
    assert delays.median() == pytest.approx(1.2e9, rel=0.03)
    assert within(delays.filter(delays > 3 * HOUR_US).len(), len(delays), 0.01)
    seq = found.filter(pl.col("sensor_id") == 7)["seq"].to_list()
    assert seq != sorted(seq)


def test_no_delay_is_longer_than_a_day():
    """The lognormal's tail is cut, so that memory is bounded."""
    found, _ = delivered(stream(late=1.0, late_median="23h", late_p99="23.9h"))
    delay = found["due_us"] - found["event_us"]
    assert delay.max() <= LONGEST_DELAY_US + 2.0
    assert delay.min() > 0


def test_jitter_is_spread_over_its_share_of_the_interval():
    """Deliveries are later by anything from nothing to the share of ten minutes, evenly."""
    found, _ = delivered(stream(jitter=0.05))
    delay_s = (found["due_us"] - found["event_us"]).to_numpy() / 1e6
    assert delay_s.min() > -2e-6
    assert delay_s.max() < 30.0
    assert np.histogram(delay_s, bins=10, range=(0, 30))[0].min() > 0.09 * len(delay_s)


def test_an_outage_is_replayed_in_order_at_its_end():
    """Everything taken during an outage is due at its end, in order; everything else at once, jitter apart."""
    spec = stream(outages_per_sensor_day=0.2, outage_duration="3h", late=0.5, jitter=0.9)
    found, readings = delivered(spec)
    outages = transport_intervals(spec, 0, DAY_US)
    assert within(len(outages), SENSORS, 0.2)
    assert len(found) == readings
    held = 0
    for sensor, start, end in zip(outages.sensor_id, outages.start_us, outages.end_us, strict=True):
        inside = found.filter(pl.col("sensor_id") == sensor, pl.col("event_us").is_between(start, end, "left"))
        assert (inside["due_us"] - float(end)).abs().max() < 2.0
        assert inside["seq"].to_list() == sorted(inside["seq"])
        held += len(inside)
    assert held == pytest.approx(18 * len(outages), rel=0.02)


def test_clocks_are_off_for_good():
    """Each sensor has its own fixed skew of the spread asked for, and its timestamps do not show it."""
    spec = stream(clock_skew_sigma="10s")
    found, _ = delivered(spec)
    per_sensor = (
        found.with_columns(skew=pl.col("due_us") - pl.col("event_us"))
        .group_by("sensor_id")
        .agg(pl.col("skew").min().alias("low"), pl.col("skew").max().alias("high"))
    ).sort("sensor_id")
    assert (per_sensor["high"] - per_sensor["low"]).max() < 4.0
    assert np.allclose(per_sensor["low"].to_numpy(), skew_us(spec, per_sensor["sensor_id"].to_numpy()), atol=2.0)
    assert per_sensor["low"].std() == pytest.approx(1e7, rel=0.15)
    assert not skew_us(stream(), spec.sensor_ids).any()


EVERYTHING = {
    "jitter": 0.05, "loss": 0.05, "bursts_per_sensor_day": 0.3, "duplicates": 0.1, "late": 0.3,
    "late_median": "20min", "late_p99": "3h", "outages_per_sensor_day": 0.3, "outage_duration": "2h",
}  # fmt: skip


def test_nothing_is_due_before_it_is_taken():
    """With every fault but clocks no delivery precedes its event time, and all are in a total order."""
    found, _ = delivered(stream(**EVERYTHING))
    assert (found["due_us"] - found["event_us"]).min() > -2.0
    in_order = ["due_us", "event_us", "sensor_id", "copy"]
    assert found.select(in_order).equals(found.select(in_order).sort(in_order))


@pytest.mark.parametrize("speedup", [2880.0, 1e12])
def test_the_cut_shows_neither_where_clocks_are_fast_nor_where_instants_are_equal(speedup: float):
    """At 1e12 thousands are due in one nanosecond: they come by event time, sensor and copy in any chunks."""
    spec = stream(sensors=30, speedup=speedup, **EVERYTHING, clock_skew_sigma="4min")

    def cut(size: int) -> pl.DataFrame:
        chunks = simulate(spec, start_s=0.0, end_s=5 * 3600.0, chunk_readings=size)
        return pl.concat([chunk.readings.to_polars() for chunk in chunks])

    whole = cut(10**6)
    assert cut(30).equals(whole)
    assert whole.equals(whole.sort("due_ns", "event_us", "sensor_id", "copy"))
    assert (whole["due_ns"].n_unique() < len(whole) / 10) == (speedup == 1e12)


def test_beacons_are_spared():
    """What latency is measured on arrives once, on time, whatever befalls the others."""
    scenario = HEALTHY.model_copy(update={"delivery": Delivery(**EVERYTHING, clock_skew_sigma="10s")})
    spec = resolve_stream(scenario, seed=42, sensors=SENSORS)
    found, _ = delivered(spec)
    beacons = found.filter(pl.Series(is_beacon(found["sensor_id"].to_numpy(), scenario.beacons)))
    assert len(beacons) == TICKS * SENSORS / 50
    assert (beacons["due_us"] - beacons["event_us"]).abs().max() < 2.0
    hit = transport_intervals(spec, 0, 10 * DAY_US).sensor_id
    assert len(hit)
    assert not is_beacon(hit, scenario.beacons).any()


def test_both_copies_are_the_same_bytes():
    """A second copy travels as the first did; only its due instant and number differ."""
    whole = collect(stream(sensors=50, duplicates=0.2), start_s=0.0, end_s=6 * 3600.0)
    sent: dict[tuple[int, int], set[bytes]] = {}
    for batch in whole.batches:
        for sensor, seq, value in zip(batch.sensor_id.tolist(), batch.seq.tolist(), encode(batch), strict=True):
            sent.setdefault((sensor, seq), set()).add(value)
    assert all(len(values) == 1 for values in sent.values())
    assert len(sent) == len(whole.readings) == len(whole.truth.readings)
    assert len(whole.schedule) > len(sent)


def test_readings_are_those_that_arrived():
    """The table holds each reading that reached the broker once; the truth knows of the lost ones too."""
    whole = collect(stream(sensors=50, **EVERYTHING), start_s=0.0, end_s=86_400.0)
    pairs = ["sensor_id", "seq"]
    assert whole.readings.select(pairs).is_unique().all()
    assert set(whole.readings.select(pairs).rows()) == set(whole.schedule.select(pairs).rows())
    lost = whole.truth.readings.join(whole.readings, on=pairs, how="anti")
    assert 0.04 < len(lost) / len(whole.truth.readings) < 0.1


def test_all_that_is_pending_comes_at_the_end():
    """A bounded stream delivers what is due after its end too, with truth in every chunk."""
    spec = stream(sensors=30, outages_per_sensor_day=1.0, outage_duration="12h", late=0.2, late_p99="6h")
    end_s = 9.5 * 3600.0
    chunks = list(simulate(spec, start_s=0.0, end_s=end_s, chunk_readings=30))
    due_ns = np.concatenate([chunk.readings.due_ns for chunk in chunks])
    assert np.array_equal(due_ns, np.sort(due_ns))
    assert due_ns[-1] > spec.due_ns(np.array([round(end_s * 1e6)]))[0]
    assert len(due_ns) == sum(len(chunk.truth) for chunk in chunks)
    assert min(len(chunk.truth) for chunk in chunks) > 0


def test_an_endless_stream_holds_back_no_more_than_the_longest_delay():
    """What an endless stream has made and not yet delivered stays bounded."""
    spec = stream(sensors=60, **EVERYTHING)
    made = out = most = 0
    for chunk, _ in zip(simulate(spec, start_s=0.0, end_s=None, chunk_readings=600), range(60), strict=False):
        made, out = made + len(chunk.truth), out + len(chunk.readings)
        most = max(most, made - out)
    # 60 ten-tick chunks are over four days; a day's readings would be 8,640.
    assert made == 36_000
    assert most < 4_000


def test_chunks_in_which_nothing_arrives_are_not_sent():
    """A stream of one sensor that loses nearly everything is prepared without empty stretches."""
    chunks = list(simulate(stream(sensors=1, loss=0.9), start_s=0.0, end_s=86_400.0, chunk_readings=1))
    stretches = list(ready_to_send(chunk.readings for chunk in chunks))
    assert 0 < len(stretches) < len(chunks) == TICKS
    assert min(map(len, stretches)) == 1


def batch(*due_ns: int, first_seq: int = 0) -> ReadingBatch:
    """Readings of sensor 1, in the order of their numbers."""
    count = len(due_ns)
    return ReadingBatch(
        sensor_id=np.ones(count, dtype=np.int32),
        seq=np.arange(first_seq, first_seq + count, dtype=np.int64),
        copy=np.zeros(count, dtype=np.uint8),
        event_us=np.arange(first_seq, first_seq + count, dtype=np.int64),
        due_ns=np.array(due_ns, dtype=np.int64),
        values=np.zeros((count, 5)),
    )


def test_what_is_pending_goes_first_where_due_instants_are_equal():
    """
    pending due 5, 7; made due 5, 6, 9; until 7: out come 5 (pending), 5 (made), 6, 7, and 9 waits
    """
    out, waiting = release(batch(5, 7), batch(5, 6, 9, first_seq=10), 7)
    assert out.seq.tolist() == [0, 10, 11, 1]
    assert (out.due_ns.tolist(), waiting.due_ns.tolist()) == ([5, 5, 6, 7], [9])
    out, waiting = release(waiting, batch(first_seq=20), None)
    assert (out.seq.tolist(), len(waiting)) == ([12], 0)


def test_no_readings_no_deliveries():
    """Nothing in, nothing out, with every fault on."""
    nothing = np.empty(0, dtype=np.int64)
    found = deliver(stream(**EVERYTHING), nothing.astype(np.int32), nothing, nothing)
    assert isinstance(found, Schedule)
    assert len(found.reading) == len(found.copy) == len(found.due_ns) == 0


@pytest.mark.parametrize(
    ("key", "value", "advice"),
    [
        ("loss", -0.1, "greater than or equal to 0"),
        ("late", 1.5, "less than or equal to 1"),
        ("jitter", float("nan"), "equal to"),
        ("duplicates", "often", "valid number"),
        ("bursts_per_sensor_day", 2.0, "less than or equal to 1"),
        ("outages_per_sensor_day", -1.0, "greater than or equal to 0"),
        ("burst_duration", "1d", "write less than 1d"),
        ("outage_duration", "25h", "write less than 1d"),
        ("outage_duration", "0s", "longer than 0"),
        ("late_median", "10min", "shorter than late_median = 10min"),
        ("late_p99", "1s", "shorter than late_median = 5s"),
        ("clock_skew_sigma", "-1s", "write a number and a unit"),
    ],
)
def test_wrong_values_are_refused_by_name(key: str, value: object, advice: str):
    """Each is one line that names the key and what would be right."""
    table = {**HEALTHY.model_dump(mode="python"), "delivery": {key: value}}
    with pytest.raises(UsageError) as caught:
        parse_scenario(table, source="mine.toml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"mine.toml: delivery.{'late_p99' if key == 'late_median' else key} = ")
    assert advice in message


def test_a_misspelt_key_is_told():
    """An unknown key of the table is refused with the nearest known one."""
    with pytest.raises(UsageError, match=r"unknown key 'delivery.lose'; did you mean 'delivery.loss'"):
        parse_scenario({**HEALTHY.model_dump(mode="python"), "delivery": {"lose": 0.1}}, source="mine.toml")
