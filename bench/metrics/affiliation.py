"""Affiliation precision and recall (Huet et al., KDD 2022; ahstat/affiliation-metrics-py)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.metrics.ranges import Bools, Floats, Numbers, Ranges, overlaps, ranges


@dataclass(frozen=True, slots=True)
class Zones:
    """One entry for each true event, (N,).

    ``precision`` and ``recall`` lie in [0, 1]; the distances are the means they come from, in ticks. A zone without
    alarms has precision NaN and recall 0, and the distances NaN and infinity.
    """

    precision: Floats
    recall: Floats
    precision_distance: Floats
    recall_distance: Floats


def zones(events: Ranges, alarms: Ranges, *, ticks: int) -> Zones:
    """Each row of ``ticks`` is cut at the midpoints between its true events; a zone judges the alarms inside it.

    Precision is the mean over the alarmed time of a zone of the probability that a random instant of the zone lies
    farther from the event; recall the same over the event's time, towards the nearest alarm. Time is continuous: a
    tick i is the interval [i, i+1), and the integrals of the piecewise linear distances are closed forms. Alarms of a
    row without events belong to no zone.
    """
    row_start = events.row * ticks
    shared = events.row[1:] == events.row[:-1]
    middle = (events.end[:-1] + events.start[1:]) / 2
    left = np.append(row_start[:1], np.where(shared, middle, row_start[1:]))
    right = np.append(np.where(shared, middle, row_start[:-1] + ticks), row_start[-1:] + ticks)
    zone, piece = overlaps(left, right, alarms.start, alarms.end)
    begin, end = np.maximum(alarms.start[piece], left[zone]), np.minimum(alarms.end[piece], right[zone])
    width = right - left

    def by_zone(values: Numbers) -> Floats:
        return np.bincount(zone, weights=values, minlength=len(events)).astype(np.float64)

    # Of each piece, what lies before the event and what lies after it, as distances [near, far] from the event.
    away, closer = np.zeros(len(zone)), np.zeros(len(zone))
    first, last = events.start[zone], events.end[zone]
    for near, far in (
        (np.maximum(first - end, 0), np.maximum(first - begin, 0)),
        (np.maximum(begin - last, 0), np.maximum(end - last, 0)),
    ):
        away += (far**2 - near**2) / 2
        closer += events.length[zone] * (far - near)
        for gap in (first - left[zone], right[zone] - last):
            closer += _capped(far, gap) - _capped(near, gap)
    alarmed = by_zone(end - begin)
    with np.errstate(invalid="ignore"):
        precision = 1 - by_zone(closer) / width / alarmed
        precision_distance = by_zone(away) / alarmed

    # Of each event, what lies nearest to a piece and before it, and what lies nearest to it and after it.
    same = zone[1:] == zone[:-1]
    between = (end[:-1] + begin[1:]) / 2
    reach_left = np.append(left[zone[:1]], np.where(same, between, left[zone[1:]]))
    reach_right = np.append(np.where(same, between, right[zone[:-1]]), right[zone[-1:]])
    away, closer = np.zeros(len(zone)), np.zeros(len(zone))
    for near, far, room in (
        (begin - np.minimum(begin, last), begin - np.maximum(reach_left, first), begin - left[zone]),
        (np.maximum(end, first) - end, np.minimum(reach_right, last) - end, right[zone] - end),
    ):
        far = np.maximum(far, near)
        away += (far**2 - near**2) / 2
        closer += (far**2 - near**2) / 2 + _folded(far, room) - _folded(near, room)
    seen = alarmed > 0
    return Zones(
        precision=precision,
        recall=np.where(seen, 1 - by_zone(closer) / width / events.length, 0.0),
        precision_distance=precision_distance,
        recall_distance=np.where(seen, by_zone(away) / events.length, np.inf),
    )


def affiliation(truth: Bools, alarm: Bools) -> tuple[float | None, float | None]:
    """Precision, the mean over the zones with alarms, and recall, the mean over all zones, of all sensors.

    Never alone for rare events: an alarm that misses one altogether may score above 0.9.
    """
    found = zones(ranges(truth), ranges(alarm), ticks=np.atleast_2d(truth).shape[1])
    if not len(found.recall):
        return None, None
    alarmed = ~np.isnan(found.precision)
    return float(found.precision[alarmed].mean()) if alarmed.any() else None, float(found.recall.mean())


def _capped(distance: Numbers, most: Numbers) -> Numbers:
    """The integral of min(u, most) for u from 0 to ``distance``."""
    inside = np.minimum(distance, most)
    integral: Numbers = inside**2 / 2 + most * (distance - inside)
    return integral


def _folded(distance: Numbers, room: Numbers) -> Numbers:
    """The integral of min(u, room - u) for u from 0 to ``distance``."""
    inside = np.minimum(distance, room / 2)
    beyond = np.maximum(distance, room / 2)
    return inside**2 / 2 + room**2 / 8 - (room - beyond) ** 2 / 2
