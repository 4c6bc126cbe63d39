"""Noise that knows its neighbours: normals correlated over the map, and noise that is smooth in time.

Both are functions of (key, stream, place or sensor, time) alone: nothing is remembered, and no sensor
sees how many others there are.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sim.arrays import AnyArray, Floats, Longs, Singles
from sim.rng import hash_bells, hash_normals

#: Nodes along a side of the square. More cost more than they tell.
SIDE: Final = 13
#: Nodes of the square.
NODES: Final = SIDE * SIDE


class Places:
    """Places in a square with nodes on a regular grid; each place is mixed of the four nodes around it, bilinearly.

    ``x_km``, ``y_km``: shape (S,), in the square of ``extent_km``.
    """

    def __init__(self, x_km: Floats, y_km: Floats, *, extent_km: float) -> None:
        self.extent_km = extent_km
        spacing_km = extent_km / (SIDE - 1)
        cell_x = np.clip(np.floor(x_km / spacing_km), 0, SIDE - 2)
        cell_y = np.clip(np.floor(y_km / spacing_km), 0, SIDE - 2)
        right, up = x_km / spacing_km - cell_x, y_km / spacing_km - cell_y
        # Single precision is enough for a weight, and a million places have a lot of them.
        weights = [(1 - right) * (1 - up), right * (1 - up), (1 - right) * up, right * up]
        #: The share of each corner at each place, (S, 4): below left, below right, above left, above right.
        self.weights: Singles = np.stack(weights, axis=1).astype(np.float32)
        corners = (cell_y * SIDE + cell_x).astype(np.int32)[:, None]
        self._corners: NDArray[np.int32] = corners + np.array([0, 1, SIDE, SIDE + 1], dtype=np.int32)
        self._matrices: dict[tuple[int, int], csr_array] = {}

    def mix(self, nodes: Singles, block: slice) -> Singles:
        """What ``nodes`` (NODES, T) make of the places of the block, (B, T)."""
        mixed: Singles = self._matrix(block) @ nodes
        return mixed

    def _matrix(self, block: slice) -> csr_array:
        first, end, _ = block.indices(len(self.weights))
        if (first, end) not in self._matrices:
            rows = np.arange(0, 4 * (end - first) + 1, 4, dtype=np.int32)
            parts = (self.weights[first:end].ravel(), self._corners[first:end].ravel(), rows)
            self._matrices[first, end] = csr_array(parts, shape=(end - first, NODES))
        return self._matrices[first, end]


class Field:
    """Standard normals at fixed places, correlated as exp(-d / length) over the distance d in km.

    The normals of the nodes are coloured by the Cholesky factor of the correlation C; what a place mixes of
    the four around it is divided by its own deviation sqrt(w' C w), so that the variance is 1 between
    nodes as well.

    A mixture of four is smoother than what it mixes, and dividing by its deviation would make all places
    too much alike (by 0.08 at a fifth of the length). So each node keeps a part of its variance to itself,
    as much as mixing takes away on average over a cell. What stays are pairs closer than the spacing,
    0.04 too much alike on average; 0.09 where the length is a fifth of the extent, 0.2 at a tenth.
    """

    def __init__(self, places: Places, *, length_km: float) -> None:
        self._places = places
        spacing_km = places.extent_km / (SIDE - 1)
        row, column = np.divmod(np.arange(NODES), SIDE)
        distance_km = spacing_km * np.hypot(row[:, None] - row, column[:, None] - column)
        # Means over a cell: of w' C w by the correlations along a side and a diagonal, and of w' w (4/9).
        along, across = math.exp(-spacing_km / length_km), math.exp(-math.sqrt(2.0) * spacing_km / length_km)
        missing = 1.0 - (4.0 + 4.0 * along + across) / 9.0
        own = missing / (missing + 4.0 / 9.0)
        correlation = (1.0 - own) * np.exp(-distance_km / length_km) + own * np.eye(NODES)
        # Half of a Cholesky factor is zero. Nor would BLAS do: the number of its threads may decide the last bit.
        self._colour = csr_array(np.linalg.cholesky(correlation))
        # Negative numbers: a node never shares a draw with a sensor, whatever else the stream is used for.
        self._node_ids: Longs = -1 - np.arange(NODES, dtype=np.int64)
        corners = np.array([0, 1, SIDE, SIDE + 1])
        near = correlation[np.ix_(corners, corners)]
        # w' C w, written out: every cell has the same four correlations.
        weights = places.weights.T
        variance = sum(near[i, j] * weights[i] * weights[j] for i in range(4) for j in range(4))
        self._scale: Singles = (1.0 / np.sqrt(variance)).astype(np.float32)

    def draw(self, key: int, stream: int, first_tick: int, ticks: int) -> Floats:
        """Correlated standard normals at the nodes, (ticks, NODES); ticks and streams are independent of each other."""
        tick = np.arange(first_tick, first_tick + ticks, dtype=np.int64)
        white = hash_normals(key, stream, self._node_ids[:, None], tick)
        coloured: Floats = (self._colour @ white).T
        return coloured

    def read(self, nodes: Floats, block: slice) -> Singles:
        """What ``nodes`` (T, NODES) make of the places of the block, (T, B)."""
        mixed = self._places.mix(np.ascontiguousarray(nodes.T, dtype=np.float32), block)
        return np.multiply(mixed.T, self._scale[block], order="C")


def smooth_noise(key: int, stream: int, sensor_ids: AnyArray, event_rel_us: Longs, tau_us: int) -> Floats:
    """Noise of deviation 1 that moves smoothly within ``tau_us`` of event time, per sensor independent.

    Value noise: every sensor has a number by hash at each multiple of tau, in between they are mixed
    linearly and divided by the deviation of the mixture. Shape of the broadcast arguments. Correlation
    after a third of tau is 0.85, after two tau 0.
    """
    node, past = np.divmod(event_rel_us, tau_us)
    later = past / tau_us
    noise = hash_bells(key, stream, sensor_ids, node) * (1.0 - later)
    noise += hash_bells(key, stream, sensor_ids, node + 1) * later
    noise /= np.sqrt((1.0 - later) ** 2 + later**2)
    return noise
