"""Missing, extra, duplicated and echoed alerts are told apart, from bytes in topics to counts."""

from __future__ import annotations

import numpy as np
import orjson
import polars as pl
import pytest

from bench.fidelity import fidelity
from bench.judge import Judge
from bench.messages import SCHEMA
from bench.stamps import (
    STAGES_MICRO_BATCH,
    budget,
    deliveries_frame,
    join_stamps,
    judged_source,
    latency_ms,
    negative_share,
    parsed_alerts,
    with_occurrence,
)
from pipeline.rules import load_rules
from sim.delivery_log import DELIVERY_LOG

RULES = load_rules(None)
MS = 1_000_000
ZERO_MS = 1_000_000


def reading(seq, temperature, sensor_id=1):
    """A reading as it stands in the source topic; above 35 °C it must raise an alert."""
    fields = {"temperature": temperature, "humidity": 50.0, "rainfall": 0.0, "wind_speed": 1.0, "UV_index": 1.0}
    return orjson.dumps({"sensor_id": sensor_id, **fields, "timestamp": 1000.0 + seq, "seq": seq})


def source(*values, partition=0):
    """Records appended one millisecond after each other, the first at `ZERO_MS`."""
    rows = [
        {"partition": partition, "offset": i, "appended_ms": ZERO_MS + i, "value": value}
        for i, value in enumerate(values)
    ]
    return pl.DataFrame(rows, schema={name: SCHEMA[name] for name in ("partition", "offset", "appended_ms", "value")})


def deliveries(*seqs, sensor_id=1):
    """Each reading due and sent half a millisecond before it was appended."""
    seen: dict[int, int] = {}
    rows = []
    for i, seq in enumerate(seqs):
        rows.append((sensor_id, seq, (ZERO_MS + i) * MS, (ZERO_MS + i) * MS + 200_000, seen.get(seq, 0)))
        seen[seq] = seen.get(seq, 0) + 1
    return pl.DataFrame(rows, schema=["sensor_id", "seq", "due_ns", "sent_ns", "occurrence"], orient="row")


def alerts(*ids, after_ms=10):
    """Alerts that were appended ``after_ms`` after the first reading and seen 1 ms later."""
    rows = []
    for i, one in enumerate(ids):
        sensor_id, seq, rule = one.split("-", 2)
        fields = {"sensor_id": int(sensor_id), "seq": int(seq), "rule": rule, "fired": [rule], "alert_id": one}
        rows.append(
            {
                "topic": "a",
                "partition": 0,
                "offset": i,
                "appended_ms": ZERO_MS + after_ms,
                "seen_ns": (ZERO_MS + after_ms + 1) * MS,
                "key": one.encode(),
                "value": orjson.dumps({**fields, "timestamp": 1000.0 + int(seq), "alert": "x"}),
            }
        )
    return parsed_alerts(pl.DataFrame(rows, schema=SCHEMA))


def counted(values, seqs, came, unacknowledged=()):
    """Fidelity of one small cell."""
    judged = judged_source(source(*values), Judge(RULES))
    stamps = join_stamps(judged, deliveries(*seqs), came, [], beacons=[1])
    return fidelity(judged, stamps, came, unacknowledged=unacknowledged, rejects_seen=0, window=pl.lit(value=True))


def test_all_as_it_should_be():
    """Two hot readings, two alerts, nothing wrong."""
    found = counted(
        [reading(0, 40.0), reading(1, 20.0), reading(2, 41.0)],
        [0, 1, 2],
        alerts("1-0-high_temperature", "1-2-high_temperature"),
    )
    assert (found.expected, found.seen) == (2, 2)
    assert (found.missing, found.extra, found.duplicated, found.echoed) == (0, 0, 0, 0)


def test_missing_extra_and_duplicated():
    """One alert that never came, one that nothing called for, one that came twice."""
    found = counted(
        [reading(0, 40.0), reading(1, 20.0), reading(2, 41.0)],
        [0, 1, 2],
        alerts("1-0-high_temperature", "1-0-high_temperature", "1-1-high_temperature"),
    )
    assert (found.expected, found.missing, found.extra, found.duplicated) == (2, 1, 1, 1)
    assert found.recall_at_deadline["1"] == 0.5


def test_a_copy_of_a_reading_may_echo():
    """The source holds the reading twice, so its alert may stand twice; a third is a duplicate."""
    found = counted([reading(0, 40.0), reading(0, 40.0)], [0, 0], alerts(*["1-0-high_temperature"] * 3))
    assert (found.expected, found.echoed, found.duplicated) == (1, 1, 1)


