"""Metrics that count ticks or events: point-wise, event-wise, composite, time-tolerant, point-adjusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.metrics.ranges import Bools, Prf, distance, overlaps, prf, ranges, ratio


@dataclass(frozen=True, slots=True)
class Counts:
    """What was found, made up and missed, over all sensors."""

    tp: int
    fp: int
    fn: int

    @property
    def prf(self) -> Prf:
        """Precision TP/(TP+FP), recall TP/(TP+FN), F1."""
        return prf(ratio(self.tp, self.tp + self.fp), ratio(self.tp, self.tp + self.fn))


def point(truth: Bools, alarm: Bools) -> Counts:
    """Every tick for itself. A long event weighs as much as many short ones."""
    return Counts(tp=int((truth & alarm).sum()), fp=int((~truth & alarm).sum()), fn=int((truth & ~alarm).sum()))


def event(truth: Bools, alarm: Bools) -> Counts:
    """Every run of ticks for itself: TP and FN count true events, FP runs of alarms that touch no true event.

    Segment-wise counts of Hundman et al., KDD 2018.
    """
    events, runs = ranges(truth), ranges(alarm)
    found, touching = overlaps(events.start, events.end, runs.start, runs.end)
    tp = len(np.unique(found))
    return Counts(tp=tp, fp=len(runs) - len(np.unique(touching)), fn=len(events) - tp)


def composite(truth: Bools, alarm: Bools) -> Prf:
    """Point-wise precision with event-wise recall (Garg et al., IEEE TNNLS 2021)."""
    return prf(point(truth, alarm).prf.precision, event(truth, alarm).prf.recall)


def time_tolerant(truth: Bools, alarm: Bools, ticks: int) -> Prf:
    """Point-wise, where an alarm and a true tick at most ``ticks`` apart meet (Scharwächter & Müller, 2020)."""
    met = (distance(truth) <= ticks) & np.atleast_2d(alarm)
    found = (distance(alarm) <= ticks) & np.atleast_2d(truth)
    return prf(ratio(met.sum(), alarm.sum()), ratio(found.sum(), truth.sum()))


def point_adjusted(truth: Bools, alarm: Bools, *, share: float = 0.0) -> Bools:
    """The alarms, (sensors, ticks), with every event filled of which more than ``share`` is alarmed.

    With 0 this is point-adjust (Xu et al., WWW 2018), else PA%K (Kim et al., AAAI 2022), who show that a random alarm
    looks excellent under point-adjust: for comparison with papers that use it, never to judge by.
    """
    events = ranges(truth)
    before = np.concatenate([[0], np.cumsum(alarm)])
    hits = before[events.end] - before[events.start]
    return np.atleast_2d(alarm) | _filled(truth, (hits > 0) & (hits > share * events.length))


def delay_adjusted(truth: Bools, alarm: Bools, *, ticks: int) -> Bools:
    """As point-adjust, if an event is alarmed within ``ticks`` of its onset; alarms in any other event are dropped.

    Ren et al., KDD 2019.
    """
    events = ranges(truth)
    before = np.concatenate([[0], np.cumsum(alarm)])
    in_time = before[np.minimum(events.start + ticks + 1, events.end)] > before[events.start]
    return (np.atleast_2d(alarm) & ~np.atleast_2d(truth)) | _filled(truth, in_time)


def _filled(truth: Bools, chosen: Bools) -> Bools:
    """The ticks of the ``chosen`` events, (events,) -> (sensors, ticks)."""
    filled = np.atleast_2d(truth).copy()
    filled[filled] = np.repeat(chosen, ranges(truth).length)
    return filled
