"""Noise is correlated over the map and smooth in time, and no sensor sees the others."""

from __future__ import annotations

import numpy as np
import pytest

from sim.field import Field, Places, smooth_noise
from sim.rng import Stream, key_from_seed
from sim.sensors import positions

KEY = key_from_seed(42)
MINUTE_US = 60_000_000


def field(sensors: int, *, extent_km: float = 400.0, length_km: float = 300.0) -> Field:
    """A field at the places of the first sensors."""
    return Field(
        Places(*positions(KEY, np.arange(1, sensors + 1), extent_km), extent_km=extent_km), length_km=length_km
    )


def drawn(of: Field, ticks: int) -> np.ndarray:
    """Draws of shape (ticks, S)."""
    return of.read(of.draw(KEY, Stream.SYNOPTIC, 0, ticks), slice(None))


@pytest.mark.parametrize(
    ("extent_km", "length_km"), [(400.0, 300.0), (400.0, 200.0), (400.0, 100.0), (60.0, 300.0), (60.0, 40.0)]
)
def test_correlation_falls_with_distance(extent_km: float, length_km: float):
    """Over 4000 draws the correlation of pairs at any distance is exp(-d/L) on average, within 0.05."""
    x_km, y_km = positions(KEY, np.arange(1, 121), extent_km)
    values = drawn(field(120, extent_km=extent_km, length_km=length_km), 4000)
    pair = np.triu_indices(120, 1)
    found = np.corrcoef(values.T)[pair]
    distance_km = np.hypot(x_km[pair[0]] - x_km[pair[1]], y_km[pair[0]] - y_km[pair[1]])
    deviation = found - np.exp(-distance_km / length_km)
    bins = np.digitize(distance_km, np.quantile(distance_km, np.linspace(0, 1, 21)[1:-1]))
    assert np.abs([deviation[bins == one].mean() for one in range(20)]).max() < 0.05


@pytest.mark.parametrize(("length_km", "most"), [(100.0, 0.09), (85.0, 0.1), (40.0, 0.22)])
def test_sparse_nodes_blur_what_is_near(length_km: float, most: float):
    """On 400 km nodes are capped: places within half a length are too alike, by so much at most; far ones are not."""
    distance_km = length_km * np.array([0.1, 0.2, 0.4, 1.0, 2.0])
    x_km = 30.0 + np.arange(50)[:, None] * 3.0 + np.array([0.0, *distance_km])
    places = Field(Places(x_km.ravel(), np.full(x_km.size, 187.0), extent_km=400.0), length_km=length_km)
    values = drawn(places, 3000).reshape(3000, 50, 6)
    found = np.array([(values[..., 0] * values[..., 1 + which]).mean() for which in range(5)])
    deviation = found - np.exp(-distance_km / length_km)
    assert np.abs(deviation).max() < most
    assert abs(deviation[-1]) < 0.05


def test_variance_is_one_everywhere():
    """On nodes, between nodes and at the rim the values are standard normals."""
    places = np.array([0.0, 0.001, 8.3, 8.333, 12.5, 30.0, 399.999, 400.0])
    values = drawn(Field(Places(places, places[::-1].copy(), extent_km=400.0), length_km=40.0), 6000)
    assert np.abs(values.mean(axis=0)).max() < 0.05
    assert np.abs(values.std(axis=0) - 1.0).max() < 0.04


def test_draws_are_independent_in_time():
    """One tick tells nothing about the next, and streams differ."""
    of = field(5)
    values = drawn(of, 4000)
    assert abs(np.corrcoef(values[:-1, 0], values[1:, 0])[0, 1]) < 0.05
    assert not np.array_equal(of.draw(KEY, Stream.SYNOPTIC, 1, 1), of.draw(KEY, Stream.WIND, 1, 1))


def test_sensors_do_not_see_the_others():
    """Sensors 1..N have bit for bit the same values among N and among 5 N."""
    few, many = field(37), field(5 * 37)
    nodes = few.draw(KEY, Stream.RAIN_STATE, -3, 9)
    assert np.array_equal(nodes[8:], many.draw(KEY, Stream.RAIN_STATE, 5, 1))
    assert np.array_equal(few.read(nodes, slice(None)), many.read(nodes, slice(37)))
    assert np.array_equal(few.read(nodes, slice(20, 30)), many.read(nodes, slice(None))[:, 20:30])


def test_any_length_makes_a_grid():
    """A length far beyond the square makes all places one; one far below it makes them strangers."""
    alike = drawn(field(50, extent_km=1.0, length_km=1e6), 3)
    assert np.ptp(alike, axis=1).max() < 0.02
    strangers = drawn(field(50, extent_km=400.0, length_km=1.0), 3)
    assert np.ptp(strangers, axis=1).min() > 2.0


def test_noise_is_smooth_and_standard():
    """Unit variance at any phase, 0.8 or more after a minute of three, nothing left after six."""
    minutes = np.array([0.0, 1.0, 1.5, 2.0, 3.0, 9.0]) * MINUTE_US
    noise = smooth_noise(KEY, Stream.GUST, np.arange(1, 20_001), minutes.astype(np.int64)[:, None], 3 * MINUTE_US)
    assert np.abs(noise.std(axis=1) - 1.0).max() < 0.02
    assert np.abs(noise.mean(axis=1)).max() < 0.02
    apart = np.corrcoef(noise)
    assert apart[0, 1] > 0.8
    assert abs(apart[0, 4]) < 0.03
    assert abs(apart[0, 5]) < 0.03


def test_noise_is_a_function_of_sensor_and_time():
    """One lookup equals its place in a table, before event time zero as well."""
    ids, times = np.arange(1, 9), np.arange(-5, 5)[:, None] * 47_000_001
    table = smooth_noise(KEY, Stream.TURBULENCE, ids, times, 3 * MINUTE_US)
    alone = smooth_noise(KEY, Stream.TURBULENCE, np.array([4]), times[2], 3 * MINUTE_US)
    assert alone[0] == table[2, 3]
    assert len(np.unique(table)) == table.size
