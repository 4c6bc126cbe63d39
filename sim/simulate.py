"""The one place where the layers are put together: a source of readings, faults, delivery.

`simulate` streams in bounded memory, for ever if asked to; `collect` gives whole tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from base.errors import UsageError
from sim.arrays import Longs
from sim.batch import ReadingBatch
from sim.beacons import is_beacon
from sim.delivery import deliver, release
from sim.field_sensors import FieldSensors
from sim.lots import Lots
from sim.observe import REALISED_SCHEMA, Observed, Observer
from sim.replay import Recording
from sim.scenario import ReplayScenario, UniformScenario
from sim.stream import WHOLE, StreamSpec
from sim.stretch import Source, Stretch
from sim.truth import GroundTruth, TruthBatch, interval_frame
from wire.reading import CHANNELS


@dataclass(frozen=True)
class Chunk:
    """A stretch of the stream: what is delivered in it, and the truth about a stretch of event time.

    Chunks follow each other in due order, so their concatenation is in due order too. A delivery that
    one of a later chunk may precede waits for it: late ones come with the truth about other readings.
    """

    readings: ReadingBatch
    stream: StreamSpec
    source: Source
    stretch: Stretch
    observed: Observed
    #: The rows of the stretch that were asked for, by event time.
    rows: Longs
    #: Whether it is the last of its stretch.
    last: bool

    @property
    def realised(self) -> pl.DataFrame:
        """What faults did in the stretch, told by its last chunk: columns of `sim.observe.REALISED_SCHEMA`."""
        return self.observed.realised if self.last else pl.DataFrame(schema=REALISED_SCHEMA)

    @cached_property
    def truth(self) -> TruthBatch:
        """The truth of the readings taken; put together when asked for, which a publisher never does."""
        stretch, rows = self.stretch, self.rows
        sensor_id = stretch.sensor_id[rows]
        return TruthBatch(
            sensor_id=sensor_id,
            seq=stretch.seq[rows],
            event_us=stretch.event_us[rows] + self.stream.scenario.start_us,
            true=stretch.true[rows],
            clean=stretch.clean[rows],
            fault_mask=self.observed.fault_mask[rows],
            beacon=is_beacon(sensor_id, self.stream.scenario.beacons),
        )


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
    return Collected(
        batches=batches,
        readings=readings,
        schedule=deliveries.select("sensor_id", "seq", "copy", "due_ns"),
        truth=GroundTruth(truth, intervals_of(chunks[-1], start_s, end_s, [chunk.realised for chunk in chunks])),
    )


def intervals_of(chunk: Chunk, start_s: float, end_s: float, realised: list[pl.DataFrame]) -> pl.DataFrame:
    """The table of all intervals in [start, end): of any ``chunk`` of the stream, and of every chunk's `realised`."""
    start_us, end_us = round(start_s * 1e6), round(end_s * 1e6)
    known = chunk.source.intervals(start_us, end_us)
    return interval_frame(chunk.stream, start_us, end_us, realised=pl.concat(realised), known=known)


def _chunks(stream: StreamSpec, start_s: float, end_s: float | None, chunk_readings: int) -> Iterator[Chunk]:
    start_us = round(start_s * 1e6)
    end_us = None if end_s is None else round(end_s * 1e6)
    source = source_of(stream)
    observer = Observer(stream, source, start_us)
    pending: ReadingBatch | None = None
    nothing_yet = True
    for stretch in source.stretches(start_us, end_us, chunk_readings):
        wanted = stretch.event_us >= start_us
        if end_us is not None:
            wanted &= stretch.event_us < end_us
        observed = observer.observe(stretch, wanted)
        rows = stretch.order[wanted[stretch.order]]
        sent = rows[observed.sent[rows]]
        event_us = stretch.event_us[sent]
        schedule = deliver(stream, stretch.sensor_id[sent], stretch.seq[sent], event_us)
        row = sent[schedule.reading]
        made = ReadingBatch(
            sensor_id=stretch.sensor_id[row],
            seq=stretch.seq[row],
            copy=schedule.copy,
            event_us=stretch.event_us[row] + stream.scenario.start_us,
            due_ns=schedule.due_ns,
            values=observed.values[row],
        )
        later_ns = None
        if stretch.later_due_us is not None:
            later_ns = int(stream.due_ns(np.array([stretch.later_due_us]))[0])
        readings, pending = release(pending, made, later_ns)
        if len(rows):
            nothing_yet = False
            yield from _pieces(stream, source, stretch, observed, rows, readings, chunk_readings)
    if nothing_yet and stream.shard == WHOLE:
        raise UsageError(f"scenario '{stream.scenario.name}' has no reading in the stretch asked for; move or widen it")


def _pieces(
    stream: StreamSpec,
    source: Source,
    stretch: Stretch,
    observed: Observed,
    rows: Longs,
    readings: ReadingBatch,
    chunk_readings: int,
) -> Iterator[Chunk]:
    """A stretch in chunks of no more than about twice what was asked for."""
    count = max(1, min(len(rows), max(len(rows), len(readings)) // chunk_readings))
    for number in range(count):
        piece, part = (
            slice(number * length // count, (number + 1) * length // count) for length in (len(rows), len(readings))
        )
        yield Chunk(readings.take(part), stream, source, stretch, observed, rows[piece], last=number == count - 1)


def source_of(stream: StreamSpec) -> Source:
    """Where the stream's readings come from: what kind of scenario it has decides."""
    if isinstance(stream.scenario, UniformScenario):
        return Lots(stream, stream.scenario)
    if isinstance(stream.scenario, ReplayScenario):
        return Recording(stream, stream.scenario)
    return FieldSensors(stream)
