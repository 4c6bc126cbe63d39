"""A source of readings without weather: every value is drawn by lot, and so is the sensor that takes it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from sim.arrays import Floats, Longs
from sim.delivery import skew_us
from sim.rng import Stream, hash_uniforms
from sim.scenario import UniformScenario
from sim.sensors import two_digits
from sim.stream import StreamSpec
from sim.stretch import Stretch
from sim.truth import INTERVAL_SCHEMA
from wire.reading import CHANNELS


class Lots:
    """One reading at every multiple of the interval, of any of the sensors; ``seq`` counts the readings of all."""

    def __init__(self, stream: StreamSpec, scenario: UniformScenario) -> None:
        self._stream, self._scenario = stream, scenario

    def stretches(self, start_us: int, end_us: int | None, chunk_readings: int) -> Iterator[Stretch]:
        """As in `Source`."""
        interval_us = self._stream.interval_us
        tick = -(-start_us // interval_us)
        last_tick = None if end_us is None else -(-end_us // interval_us)
        soonest_us = int(skew_us(self._stream, self._stream.sensor_ids).min())
        while last_tick is None or tick < last_tick:
            end_tick = tick + chunk_readings if last_tick is None else min(tick + chunk_readings, last_tick)
            ticks = np.arange(tick, end_tick, dtype=np.int64)
            sensor_id = 1 + (self._drawn(0, ticks) * self._stream.sensors).astype(np.int32)
            ours = np.isin(sensor_id, self._stream.sensor_ids)
            ticks, sensor_id = ticks[ours], sensor_id[ours]
            values = self._values(ticks)
            yield Stretch(
                start_us=tick * interval_us,
                end_us=end_tick * interval_us,
                later_due_us=None if end_tick == last_tick else end_tick * interval_us + soonest_us,
                sensor_id=sensor_id,
                seq=ticks - self._stream.first_tick,
                event_us=ticks * interval_us,
                true=values,
                clean=values,
                order=np.arange(len(ticks)),
            )
            tick = end_tick

    def intervals(self, start_us: int, end_us: int) -> pl.DataFrame:
        """As in `Source`: nothing ever happens."""
        return pl.DataFrame(schema=INTERVAL_SCHEMA)

    def recall(self, instant_us: int, column: Longs, before_us: Longs) -> Iterator[tuple[Longs, Floats]]:
        """As in `Source`: nothing, for nothing here fails."""
        return iter(())

    def _values(self, ticks: Longs) -> Floats:
        ranges = self._scenario.uniform.as_tuple()
        drawn = [low + (high - low) * self._drawn(1 + number, ticks) for number, (low, high) in enumerate(ranges)]
        return two_digits(np.stack(drawn, axis=1)).reshape(-1, len(CHANNELS))

    def _drawn(self, number: int, ticks: Longs) -> Floats:
        return hash_uniforms(self._stream.key, Stream.LOT + number, 0, ticks)
