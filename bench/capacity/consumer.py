"""Kafka's own ConsumerPerformance in the run of a search: what every capacity is told as a share of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from base.errors import AlertbenchError, ComponentFailed
from base.kafka import Admin
from base.process import Child
from bench.cell_parts import Bench
from bench.perf.kafka_tools import consumer_performance
from bench.records import Capacity, Result
from bench.scheduler import Idle
from bench.store import RunStore
from bench.stream import backlog_command

#: What ConsumerPerformance reads: a second and more of its time, so that its start weighs little.
CONSUMED_READINGS: Final = 2_000_000
#: Under which name the reason stands for a share that there is not.
SHARE: Final = "share_of_consumer_performance"


@dataclass(kw_only=True)
class ConsumerJob(Idle):
    """Kafka's own ConsumerPerformance on this run's broker, what every capacity is told as a share of."""

    bench: Bench
    store: RunStore
    result: Result

    def __post_init__(self) -> None:
        self._topic = f"consumed-{self.bench.run_id}"
        self._folder = self.store.folder / "logs"
        self._publisher: Child | None = None

    def start(self) -> None:
        """Have the topic filled."""
        bench = self.bench
        bootstrap = bench.broker.bootstrap
        Admin(bootstrap, bench.settings).create(self._topic, partitions=1)
        command = backlog_command(
            bench.stream.deliveries, bootstrap=bootstrap, topic=self._topic, readings=CONSUMED_READINGS
        )
        command += bench.config.kafka_config_flag()
        self._publisher = Child("publisher", command, log=self._folder / "consumed.log", events=True)

    def run(self) -> None:
        """Measure; without a figure, the reason stands where the shares would."""
        self.bench.view.phase("measuring Kafka's ConsumerPerformance")
        try:
            rate, reason = self._measure(), ""
        except AlertbenchError as error:
            rate, reason = None, " ".join(str(error).split())
        self.result.calibration.consumer_performance_per_s = rate
        for cell in self.result.cells:
            if cell.capacity is not None:
                tell_share(cell.capacity, rate, reason)
        self.store.save(self.result)

    def _measure(self) -> float:
        assert self._publisher is not None
        self._publisher.wait_for("done", timeout_s=120)
        if self.bench.config.kafka_config is not None:
            raise ComponentFailed("ConsumerPerformance is not told the settings of --kafka-config")
        return consumer_performance(
            bootstrap=self.bench.broker.bootstrap,
            topic=self._topic,
            readings=CONSUMED_READINGS,
            log=self._folder / "consumer-performance.log",
        )

    def stop(self) -> None:
        """End the publisher and remove the topic."""
        if self._publisher is not None:
            self._publisher.stop()
            Admin(self.bench.broker.bootstrap, self.bench.settings).delete([self._topic])


def tell_share(capacity: Capacity, consumer_per_s: float | None, reason: str) -> None:
    """Put ``passed`` as a share of ``consumer_per_s`` into ``capacity``, or the reason that there is none."""
    if capacity.passed is None:
        capacity.reasons[SHARE] = "no rate passed"
    elif consumer_per_s is None:
        capacity.reasons[SHARE] = reason
    else:
        capacity.share_of_consumer_performance = round(capacity.passed / consumer_per_s, 4)
        capacity.reasons.pop(SHARE, None)
