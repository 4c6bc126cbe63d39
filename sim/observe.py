"""From clean to observed: every fault of a stretch of readings, applied in place of the clean values.

Some kinds need the value from before their onset, which may lie many stretches back; `Observer` carries
it, so that the cut into chunks, and where emission starts, change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from sim.arrays import Bools, Floats, Longs, Masks
from sim.faults import FAULT_BITS, FAULTS, WHOLE_READING, Episodes, FaultPlan, Faulty, reading_uniforms
from sim.scenario_fields import DAY_S
from sim.sensors import show, two_digits
from sim.stream import StreamSpec
from sim.stretch import Source, Stretch
from wire.reading import CHANNELS

#: Columns of `Observed.realised`: of one episode (named by kind, column and period) the readings inside
#: so far, how many of them the fault changed, and its largest change in sigma (null: nothing shown).
REALISED_SCHEMA: Final = {
    "kind": pl.String,
    "column": pl.Int64,
    "period": pl.Int64,
    "inside": pl.Int64,
    "changed": pl.Int64,
    "peak_sigma": pl.Float64,
}


@dataclass(frozen=True)
class Observed:
    """What sensors show in R readings: values (R, 5), NaN for null; fault bits (R,); sent (R,).

    ``marks`` has, for each kind, the episodes that hit something, and for each reading in one of them
    which it is, whether it changed, and by how many sigma.
    """

    values: Floats
    fault_mask: Masks
    sent: Bools
    marks: list[tuple[Episodes, Longs, Bools, Floats]]

    @cached_property
    def realised(self) -> pl.DataFrame:
        """What became of each episode here, `REALISED_SCHEMA`; put together when asked for."""
        if not self.marks:
            return pl.DataFrame(schema=REALISED_SCHEMA)
        hits = pl.concat([_frame(*marks) for marks in self.marks])
        return hits.group_by("kind", "column", "period", maintain_order=True).agg(
            inside=pl.len().cast(pl.Int64),
            changed=pl.col("changed").sum().cast(pl.Int64),
            peak_sigma=pl.col("peak").fill_nan(None).max(),
        )


class Observer:
    """Applies a stream's faults to one stretch of ``source`` after the other, from ``start_us`` on."""

    def __init__(self, stream: StreamSpec, source: Source, start_us: int) -> None:
        self._stream, self._plan = stream, FaultPlan(stream)
        self._held = {kind: np.full(len(stream.sensor_ids), np.nan) for kind in self._plan.kinds if FAULTS[kind].holds}
        lasting = [self._lasting(kind, start_us) for kind in self._held]
        if not sum(map(len, lasting)):
            return
        # All kinds together, so that the look back goes through the past once.
        column, channel = (np.concatenate([getattr(one, name) for one in lasting]) for name in ("column", "channel"))
        held = np.full(len(column), np.nan)
        for which, clean in source.recall(start_us, column, np.concatenate([one.start_us for one in lasting])):
            held[which] = clean[np.arange(len(which)), channel[which]]
        for kind, one in zip(self._held, lasting, strict=True):
            self._held[kind][one.column], held = held[: len(one)], held[len(one) :]

    def observe(self, stretch: Stretch, wanted: Bools) -> Observed:
        """What is seen of the stretch after the last one.

        Bits are set only where a value changed or is missing; only ``wanted`` rows (R,) count as realised.
        """
        values, mask = stretch.clean.copy(), np.zeros(len(stretch), dtype=np.uint16)
        sent, hidden = np.ones(len(stretch), dtype=np.bool_), np.zeros(stretch.clean.shape, dtype=np.bool_)
        marks = []
        for kind in self._plan.kinds:
            episodes = self._plan.between(kind, stretch.start_us, stretch.end_us)
            which, row = stretch.inside(episodes.column, episodes.start_us, episodes.end_us)
            if len(row):
                held = self._held_at(kind, episodes, stretch)
                changed, peak = self._distort(kind, episodes, held, which, row, stretch, values, hidden)
                if kind == "dropout":
                    silent = episodes.channel[which] == WHOLE_READING
                    sent[row[silent]] = False
                    changed |= silent
                mask[row[changed]] |= np.uint16(FAULT_BITS[kind])
                counts = wanted[row]
                marks.append((episodes, which[counts], changed[counts], peak[counts]))
            if kind in self._held:
                # Keep what later readings will be compared with.
                lasting = self._lasting(kind, stretch.end_us)
                self._held[kind][lasting.column] = self._held_at(kind, lasting, stretch)
        return Observed(values, mask, sent, marks)

    def _distort(
        self,
        kind: str,
        episodes: Episodes,
        held: Floats,
        which: Longs,
        row: Longs,
        stretch: Stretch,
        values: Floats,
        hidden: Bools,
    ) -> tuple[Bools, Floats]:
        """Change ``values``; for each of the readings ``row`` whether it changed, and by how many sigma.

        ``hidden`` (R, 5) are the values that an earlier kind has replaced: there is nothing left to change.
        """
        how, stream = FAULTS[kind], self._stream
        drawn = reading_uniforms(stream, kind, stretch.sensor_id[row], stretch.seq[row])
        elapsed_days = (stretch.event_us[row] - episodes.start_us[which]) / (DAY_S * 1e6)
        sigma = stream.scenario.faults.sigma.as_tuple()
        changed, peak = np.zeros(len(row), dtype=np.bool_), np.full(len(row), np.nan)
        for channel in range(len(CHANNELS)):
            hit = episodes.channel[which] == channel
            if channel in how.whole:
                hit |= episodes.channel[which] == WHOLE_READING
            at = np.flatnonzero(hit & ~hidden[row, channel])
            if not len(at):
                continue
            before = values[row[at], channel]
            faulty = Faulty(
                value=before,
                held=held[which[at]],
                magnitude=episodes.magnitude[which[at]],
                elapsed_days=elapsed_days[at],
                drawn=drawn[at],
            )
            distorted = how.distort(faulty)
            seen = two_digits(distorted) if how.replaces else show(distorted, channel, stream.scenario.sensors)
            values[row[at], channel] = seen
            hidden[row[at], channel] = how.replaces
            changed[at] |= (seen != before) & ~(np.isnan(seen) & np.isnan(before))
            peak[at] = np.fmax(peak[at], np.abs(seen - before) / (sigma[channel] or np.nan))
        return changed, peak

    def _held_at(self, kind: str, episodes: Episodes, stretch: Stretch) -> Floats:
        """Per episode the clean value of the last reading before it; NaN where that is still to come."""
        if kind not in self._held:
            return np.full(len(episodes), np.nan)
        held: Floats = self._held[kind][episodes.column]
        row = stretch.row_before(episodes.column, episodes.start_us)
        here = row >= 0
        held[here] = stretch.clean[row[here], episodes.channel[here]]
        return held

    def _lasting(self, kind: str, instant_us: int) -> Episodes:
        """The episodes that last beyond the instant, or begin after it and before the sensors' next readings."""
        return self._plan.between(kind, instant_us, instant_us + self._stream.interval_us)


def _frame(episodes: Episodes, which: Longs, changed: Bools, peak: Floats) -> pl.DataFrame:
    """One row per reading in an episode."""
    hits = {"column": episodes.column[which], "period": episodes.period[which], "changed": changed, "peak": peak}
    return pl.DataFrame({"kind": pl.repeat(episodes.kind, len(which), eager=True), **hits})
