"""The one place where the layers are put together: weather, sensors, faults, beacons, delivery.

`simulate` streams in bounded memory, for ever if asked to; `collect` gives whole tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from base.errors import UsageError
from sim.batch import ReadingBatch
from sim.beacons import beacon_values, is_beacon
from sim.delivery import deliver
from sim.observe import observe, remember
from sim.sensors import measure
from sim.stream import StreamSpec
from sim.truth import GroundTruth, TruthBatch, interval_frame
from sim.weather import Weather, sample
from wire.reading import CHANNELS

#: No chunk spans more event time than this: the first one should not keep a live stream waiting.
LONGEST_CHUNK_S = 86400.0


@dataclass(frozen=True)
class Chunk:
    """A stretch of the stream: what is delivered in it, and the truth about it.

    Chunks follow each other in due order, so their concatenation is in due order too.
    """

    readings: ReadingBatch
    truth: TruthBatch


@dataclass(frozen=True)
class Collected:
    """Whole tables of a stretch of stream.

    ``readings``: sensor_id, seq, event_us and the channels, each reading once. ``schedule``:
    sensor_id, seq, copy, due_ns, each delivery once, by due instant. ``batches``: the same deliveries
    with all they carry. ``truth``: `GroundTruth`.
    """

    batches: list[ReadingBatch]
    readings: pl.DataFrame
    schedule: pl.DataFrame
    truth: GroundTruth


def simulate(
    stream: StreamSpec, *, start_s: float, end_s: float | None, chunk_readings: int = 100_000
) -> Iterator[Chunk]:
    """The readings with event time in [start, end) seconds relative to zero; for ever without an end.

    ``chunk_readings`` bounds memory (a chunk holds about that many, and at least one tick of all
    sensors) and changes nothing else. Raises `UsageError` for a start before the scenario's lead and
    for an end that is not after the start.
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
    readings = deliveries.filter(pl.col("copy") == 0).select("sensor_id", "seq", "event_us", *CHANNELS)
    truth = pl.concat([chunk.truth.to_polars() for chunk in chunks])
    return Collected(
        batches=batches,
        readings=readings,
        schedule=deliveries.select("sensor_id", "seq", "copy", "due_ns"),
        truth=GroundTruth(readings=truth, intervals=interval_frame(stream, start_s, end_s)),
    )


def _chunks(stream: StreamSpec, start_s: float, end_s: float | None, chunk_readings: int) -> Iterator[Chunk]:
    start_us = round(start_s * 1e6)
    end_us = None if end_s is None else round(end_s * 1e6)
    interval_us = stream.interval_us
    ticks = max(1, min(chunk_readings // stream.sensors, int(LONGEST_CHUNK_S * 1e6) // interval_us))
    weather = Weather(stream)
    tick = max(start_us // interval_us, stream.first_tick)
    memory = remember(stream, weather, tick)
    beacon = is_beacon(stream.sensor_ids, stream.scenario.beacons)
    while end_us is None or tick * interval_us < end_us:
        # Events of tick k lie in [k, k+1) intervals, so runs of ticks are stretches of event time.
        end_tick = tick + ticks if end_us is None else min(tick + ticks, -(-end_us // interval_us))
        event_us = stream.event_rel_us(tick, end_tick)
        seq = np.arange(tick, end_tick, dtype=np.int64)[:, None] - stream.first_tick
        window = weather.window(float(event_us.min()) / 1e6, float(event_us.max()) / 1e6)
        true = sample(window, event_us, stream)
        clean = measure(stream.key, true, stream.sensor_ids, seq, stream.scenario.sensors)
        true[:, beacon] = beacon_values(stream.sensor_ids[beacon], seq, stream.scenario.beacons)
        clean[:, beacon] = true[:, beacon]
        observed = observe(stream, tick, clean, memory)

        wanted = event_us >= start_us
        if end_us is not None:
            wanted &= event_us < end_us
        order = np.flatnonzero(wanted.ravel())
        order = order[np.argsort(event_us.ravel()[order], kind="stable")]
        sensor_id = np.broadcast_to(stream.sensor_ids, event_us.shape).ravel()
        truth = TruthBatch(
            sensor_id=sensor_id[order],
            seq=np.broadcast_to(seq, event_us.shape).ravel()[order],
            event_us=event_us.ravel()[order] + stream.scenario.start_us,
            true=true.reshape(-1, len(CHANNELS))[order],
            clean=clean.reshape(-1, len(CHANNELS))[order],
            fault_mask=observed.fault_mask.ravel()[order],
            beacon=np.broadcast_to(beacon, event_us.shape).ravel()[order],
        )
        sent = np.flatnonzero(observed.sent.ravel()[order])
        schedule = deliver(stream, event_us.ravel()[order][sent])
        row = sent[schedule.reading]
        readings = ReadingBatch(
            sensor_id=truth.sensor_id[row],
            seq=truth.seq[row],
            copy=schedule.copy,
            event_us=truth.event_us[row],
            due_ns=schedule.due_ns,
            values=observed.values.reshape(-1, len(CHANNELS))[order][row],
        )
        if len(truth):
            yield Chunk(readings, truth)
        tick = end_tick