def test_copies_of_readings_out_of_order_are_timed_by_the_first():
    """
    A late reading and second copies in between: seq 1, 0, 1 again, 0 again, each hot
    """
    seqs, copies = [1, 0, 1, 0], [0, 0, 1, 1]
    log = np.zeros(4, dtype=DELIVERY_LOG)
    log["sensor_id"], log["seq"], log["copy"] = 1, seqs, copies
    log["due_ns"] = [(ZERO_MS + i) * MS for i in range(4)]
    log["sent_ns"] = log["due_ns"] + 200_000
    sent = deliveries_frame(log)
    assert sent["occurrence"].to_list() == copies
    judged = judged_source(source(*(reading(seq, 40.0) for seq in seqs)), Judge(RULES))
    came = alerts(*(f"1-{seq}-high_temperature" for seq in seqs))
    stamps = join_stamps(judged, sent, came, [], beacons=[1])
    assert stamps.select("seq", "copies", "due_ns").rows() == [(1, 2, ZERO_MS * MS), (0, 2, (ZERO_MS + 1) * MS)]
    found = fidelity(judged, stamps, came, unacknowledged=[], rejects_seen=0, window=pl.lit(value=True))
    assert (found.expected, found.missing, found.echoed, found.duplicated, found.extra) == (2, 0, 2, 0, 0)


def test_unacknowledged_deliveries_may_alert_and_need_not():
    """An alert whose reading was never acknowledged is neither missing nor extra."""
    for came in (alerts("1-0-high_temperature"), alerts()):
        found = counted([reading(0, 40.0)], [0], came, unacknowledged=[(1, 0)])
        assert (found.expected, found.may, found.missing, found.extra) == (0, 1, 0, 0)


def test_probes_and_rejects_are_not_readings():
    """The bench's own probes are left out; what is no reading counts as an expected reject."""
    found = counted([reading(5, 99.0, sensor_id=0), b"{broken", reading(1, 40.0)], [1], alerts("1-1-high_temperature"))
    assert (found.expected, found.rejects_expected, found.missing) == (1, 1, 0)


def test_an_alert_that_cannot_be_read_is_extra():
    """Bytes that are no alert count against the pipeline."""
    came = alerts("1-0-high_temperature")
    broken = pl.DataFrame(
        [{**dict.fromkeys(SCHEMA), "topic": "a", "offset": 1, "appended_ms": 1, "seen_ns": 1, "value": b"?"}],
        schema=SCHEMA,
    )
    found = counted([reading(0, 40.0)], [0], pl.concat([came, parsed_alerts(broken)]))
    assert (found.missing, found.extra) == (0, 1)


def test_stages_add_up_to_the_whole():
    """
    due 0 -> sent 0.2 -> appended 0.5 -> picked 0.5 -> alert appended 10.5 -> seen 11 (ms)
    """
    judged = judged_source(source(reading(0, 40.0)), Judge(RULES))
    came = alerts("1-0-high_temperature")
    stamps = join_stamps(judged, deliveries(0), came, [], beacons=[])
    stamps = stamps.with_columns(picked_ns=pl.col("appended_ns"))
    stages = budget(stamps, STAGES_MICRO_BATCH)
    assert stages["picked_to_alert_appended"] == 10.0
    assert sum(stages.values()) == pytest.approx(latency_ms(stamps, "due_ns", "seen_ns")[0])
    assert latency_ms(stamps, "due_ns", "seen_ns")[0] == 11.0
    assert not stamps["beacon"][0]


def test_negative_stages_are_counted():
    """An alert seen 2 ms before it was appended is counted, not clamped."""
    judged = judged_source(source(reading(0, 40.0)), Judge(RULES))
    stamps = join_stamps(judged, deliveries(0), alerts("1-0-high_temperature"), [], beacons=[])
    assert negative_share(stamps) == (0, 0.0)
    early = stamps.with_columns(seen_ns=pl.col("alert_appended_ns") - 2 * MS)
    assert negative_share(early) == (1, 1.0)


@pytest.mark.parametrize("rows", [0, 1, 500])
def test_copies_are_numbered_as_a_window_over_them_numbers_them(rows):
    """In the order of their rows, which stays; what has no sensor or no number is a copy of what lacks the same."""
    lots = np.random.default_rng(rows)
    sensors, seqs = (pl.Series(lots.integers(0, 12, rows), dtype=pl.Int64).replace(0, None) for _ in range(2))
    readings = pl.DataFrame({"row": range(rows), "sensor_id": sensors, "seq": seqs})
    counted = readings.with_columns(occurrence=pl.int_range(pl.len()).over("sensor_id", "seq"))
    assert with_occurrence(readings).equals(counted)
