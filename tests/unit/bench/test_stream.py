"""What of a prepared stream does not need a broker."""

from __future__ import annotations

import polars as pl

from bench.stream import latency_sensors


def test_latency_is_measured_on_beacons():
    """On the beacons where there are some, else on every sensor."""
    truth = pl.DataFrame({"sensor_id": [1, 2, 3, 1], "beacon": [True, False, False, True]})
    assert latency_sensors(truth) == {1}
    assert latency_sensors(truth.with_columns(beacon=pl.lit(value=False))) == {1, 2, 3}
