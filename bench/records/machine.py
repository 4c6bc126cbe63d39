"""Facts of the machine and what it did to a measurement."""

from __future__ import annotations

from datetime import datetime

from bench.records.axes import Axes
from bench.records.base import Record
from bench.records.numbers import Quantiles


class Usage(Record):
    """What one process cost inside the measuring window."""

    cpu_s: float
    #: CPU seconds per million readings offered.
    cpu_s_per_million: float | None
    #: Share of one core.
    cores: float
    rss_bytes: int


class Pauses(Record):
    """How often and how long a JVM stood still inside the window: at all safepoints, and for garbage collection."""

    n: int
    total_ms: float
    max_ms: float
    gc_n: int
    gc_total_ms: float
    gc_max_ms: float


class Host(Record):
    """What else happened on the machine inside the window."""

    hiccup_p99_ms: float | None
    hiccup_max_ms: float | None
    #: Share of CPU time taken by the hypervisor; None where the kernel does not say.
    steal: float | None
    #: That share over the worst minute of the window, or over all of a shorter one.
    steal_worst_minute: float | None = None
    #: Mean share of time in which some task waited for a CPU (Linux pressure stall information).
    cpu_pressure: float | None
    #: Change of wall clock minus monotonic clock over the window, in ms.
    clock_step_ms: float | None
    #: CPU that neither the run's processes nor idling took, in cores: other programs, and the kernel's own work.
    others_cores: float | None = None
    #: Of each JVM whose log could be read: ``pipeline`` and ``broker``.
    pauses: dict[str, Pauses] = {}


class Git(Record):
    """The version of this project that ran; None without git."""

    sha: str | None
    #: Whether a file of the checkout differs from the commit. A file that git does not know counts for nothing.
    dirty: bool | None


class Env(Record):
    """The machine and the versions."""

    cpu: str
    cores: int
    memory_bytes: int
    kernel: str
    python: str
    java: str
    spark: str
    kafka: str
    packages: dict[str, str]


class Noise(Record):
    """How much one repeat of the same cell differs from the next on this machine, as `bench.noise` measured it."""

    #: When, ISO 8601 in UTC; which version of this project, and on which machine.
    measured: str
    sha: str | None
    machine: str
    #: Valid repeats of each mode, ``realtime`` or ``micro-batch``.
    repeats: dict[str, int]
    #: Mode -> metric -> standard deviation of the log of one repeat's value: the upper end of its 90 % interval.
    log_sd: dict[str, dict[str, float]]

    def of(self, params: Axes) -> dict[str, float]:
        """Metric -> standard deviation of its log, in the mode of a cell; empty if that was not measured."""
        return self.log_sd.get(params.mode, {})

    def age_days(self, at: str) -> float:
        """How old it was at the instant ``at`` (ISO 8601), in days."""
        return (datetime.fromisoformat(at) - datetime.fromisoformat(self.measured)).total_seconds() / 86_400


class Calibration(Record):
    """What the instrument itself costs: publisher to collector through Kafka, no pipeline, in ms; and its noise."""

    kafka_floor_ms: Quantiles | None
    reason: str | None = None
    #: Messages/s that Kafka's ConsumerPerformance read from this run's broker; `--search-rate` alone measures it.
    consumer_performance_per_s: float | None = None
    #: Of this machine, as it was stored when the run began; None: unknown.
    noise: Noise | None = None
