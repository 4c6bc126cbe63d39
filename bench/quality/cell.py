"""The quality cell: are the rules right, told from as many events as that takes.

A measured cell's window is one day of one weather: it holds a few hundred hazards of the common kinds, and a handful of
the rare ones. Here the scenario goes on under other seeds, which is other weather, with neither a clock nor Kafka,
until every rule had enough to find. The alerts are those of the engine without Spark, on the bytes that would have
travelled. It judges records as the reference evaluator does: wherever a cell's fidelity is exact, its pipeline would
have sent the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import orjson
import polars as pl

from bench.metrics.ranges import ranges
from bench.quality.scores import Sample, quality, stream_sample
from bench.records import OtherStream, QualityCell
from pipeline.plain import judge
from pipeline.rules import AlertRule
from sim.batch import ReadingBatch
from sim.digest import digest_of
from sim.encode import ready_to_send
from sim.scenario import ReplayScenario, WeatherScenario
from sim.simulate import collect
from sim.stream import StreamSpec

#: Events that every rule should have had to find; marginal ones do not count.
WANTED_EVENTS: Final = 400
#: All streams together take no more readings than this, and one takes a day of 1000 sensors that report every ten
#: minutes, or of fewer that report more often.
MOST_READINGS: Final = 2_000_000
STREAM_READINGS: Final = 144_000
DAY_S: Final = 86_400
#: Under this interval (s) a day of enough sensors would not fit; weather does not change so fast.
LEAST_INTERVAL_S: Final = 30.0

#: What is scored of an alert.
ALERTS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "sensor_id": pl.Int64,
    "seq": pl.Int64,
    "rule": pl.String,
    "fired": pl.List(pl.String),
}


def quality_cell(
    spec: StreamSpec, rules: Sequence[AlertRule], *, say: Callable[[str], None] = lambda _: None
) -> QualityCell:
    """Judge ``rules`` on what ``spec`` describes, under the seeds after its own; ``say`` is told how far it is."""
    if isinstance(spec.scenario, ReplayScenario):
        return QualityCell(reason="a recording has no other readings than those that were measured")
    spec, window_event_s = one_stream(spec)
    streams: list[OtherStream] = []
    samples: list[Sample] = []
    events = dict.fromkeys((rule.id for rule in rules), 0)
    while not enough(events, streams):
        told, judged = judged_stream(replace(spec, seed=spec.seed + len(streams) + 1), rules, window_event_s)
        streams.append(told)
        samples.append(judged)
        events = {rule: events[rule] + len(ranges(found.hazard)) for rule, found in judged.by_rule.items()}
        say(f"judging the rules on other weather: {sum(one.readings for one in streams):,} readings")
    return QualityCell(
        quality=quality(samples),
        streams=streams,
        sensors=spec.sensors,
        interval_s=samples[0].interval_s,
        window_event_s=window_event_s,
        wanted_events=WANTED_EVENTS,
        most_readings=MOST_READINGS,
        short={rule: found for rule, found in events.items() if found < WANTED_EVENTS},
    )


def one_stream(spec: StreamSpec) -> tuple[StreamSpec, float]:
    """The stream of one seed, and for how many seconds of event time it goes on: a day where there is weather."""
    if not isinstance(spec.scenario, WeatherScenario):
        return spec, STREAM_READINGS * spec.speedup / spec.rate_per_s
    interval_s = max(spec.interval_s, LEAST_INTERVAL_S)
    sensors = max(1, round(STREAM_READINGS * interval_s / DAY_S))
    return replace(spec, sensors=sensors, interval_s=interval_s), DAY_S


def judged_stream(spec: StreamSpec, rules: Sequence[AlertRule], window_event_s: float) -> tuple[OtherStream, Sample]:
    """Simulate, encode and judge one stream; nothing is written."""
    whole = collect(spec, start_s=0.0, end_s=window_event_s)
    alerts = alerts_of(whole.batches, rules)
    told = OtherStream(seed=spec.seed, readings=len(whole.truth.readings), stream_digest=digest_of(whole.batches))
    return told, stream_sample(spec, whole.truth.readings, alerts, rules, window_event_s=window_event_s)


def alerts_of(batches: Iterable[ReadingBatch], rules: Sequence[AlertRule]) -> pl.DataFrame:
    """What the engine without Spark makes of the readings as they travel: columns of `ALERTS`."""
    sent = [judge(stretch.values, rules).alerts for stretch in ready_to_send(batches)]
    return pl.DataFrame([orjson.loads(alert) for stretch in sent for _, alert in stretch], schema=ALERTS)


def enough(events: Mapping[str, int], streams: Sequence[OtherStream]) -> bool:
    """Whether every rule has had enough to find, or the next stream would be one too many.

    From half of the readings that may be taken on, a rule is not waited for that at its rate would not come so far.
    """
    if not streams:
        return False
    readings = sum(one.readings for one in streams)
    if readings + streams[-1].readings > MOST_READINGS:
        return True
    early = readings < MOST_READINGS / 2
    missing = [found for found in events.values() if found < WANTED_EVENTS]
    return not any(early or found * MOST_READINGS >= WANTED_EVENTS * readings for found in missing)
