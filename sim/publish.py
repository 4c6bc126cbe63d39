"""Send a stream of readings to Kafka: paced by its schedule, open loop, every delivery logged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from base.durations import parse_duration_s
from base.errors import UsageError, one_line_errors
from base.process import python_module
from sim.encode import ready_to_send
from sim.options import Rate, Scenario, Seed, Sensors, parse_start
from sim.prepare import MOST_AHEAD
from sim.scenario import load_scenario
from sim.simulate import simulate
from sim.stream import WHOLE, StreamSpec, parse_shard, resolve_stream
from sim.transmit import (
    Bootstrap,
    JsonEvents,
    KafkaConfig,
    Limit,
    Log,
    Topic,
    Transmission,
    Unpaced,
    Verbose,
    WaitForGo,
    transmit,
)
from sim.workers import transmit_by_workers

#: Wall seconds that an endless run is kept ahead.
ENDLESS_AHEAD_S: Final = 5.0

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command(epilog="Example: python -m sim.publish --bootstrap localhost:9092 --topic sensor --rate 10 --for 1min")
@one_line_errors
def publish(
    bootstrap: Bootstrap = "localhost:9092",
    topic: Topic = "sensor",
    scenario: Scenario = "temperate-day",
    seed: Seed = 42,
    sensors: Sensors = 1000,
    rate: Rate = None,
    speedup: Annotated[float, typer.Option(help="Event seconds per wall second; 2880 is a day in 30 s.")] = 1.0,
    start: Annotated[
        str,
        typer.Option(metavar="ISO|now|scenario", help="Event time zero; scenario keeps the scenario's own."),
    ] = "now",
    duration: Annotated[
        str | None, typer.Option("--for", metavar="DUR", help="Stop after this much wall time. \\[default: never]")
    ] = None,
    lead: Annotated[
        str | None, typer.Option(metavar="DUR", help="Wall time to publish before event time zero: the warm-up.")
    ] = None,
    readings: Limit = None,
    unpaced: Unpaced = False,
    log: Log = None,
    kafka_config: KafkaConfig = None,
    verbose: Verbose = False,
    workers: Annotated[int, typer.Option(help="Processes that share the work, each with its part of the sensors.")] = 1,
    shard: Annotated[
        str | None,
        typer.Option(metavar="K/N", help="Only part K of N of the sensors: one machine's share. \\[default: all]"),
    ] = None,
    wait_for_go: WaitForGo = False,
    json_events: JsonEvents = False,
) -> None:
    """Publish simulated readings to a Kafka topic until Ctrl-C.

    Every reading is due at an instant that scenario and seed fix, and is sent then, whatever became
    of those before it. --rate, --speedup and the scenario's interval belong together: rate = sensors
    x speedup / interval.
    """
    started_at = datetime.now(UTC)
    how = Transmission(
        bootstrap=bootstrap,
        topic=topic,
        lead_s=parse_duration_s(lead, field="--lead") if lead is not None else 0.0,
        limit=readings,
        unpaced=unpaced,
        log=log,
        kafka_config=kafka_config,
        verbose=verbose,
        wait_for_go=wait_for_go,
        json_events=json_events,
    )
    for_s = parse_duration_s(duration, field="--for") if duration is not None else None
    described = load_scenario(scenario)
    zero = parse_start(start, now=started_at)
    if zero is not None:
        described = described.model_copy(update={"start": zero})
    part = WHOLE if shard is None else parse_shard(shard)
    stream = resolve_stream(described, seed=seed, sensors=sensors, rate=rate, speedup=speedup, shard=part)
    if workers != 1:
        _require_divisible(stream, workers, how)
        command = python_module("sim.publish", "--bootstrap", bootstrap, "--topic", topic, "--scenario", scenario)
        command += ["--seed", str(seed), "--sensors", str(sensors), "--speedup", repr(speedup)]
        command += ["--start", "scenario" if zero is None else zero.isoformat()]
        for flag, value in (("--rate", rate), ("--for", duration), ("--lead", lead), ("--kafka-config", kafka_config)):
            if value is not None:
                command += [flag, str(value)]
        command += ["--unpaced"] if unpaced else []
        transmit_by_workers(how, command, workers=workers, named=_described(stream))
        return
    bounded = for_s is not None or readings is not None
    ahead = MOST_AHEAD if bounded else min(MOST_AHEAD, max(1, int(stream.rate_per_s * ENDLESS_AHEAD_S)))
    chunks = simulate(
        stream,
        start_s=-how.lead_s * stream.speedup,
        end_s=for_s * stream.speedup if for_s is not None else None,
        chunk_readings=min(100_000, ahead if bounded else max(1, ahead // 5)),
    )
    transmit(how, ready_to_send(chunk.readings for chunk in chunks), named=_described(stream), ahead=ahead)


def _require_divisible(stream: StreamSpec, workers: int, how: Transmission) -> None:
    """Raise `UsageError` for what several workers cannot do together."""
    if not 1 <= workers <= stream.sensors:
        raise UsageError(f"--workers {workers}: give from 1 up to the {stream.sensors} sensors, of which each has some")
    if stream.shard != WHOLE:
        raise UsageError(f"--workers {workers}: --shard is the work of one process; leave one of the two out")
    if how.limit is not None:
        raise UsageError(f"--workers {workers}: --readings cannot be shared out; give --for instead")
    if how.verbose:
        raise UsageError(f"--workers {workers}: --verbose shows what one process sends; leave one of the two out")


def _described(stream: StreamSpec) -> str:
    return f"{stream.scenario.title} ({stream.sensors:,} sensors, {stream.rate_per_s:,.4g} readings/s)"


if __name__ == "__main__":
    app()
