"""The truth about a stream: what really was, and which faults and events it holds.

Nothing of this travels to the pipeline; a score joins it on (sensor_id, seq).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from sim.arrays import Bools, Floats, Ints, Longs, Masks
from sim.batch import channel_columns
from sim.faults import FAULTS, WHOLE_READING, Episodes, episodes_between
from sim.storms import storms_between
from sim.stream import StreamSpec
from wire.reading import CHANNELS

#: Columns of the interval table. Times are epoch microseconds, half-open [start, end). `sensor_id`
#: null: the whole region; `field` null: the whole reading. `magnitude` is signed, in the field's
#: unit, null where the kind has none. `scorable`: some reading lies inside, so it can be found.
INTERVAL_SCHEMA: Final = {
    "event": pl.String,
    "class": pl.String,
    "kind": pl.String,
    "sensor_id": pl.Int32,
    "field": pl.String,
    "start_us": pl.Int64,
    "end_us": pl.Int64,
    "magnitude": pl.Float64,
    "scorable": pl.Boolean,
}


@dataclass(frozen=True)
class TruthBatch:
    """The truth of N readings in event order, those never sent included.

    ``true`` and ``clean`` are (N, 5) in the order of CHANNELS: the environment, and what a healthy
    sensor makes of it. ``fault_mask`` holds the bits of `sim.faults.FAULT_BITS`.
    """

    sensor_id: Ints
    seq: Longs
    event_us: Longs
    true: Floats
    clean: Floats
    fault_mask: Masks
    beacon: Bools

    def __len__(self) -> int:
        return len(self.sensor_id)

    def to_polars(self) -> pl.DataFrame:
        """Columns sensor_id, seq, event_us, true_<channel>, clean_<channel>, fault_mask, beacon."""
        return pl.DataFrame(
            {
                "sensor_id": self.sensor_id,
                "seq": self.seq,
                "event_us": self.event_us,
                **channel_columns(self.true, "true_"),
                **channel_columns(self.clean, "clean_"),
                "fault_mask": self.fault_mask,
                "beacon": self.beacon,
            }
        )


@dataclass(frozen=True)
class GroundTruth:
    """All that is known of a stretch of stream: ``readings`` as in `TruthBatch.to_polars`, and
    ``intervals`` with the columns of `INTERVAL_SCHEMA`."""

    readings: pl.DataFrame
    intervals: pl.DataFrame


def interval_frame(stream: StreamSpec, start_s: float, end_s: float) -> pl.DataFrame:
    """Every fault and event that overlaps [start, end) of event seconds, uncut, by start."""
    frames = [pl.DataFrame(schema=INTERVAL_SCHEMA), _environment(stream, start_s, end_s)]
    start_us, end_us = round(start_s * 1e6), round(end_s * 1e6)
    frames += [_faults(stream, episodes_between(stream, kind, start_us, end_us)) for kind in FAULTS]
    return pl.concat(frames).sort("start_us", "event")


def _faults(stream: StreamSpec, episodes: Episodes) -> pl.DataFrame:
    zero_us = stream.scenario.start_us
    names = np.array([*CHANNELS, None], dtype=object)
    return pl.DataFrame(
        {
            "event": [
                f"{episodes.kind}-{column + 1}-{day}"
                for column, day in zip(episodes.column.tolist(), episodes.day.tolist(), strict=True)
            ],
            "class": ["fault"] * len(episodes),
            "kind": [episodes.kind] * len(episodes),
            "sensor_id": episodes.column + 1,
            # WHOLE_READING is -1: the last of the names.
            "field": names[episodes.channel].tolist(),
            "start_us": episodes.start_us + zero_us,
            "end_us": episodes.end_us + zero_us,
            "magnitude": [
                value if value and channel != WHOLE_READING else None
                for value, channel in zip(episodes.magnitude.tolist(), episodes.channel.tolist(), strict=True)
            ],
            "scorable": episodes.end_tick > np.maximum(episodes.first_tick, stream.first_tick),
        },
        schema=INTERVAL_SCHEMA,
    )


def _environment(stream: StreamSpec, start_s: float, end_s: float) -> pl.DataFrame:
    zero_us, storms = stream.scenario.start_us, storms_between(stream.scenario, stream.key, start_s, end_s)
    return pl.DataFrame(
        {
            "event": [storm.name for storm in storms],
            "class": ["environment"] * len(storms),
            "kind": ["thunderstorm"] * len(storms),
            "sensor_id": [None] * len(storms),
            "field": [None] * len(storms),
            "start_us": [zero_us + round(storm.start_s * 1e6) for storm in storms],
            "end_us": [zero_us + round(storm.end_s * 1e6) for storm in storms],
            "magnitude": [None] * len(storms),
            "scorable": [True] * len(storms),
        },
        schema=INTERVAL_SCHEMA,
    )
