"""Cells with a fault planted outside the instrument, and what the planter knows of it.

Every class is a cell as `bench.phases` runs it, but for one thing. `Planted.planted` is the planter's own count,
taken from nothing that the instrument wrote.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import psutil

from base.kafka import Admin
from base.process import Child, python_module
from bench.cell_parts import scratch_topics
from bench.phases import StartedCell
from bench.trust.by_hand import DRY
from bench.trust.stepped import STEP_NS
from pipeline.rules import SEED_RULES
from wire.topics import Topics

#: How long alerts are held back, ms.
HOLDS_MS: Final = (50, 200, 1000)
#: When after event time zero the publisher is stopped, and for how long, s.
STALL_AT_S: Final = 10.0
STALL_S: Final = 2.0
#: When after event time zero the clock steps, s.
STEP_AT_S: Final = 15.0
#: One in so many readings is hidden, one in so many alerts lost, or sent twice.
HIDE_EVERY: Final = 1000
LOSE_EVERY: Final = 1000
TWICE_EVERY: Final = 500
FORGED: Final = 5
#: How far a threshold is moved.
MOVED_BY: Final = 0.5
#: The share of the offered rate that a slowed pipeline gets.
SLOWED_TO: Final = 0.9


class Planted(StartedCell):
    """A cell with nothing planted."""

    def __init__(self, *args: Any) -> None:
        #: What was done to it.
        self.planted: dict[str, Any] = {}
        self._relay: Child | None = None
        self._timer: threading.Thread | None = None
        super().__init__(*args)

    def uproot(self) -> None:
        """End the plant once the cell has been collected, and note what it did."""
        if self._timer is not None:
            self._timer.join()
        if self._relay is not None:
            self._relay.send("stop")
            self.planted |= self._relay.wait_for("done", timeout_s=30)

    def topic(self, name: str, partitions: int, config: Mapping[str, str] | None = None) -> str:
        """One more topic, which goes with the cell."""
        admin = Admin(self.bench.broker.bootstrap, self.bench.settings)
        admin.create(name, partitions=partitions, config=config)
        self.stack.callback(admin.delete, [name])
        return name

    def relay(self, source: str, *targets: str, flags: tuple[str, ...] = ()) -> None:
        """Set a relay going from ``source`` to ``targets``."""
        command = python_module("bench.trust.relay", "--bootstrap", self.bench.broker.bootstrap, "--source", source)
        for target in targets:
            command += ["--to", target]
        command += [*flags, *self.bench.config.kafka_config_flag()]
        self._relay = self.stack.enter_context(Child("relay", command, log=self.folder / "relay.log", events=True))
        self._relay.wait_for("ready", timeout_s=30)

    def at(self, wall_ns: int, act: Callable[[], None]) -> None:
        """Do ``act`` at the wall instant ``wall_ns``, on a thread of its own."""

        def wait_and_act() -> None:
            time.sleep(max(0.0, (wall_ns - time.time_ns()) / 1e9))
            act()

        self._timer = threading.Thread(target=wait_and_act, daemon=True, name="plant")
        self._timer.start()


class HeldAlerts(Planted):
    """A second collector of the same run, behind a relay that holds every alert back.

    The relay hands the broker's stamp of the alert on, so that the delay lies after it, where a slow reader's is.
    """

    def start_instruments(self) -> None:
        """The relay and the second collector come with the others."""
        super().start_instruments()
        kept = {"message.timestamp.type": "CreateTime"}
        self.held = {self.topic(f"{self.topics.alerts}-held-{hold}", 1, kept): hold for hold in HOLDS_MS}
        self.relay(self.topics.alerts, *(f"{topic}={hold}" for topic, hold in self.held.items()))
        command = self.instrument("bench.collector")
        command += ["--bootstrap", self.bench.broker.bootstrap, *self.bench.config.kafka_config_flag()]
        for topic in self.held:
            command += ["--topic", topic]
        self.held_file = self.folder / "held.parquet"
        command += ["--out", str(self.held_file)]
        log = self.folder / "second-collector.log"
        self._second = self.stack.enter_context(Child("second collector", command, log=log, events=True))
        self._second.wait_for("ready", timeout_s=30)

    def uproot(self) -> None:
        """The second collector ends once the relay has sent all."""
        super().uproot()
        time.sleep(0.5)
        self._second.send("stop")
        self._second.wait_for("done", timeout_s=30)


class StoppedPublisher(Planted):
    """The publisher is stopped (SIGSTOP) in the middle of the window."""

    def go(self, zero_ns: int) -> None:
        """The stop is timed from event time zero."""
        super().go(zero_ns)
        self.at(zero_ns + round(STALL_AT_S * 1e9), lambda: self._stall(zero_ns))

    def _stall(self, zero_ns: int) -> None:
        processes = self.publisher.processes()
        try:
            tell(processes, signal.SIGSTOP)
            began_ns = time.time_ns()
            time.sleep(STALL_S)
        finally:
            ended_ns = time.time_ns()
            tell(processes, signal.SIGCONT)
        self.planted = {"began_s": (began_ns - zero_ns) / 1e9, "ended_s": (ended_ns - zero_ns) / 1e9}


class HiddenReadings(Planted):
    """The pipeline reads another topic, into which a relay copies all but one in a thousand readings."""

    def prepare(self) -> Topics:
        """The pipeline's readings come through the relay."""
        seen = self.topic(f"{self.topics.readings}-seen", self.spec.partitions)
        self.relay(self.topics.readings, seen, flags=self.relay_flags)
        return replace(self.topics, readings=seen)

    @property
    def relay_flags(self) -> tuple[str, ...]:
        """What the relay does to the readings."""
        return ("--lose-every", str(HIDE_EVERY))


