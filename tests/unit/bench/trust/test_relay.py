"""The relay of bench.trust: what it does to the records that pass."""

from __future__ import annotations

import itertools

import orjson
import pytest

from bench.trust.relay import FORGED_EVERY, Record, Tamper

MS = 1_000_000
NOW_NS = 5_000 * MS


def record(number, *, sensor_id=7):
    """An alert that the broker stamped in millisecond 4,000."""
    value = orjson.dumps({"sensor_id": sensor_id, "alert_id": f"{sensor_id}-{number}-r"})
    return Record("in", 0, number, b"key", value, 4_000)


def passed(tamper, count):
    """Everything that comes out for ``count`` records."""
    return [out for number in range(1, count + 1) for out in tamper(record(number), NOW_NS)]


def test_a_hop_changes_nothing():
    """Sent at once, whole, with its stamp."""
    assert passed(Tamper(hold_ms={"out": 0}), 2) == [
        (NOW_NS, record(number)._replace(topic="out")) for number in (1, 2)
    ]


def test_held_back_from_the_append():
    """From the middle of the broker's millisecond, once for each target."""
    out = passed(Tamper(hold_ms={"a": 50, "b": 1000}), 1)
    assert [(due_ns, one.topic) for due_ns, one in out] == [(4_050 * MS + MS // 2, "a"), (5_000 * MS + MS // 2, "b")]


def test_lost_and_doubled_are_counted_and_never_the_same():
    """Of 3,000: three lost, six doubled."""
    tamper = Tamper(hold_ms={"out": 0}, lose_every=1000, twice_every=500)
    out = passed(tamper, 3000)
    assert tamper.lost == [(0, 1000), (0, 2000), (0, 3000)]
    assert tamper.twice == 6
    assert len(out) == 3000 - 3 + 6


def test_forged_alerts_are_of_a_rule_that_is_none():
    """As many as asked for, with an id of their own."""
    tamper = Tamper(hold_ms={"out": 0}, forge=2)
    out = passed(tamper, 5 * FORGED_EVERY)
    assert tamper.forged == 2
    ids = [orjson.loads(one.value)["alert_id"] for _, one in out]
    assert [one for one in ids if "forged" in one] == ["7-97-r-forged", "7-194-r-forged"]
    assert len(set(ids)) == len(ids) == 5 * FORGED_EVERY + 2


def test_a_throttle_spaces_what_passes():
    """A hundred a second: ten milliseconds apart."""
    due = [due_ns for due_ns, _ in passed(Tamper(hold_ms={"out": 0}, per_second=100.0), 4)]
    assert [later - earlier for earlier, later in itertools.pairwise(due)] == [10 * MS] * 3


@pytest.mark.parametrize("value", [None, b"no json", b"[]"])
def test_anything_else_passes_too(value):
    """A relay of readings meets malformed ones."""
    assert len(Tamper(hold_ms={"out": 0})(record(1)._replace(value=value), NOW_NS)) == 1


def test_probes_pass_untouched_and_uncounted():
    """Whatever is planted, the bench finds out that the pipeline is ready."""
    tamper = Tamper(hold_ms={"out": 0}, lose_every=1)
    assert len(tamper(record(1, sensor_id=0), NOW_NS)) == 1
    assert tamper.lost == []
