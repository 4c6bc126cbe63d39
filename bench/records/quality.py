"""How right the rules are: counts and the whole metric set, with intervals and baselines."""

from __future__ import annotations

from bench.records.base import Record


class Interval(Record):
    """A 95 % Wilson score interval."""

    low: float
    high: float


class Prf(Record):
    """Precision, recall and F1, their harmonic mean; None where undefined."""

    precision: float | None
    recall: float | None
    f1: float | None


class Affiliation(Record):
    """Affiliation precision and recall (Huet et al., KDD 2022)."""

    precision: float | None
    recall: float | None


class Nab(Record):
    """The score of the Numenta Anomaly Benchmark under its three profiles: silence 0, perfect 100, no lower bound."""

    standard: float | None
    low_fp: float | None
    low_fn: float | None


class Pate(Record):
    """PATE of the alarms (``f1``) and of scores (``ap``)."""

    f1: float | None
    ap: float | None = None


class Vus(Record):
    """Volumes under the surfaces of range-based curves."""

    pr: float | None = None
    roc: float | None = None


class Metrics(Record):
    """The field's metrics, on the grid of each sensor's readings; docs/scoring.md defines them.

    ``reasons`` says, by the metric's name, why a number of it is None.
    """

    point: Prf
    range: Prf
    affiliation: Affiliation
    nab: Nab
    pate: Pate
    vus: Vus
    reasons: dict[str, str] = {}


class Counted(Record):
    """Events found and missed, alarms that met no event, and what follows from the counts."""

    tp: int
    fp: int
    fn: int
    precision: float | None
    recall: float | None
    f1: float | None = None
    intervals: dict[str, Interval | None]
    #: Alarms that met no event (``fp``) per day of one sensor without injected faults.
    false_alarms_per_sensor_day: float | None = None
    metrics: Metrics | None = None


class Delay(Record):
    """From the start of an event to its first alert: in event time, and in readings of the sensor.

    Medians are over the events found. Restricted means are over all: a longer delay, and a miss, count as
    ``restricted_to_event_s``. None where undefined.
    """

    median_event_s: float | None = None
    median_readings: float | None = None
    restricted_mean_event_s: float | None = None
    restricted_mean_readings: float | None = None
    restricted_to_event_s: float | None = None


class Score(Counted):
    """A detector against its events, and beside it detectors that know nothing.

    ``reasons`` says, by name, why a number is None.
    """

    delay: Delay = Delay()
    #: Share of the events with an alert at most D seconds of event time after their start; the key is D.
    recall_at_delay: dict[str, float | None] = {}
    #: Further alerts in an event after its first, per event found.
    duplicates_per_event: float | None = None
    #: Events shown apart because the sensor's noise alone decides about them.
    marginal: int = 0
    #: Found through ``fired`` although an earlier rule gave the alert its label.
    masked: int = 0
    #: Alarms on readings that carry an injected fault: the other class, neither right nor wrong.
    ignored: int = 0
    #: The same events by detectors that know nothing: ``never`` an alarm, ``always_on``, and as many as the
    #: detector has at ``random`` readings.
    baselines: dict[str, Counted] = {}
    reasons: dict[str, str] = {}


class Quality(Record):
    """Are the rules right? Alerts against the simulator's truth."""

    all: Score | None
    by_rule: dict[str, Score]
    #: Of fault detectors; empty while the pipeline runs threshold rules only.
    by_fault: dict[str, Score]
    reasons: dict[str, str] = {}


class OtherStream(Record):
    """One stretch of a quality cell: the scenario under another seed, as `sim.digest` names it."""

    seed: int
    readings: int
    stream_digest: str


class QualityCell(Record):
    """Are the rules right, told from as many events as that takes: the scenario under other seeds.

    Nothing is paced, and nothing goes through Kafka or the pipeline under test: the alerts are those of the engine
    without Spark, on the bytes that would have travelled. It judges as the reference evaluator does, so a pipeline
    whose cell has an exact ``fidelity`` would have sent the same. Events of one stream share its weather, and so the
    intervals are somewhat too narrow.
    """

    #: Why there is none.
    reason: str | None = None
    quality: Quality | None = None
    streams: list[OtherStream] = []
    #: Of each stream: sensors, seconds of event time between two readings of one, and its length in event time.
    sensors: int | None = None
    interval_s: float | None = None
    window_event_s: float | None = None
    #: How many events every rule should have had to find, and how many readings were the most for that.
    wanted_events: int | None = None
    most_readings: int | None = None
    #: The rules that had fewer events, marginal ones not counted, with how many they had.
    short: dict[str, int] = {}
