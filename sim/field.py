"""Noise that knows its neighbours: normals correlated over the map, and noise that is smooth in time.

Both are functions of (key, stream, place or sensor, time) alone: nothing is remembered, and no sensor
sees how many others there are.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.arrays import AnyArray, Floats, Longs
from sim.rng import hash_bells, hash_normals

#: Nodes along a side of the square. More cost more than they tell, fewer make cells as large as the map.
FEWEST_NODES: Final = 9
MOST_NODES: Final = 13
#: Nodes per correlation length.
NODES_PER_LENGTH: Final = 5.0

_Singles: TypeAlias = NDArray[np.float32]


class Field:
    """Standard normals at fixed places, correlated as exp(-d / length) over the distance d in km.

    Nodes stand on a regular grid over the square of ``extent_km``, a fifth of the length apart unless
    that makes too few or too many (`FEWEST_NODES`, `MOST_NODES`). Their normals are coloured by the
    Cholesky factor of the correlation C; a place reads the four around it bilinearly, and the result is
    divided by its own deviation sqrt(w' C w), so that the variance is 1 between nodes as well.

    A mixture of four is smoother than what it mixes, and dividing by its deviation would make all places
    too much alike (by 0.08 at a fifth of the length). So each node keeps a part of its variance to itself,
    as much as mixing takes away on average over a cell. What stays are pairs closer than the spacing,
    0.04 too much alike on average; 0.09 where the length is a fifth of the extent, 0.2 at a tenth.

    ``x_km``, ``y_km``: places in the square, each of shape (S,).
    """

    def __init__(self, x_km: Floats, y_km: Floats, *, extent_km: float, length_km: float) -> None:
        side = min(max(math.ceil(extent_km / length_km * NODES_PER_LENGTH) + 1, FEWEST_NODES), MOST_NODES)
        spacing_km = extent_km / (side - 1)
        row, column = np.divmod(np.arange(side * side), side)
        distance_km = spacing_km * np.hypot(row[:, None] - row, column[:, None] - column)
        # Means over a cell: of w' C w by the correlations along a side and a diagonal, and of w' w (4/9).
        along, across = math.exp(-spacing_km / length_km), math.exp(-math.sqrt(2.0) * spacing_km / length_km)
        missing = 1.0 - (4.0 + 4.0 * along + across) / 9.0
        own = missing / (missing + 4.0 / 9.0)
        correlation = (1.0 - own) * np.exp(-distance_km / length_km) + own * np.eye(side * side)
        self._colour: Floats = np.linalg.cholesky(correlation)
        # Negative numbers: a node never shares a draw with a sensor, whatever else the stream is used for.
        self._node_ids: Longs = -1 - np.arange(side * side, dtype=np.int64)

        cell_x = np.clip(np.floor(x_km / spacing_km), 0, side - 2)
        cell_y = np.clip(np.floor(y_km / spacing_km), 0, side - 2)
        right, up = x_km / spacing_km - cell_x, y_km / spacing_km - cell_y
        weights = [(1 - right) * (1 - up), right * (1 - up), (1 - right) * up, right * up]
        corners = np.array([0, 1, side, side + 1])
        near = correlation[np.ix_(corners, corners)]
        # w' C w, written out: every cell has the same four correlations.
        variance = sum(near[i, j] * weights[i] * weights[j] for i in range(4) for j in range(4))
        # Single precision is enough for a weight, and a million places have a lot of them.
        self._side = side
        self._cell: NDArray[np.int32] = (cell_y * side + cell_x).astype(np.int32)
        self._right: _Singles = right.astype(np.float32)
        self._up: _Singles = up.astype(np.float32)
        self._scale: _Singles = (1.0 / np.sqrt(variance)).astype(np.float32)

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return len(self._node_ids)

    def draw(self, key: int, stream: int, tick: int) -> Floats:
        """Correlated standard normals at the nodes, (nodes,), independent of every other tick and stream."""
        white = hash_normals(key, stream, self._node_ids, tick)
        # Not `@`: BLAS would wake its threads, and their number would decide about the last bit.
        coloured: Floats = np.einsum("ij,j->i", self._colour, white)
        return coloured

    def read(self, nodes: Floats, block: slice) -> Floats:
        """What ``nodes`` (T, nodes) make of the places of the block, (T, B)."""
        cell, right, up = self._cell[block], self._right[block], self._up[block]
        below, above = (
            np.take(nodes, first, axis=1) * (1.0 - right) + np.take(nodes, first + 1, axis=1) * right
            for first in (cell, cell + self._side)
        )
        values: Floats = (below + (above - below) * up) * self._scale[block]
        return values


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
