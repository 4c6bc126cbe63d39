"""The stream of a run, prepared once: its files, its digest, its truth, and the warm-up backlogs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from base.errors import ComponentFailed
from base.kafka import Admin
from base.process import Child, python_module
from bench.config import RunConfig
from sim.digest import stream_digest
from sim.scenario import load_scenario
from sim.simulate import collect
from sim.stream import StreamSpec, resolve_stream

#: Readings in a warm-up backlog: about a second's drain of a warm session, several of a cold one.
BACKLOG_READINGS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedStream:
    """What every cell is fed and judged by. ``readings`` and ``truth`` cover warm-up, window and tail."""

    spec: StreamSpec
    digest: str
    readings: pl.DataFrame
    truth: pl.DataFrame
    beacons: frozenset[int]


def resolve(config: RunConfig) -> StreamSpec:
    """The stream that ``config`` asks for; raises `UsageError` naming the flag that is wrong."""
    return resolve_stream(
        load_scenario(config.scenario),
        seed=config.seed,
        sensors=config.sensors,
        rate=config.rate,
        speedup=config.speedup,
    )


def prepare_stream(spec: StreamSpec, config: RunConfig, *, tail_s: float, folder: Path) -> PreparedStream:
    """Simulate the whole stream and write its Parquet files to ``folder``."""
    start_s = -config.warmup_s * spec.speedup
    end_s = (config.window_s + tail_s) * spec.speedup
    whole = collect(spec, start_s=start_s, end_s=end_s)
    whole.readings.write_parquet(folder / "readings.parquet")
    whole.schedule.write_parquet(folder / "schedule.parquet")
    whole.truth.readings.write_parquet(folder / "truth.parquet")
    whole.truth.intervals.write_parquet(folder / "intervals.parquet")
    beacons = whole.truth.readings.filter("beacon")["sensor_id"].unique().to_list()
    return PreparedStream(
        spec=spec,
        digest=stream_digest(spec, start_s, config.window_s * spec.speedup),
        readings=whole.readings,
        truth=whole.truth.readings,
        beacons=frozenset(beacons),
    )


def publish_command(config: RunConfig, spec: StreamSpec, *, bootstrap: str, topic: str) -> list[str]:
    """The publisher's command line for this stream into ``topic``; callers add how long and how paced."""
    command = python_module("sim.publish", "--bootstrap", bootstrap, "--topic", topic)
    command += ["--scenario", config.scenario, "--seed", str(config.seed), "--sensors", str(config.sensors)]
    # Rate and speedup together fix the interval, whatever the scenario's own is.
    command += ["--rate", repr(spec.rate_per_s), "--speedup", repr(spec.speedup), "--start", "scenario"]
    return [*command, "--json-events"]


def backlog_topic(run_id: str, partitions: int) -> str:
    """The topic of the warm-up backlog with so many partitions."""
    return f"backlog-{run_id}-p{partitions}"


def prepare_backlogs(
    partitions: Iterable[int],
    config: RunConfig,
    spec: StreamSpec,
    *,
    run_id: str,
    bootstrap: str,
    settings: dict[str, str],
    folder: Path,
) -> dict[int, str]:
    """One topic of readings for each number of partitions, filled as fast as Kafka takes it."""
    topics = {count: backlog_topic(run_id, count) for count in partitions}
    admin = Admin(bootstrap, settings)
    for count, topic in topics.items():
        admin.create(topic, partitions=count)
        command = [*publish_command(config, spec, bootstrap=bootstrap, topic=topic), "--unpaced"]
        command += ["--readings", str(BACKLOG_READINGS)]
        with Child("backlog publisher", command, log=folder / "backlog.log", events=True) as publisher:
            done = publisher.wait_for("done", timeout_s=120)
            if done["acked"] != BACKLOG_READINGS:
                raise ComponentFailed(f"the broker took {done['acked']:,} of {BACKLOG_READINGS:,} backlog readings")
    return topics
