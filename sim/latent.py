"""The hidden processes behind the weather: each of unit variance, mean-reverting, shared in part with neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.arrays import Floats, Ints, Singles
from sim.atmosphere import ou_coefficients
from sim.field import Field
from sim.rng import Stream, hash_bells

#: A site's own part is drawn this often within its memory, and mixed in between.
KNOTS_PER_TAU: Final = 4
#: The nodes are evolved so many steps at a time.
STRIDE: Final = 36


@dataclass(frozen=True)
class Process:
    """One latent: its memory, and which share of its variance neighbours within ``length_km`` have in common."""

    stream: Stream
    tau_s: float
    regional_share: float
    length_km: float


class Latent:
    """An Ornstein-Uhlenbeck process at every sensor on a grid of steps, moving forward only.

    The regional part is evolved on the nodes of a `Field`, one step after the other. The site's own part
    is evolved from knot to knot, each a run of steps, and mixed linearly in between with its variance
    kept: so a sensor costs a draw per knot, and a late start hardly more than an early one. Between knots
    it is a little smoother than the process (correlated by 0.92 instead of 0.85 over a sixth of its
    memory). Both start from their stationary laws at ``first_step``.
    """

    def __init__(
        self, process: Process, field: Field, key: int, sensor_ids: Ints, *, first_step: int, step_s: float
    ) -> None:
        self._process, self._field, self._key, self._ids = process, field, key, sensor_ids
        self._phi, self._sigma = ou_coefficients(step_s, process.tau_s)
        # The regional part at the nodes, (K, NODES), of the steps from ``_track_step`` on.
        self._track, self._track_step = field.draw(key, process.stream, first_step, 1), first_step
        self._run = max(1, round(process.tau_s / step_s / KNOTS_PER_TAU))
        self._knot_phi, self._knot_sigma = ou_coefficients(self._run * step_s, process.tau_s)
        self._knot = first_step // self._run
        # Single precision, rounded at every knot: what is kept does not depend on where chunks end.
        self._here: Singles = self._drawn(slice(None), self._knot)
        self._there = self._next(self._here, slice(None), self._knot + 1)

    def regional(self, first_step: int, steps: int) -> Floats:
        """The regional part at the nodes, (T, NODES), of the steps from ``first_step`` on, the next ones to come."""
        while self._track_step + len(self._track) < first_step + steps:
            self._evolve(first_step)
        return self._track[first_step - self._track_step :][:steps]

    def _evolve(self, kept_from: int) -> None:
        """Append the next steps to the track; what lies before ``kept_from`` may be forgotten."""
        step = self._track_step + len(self._track)
        fresh = self._field.draw(self._key, self._process.stream, step, STRIDE)
        following = np.empty_like(fresh)
        nodes = self._track[-1]
        for row in range(STRIDE):
            nodes = following[row] = self._phi * nodes + self._sigma * fresh[row]
        past = min(kept_from, step) - self._track_step
        self._track, self._track_step = np.concatenate([self._track[past:], following]), self._track_step + past

    def read(self, nodes: Floats, first_step: int, block: slice) -> Singles:
        """The process at the block's sensors, (T, B), for the steps of ``nodes``; moves the block's own part on."""
        share = self._process.regional_share
        values = np.float32(math.sqrt(share)) * self._field.read(nodes, block)
        if share < 1.0:
            own = math.sqrt(1.0 - share)
            knot, row = self._knot, 0
            while row < len(nodes):
                while knot < (first_step + row) // self._run:
                    knot += 1
                    self._step(block, knot)
                end = min(len(nodes), (knot + 1) * self._run - first_step)
                later = (first_step + np.arange(row, end)[:, None]) / self._run - knot
                deviation = np.sqrt((1.0 - later) ** 2 + later**2 + 2.0 * self._knot_phi * later * (1.0 - later))
                values[row:end] += self._here[block] * (own * (1.0 - later) / deviation).astype(np.float32)
                if self._run > 1:
                    values[row:end] += self._there[block] * (own * later / deviation).astype(np.float32)
                row = end
        return values

    def settle(self, last_step: int) -> None:
        """All blocks have been read up to and with this step."""
        self._knot = last_step // self._run

    def skip(self, step: int, block: slice) -> None:
        """Move the block's own part on to a step, of which nothing is read; `settle` after the last block."""
        for knot in range(self._knot + 1, step // self._run + 1):
            self._step(block, knot)

    def _step(self, block: slice, knot: int) -> None:
        self._here[block] = self._there[block]
        self._there[block] = self._next(self._here[block], block, knot + 1)

    def _next(self, here: Singles, block: slice, knot: int) -> Singles:
        following: Singles = np.float32(self._knot_phi) * here + np.float32(self._knot_sigma) * self._drawn(block, knot)
        return following

    def _drawn(self, block: slice, knot: int) -> Singles:
        return hash_bells(self._key, self._process.stream, self._ids[block], knot).astype(np.float32)
