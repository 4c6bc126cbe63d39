"""From clean to observed: the faults of one run of ticks, applied in place of the clean values.

A stuck sensor repeats a value that may lie many chunks back; `Memory` carries it, so that the cut
into chunks, and where emission starts, change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.arrays import Bools, Floats, Longs, Masks
from sim.faults import FAULT_BITS, FAULTS, WHOLE_READING, Episodes, episodes_between
from sim.sensors import measure, two_digits
from sim.stream import StreamSpec
from sim.weather import Weather, sample


@dataclass
class Memory:
    """The clean values (S, 5) at the last tick before the next chunk, and what stuck sensors hold (S,)."""

    last_clean: Floats
    held: Floats


@dataclass(frozen=True)
class Observed:
    """What sensors show at K ticks: values (K, S, 5), NaN for null; fault bits (K, S); sent (K, S)."""

    values: Floats
    fault_mask: Masks
    sent: Bools


def remember(stream: StreamSpec, weather: Weather, first_tick: int) -> Memory:
    """The memory as it stands just before ``first_tick``, worked out from the weather before it."""
    memory = Memory(np.full((stream.sensors, 5), np.nan), np.full(stream.sensors, np.nan))
    if first_tick <= stream.first_tick:
        return memory
    start_us = first_tick * stream.interval_us
    stuck = episodes_between(stream, "stuck_at", start_us - 2 * stream.interval_us, start_us + stream.interval_us)
    source = np.maximum(stuck.first_tick - 1, stream.first_tick)
    active = np.flatnonzero((source < first_tick - 1) & (stuck.end_tick > first_tick))
    column, channel, tick = stuck.column[active], stuck.channel[active], source[active]
    everyone = np.arange(stream.sensors)
    last = np.full(stream.sensors, first_tick - 1)
    event_us = np.concatenate([tick, last]) * stream.interval_us + stream.phases_us[np.concatenate([column, everyone])]
    window = weather.window(float(event_us.min()) / 1e6, float(event_us.max()) / 1e6)
    columns = np.concatenate([column, everyone])
    truth = sample(window, event_us[None, :], stream, columns)[0]
    seq = np.concatenate([tick, last]) - stream.first_tick
    clean = measure(stream.key, truth, columns + 1, seq, stream.scenario.sensors)
    memory.held[column] = clean[np.arange(len(column)), channel]
    memory.last_clean = clean[len(column) :]
    return memory


def observe(stream: StreamSpec, first_tick: int, clean: Floats, memory: Memory) -> Observed:
    """Apply every fault to clean values (K, S, 5) of the ticks from ``first_tick`` on.

    Moves ``memory`` on to the end of these ticks. Bits are set, and values changed, only for
    readings whose event time lies in an episode.
    """
    end_tick = first_tick + len(clean)
    start_us, end_us = first_tick * stream.interval_us, end_tick * stream.interval_us
    values = clean.copy()
    mask = np.zeros(clean.shape[:2], dtype=np.uint16)
    sent = np.ones(clean.shape[:2], dtype=np.bool_)
    for kind, distort in FAULTS.items():
        episodes = episodes_between(stream, kind, start_us, end_us)
        held = _held(episodes, stream, first_tick, clean, memory)
        low = np.maximum(episodes.first_tick, first_tick)
        counts = np.maximum(np.minimum(episodes.end_tick, end_tick) - low, 0)
        # One entry per (episode, reading inside it).
        which = np.repeat(np.arange(len(episodes)), counts)
        row = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts) + low[which] - first_tick
        column, channel = episodes.column[which], episodes.channel[which]
        mask[row, column] |= np.uint16(FAULT_BITS[kind])
        whole = channel == WHOLE_READING
        sent[row[whole], column[whole]] = False
        values[row[whole], column[whole]] = np.nan
        at = (row[~whole], column[~whole], channel[~whole])
        values[at] = two_digits(distort(values[at], held[which][~whole], episodes.magnitude[which][~whole]))
        if kind == "stuck_at":
            lasting = episodes.end_tick > end_tick
            memory.held[episodes.column[lasting]] = held[lasting]
    memory.last_clean = clean[-1].copy()
    return Observed(values, mask, sent)


def _held(episodes: Episodes, stream: StreamSpec, first_tick: int, clean: Floats, memory: Memory) -> Floats:
    """Per episode the clean value of the last reading before it; NaN where the episode is still to come."""
    source: Longs = np.maximum(episodes.first_tick - 1, stream.first_tick) - first_tick
    column, channel = episodes.column, np.maximum(episodes.channel, 0)
    held = np.where(source < -1, memory.held[column], memory.last_clean[column, channel])
    inside = (source >= 0) & (source < len(clean))
    held[inside] = clean[source[inside], column[inside], channel[inside]]
    return held
