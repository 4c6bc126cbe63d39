"""The truth about a stream: what really was, and which faults and events it holds.

Nothing of this travels to the pipeline; a score joins it on (sensor_id, seq).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from sim.arrays import Bools, Floats, Ints, Longs, Masks
from sim.batch import channel_columns
from sim.delivery import transport_intervals
from sim.faults import FAULTS, Episodes, FaultPlan
from sim.scenario import ReplayScenario
from sim.scenario_fields import DAY_S
from sim.scenario_sensors import LEVELS
from sim.stream import StreamSpec
from wire.reading import CHANNELS

#: Columns of the interval table. Times are epoch microseconds, half-open [start, end). `class` is fault,
#: environment or transport; `scope` sensor or region; `sensor_id` null: the whole region; `field` null:
#: the reading as a whole. `level` is low, medium or high; `magnitude` is signed, in the field's unit (per
#: day for drifts, a ratio for gain, the code itself for codes); both null where the kind has none.
#: `peak_sigma` is the largest change of a value in the field's sigma, null where nothing is to be compared.
#: `scorable`: a detector could find it.
INTERVAL_SCHEMA: Final = {
    "event": pl.String,
    "class": pl.String,
    "kind": pl.String,
    "scope": pl.String,
    "sensor_id": pl.Int32,
    "field": pl.String,
    "start_us": pl.Int64,
    "end_us": pl.Int64,
    "level": pl.String,
    "magnitude": pl.Float64,
    "peak_sigma": pl.Float64,
    "scorable": pl.Boolean,
}

#: A fault counts as scorable from this many sigma on: less is the healthy scatter of readings ...
LEAST_PEAK_SIGMA: Final = 3.0
#: ... and if it changed at least this share of the readings that it means to change.
LEAST_CHANGED: Final = 0.5


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


def interval_frame(
    stream: StreamSpec, start_us: int, end_us: int, *, realised: pl.DataFrame, known: pl.DataFrame
) -> pl.DataFrame:
    """Every fault and event that overlaps [start, end) of event time, microseconds from zero; uncut, by start.

    ``realised`` is what faults did to the readings in there, one row per episode and chunk; ``known`` what
    the source of readings tells (`sim.stretch.Source.intervals`). Columns as in `INTERVAL_SCHEMA`.
    """
    total = realised.group_by("kind", "column", "period").agg(
        pl.col("inside").sum(), pl.col("changed").sum(), pl.col("peak_sigma").max()
    )
    plan = FaultPlan(stream)
    frames = [known, _transport(stream, start_us, end_us)]
    frames += [_faults(stream, plan.between(kind, start_us, end_us), total) for kind in plan.kinds]
    return pl.concat(frames).sort("start_us", "event")


def _faults(stream: StreamSpec, episodes: Episodes, total: pl.DataFrame) -> pl.DataFrame:
    kind, zero_us = episodes.kind, stream.scenario.start_us
    # WHOLE_READING and "no level" are -1: the last of the names.
    fields = np.array([*CHANNELS, None], dtype=object)[episodes.channel]
    levels = np.array([*LEVELS, None], dtype=object)[episodes.level]
    placed = pl.DataFrame(
        {
            "column": episodes.column,
            "sensor_id": stream.sensor_ids[episodes.column],
            "period": episodes.period,
            "field": pl.Series(fields.tolist(), dtype=pl.String),
            "level": pl.Series(levels.tolist(), dtype=pl.String),
            "start_us": episodes.start_us + zero_us,
            "end_us": episodes.end_us + zero_us,
            "magnitude": episodes.magnitude,
        }
    )
    found = placed.join(total.filter(kind=kind), on=["column", "period"], how="left", maintain_order="left")
    enough = pl.col("changed") >= LEAST_CHANGED * FAULTS[kind].duty * pl.col("inside")
    # Where nothing is shown there is nothing to compare, and nothing to overlook either.
    visible = pl.col("peak_sigma").fill_null(np.inf) >= LEAST_PEAK_SIGMA
    if isinstance(stream.scenario, ReplayScenario):
        # Of a recording's sensors it is not known beforehand when they report, nor whether.
        found = found.filter(pl.col("inside") > 0)
    return found.select(
        event=pl.format(f"{kind}-{{}}-{{}}", "sensor_id", "period"),
        **{"class": pl.lit("fault")},
        kind=pl.lit(kind),
        scope=pl.lit("sensor"),
        sensor_id="sensor_id",
        field="field",
        start_us="start_us",
        end_us="end_us",
        level="level",
        magnitude=pl.col("magnitude").fill_nan(None),
        peak_sigma="peak_sigma",
        scorable=((pl.col("changed") > 0) & enough & visible).fill_null(value=False),
    )


def unmeasured(
    classes: Sequence[str],
    *,
    event: Sequence[str],
    kind: Sequence[str],
    sensor_id: Sequence[int | None],
    start_us: Sequence[int],
    end_us: Sequence[int],
    field: Sequence[str | None] | None = None,
) -> pl.DataFrame:
    """Intervals, epoch microseconds, of which no more is known than where they lie; columns as in `INTERVAL_SCHEMA`."""
    nothing = [None] * len(event)
    columns = {
        "event": event,
        "class": classes,
        "kind": kind,
        "scope": ["region" if sensor is None else "sensor" for sensor in sensor_id],
        "sensor_id": sensor_id,
        "field": nothing if field is None else field,
        "start_us": start_us,
        "end_us": end_us,
        "level": nothing,
        "magnitude": nothing,
        "peak_sigma": nothing,
        "scorable": [True] * len(event),
    }
    return pl.DataFrame(columns, schema=INTERVAL_SCHEMA)


def _transport(stream: StreamSpec, start_us: int, end_us: int) -> pl.DataFrame:
    zero_us, found = stream.scenario.start_us, transport_intervals(stream, start_us, end_us)
    days = (found.start_us // round(DAY_S * 1e6)).tolist()
    names = zip(found.kind, found.sensor_id.tolist(), days, strict=True)
    return unmeasured(
        ["transport"] * len(found),
        event=[f"{kind}-{sensor}-{day}" for kind, sensor, day in names],
        kind=found.kind,
        sensor_id=found.sensor_id.tolist(),
        start_us=(found.start_us + zero_us).tolist(),
        end_us=(found.end_us + zero_us).tolist(),
    )
