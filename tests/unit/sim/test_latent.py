"""What hides behind the weather keeps its variance, its memory and its neighbours, wherever one begins to look."""

from __future__ import annotations

import numpy as np
import pytest

from sim.field import Field, Places
from sim.latent import Latent, Process
from sim.lookup import Lookup
from sim.rng import Stream, key_from_seed
from sim.sensors import positions

KEY = key_from_seed(42)
STEP_S = 600.0
HOUR = 6


def latent(sensors: int, *, tau_s: float = 6 * 3600.0, share: float = 0.5, first_step: int = -144) -> Latent:
    """A latent on 400 km."""
    ids = np.arange(1, sensors + 1, dtype=np.int32)
    field = Field(Places(*positions(KEY, ids, 400.0), extent_km=400.0), length_km=100.0)
    return Latent(Process(Stream.CLOUD, tau_s, share, 100.0), field, KEY, ids, first_step=first_step, step_s=STEP_S)


def read(of: Latent, first_step: int, steps: int, block: slice = slice(None)) -> np.ndarray:
    """The steps from the first on, (T, S), in one go."""
    values = of.read(of.regional(first_step, steps), first_step, block)
    of.settle(first_step + steps - 1)
    return values


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("tau_h", [0.5, 1.0, 6.0])
def test_variance_and_memory(share: float, tau_h: float):
    """Unit variance, and correlation exp(-dt/tau) within 0.08 at an hour, half a tau, tau and two."""
    values = read(latent(400, tau_s=tau_h * 3600.0, share=share), -144, 6000)
    assert values.std() == pytest.approx(1.0, abs=0.08)
    assert abs(values.mean()) < 0.12
    for lag in {HOUR, round(tau_h * 3), round(tau_h * 6), round(tau_h * 12)}:
        found = (values[:-lag] * values[lag:]).mean() / values.var()
        assert found == pytest.approx(np.exp(-lag / (tau_h * 6)), abs=0.08)


def test_it_is_stationary_from_the_first_step():
    """No spin-up: the first step has the variance of all."""
    first = np.array([read(latent(20_000, share=0.0, first_step=step), step, 1)[0] for step in range(-3, 3)])
    assert np.abs(first.std(axis=1) - 1.0).max() < 0.02


def test_neighbours_share_what_they_should():
    """Sites far apart are strangers; at one place the common part is the share."""
    ids = np.arange(1, 3, dtype=np.int32)
    field = Field(Places(np.array([200.0, 200.0]), np.array([200.0, 200.0]), extent_km=400.0), length_km=100.0)
    both = Latent(Process(Stream.WIND, 3600.0, 0.7, 100.0), field, KEY, ids, first_step=0, step_s=STEP_S)
    assert np.corrcoef(read(both, 0, 20_000).T)[0, 1] == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize("tau_h", [0.5, 3.0, 54.0])
def test_cuts_blocks_and_a_late_start_change_nothing(tau_h: float):
    """Step by step, block by block, or after a skip: the same numbers to the last bit."""
    whole = read(latent(50, tau_s=tau_h * 3600.0), -144, 200)
    by_step = latent(50, tau_s=tau_h * 3600.0)
    assert np.array_equal(whole, np.concatenate([read(by_step, -144 + step, 1) for step in range(200)]))
    by_block = latent(50, tau_s=tau_h * 3600.0)
    nodes = by_block.regional(-144, 200)
    blocks = [by_block.read(nodes, -144, slice(first, first + 7)) for first in range(0, 50, 7)]
    assert np.array_equal(whole, np.concatenate(blocks, axis=1))
    late = latent(50, tau_s=tau_h * 3600.0)
    late.skip(-14, slice(0, 20))
    late.skip(-14, slice(20, 50))
    late.settle(-14)
    assert np.array_equal(whole[131:], read(late, -13, 69))


def test_sensors_do_not_see_the_others():
    """Sensors 1..N have the same numbers among N and among 5 N."""
    assert np.array_equal(read(latent(20), -144, 50), read(latent(100), -144, 50)[:, :20])


def test_a_lookup_is_its_function():
    """Within 1e-5 of a smooth function on its range, and constant beyond."""
    table = Lookup(np.tanh, -3.0, 3.0)
    at = np.linspace(-3.0, 3.0, 10_001)
    assert np.abs(table(at) - np.tanh(at)).max() < 1e-5
    assert table(np.array([-9.0, 9.0])).tolist() == [np.tanh(-3.0), np.tanh(3.0)]
