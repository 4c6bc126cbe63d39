"""Time to detection: from the start of an event to its first alarm, in event time and in readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.metrics.ranges import Floats, ranges
from bench.quality.hazards import Detection
from bench.records import Delay

#: Recall is told for alarms at most so late, in seconds of event time: a minute to three hours.
DELAYS_S: Final = (60, 600, 1800, 3600, 10800)

#: What a miss counts in restricted means, and the most that a late alarm does.
RESTRICTED_TO_S: Final = DELAYS_S[-1]


@dataclass(frozen=True, slots=True)
class Delays:
    """One entry an event, (E,); infinite where it was missed."""

    event_s: Floats
    readings: Floats


def delays(given: Detection) -> Delays:
    """Of every hazard that is not marginal. What began before the grid does is counted from there."""
    events = ranges(given.hazard)
    alarmed = np.flatnonzero(given.alarm)
    first = np.append(alarmed, given.alarm.size)[np.searchsorted(alarmed, events.start)]
    hit = first < events.end
    event_us = given.event_us.ravel()
    event_s = np.full(len(events), np.inf)
    event_s[hit] = (event_us[first[hit]] - event_us[events.start[hit]]) / 1e6
    return Delays(event_s, np.where(hit, first - events.start, np.inf))


def delay_record(found: Delays, *, interval_s: float) -> Delay:
    """Medians over what was found, and restricted means, which count a miss; readings are ``interval_s`` apart.

    The restricted mean is the area above recall at a delay of D, for D up to `RESTRICTED_TO_S`. It is None
    where readings are farther apart than that.
    """
    told = Delay(restricted_to_event_s=RESTRICTED_TO_S)
    hit = np.isfinite(found.event_s)
    if hit.any():
        told.median_event_s = float(np.median(found.event_s[hit]))
        told.median_readings = float(np.median(found.readings[hit]))
    if len(hit) and interval_s <= RESTRICTED_TO_S:
        told.restricted_mean_event_s = round(float(np.minimum(found.event_s, RESTRICTED_TO_S).mean()), 5)
        most = RESTRICTED_TO_S / interval_s
        told.restricted_mean_readings = round(float(np.minimum(found.readings, most).mean()), 5)
    return told


def recall_at_delay(found: Delays, *, interval_s: float) -> dict[str, float | None]:
    """The share of events found within D seconds of event time, for each D of `DELAYS_S`.

    None without events, and for a D below ``interval_s``: between two readings nothing can be seen.
    """
    events = len(found.event_s)
    return {
        f"{most}": round(float((found.event_s <= most).sum()) / events, 5) if events and most >= interval_s else None
        for most in DELAYS_S
    }
