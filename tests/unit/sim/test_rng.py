"""Randomness is a function of seed, stream, sensor and tick."""

from __future__ import annotations

import numpy as np

from sim.rng import Stream, hash_bells, hash_normals, hash_uniforms, key_from_seed

KEY = key_from_seed(42)


def test_streams_seeds_sensors_and_indices_differ():
    """No two of neighbouring sensors, indices (negative ones too), streams and seeds share numbers."""
    drawn = [
        hash_uniforms(KEY, Stream.WIND, np.arange(4), 7),
        hash_uniforms(KEY, Stream.WIND, 4096 + np.arange(4), 7),
        hash_uniforms(KEY, Stream.WIND, np.arange(4), 8),
        hash_uniforms(KEY, Stream.WIND, np.arange(4), -8),
        hash_uniforms(KEY, Stream.CLOUD, np.arange(4), 7),
        hash_uniforms(key_from_seed(43), Stream.WIND, np.arange(4), 7),
    ]
    assert len(np.unique(np.concatenate(drawn))) == 4 * len(drawn)


def test_neighbours_are_strangers():
    """Normals of sensors and of indices next to each other, or any fixed step apart, are uncorrelated."""
    drawn = hash_normals(KEY, Stream.WIND, np.arange(400)[:, None], np.arange(500)[None, :])
    for step in (1, 2, 7, 64):
        for a, b in (
            (drawn[step:], drawn[:-step]),
            (drawn[:, step:], drawn[:, :-step]),
            (drawn[step:, step:], drawn[:-step, :-step]),
        ):
            assert abs((a * b).mean()) < 5.0 / a.size**0.5


def test_hash_looks_up_single_places():
    """One lookup equals the same place of a whole table, negative indices included."""
    sensors, days = np.arange(1, 50)[:, None], np.arange(-3, 4)[None, :]
    table = hash_uniforms(KEY, Stream.FAULT, sensors, days)
    assert hash_uniforms(KEY, Stream.FAULT, 17, -2)[0] == table[16, 1]
    assert len(np.unique(table)) == table.size


def test_hash_is_splitmix64():
    """With a zero index the hash is splitmix64's finaliser: the twin in plain integers agrees."""

    def twin(key: int, stream: int, sensor: int, index: int) -> float:
        mask = 2**64 - 1

        def mix(state: int) -> int:
            state = (state + 0x9E3779B97F4A7C15) & mask
            state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
            state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & mask
            return state ^ (state >> 31)

        assert mix(0) == 0xE220A8397B1DCDAF, "the published first output for seed 0"
        base = mix((key + stream * 0x9E3779B97F4A7C15) & mask)
        word = mix((base + sensor * 0xD1342543DE82EF95 + index * 0xAF251AF3B0F025B5) & mask)
        return ((word >> 12) + 0.5) / 2**52

    for sensor, index in ((1, 0), (7, 3), (2**31 - 1, -5)):
        assert hash_uniforms(KEY, 32, sensor, index)[0] == twin(KEY, 32, sensor, index)


def test_distributions_have_their_moments():
    """Uniforms are uniform, normals have mean 0 and standard deviation 1."""
    sensors = np.arange(100_000)
    uniforms = hash_uniforms(KEY, Stream.PHASE, sensors, 0)
    assert np.allclose(np.quantile(uniforms, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.01)
    assert 0.0 < uniforms.min() < uniforms.max() < 1.0
    drawn = hash_normals(KEY, Stream.NOISE, sensors, 3)
    assert abs(drawn.mean()) < 0.02
    assert abs(drawn.std() - 1.0) < 0.02


def test_bells_are_bounded_and_have_the_moments_of_noise():
    """Mean 0, standard deviation 1, symmetric, a little flatter than a normal, nothing beyond 3.47."""
    drawn = hash_bells(KEY, Stream.NOISE, np.arange(200_000), 3)
    assert abs(drawn.mean()) < 0.01
    assert abs(drawn.std() - 1.0) < 0.01
    assert abs((drawn**3).mean()) < 0.02
    assert abs((drawn**4).mean() - 2.7) < 0.05
    assert np.abs(drawn).max() <= 3.4642
