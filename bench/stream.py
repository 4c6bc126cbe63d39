"""The stream of a run, prepared once: its files, its digest, its truth, and the warm-up backlogs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from base.errors import UsageError
from base.process import python_module
from bench.config import RunConfig
from bench.quality.hazards import hazard_frame, rule_holds
from bench.quality.scores import noise_by_channel
from pipeline.rules import AlertRule
from sim.beacons import beacon_values
from sim.deliveries import write_deliveries
from sim.encode import ready_to_send
from sim.scenario import load_scenario
from sim.scenario_fields import DAY_S
from sim.stream import StreamSpec, resolve_stream
from wire.reading import CHANNELS

if TYPE_CHECKING:
    from sim.simulate import Collected

#: Readings in a warm-up backlog: about a second's drain of a warm session, several of a cold one.
BACKLOG_READINGS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedStream:
    """What every cell is fed and judged by. The tables cover warm-up, window and tail."""

    spec: StreamSpec
    digest: str
    tables: Collected
    beacons: frozenset[int]
    #: Where the files of `write` are kept.
    folder: Path
    #: Only readings of the first so many sensors are sent; None: all.
    sent_sensors: int | None = None

    @property
    def truth(self) -> pl.DataFrame:
        """The truth about each reading."""
        return self.tables.truth.readings

    @property
    def deliveries(self) -> Path:
        """The file that publishers send."""
        return self.folder / "deliveries.parquet"

    def due_ns(self, event_s: float, zero_ns: int) -> int:
        """When a reading of ``event_s`` (epoch s) is due without delay, wall ns; event time zero is at ``zero_ns``."""
        return zero_ns + round((event_s - self.spec.scenario.start_us / 1e6) / self.spec.speedup * 1e9)

    def write(self, rules: Sequence[AlertRule]) -> None:
        """Write the stream, as it travels and as tables, its truth, and what of that is a hazard to ``rules``."""
        from sim.generate import sensor_frame  # as in `prepare_stream`

        write_deliveries(self.deliveries, ready_to_send(self.tables.batches))
        tables = {
            "readings": self.tables.readings,
            "schedule": self.tables.schedule,
            "truth": self.truth,
            "intervals": self.tables.truth.intervals,
            "sensors": sensor_frame(self.spec),
            "hazards": hazard_frame(self.truth.filter(~pl.col("beacon")), rules, noise_by_channel(self.spec, rules)),
        }
        for name, table in tables.items():
            table.write_parquet(self.folder / f"{name}.parquet")


def resolve(config: RunConfig) -> StreamSpec:
    """The stream that ``config`` asks for; raises `UsageError` naming the flag that is wrong."""
    return resolve_stream(
        load_scenario(config.scenario),
        seed=config.seed,
        sensors=config.sensors,
        rate=config.rate,
        speedup=config.speedup,
    )


def require_beacons_alert(spec: StreamSpec, rules: Sequence[AlertRule], *, field: str) -> None:
    """A `UsageError` that names ``field`` if none of ``rules`` holds on what the beacons show: none would be timed."""
    beacons = spec.scenario.beacons
    if not beacons.share:
        return
    shown = beacon_values(np.array([1, 1]), np.array([0, 1]), beacons)
    if any(rule_holds(rule, shown[:, CHANNELS.index(rule.field)]).any() for rule in rules):
        return
    raise UsageError(
        f"{field}: no rule holds on the beacons, on which latency is measured: their {beacons.field} is "
        f"{beacons.low:g} and {beacons.high:g} in turn; add a rule between the two, or give the scenario other beacons"
    )


def span_s(spec: StreamSpec, config: RunConfig, *, tail_s: float) -> tuple[float, float]:
    """From when to when a run's stream goes, event seconds relative to zero: warm-up, window and tail."""
    return -config.warmup_s * spec.speedup, (config.window_s + tail_s) * spec.speedup


def prepare_stream(spec: StreamSpec, config: RunConfig, *, tail_s: float, folder: Path) -> PreparedStream:
    """Simulate the whole stream; nothing is written to ``folder`` yet."""
    # Its solar library takes a second to import, which is best spent while the broker comes up.
    from sim.digest import digest_of
    from sim.simulate import collect

    start_s, end_s = span_s(spec, config, tail_s=tail_s)
    whole = collect(spec, start_s=start_s, end_s=end_s)
    # The tail depends on the triggers; the stream that is measured does not.
    window_end_us = spec.scenario.start_us + round(config.window_s * spec.speedup * 1e6)
    return PreparedStream(
        spec=spec,
        digest=digest_of(batch.take(batch.event_us < window_end_us) for batch in whole.batches),
        tables=whole,
        beacons=latency_sensors(whole.truth.readings),
        folder=folder,
    )


def write_stream(spec: StreamSpec, path: Path, *, start_s: float, end_s: float) -> None:
    """Simulate from ``start_s`` to ``end_s`` (event s after zero) and write what is sent to ``path``, in its place.

    Nothing else is kept: memory does not grow with the length.
    """
    # As above.
    from sim.simulate import simulate

    fresh = path.with_suffix(".fresh")
    chunks = simulate(spec, start_s=start_s, end_s=end_s)
    write_deliveries(fresh, ready_to_send(chunk.readings for chunk in chunks))
    fresh.replace(path)


def latency_sensors(truth: pl.DataFrame) -> frozenset[int]:
    """The sensors on whose alerts latency is measured: the beacons, or all of a stream that has none."""
    beacons = truth.filter("beacon")["sensor_id"]
    return frozenset((truth["sensor_id"] if beacons.is_empty() else beacons).unique().to_list())


def resend_command(deliveries: Path, *, bootstrap: str, topic: str) -> list[str]:
    """The publisher's command line for a prepared stream into ``topic``; callers add how it is paced."""
    return [*python_module("sim.resend", str(deliveries), "--bootstrap", bootstrap, "--topic", topic), "--json-events"]


def backlog_topic(run_id: str, partitions: int) -> str:
    """The topic of the warm-up backlog with so many partitions."""
    return f"backlog-{run_id}-p{partitions}"


def backlog_command(
    deliveries: Path,
    *,
    bootstrap: str,
    topic: str,
    readings: int = BACKLOG_READINGS,
    sensors: int | None = None,
) -> list[str]:
    """The publisher's command line that fills ``topic`` as fast as Kafka takes it, from the first so many sensors."""
    command = resend_command(deliveries, bootstrap=bootstrap, topic=topic)
    command += ["--sensors", str(sensors)] if sensors is not None else []
    return [*command, "--unpaced", "--repeat", "--readings", str(readings)]


def sensors_of_a_day(spec: StreamSpec) -> int:
    """How many sensors report a warm-up backlog in a simulated day, in which every hour has its share of the alerts."""
    return min(spec.sensors, max(1, round(BACKLOG_READINGS * spec.interval_s / DAY_S)))
