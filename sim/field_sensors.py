"""A source of readings: sensors that stand in the simulated weather, each with its own interval and phase."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from sim.arrays import Bools, Floats, Longs
from sim.beacons import beacon_values, is_beacon
from sim.delivery import earliest_us
from sim.events import events_between
from sim.sensors import Instruments, sampling_shift_us
from sim.stream import StreamSpec
from sim.stretch import GridStretch, Stretch, tick_before
from sim.truth import unmeasured
from sim.weather import Weather, WeatherWindow, sample
from wire.reading import CHANNELS

#: No stretch spans more event time than this: the first one should not keep a live stream waiting.
LONGEST_STRETCH_US: Final = 86_400_000_000

#: So many sensors are worked on at once, which a core's cache holds.
BLOCK: Final = 8192


class FieldSensors:
    """Reads the weather with every sensor, beacons included; moves forward only, from tick to tick."""

    def __init__(self, stream: StreamSpec) -> None:
        self._stream, self._weather = stream, Weather(stream)
        self._instruments = Instruments(stream.key, stream.sensor_ids, stream.scenario.sensors)
        self._shift_us = sampling_shift_us(stream)
        self._shifts = bool(self._shift_us.any())
        # When the first and the last sensor look at the air, after the beginning of a tick.
        self._earliest_us = int((stream.phases_us + np.minimum(self._shift_us, 0)).min())
        self._latest_us = int((stream.phases_us + np.maximum(self._shift_us, 0)).max())
        self._beacon: Bools = is_beacon(stream.sensor_ids, stream.scenario.beacons)

    def stretches(self, start_us: int, end_us: int | None, chunk_readings: int) -> Iterator[Stretch]:
        """As in `Source`; runs of whole ticks, so the first and the last may reach beyond [start, end)."""
        stream, interval_us = self._stream, self._stream.interval_us
        ticks = max(1, min(chunk_readings // len(stream.sensor_ids), LONGEST_STRETCH_US // interval_us))
        tick = max(start_us // interval_us, stream.first_tick)
        soonest_us = earliest_us(stream)
        # Ticks in which nobody has a reading any more are left out: what is pending goes with the last that has.
        last_tick = None if end_us is None else -(-(end_us - int(stream.phases_us.min())) // interval_us)
        while last_tick is None or tick < last_tick:
            end_tick = tick + ticks if last_tick is None else min(tick + ticks, last_tick)
            shape = (end_tick - tick, len(stream.sensor_ids))
            true, clean = self._read(tick, end_tick)
            seq = np.arange(tick, end_tick, dtype=np.int64)[:, None] - stream.first_tick
            yield GridStretch(
                # Events of tick k lie in [k, k+1) intervals.
                start_us=tick * interval_us,
                end_us=end_tick * interval_us,
                later_due_us=None if end_tick == last_tick else end_tick * interval_us + soonest_us,
                sensor_id=np.broadcast_to(stream.sensor_ids, shape).ravel(),
                seq=np.broadcast_to(seq, shape).ravel(),
                event_us=stream.event_rel_us(tick, end_tick).ravel(),
                true=true.reshape(-1, len(CHANNELS)),
                clean=clean.reshape(-1, len(CHANNELS)),
                order=np.arange(shape[0] * shape[1]),
                stream=stream,
                first_tick=tick,
                end_tick=end_tick,
            )
            tick = end_tick

    def intervals(self, start_us: int, end_us: int) -> pl.DataFrame:
        """As in `Source`: the events of the weather, of the whole region."""
        scenario, key = self._stream.weather, self._stream.key
        events = events_between(scenario, key, start_us / 1e6, end_us / 1e6)
        return unmeasured(
            ["environment"] * len(events),
            event=[event.name for event in events],
            kind=[event.kind for event in events],
            sensor_id=[None] * len(events),
            start_us=[scenario.start_us + round(event.start_s * 1e6) for event in events],
            end_us=[scenario.start_us + round(event.end_s * 1e6) for event in events],
        )

    def recall(self, instant_us: int, column: Longs, before_us: Longs) -> Iterator[tuple[Longs, Floats]]:
        """As in `Source`."""
        stream = self._stream
        # A few sensors have to be looked back at, each for itself: the others need no weather for that.
        sensors, place = np.unique(column, return_inverse=True)
        weather = Weather(stream, sensors)
        source = tick_before(stream, column, before_us)
        for tick in np.unique(source[source < max(instant_us // stream.interval_us, stream.first_tick)]).tolist():
            which = np.flatnonzero(source == tick)
            at = column[which]
            event_us = tick * stream.interval_us + stream.phases_us[at]
            window = self._window(weather, tick, tick + 1)
            air = sample(window, self._taken_us(event_us, at)[None, :], stream, place[which])[0]
            seq = np.full(len(at), tick - stream.first_tick)
            yield which, self._instruments.measure(air, at, seq, event_us)

    def _read(self, first_tick: int, end_tick: int) -> tuple[Floats, Floats]:
        """(true, clean), each (K, S, 5), of all sensors' readings at the ticks [first, end)."""
        stream, ids = self._stream, self._stream.sensor_ids
        seq = np.arange(first_tick, end_tick, dtype=np.int64)[:, None] - stream.first_tick
        window = self._window(self._weather, first_tick, end_tick)
        true = np.empty((end_tick - first_tick, len(ids), len(CHANNELS)))
        clean = np.empty_like(true)
        event_us = stream.event_rel_us(first_tick, end_tick)
        # Blocks of sensors share ticks, so a block of few ticks has room for more of them.
        width = max(256, BLOCK // (end_tick - first_tick))
        for first in range(0, len(ids), width):
            block = slice(first, first + width)
            event = event_us[:, block]
            air = true[:, block] = sample(window, event, stream, block)
            if self._shifts:
                air = sample(window, self._taken_us(event, block), stream, block)
            clean[:, block] = self._instruments.measure(air, block, seq, event)
        values = beacon_values(ids[self._beacon], seq, stream.scenario.beacons)
        true[:, self._beacon] = values
        clean[:, self._beacon] = values
        return true, clean

    def _window(self, weather: Weather, first_tick: int, end_tick: int) -> WeatherWindow:
        interval_us = self._stream.interval_us
        start_us = max(first_tick * interval_us + self._earliest_us, self._lead_us)
        end_us = max((end_tick - 1) * interval_us + self._latest_us, self._lead_us)
        return weather.window(start_us / 1e6, end_us / 1e6)

    def _taken_us(self, event_us: Longs, column: Longs | slice) -> Longs:
        taken_us: Longs = np.maximum(event_us + self._shift_us[column], self._lead_us)
        return taken_us

    @property
    def _lead_us(self) -> int:
        """Before it there is no weather."""
        return -round(self._stream.scenario.lead_s * 1e6)
