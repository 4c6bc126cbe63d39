"""The one place where the layers are put together: weather, sensors, faults, beacons, delivery.

`simulate` streams in bounded memory, for ever if asked to; `collect` gives whole tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from base.errors import UsageError
from sim.arrays import Bools, Floats, Longs
from sim.batch import ReadingBatch
from sim.beacons import beacon_values, is_beacon
from sim.delivery import deliver, earliest_us, release
from sim.observe import Observer
from sim.sensors import measure, sampling_shift_us
from sim.stream import StreamSpec
from sim.stretch import Stretch
from sim.truth import GroundTruth, TruthBatch, interval_frame
from sim.weather import Weather, WeatherWindow, sample
from wire.reading import CHANNELS

#: No chunk spans more event time than this: the first one should not keep a live stream waiting.
LONGEST_CHUNK_S = 86400.0


@dataclass(frozen=True)
class Chunk:
    """A stretch of the stream: what is delivered in it, and the truth about a stretch of event time.

    Chunks follow each other in due order, so their concatenation is in due order too. A delivery that
    one of a later chunk may precede waits for it: late ones come with the truth about other readings.
    ``realised`` is what faults did in the same stretch as ``truth`` (`sim.observe.REALISED_SCHEMA`).
    """

    readings: ReadingBatch
    truth: TruthBatch
    realised: pl.DataFrame


@dataclass(frozen=True)
class Collected:
    """Whole tables of a stretch of stream.

    ``readings``: sensor_id, seq, event_us and the channels of every reading that reached the broker,
    once, in the order of first arrival. ``schedule``: sensor_id, seq, copy, due_ns, each delivery
    once, by due instant. ``batches``: the same deliveries with all they carry. ``truth``: `GroundTruth`,
    of readings that were lost too.
    """

    batches: list[ReadingBatch]
    readings: pl.DataFrame
    schedule: pl.DataFrame
    truth: GroundTruth


def simulate(
    stream: StreamSpec, *, start_s: float, end_s: float | None, chunk_readings: int = 100_000
) -> Iterator[Chunk]:
    """The readings with event time in [start, end) seconds relative to zero; for ever without an end.

    All their deliveries are there, those that are due after the end too. ``chunk_readings`` bounds
    memory (a chunk holds about that many, at least one tick of all sensors, and what is delivered late)
    and changes nothing else. Raises `UsageError` for a start before the scenario's lead and for an end
    that is not after the start.
    """
    stream.require_lead(start_s)
    if end_s is not None and end_s <= start_s:
        raise UsageError(f"the stream ends at {end_s:g} s, not after its start at {start_s:g} s; make it longer")
    return _chunks(stream, start_s, end_s, chunk_readings)


def collect(stream: StreamSpec, *, start_s: float, end_s: float) -> Collected:
    """All of [start, end) at once, as tables; see `Collected`. Errors as in `simulate`."""
    chunks = list(simulate(stream, start_s=start_s, end_s=end_s))
    batches = [chunk.readings for chunk in chunks]
    deliveries = pl.concat([batch.to_polars() for batch in batches])
    # What is lost has no copy at all, and a second copy never overtakes the first.
    readings = deliveries.filter(pl.col("copy") == 0).select("sensor_id", "seq", "event_us", *CHANNELS)
    truth = pl.concat([chunk.truth.to_polars() for chunk in chunks])
    realised = pl.concat([chunk.realised for chunk in chunks])
    return Collected(
        batches=batches,
        readings=readings,
        schedule=deliveries.select("sensor_id", "seq", "copy", "due_ns"),
        truth=GroundTruth(readings=truth, intervals=interval_frame(stream, start_s, end_s, realised)),
    )


def _chunks(stream: StreamSpec, start_s: float, end_s: float | None, chunk_readings: int) -> Iterator[Chunk]:
    start_us = round(start_s * 1e6)
    end_us = None if end_s is None else round(end_s * 1e6)
    interval_us = stream.interval_us
    ticks = max(1, min(chunk_readings // stream.sensors, int(LONGEST_CHUNK_S * 1e6) // interval_us))
    tick = max(start_us // interval_us, stream.first_tick)
    sensors = _Sensors(stream)
    observer = Observer(stream, tick, sensors.recall)
    # Ticks in which nobody has a reading any more are left out, so that the last chunk, which delivers
    # whatever is pending, has truth to tell as every other.
    first_phase_us, soonest_us = int(stream.phases_us.min()), earliest_us(stream)
    last_tick = None if end_us is None else -(-(end_us - first_phase_us) // interval_us)
    pending: ReadingBatch | None = None
    while last_tick is None or tick < last_tick:
        # Events of tick k lie in [k, k+1) intervals, so runs of ticks are stretches of event time.
        end_tick = tick + ticks if last_tick is None else min(tick + ticks, last_tick)
        event_us = stream.event_rel_us(tick, end_tick)
        seq = np.arange(tick, end_tick, dtype=np.int64)[:, None] - stream.first_tick
        true, clean = sensors.read(tick, end_tick)
        wanted = event_us >= start_us
        if end_us is not None:
            wanted &= event_us < end_us
        flat = clean.reshape(-1, len(CHANNELS))
        observed = observer.observe(Stretch(stream, tick, end_tick), flat, wanted.ravel())

        order = np.flatnonzero(wanted.ravel())
        order = order[np.argsort(event_us.ravel()[order], kind="stable")]
        sensor_id = np.broadcast_to(stream.sensor_ids, event_us.shape).ravel()
        truth = TruthBatch(
            sensor_id=sensor_id[order],
            seq=np.broadcast_to(seq, event_us.shape).ravel()[order],
            event_us=event_us.ravel()[order] + stream.scenario.start_us,
            true=true.reshape(-1, len(CHANNELS))[order],
            clean=flat[order],
            fault_mask=observed.fault_mask[order],
            beacon=np.broadcast_to(sensors.beacon, event_us.shape).ravel()[order],
        )
        sent = np.flatnonzero(observed.sent[order])
        schedule = deliver(stream, truth.sensor_id[sent], truth.seq[sent], event_us.ravel()[order][sent])
        row = sent[schedule.reading]
        made = ReadingBatch(
            sensor_id=truth.sensor_id[row],
            seq=truth.seq[row],
            copy=schedule.copy,
            event_us=truth.event_us[row],
            due_ns=schedule.due_ns,
            values=observed.values[order[row]],
        )
        # The next chunk delivers nothing before this.
        soonest_ns = int(stream.due_ns(np.array([end_tick * interval_us + soonest_us]))[0])
        readings, pending = release(pending, made, None if end_tick == last_tick else soonest_ns)
        if len(truth):
            yield Chunk(readings, truth, observed.realised)
        tick = end_tick


class _Sensors:
    """Reads the weather with every sensor, beacons included; moves forward only, from tick to tick."""

    def __init__(self, stream: StreamSpec) -> None:
        self._stream, self._weather = stream, Weather(stream)
        self._shift_us = sampling_shift_us(stream)
        self._shifts = bool(self._shift_us.any())
        # When the first and the last sensor look at the air, after the beginning of a tick.
        self._earliest_us = int((stream.phases_us + np.minimum(self._shift_us, 0)).min())
        self._latest_us = int((stream.phases_us + np.maximum(self._shift_us, 0)).max())
        self.beacon: Bools = is_beacon(stream.sensor_ids, stream.scenario.beacons)

    def read(self, first_tick: int, end_tick: int) -> tuple[Floats, Floats]:
        """(true, clean), each (K, S, 5), of all sensors' readings at the ticks [first, end)."""
        stream, ids, settings = self._stream, self._stream.sensor_ids, self._stream.scenario.beacons
        event_us = stream.event_rel_us(first_tick, end_tick)
        seq = np.arange(first_tick, end_tick, dtype=np.int64)[:, None] - stream.first_tick
        window = self._window(first_tick, end_tick)
        true = sample(window, event_us, stream)
        air = sample(window, self._taken_us(event_us, self._shift_us), stream) if self._shifts else true
        clean = measure(stream.key, air, ids, seq, event_us, stream.scenario.sensors)
        true[:, self.beacon] = beacon_values(ids[self.beacon], seq, settings)
        clean[:, self.beacon] = true[:, self.beacon]
        return true, clean

    def recall(self, tick: int, column: Longs) -> Floats:
        """The clean readings, (R, 5), of some sensors that are no beacons, at one tick."""
        stream = self._stream
        event_us = tick * stream.interval_us + stream.phases_us[column]
        window = self._window(tick, tick + 1)
        air = sample(window, self._taken_us(event_us, self._shift_us[column])[None, :], stream, column)[0]
        seq = np.full(len(column), tick - stream.first_tick)
        return measure(stream.key, air, column + 1, seq, event_us, stream.scenario.sensors)

    def _window(self, first_tick: int, end_tick: int) -> WeatherWindow:
        interval_us = self._stream.interval_us
        start_us = max(first_tick * interval_us + self._earliest_us, self._lead_us)
        end_us = max((end_tick - 1) * interval_us + self._latest_us, self._lead_us)
        return self._weather.window(start_us / 1e6, end_us / 1e6)

    def _taken_us(self, event_us: Longs, shift_us: Longs) -> Longs:
        taken_us: Longs = np.maximum(event_us + shift_us, self._lead_us)
        return taken_us

    @property
    def _lead_us(self) -> int:
        """Before it there is no weather."""
        return -round(self._stream.scenario.lead_s * 1e6)
