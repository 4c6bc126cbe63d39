"""Send a stream of readings to Kafka: paced by its schedule, open loop, every delivery logged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from base.durations import parse_duration_s
from base.errors import one_line_errors
from sim.encode import ready_to_send
from sim.options import Rate, Scenario, Seed, Sensors, parse_start
from sim.prepare import MOST_AHEAD
from sim.scenario import load_scenario
from sim.simulate import simulate
from sim.stream import StreamSpec, resolve_stream
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
        str | None, typer.Option("--for", metavar="DUR", help="Stop after this much wall time. [default: never]")
    ] = None,
    lead: Annotated[
        str | None, typer.Option(metavar="DUR", help="Wall time to publish before event time zero: the warm-up.")
    ] = None,
    readings: Limit = None,
    unpaced: Unpaced = False,
    log: Log = None,
    kafka_config: KafkaConfig = None,
    verbose: Verbose = False,
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
    stream = resolve_stream(described, seed=seed, sensors=sensors, rate=rate, speedup=speedup)
    bounded = for_s is not None or readings is not None
    ahead = MOST_AHEAD if bounded else min(MOST_AHEAD, max(1, int(stream.rate_per_s * ENDLESS_AHEAD_S)))
    chunks = simulate(
        stream,
        start_s=-how.lead_s * stream.speedup,
        end_s=for_s * stream.speedup if for_s is not None else None,
        chunk_readings=min(100_000, ahead if bounded else max(1, ahead // 5)),
    )
    transmit(how, ready_to_send(chunk.readings for chunk in chunks), named=_described(stream), ahead=ahead)


def _described(stream: StreamSpec) -> str:
    return f"{stream.scenario.title} ({stream.sensors:,} sensors, {stream.rate_per_s:,.4g} readings/s)"


if __name__ == "__main__":
    app()
