"""From clean to observed: every fault of a stretch of readings, applied in place of the clean values.

Some kinds need the value from before their onset, which may lie many chunks back; `Observer` carries
it, so that the cut into chunks, and where emission starts, change nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from sim.arrays import Bools, Floats, Longs, Masks
from sim.faults import FAULT_BITS, FAULTS, WHOLE_READING, Episodes, FaultPlan, Faulty, reading_uniforms
from sim.scenario import DAY_S
from sim.sensors import show, two_digits
from sim.stream import StreamSpec
from sim.stretch import Stretch
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

#: Clean values (R, 5) of columns (R,) at one tick, which never goes back from one call to the next.
Recall = Callable[[int, Longs], Floats]


@dataclass(frozen=True)
class Observed:
    """What sensors show in R readings: values (R, 5), NaN for null; fault bits (R,); sent (R,).

    ``realised`` tells what became of each episode here; columns as in `REALISED_SCHEMA`.
    """

    values: Floats
    fault_mask: Masks
    sent: Bools
    realised: pl.DataFrame


class Observer:
    """Applies a stream's faults to one stretch after the other, from ``first_tick`` on.

    ``recall`` looks up what stood before the onset of the episodes that have begun by then.
    """

    def __init__(self, stream: StreamSpec, first_tick: int, recall: Recall) -> None:
        self._stream, self._plan = stream, FaultPlan(stream)
        self._held = {kind: np.full(stream.sensors, np.nan) for kind in self._plan.kinds if FAULTS[kind].holds}
        before = Stretch(stream, stream.first_tick, first_tick)
        lasting = {kind: self._lasting(kind, before) for kind in self._held}
        # All kinds together, so that the look back goes through the past once.
        wanted = [(kind, before.last_before(one.column, one.start_us), one) for kind, one in lasting.items()]
        ticks = np.concatenate([np.empty(0, dtype=np.int64), *(tick for _, tick, _ in wanted)])
        for tick in np.unique(ticks[ticks < first_tick]):
            for kind, source, episodes in wanted:
                at = np.flatnonzero(source == tick)
                if len(at):
                    column, channel = episodes.column[at], episodes.channel[at]
                    clean = recall(int(tick), column)
                    self._held[kind][column] = clean[np.arange(len(at)), channel]

    def observe(self, stretch: Stretch, clean: Floats, wanted: Bools) -> Observed:
        """What is seen of the ``clean`` readings (R, 5) of the stretch after the last one.

        Bits are set only where a value changed or is missing; only ``wanted`` rows (R,) count as realised.
        """
        values, mask = clean.copy(), np.zeros(len(clean), dtype=np.uint16)
        sent = np.ones(len(clean), dtype=np.bool_)
        realised = [pl.DataFrame(schema=REALISED_SCHEMA)]
        start_us, end_us = (tick * self._stream.interval_us for tick in (stretch.first_tick, stretch.end_tick))
        for kind in self._plan.kinds:
            episodes = self._plan.between(kind, start_us, end_us)
            which, row = stretch.inside(episodes.column, episodes.start_us, episodes.end_us)
            held = self._held_at(kind, episodes, stretch, clean)
            if len(row):
                changed, peak = self._distort(kind, episodes, held, which, row, stretch, values, sent)
                mask[row[changed]] |= np.uint16(FAULT_BITS[kind])
                counts = wanted[row]
                realised.append(_realised(episodes, which[counts], changed[counts], peak[counts]))
            if kind in self._held:
                self._carry(kind, stretch, clean)
        return Observed(values, mask, sent, pl.concat(realised))

    def _distort(
        self,
        kind: str,
        episodes: Episodes,
        held: Floats,
        which: Longs,
        row: Longs,
        stretch: Stretch,
        values: Floats,
        sent: Bools,
    ) -> tuple[Bools, Floats]:
        """Change ``values`` and ``sent``; for each of the readings whether it changed, and by how many sigma."""
        how, stream = FAULTS[kind], self._stream
        column = episodes.column[which]
        tick = stretch.first_tick + row // stream.sensors
        event_us = tick * stream.interval_us + stream.phases_us[column]
        drawn = reading_uniforms(stream, kind, column + 1, tick - stream.first_tick)
        sigma = np.array(stream.scenario.faults.sigma.as_tuple())
        changed, peak = np.zeros(len(row), dtype=np.bool_), np.full(len(row), np.nan)
        for channel in range(len(CHANNELS)):
            hit = episodes.channel[which] == channel
            if channel in how.whole:
                hit |= episodes.channel[which] == WHOLE_READING
            at = np.flatnonzero(hit)
            if not len(at):
                continue
            before = values[row[at], channel]
            faulty = Faulty(
                value=before,
                held=held[which[at]],
                magnitude=episodes.magnitude[which[at]],
                elapsed_days=(event_us[at] - episodes.start_us[which[at]]) / (DAY_S * 1e6),
                drawn=drawn[at],
            )
            distorted = how.distort(faulty)
            seen = two_digits(distorted) if how.replaces else show(distorted, channel, stream.scenario.sensors)
            values[row[at], channel] = seen
            changed[at] |= (seen != before) & ~(np.isnan(seen) & np.isnan(before))
            peak[at] = np.fmax(peak[at], np.abs(seen - before) / (sigma[channel] or np.nan))
        if kind == "dropout":
            silent = episodes.channel[which] == WHOLE_READING
            sent[row[silent]] = False
            changed |= silent
        return changed, peak

    def _held_at(self, kind: str, episodes: Episodes, stretch: Stretch, clean: Floats) -> Floats:
        """Per episode the clean value of the last reading before it; NaN where that is still to come."""
        if kind not in self._held:
            return np.full(len(episodes), np.nan)
        held: Floats = self._held[kind][episodes.column]
        source = stretch.last_before(episodes.column, episodes.start_us)
        here = (source >= stretch.first_tick) & (source < stretch.end_tick)
        held[here] = clean[stretch.row(source[here], episodes.column[here]), episodes.channel[here]]
        return held

    def _lasting(self, kind: str, stretch: Stretch) -> Episodes:
        """The episodes that began in or before the stretch, or will before its sensors' next readings."""
        end_us = stretch.end_tick * self._stream.interval_us
        return self._plan.between(kind, end_us, end_us + self._stream.interval_us)

    def _carry(self, kind: str, stretch: Stretch, clean: Floats) -> None:
        """Keep what later readings will be compared with."""
        lasting = self._lasting(kind, stretch)
        self._held[kind][lasting.column] = self._held_at(kind, lasting, stretch, clean)


def _realised(episodes: Episodes, which: Longs, changed: Bools, peak: Floats) -> pl.DataFrame:
    rows = pl.DataFrame(
        {"column": episodes.column[which], "period": episodes.period[which], "changed": changed, "peak_sigma": peak}
    )
    return (
        rows.with_columns(pl.col("peak_sigma").fill_nan(None))
        .group_by("column", "period", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("inside"), pl.col("changed").sum().cast(pl.Int64), pl.col("peak_sigma").max()
        )
        .select(pl.lit(episodes.kind).alias("kind"), "column", "period", "inside", "changed", "peak_sigma")
    )
