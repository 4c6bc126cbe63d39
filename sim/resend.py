"""Send stored deliveries to Kafka, on their schedule or as fast as it goes: no simulator needed."""

from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from base.durations import format_duration, parse_duration_s
from base.errors import UsageError, one_line_errors
from sim.deliveries import read_deliveries
from sim.pacing import TICK_NS
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

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command(epilog="Example: python -m sim.resend results/latest/stream/deliveries.parquet --topic sensor")
@one_line_errors
def resend(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Deliveries, as a run keeps them.")],
    bootstrap: Bootstrap = "localhost:9092",
    topic: Topic = "sensor",
    lead: Annotated[
        str, typer.Option(metavar="DUR", help="Wall time until event time zero: what is due before it is sent then.")
    ] = "0s",
    since: Annotated[
        str | None,
        typer.Option(metavar="DUR", help="Leave out what is due longer than this before zero. \\[default: all]"),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DUR", help="Leave out what is due later than this. \\[default: all]")
    ] = None,
    repeat: Annotated[
        bool, typer.Option("--repeat", help="Start over at the end, until --readings are sent; needs --unpaced.")
    ] = False,
    sensors: Annotated[
        int | None, typer.Option(metavar="N", help="Send the first N sensors' readings only. \\[default: all]")
    ] = None,
    readings: Limit = None,
    unpaced: Unpaced = False,
    tick: Annotated[
        str,
        typer.Option(
            metavar="DUR",
            help="Gather for so long what becomes due, and send it then: the longer, the fewer requests.",
        ),
    ] = format_duration(TICK_NS / 1e9),
    log: Log = None,
    kafka_config: KafkaConfig = None,
    verbose: Verbose = False,
    wait_for_go: WaitForGo = False,
    json_events: JsonEvents = False,
) -> None:
    """Send a stored stream again: the same bytes to the same keys, each at its instant.

    A run keeps its stream in stream/deliveries.parquet; that it can be sent again, to any cluster,
    is what makes a run repeatable without this project's simulator.
    """
    how = Transmission(
        bootstrap=bootstrap,
        topic=topic,
        lead_s=parse_duration_s(lead, field="--lead"),
        limit=readings,
        unpaced=unpaced,
        tick_ns=round(parse_duration_s(tick, field="--tick") * 1e9),
        log=log,
        kafka_config=kafka_config,
        verbose=verbose,
        wait_for_go=wait_for_go,
        json_events=json_events,
    )
    if repeat and not (unpaced and readings):
        raise UsageError("--repeat: a schedule cannot be met twice; give --unpaced and --readings with it")
    if sensors is not None and sensors < 1:
        raise UsageError(f"--sensors {sensors}: give at least 1")
    since_ns = None if since is None else -round(parse_duration_s(since, field="--since") * 1e9)
    until_ns = None if until is None else round(parse_duration_s(until, field="--until") * 1e9)
    read = partial(read_deliveries, file, since_ns=since_ns, until_ns=until_ns, sensors=sensors)
    # Read once here, so that a wrong file is told before anything is connected.
    source = read()
    if repeat:
        source = itertools.chain.from_iterable(read() for _ in itertools.count())
    transmit(how, source, named=str(file))


if __name__ == "__main__":
    app()
