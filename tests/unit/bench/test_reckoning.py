"""Where a trial's readings stand, by the publisher's log alone; tests/broker looks into a topic."""

from __future__ import annotations

import polars as pl
import pytest

from bench.capacity.reckoning import holds, partition_of, reckoned


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_a_key_is_where_javas_clients_put_it(key: bytes, hashed: int):
    """The vectors of Kafka's own UtilsTest."""
    assert partition_of(key, 2**31) == hashed & 0x7FFFFFFF
    assert partition_of(key, 7) == (hashed & 0x7FFFFFFF) % 7


def test_deliveries_follow_the_probes_before_them():
    """Each partition by itself, in the order of sending; its last record is the probe that showed it drained."""
    sent = pl.DataFrame({"sensor_id": [1, 2, 3, 4, 1, 2], "seq": [0, 0, 0, 0, 1, 1]})
    parts = [partition_of(str(sensor).encode(), 2) for sensor in sent["sensor_id"]]
    ends = {part: parts.count(part) + 1 + probes for part, probes in ((0, 2), (1, 1))}
    found = reckoned(sent, ends)
    assert found is not None
    assert found["partition"].to_list() == parts
    for part, begin in ((0, 2), (1, 1)):
        mine = found.filter(partition=part)
        assert mine["offset"].to_list() == list(range(begin, begin + len(mine)))
        assert mine.select("sensor_id", "seq").rows() == [
            row for row, at in zip(sent.rows(), parts, strict=True) if at == part
        ]


def test_what_is_not_all_there_is_not_reckoned():
    """A record too few in a partition: whatever happened, somebody has to look."""
    sent = pl.DataFrame({"sensor_id": [1, 1], "seq": [0, 1]})
    assert reckoned(sent, {0: 3}) is not None
    assert reckoned(sent, {0: 2}) is None


def test_a_garbled_record_may_be_any():
    """Only what says whose it is can be another."""
    assert holds(b'{"sensor_id": 3, "seq": 9}', 3, 9)
    assert not holds(b'{"sensor_id": 3, "seq": 8}', 3, 9)
    assert not holds(b'{"sensor_id": 4, "seq": 9}', 3, 9)
    for garbled in (None, b"", b"{", b"[]", b"7", b'{"seq": 8}'):
        assert holds(garbled, 3, 9)