class SlowedPipeline(HiddenReadings):
    """The pipeline is given nine tenths of the offered rate."""

    def prepare(self) -> Topics:
        """The relay holds up what it does not lose."""
        self.planted = {"share": SLOWED_TO}
        return super().prepare()

    @property
    def relay_flags(self) -> tuple[str, ...]:
        """Nothing is lost: it waits."""
        return ("--per-second", str(SLOWED_TO * self.bench.stream.spec.rate_per_s))


class TamperedAlerts(Planted):
    """The pipeline writes to another topic; on the way into the cell's, alerts are lost, doubled and made up."""

    def prepare(self) -> Topics:
        """The pipeline's alerts go through the relay."""
        raw = replace(self.topics, alerts=self.topic(f"{self.topics.alerts}-raw", 1))
        for scratch in scratch_topics(raw):
            self.topic(scratch, 1)
        flags = ("--lose-every", str(LOSE_EVERY), "--twice-every", str(TWICE_EVERY), "--forge", str(FORGED))
        self.relay(raw.alerts, self.topics.alerts, flags=flags)
        return raw


class SteppedClock(Planted):
    """The clock of collector and host meter steps in the middle of the window; the system's does not."""

    def instrument(self, module: str) -> list[str]:
        """The instrument under a clock that can step."""
        return python_module("bench.trust.stepped", module)

    def go(self, zero_ns: int) -> None:
        """The step is timed from event time zero."""
        super().go(zero_ns)
        self.planted = {"step_ms": STEP_NS / 1e6}
        instruments = [process for child in (self.collector, self.meter) for process in child.processes()]
        self.at(zero_ns + round(STEP_AT_S * 1e9), lambda: tell(instruments, signal.SIGUSR1))


class MovedThreshold(Planted):
    """The pipeline's rules file says that air is dry half a percent earlier than the instrument's."""

    def prepare(self) -> Topics:
        """The rules file is written before the pipeline starts."""
        rules = self.folder / "rules.toml"
        before, after = (f'field = "humidity"\ncomparison = "<"\nthreshold = {x}' for x in (DRY, DRY + MOVED_BY))
        text = SEED_RULES.read_text()
        assert text.count(before) == 1
        rules.write_text(text.replace(before, after))
        self.pipeline_flags = ("--rules", str(rules))
        self.planted = {"dry": DRY + MOVED_BY}
        return self.topics


class BurningNeighbour(Planted):
    """From the first reading on, another program keeps every core busy."""

    def go(self, zero_ns: int) -> None:
        """As many busy loops as there are cores."""
        self.planted = {"cores": os.cpu_count()}
        for number in range(os.cpu_count() or 1):
            command = [sys.executable, "-S", "-c", "while True: pass"]
            self.stack.enter_context(Child("neighbour", command, log=self.folder / f"neighbour-{number}.log"))
        super().go(zero_ns)


def tell(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to those that still run."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
