"""When the warm-up has seen enough."""

from __future__ import annotations

import pytest

from pipeline.warmup import agreed_rate, is_warm


@pytest.mark.parametrize(
    ("passes", "rate"),
    [
        ([], None),
        ([100.0], None),
        ([100.0, 200.0], None),
        ([100.0, 200.0, 190.0], 195.0),
        ([200.0, 180.0], 190.0),
        ([200.0, 179.0], None),
        ([100.0, 100.0, 150.0], None),
    ],
)
def test_drain_rate(passes, rate):
    """The drain rate is the mean of the last two passes, if the slower is within 10 % of the faster."""
    assert agreed_rate(passes) == rate


def test_short_batches():
    """They are warm once there are many and the latest are hardly faster than those before; slower will do."""
    assert not is_warm([100.0] * 59)
    assert is_warm([100.0] * 60)
    assert not is_warm([100.0] * 60 + [80.0] * 20)
    assert is_warm([100.0] * 60 + [95.0] * 20)
    assert is_warm([100.0] * 60 + [130.0] * 20)
