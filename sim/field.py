"""Noise that knows its neighbours: normals correlated over the map, and normals smooth in time.

Both are functions of (key, stream, place or sensor, time) alone: nothing is remembered, and no sensor
sees how many others there are.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sim.arrays import AnyArray, Floats, Ints, Longs
from sim.rng import hash_normals

#: Nodes along a side of the square. More cost more than they tell, fewer make cells as large as the map.
FEWEST_NODES: Final = 9
MOST_NODES: Final = 25
#: Nodes per correlation length.
NODES_PER_LENGTH: Final = 5.0


class Field:
    """Standard normals at fixed places, correlated as exp(-d / length) over the distance d in km.

    Nodes stand on a regular grid over the square of ``extent_km``, a fifth of the length apart unless
    that makes too few or too many (`FEWEST_NODES`, `MOST_NODES`). Their normals are coloured by the
    Cholesky factor of the correlation C; a place reads the four around it bilinearly, and the result is
    divided by its own deviation sqrt(w' C w), so that the variance is 1 between nodes as well.

    A mixture of four is smoother than what it mixes, and dividing by its deviation would make all places
    too much alike (by 0.08 at a fifth of the length). So each node keeps a part of its variance to itself,
    as much as mixing takes away on average over a cell. What stays are pairs closer than the spacing,
    0.04 too much alike on average, 0.08 where nodes are as sparse as half the length.

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
        weights = np.stack([(1 - right) * (1 - up), right * (1 - up), (1 - right) * up, right * up])
        corners = np.array([0, 1, side, side + 1])
        near = correlation[np.ix_(corners, corners)]
        # w' C w, written out: every cell has the same four correlations.
        variance = sum(near[i, j] * weights[i] * weights[j] for i in range(4) for j in range(4))
        self._nodes: Ints = (cell_y * side + cell_x).astype(np.int32) + corners[:, None].astype(np.int32)
        self._weights: Floats = weights / np.sqrt(variance)

    def normals(self, key: int, stream: int, tick: int) -> Floats:
        """One standard normal per place, shape (S,), independent of every other tick and stream."""
        white = hash_normals(key, stream, self._node_ids, tick)
        # Not `@`: BLAS would wake its threads, and their number would decide about the last bit.
        nodes = np.einsum("ij,j->i", self._colour, white)
        values: Floats = nodes[self._nodes[0]] * self._weights[0]
        for corner in range(1, 4):
            values += nodes[self._nodes[corner]] * self._weights[corner]
        return values


def smooth_noise(key: int, stream: int, sensor_ids: AnyArray, event_rel_us: Longs, tau_us: int) -> Floats:
    """Standard normals that move smoothly within ``tau_us`` of event time, per sensor independent.

    Value noise: every sensor has a normal by hash at each multiple of tau, in between they are mixed
    linearly and divided by the deviation of the mixture. Shape of the broadcast arguments. Correlation
    after a third of tau is 0.85, after two tau 0.
    """
    node, past = np.divmod(event_rel_us, tau_us)
    later = past / tau_us
    noise = hash_normals(key, stream, sensor_ids, node) * (1.0 - later)
    noise += hash_normals(key, stream, sensor_ids, node + 1) * later
    smooth: Floats = noise / np.sqrt((1.0 - later) ** 2 + later**2)
    return smooth
