"""Hazards and alerts of a rule on the grid of readings: a row is a sensor, a column one of its readings.

A *hazard* is a run of consecutive readings of one sensor on which the rule in use holds for the true weather; those
that the sensor's noise alone decides about are *marginal*. Where a reading's number is skipped a column stays empty,
and runs end there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl

from bench.metrics.ranges import Bools, Longs, Numbers, counting, ranges
from pipeline.rules import AlertRule

#: A crossing by less than this many sigma of the sensor's noise, or of fewer readings, is marginal.
MARGINAL_SIGMA: Final = 2.0
MARGINAL_READINGS: Final = 2

_COMPARE: Final = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}


@dataclass(frozen=True, slots=True)
class ReadingGrid:
    """Where each reading lies: ``cells`` (R,) are places in an array of ``shape`` (sensors, columns), row by row."""

    #: By sensor, then ``seq``.
    readings: pl.DataFrame
    cells: Longs
    shape: tuple[int, int]

    @classmethod
    def of(cls, readings: pl.DataFrame) -> Self:
        """The grid of a table with ``sensor_id`` and ``seq``, each pair once."""
        readings = readings.cast({"sensor_id": pl.Int64, "seq": pl.Int64}).sort("sensor_id", "seq")
        sensor, seq = readings["sensor_id"].to_numpy(), readings["seq"].to_numpy()
        first = np.append(True, sensor[1:] != sensor[:-1])[: len(sensor)]
        gap = ~first & np.append(False, seq[1:] != seq[:-1] + 1)[: len(seq)]
        place = np.cumsum(np.where(gap, 2, 1))
        row = np.cumsum(first) - 1
        column = place - place[first][row]
        columns = int(column.max(initial=-1)) + 1
        return cls(readings, row * columns + column, (int(first.sum()), columns))

    def spread(self, values: Numbers, empty: float = 0) -> Numbers:
        """One value a reading (R,) as an array of the grid's shape, ``empty`` where there is no reading."""
        flat = np.full(self.shape[0] * self.shape[1], empty, dtype=values.dtype)
        flat[self.cells] = values
        return flat.reshape(self.shape)

    def placed(self, alerts: pl.DataFrame) -> pl.DataFrame:
        """``alerts`` with their ``cell``; those whose reading is not on the grid are left out."""
        places = self.readings.select("sensor_id", "seq", cell=pl.Series(self.cells))
        return alerts.cast({"sensor_id": pl.Int64, "seq": pl.Int64}).join(places, on=["sensor_id", "seq"], how="inner")

    def marked(self, cells: Numbers) -> Bools:
        """True at the given places."""
        flat = np.zeros(self.shape[0] * self.shape[1], dtype=np.bool_)
        flat[cells] = True
        return flat.reshape(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What was to be found and what was alerted, (sensors, columns) each. Rows of several rules may be stacked."""

    #: Whether there is a reading.
    exists: Bools
    #: Event time, microseconds.
    event_us: Longs
    #: Readings in hazards that are not marginal, and in those that are.
    hazard: Bools
    marginal: Bools
    #: Readings that carry an injected fault.
    faulty: Bools
    #: Readings on which the rule fired, and those whose alert it named.
    alarm: Bools
    named: Bools

    @property
    def ignored(self) -> Bools:
        """Readings on which an alarm is neither right nor wrong."""
        return (self.marginal | self.faulty) & ~self.hazard


def detection(grid: ReadingGrid, alerts: pl.DataFrame, rule: AlertRule, *, noise_sigma: float) -> Detection:
    """One rule on the grid of readings with event_us, fault_mask and true_<channel>.

    ``alerts``: `ReadingGrid.placed`, with rule and fired. ``noise_sigma``: of the rule's channel.
    """
    readings = grid.readings
    hazard, marginal = hazards(grid, rule, noise_sigma=noise_sigma)
    fired = alerts.filter(pl.col("fired").list.contains(rule.id))
    return Detection(
        exists=grid.marked(grid.cells),
        event_us=grid.spread(readings["event_us"].to_numpy()),
        hazard=hazard,
        marginal=marginal,
        faulty=grid.spread(readings["fault_mask"].to_numpy() != 0),
        alarm=grid.marked(fired["cell"].to_numpy()),
        named=grid.marked(fired.filter(pl.col("rule") == rule.id)["cell"].to_numpy()),
    )


def rule_holds(rule: AlertRule, values: Numbers) -> Bools:
    """Where ``rule`` holds on the ``values`` of its field; of their shape."""
    found: Bools = _COMPARE[rule.comparison](values, rule.threshold)
    return found


def hazards(grid: ReadingGrid, rule: AlertRule, *, noise_sigma: float) -> tuple[Bools, Bools]:
    """The readings in hazards that are not marginal, and in those that are: of the grid's shape each."""
    true = grid.readings[f"true_{rule.field}"].to_numpy()
    beyond = true - rule.threshold
    if rule.comparison.startswith("<"):
        beyond = -beyond
    return _by_margin(grid.spread(rule_holds(rule, true)), grid.spread(beyond), noise_sigma)


#: One row a hazard; its readings are those from ``first_seq`` to ``last_seq``, at event times (us) that follow.
HAZARDS: Final = {
    "rule": pl.String,
    "sensor_id": pl.Int64,
    "first_seq": pl.Int64,
    "last_seq": pl.Int64,
    "first_us": pl.Int64,
    "last_us": pl.Int64,
    "marginal": pl.Boolean,
}


def hazard_frame(truth: pl.DataFrame, rules: Sequence[AlertRule], noise_sigma: Mapping[str, float]) -> pl.DataFrame:
    """Every hazard of every rule in ``truth`` (sensor_id, seq, event_us, true_<channel>): the columns of `HAZARDS`.

    ``noise_sigma``: of the instruments' error, by channel.
    """
    grid = ReadingGrid.of(truth)
    named = {"sensor_id": "sensor_id", "seq": "seq", "us": "event_us"}
    flat = {name: grid.spread(grid.readings[column].to_numpy()).ravel() for name, column in named.items()}
    frames = [pl.DataFrame(schema=HAZARDS)]
    for rule in rules:
        for marginal, mask in enumerate(hazards(grid, rule, noise_sigma=noise_sigma[rule.field])):
            found = ranges(mask)
            first, last = found.start, found.end - 1
            rows = pl.DataFrame(
                {
                    "sensor_id": flat["sensor_id"][first],
                    **{f"first_{name}": flat[name][first] for name in ("seq", "us")},
                    **{f"last_{name}": flat[name][last] for name in ("seq", "us")},
                }
            ).with_columns(rule=pl.lit(rule.id), marginal=pl.lit(bool(marginal)))
            frames.append(rows.select(pl.col(name).cast(dtype) for name, dtype in HAZARDS.items()))
    return pl.concat(frames).sort("sensor_id", "first_us", "rule")


def _by_margin(holds: Bools, beyond: Numbers, noise_sigma: float) -> tuple[Bools, Bools]:
    """The readings of hazards that are not marginal, and of those that are."""
    found = ranges(holds)
    inside = found.start.repeat(found.length) + counting(found.length)
    peak = np.maximum.reduceat(beyond.ravel()[inside], np.cumsum(found.length) - found.length)
    marginal = np.zeros_like(holds)
    slight = (found.length < MARGINAL_READINGS) | (peak < MARGINAL_SIGMA * noise_sigma)
    marginal[holds] = np.repeat(slight, found.length)
    return holds & ~marginal, marginal


def stacked(several: Sequence[Detection]) -> Detection:
    """The rows of all, one below the other; shorter ones end in columns without readings."""
    return Detection(
        exists=stack([one.exists for one in several]),
        event_us=stack([one.event_us for one in several]),
        hazard=stack([one.hazard for one in several]),
        marginal=stack([one.marginal for one in several]),
        faulty=stack([one.faulty for one in several]),
        alarm=stack([one.alarm for one in several]),
        named=stack([one.named for one in several]),
    )


def stack(several: Sequence[Numbers]) -> Numbers:
    """Arrays of two dimensions one below the other, padded with zeros on the right to the widest."""
    columns = max(one.shape[1] for one in several)
    return np.concatenate([np.pad(one, ((0, 0), (0, columns - one.shape[1]))) for one in several])
