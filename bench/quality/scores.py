"""Are the rules right? Alerts against the hazards that the simulator knows to be true.

A hazard is *found* if any alert inside it carries the rule among its ``fired`` ids. A run of consecutive alerted
readings that touches no hazard is one false alarm. Two things are neither right nor wrong: hazards that the sensor's
noise alone decides about (*marginal*), and readings that carry an injected fault. Where runs are counted, a run of
alerts that touches one of them and no other hazard is left out whole; where readings are, the alerts on them are.
What a fault hides of a hazard is missed all the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from bench.metrics.counts import event
from bench.metrics.ranges import Bools, Longs, ranges
from bench.quality.baselines import SEED, blind_alarms
from bench.quality.delays import DELAYS_S, RESTRICTED_TO_S, delay_record, delays, recall_at_delay
from bench.quality.hazards import Detection, ReadingGrid, detection, stack, stacked
from bench.quality.metric_set import NO_ALERT, NO_EVENT, all_rounded, metrics, rounded
from bench.records import Counted, Interval, Quality, Score
from pipeline.rules import AlertRule
from sim.stream import StreamSpec


def wilson(successes: int, trials: int) -> Interval | None:
    """The 95 % Wilson score interval of a share (Wilson 1927, JASA 22); None without trials."""
    if trials == 0:
        return None
    from scipy import stats  # half a second to import: not before it is wanted

    found = stats.binomtest(successes, trials).proportion_ci(confidence_level=0.95, method="wilson")
    return Interval(low=round(float(found.low), 5), high=round(float(found.high), 5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A stretch of stream, judged by every rule: a `Detection` for each id."""

    by_rule: Mapping[str, Detection]
    #: Days of event time, summed over the sensors, without the share of readings that carry a fault.
    sensor_days: float
    #: Event time between two readings of a sensor.
    interval_s: float


def sample(
    truth: pl.DataFrame,
    alerts: pl.DataFrame,
    rules: Sequence[AlertRule],
    *,
    noise_sigma: Mapping[str, float],
    interval_s: float,
    window_event_s: float,
) -> Sample:
    """What the rules made of ``window_event_s`` seconds of event time.

    ``truth``: sensor_id, seq, event_us, true_<channel>, fault_mask of the readings to be scored; beacons must have
    been left out. ``alerts``: sensor_id, seq, rule, fired. ``noise_sigma``: by channel. ``interval_s``: event time
    between two readings of a sensor.
    """
    grid = ReadingGrid.of(truth)
    unique = alerts.drop_nulls(["sensor_id", "seq", "fired"]).unique(["sensor_id", "seq"], keep="first")
    placed = grid.placed(unique)
    healthy = int((truth["fault_mask"] == 0).sum()) / max(len(truth), 1)
    return Sample(
        by_rule={rule.id: detection(grid, placed, rule, noise_sigma=noise_sigma[rule.field]) for rule in rules},
        sensor_days=grid.shape[0] * window_event_s / 86_400 * healthy,
        interval_s=interval_s,
    )


def stream_sample(
    spec: StreamSpec, truth: pl.DataFrame, alerts: pl.DataFrame, rules: Sequence[AlertRule], *, window_event_s: float
) -> Sample:
    """The first ``window_event_s`` seconds from event time zero on of a simulated stream, beacons left out."""
    start_us = spec.scenario.start_us
    end_us = start_us + round(window_event_s * 1e6)
    return sample(
        truth.filter(pl.col("event_us").is_between(start_us, end_us, closed="left"), ~pl.col("beacon")),
        alerts,
        rules,
        noise_sigma=noise_by_channel(spec, rules),
        # Where readings are drawn by lot: on average.
        interval_s=spec.sensors * spec.speedup / spec.rate_per_s,
        window_event_s=window_event_s,
    )


def noise_by_channel(spec: StreamSpec, rules: Sequence[AlertRule]) -> dict[str, float]:
    """Sigma of the instruments' error (fixed offset and noise) for every channel that a rule looks at."""
    sensors = spec.scenario.sensors
    return {
        rule.field: math.hypot(getattr(sensors.noise_sigma, rule.field), getattr(sensors.offset_sigma, rule.field))
        for rule in rules
    }


def quality(samples: Sequence[Sample]) -> Quality:
    """Every rule over all ``samples``, which have one interval, and all rules pooled."""
    interval_s, days = samples[0].interval_s, sum(one.sensor_days for one in samples)
    rng = np.random.default_rng(SEED)
    given = {rule: stacked([one.by_rule[rule] for one in samples]) for rule in samples[0].by_rule}
    blind = {rule: blind_alarms(one.alarm, one.exists, rng) for rule, one in given.items()}
    by_rule = {rule: score(one, blind[rule], sensor_days=days, interval_s=interval_s) for rule, one in given.items()}
    pooled = {name: stack([one[name] for one in blind.values()]) for name in next(iter(blind.values()))}
    return Quality(
        all=score(stacked(list(given.values())), pooled, sensor_days=days, interval_s=interval_s),
        by_rule=by_rule,
        by_fault={},
        reasons={"by_fault": "the pipeline ran threshold rules only: no fault detector to score"},
    )


def score(given: Detection, blind: Mapping[str, Bools], *, sensor_days: float, interval_s: float) -> Score:
    """A detector against its hazards, and detectors that know nothing, their alarms by name, beside it."""
    counts = counted(given, given.alarm, sensor_days=sensor_days)
    events, runs = ranges(given.hazard), ranges(given.alarm)
    waits = delays(given)
    alerts, named = (_inside(mask, events.start, events.end) for mask in (given.alarm, given.named))
    on_fault = _inside(given.faulty, runs.start, runs.end) > 0
    on_hazard = _inside(given.hazard | given.marginal, runs.start, runs.end) > 0
    return Score(
        **counts,
        delay=delay_record(waits, interval_s=interval_s),
        recall_at_delay=recall_at_delay(waits, interval_s=interval_s),
        duplicates_per_event=rounded((alerts.sum() - counts["tp"]) / counts["tp"]) if counts["tp"] else None,
        marginal=len(ranges(given.marginal)),
        masked=int(((alerts > 0) & (named == 0)).sum()),
        ignored=int((on_fault & ~on_hazard).sum()),
        baselines={name: Counted(**counted(given, alarm, sensor_days=sensor_days)) for name, alarm in blind.items()},
        reasons=_reasons(counts, interval_s=interval_s),
    )


def counted(given: Detection, alarm: Bools, *, sensor_days: float) -> dict[str, Any]:
    """The fields of `Counted`, of any ``alarm`` on the hazards of ``given``."""
    judged = judged_runs(given, alarm)
    found = event(given.hazard, judged)
    return {
        "tp": found.tp,
        "fp": found.fp,
        "fn": found.fn,
        **all_rounded(asdict(found.prf)),
        "intervals": {
            "precision": wilson(found.tp, found.tp + found.fp),
            "recall": wilson(found.tp, found.tp + found.fn),
        },
        "false_alarms_per_sensor_day": rounded(found.fp / sensor_days) if sensor_days else None,
        "metrics": metrics(given.hazard, alarm & ~given.ignored, judged & ~given.ignored),
    }


def judged_runs(given: Detection, alarm: Bools) -> Bools:
    """``alarm`` without the runs that touch a marginal hazard or a faulty reading, and no other hazard."""
    runs = ranges(alarm)
    on_hazard, on_ignored = (_inside(mask, runs.start, runs.end) > 0 for mask in (given.hazard, given.ignored))
    judged = alarm.copy()
    judged[alarm] = np.repeat(on_hazard | ~on_ignored, runs.length)
    return judged


def _reasons(counts: Mapping[str, Any], *, interval_s: float) -> dict[str, str]:
    """Why numbers of a `Score` are None, by name."""
    no_event, no_alert = not counts["tp"] + counts["fn"], not counts["tp"] + counts["fp"]
    apart = f"readings are {interval_s:g} s apart, and a shorter delay tells nothing"
    # The last that holds for a name is told.
    reasons = (
        ("precision", NO_ALERT, no_alert),
        ("recall", NO_EVENT, no_event),
        ("f1", NO_ALERT, no_alert),
        ("f1", NO_EVENT, no_event),
        ("delay", apart, interval_s > RESTRICTED_TO_S),
        ("delay", "no event was found", not counts["tp"]),
        ("duplicates_per_event", "no event was found", not counts["tp"]),
        ("recall_at_delay", apart, interval_s > DELAYS_S[0]),
        ("recall_at_delay", NO_EVENT, no_event),
        ("false_alarms_per_sensor_day", "every reading carries a fault", counts["false_alarms_per_sensor_day"] is None),
    )
    return {name: reason for name, reason, holds in reasons if holds}


def _inside(mask: Bools, start: Longs, end: Longs) -> Longs:
    """How many are true in each range [start, end) of the flat mask."""
    at = np.flatnonzero(mask)
    return np.searchsorted(at, end) - np.searchsorted(at, start)
