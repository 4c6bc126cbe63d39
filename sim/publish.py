"""Send a stream of readings to Kafka: paced by its schedule, open loop, every delivery logged."""

from __future__ import annotations

import gc
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from confluent_kafka import KafkaException, Producer

from base.durations import parse_duration_s
from base.errors import ComponentFailed, ExitCode, UsageError, one_line_errors
from base.jsonl import emit
from base.kafka import QUIET, Admin, read_kafka_config
from sim.control import Control
from sim.delivery_log import DeliveryLog
from sim.options import Rate, Scenario, Seed, Sensors, parse_start
from sim.pacing import SystemClock, pace, wall_minus_monotonic_ns
from sim.prepare import Preparer
from sim.scenario import load_scenario
from sim.sender import Sender
from sim.stream import StreamSpec, resolve_stream

#: From the word to start to the first delivery.
HEAD_START_NS = 50_000_000

PRODUCER_SETTINGS: dict[str, Any] = {
    **QUIET,
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 0,
    # The partition that Kafka's own clients give a key.
    "partitioner": "murmur2_random",
    "queue.buffering.max.messages": 2_000_000,
    "queue.buffering.max.kbytes": 1_048_576,
}


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command(epilog="Example: python -m sim.publish --bootstrap localhost:9092 --topic sensor --rate 10 --for 1min")
@one_line_errors
def publish(
    bootstrap: Annotated[str, typer.Option(metavar="HOST:PORT", help="The Kafka cluster.")] = "localhost:9092",
    topic: Annotated[str, typer.Option(help="Where the readings go.")] = "sensor",
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
    readings: Annotated[int | None, typer.Option(help="Stop after this many readings. [default: never]")] = None,
    unpaced: Annotated[bool, typer.Option("--unpaced", help="Send as fast as it goes: builds a backlog.")] = False,
    log: Annotated[Path | None, typer.Option(help="Log every delivery here (sim.delivery_log reads it).")] = None,
    kafka_config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="More librdkafka settings, key=value per line.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print every reading that is sent.")] = False,
    wait_for_go: Annotated[
        bool, typer.Option("--wait-for-go", help="Start at the line 'go [NS]' on stdin; its end stops.")
    ] = False,
    json_events: Annotated[
        bool, typer.Option("--json-events", help="Tell what happens as JSON lines on stdout.")
    ] = False,
) -> None:
    """Publish simulated readings to a Kafka topic until Ctrl-C.

    Every reading is due at an instant that scenario and seed fix, and is sent then, whatever became
    of those before it. --rate, --speedup and the scenario's interval belong together: rate = sensors
    x speedup / interval.
    """
    started_at = datetime.now(UTC)
    lead_s = parse_duration_s(lead, field="--lead") if lead is not None else 0.0
    for_s = parse_duration_s(duration, field="--for") if duration is not None else None
    if readings is not None and readings < 1:
        raise UsageError(f"--readings {readings}: give at least 1")
    described = load_scenario(scenario)
    zero = parse_start(start, now=started_at)
    if zero is not None:
        described = described.model_copy(update={"start": zero})
    stream = resolve_stream(described, seed=seed, sensors=sensors, rate=rate, speedup=speedup)
    settings = read_kafka_config(kafka_config)
    control = Control(listen=wait_for_go)
    with ExitStack() as stack:
        delivery_log = stack.enter_context(DeliveryLog(log)) if log is not None else None
        producer = _connected(bootstrap, {"linger.ms": "20", **settings} if unpaced else settings)
        preparer = Preparer(
            stream,
            start_s=-lead_s * stream.speedup,
            end_s=for_s * stream.speedup if for_s is not None else None,
            limit=readings,
            stopped=control.stopped,
        )
        stack.callback(preparer.stop)
        ready = preparer.wait_ready()
        if json_events:
            emit("prepared", readings=ready)
        elif not verbose:
            print(f"publishing {_described(stream)} to {topic} at {bootstrap}", file=sys.stderr)
        named = control.wait_for_go() if wait_for_go else None
        zero_wall_ns = named or time.time_ns() + round(lead_s * 1e9) + HEAD_START_NS
        sender = Sender(producer, topic, sensors, zero_wall_ns=zero_wall_ns, log=delivery_log)
        sender.json_events, sender.verbose = json_events, verbose
        if json_events and not control.stopped():
            first_due_ns = preparer.first_due_ns
            emit(
                "started",
                zero_wall_ns=zero_wall_ns,
                first_due_ns=None if first_due_ns is None else zero_wall_ns + first_due_ns,
            )
        _run(sender, preparer, control, zero_wall_ns=zero_wall_ns, unpaced=unpaced)
        _finish(sender, preparer.planned, json_events=json_events)
    if control.interrupted:
        raise SystemExit(int(ExitCode.INTERRUPTED))


def _connected(bootstrap: str, settings: dict[str, str]) -> Producer:
    try:
        Admin(bootstrap, settings).require_reachable(4.0)
        return Producer({**PRODUCER_SETTINGS, "bootstrap.servers": bootstrap, **settings})
    except KafkaException as error:
        raise UsageError(f"--kafka-config: {error.args[0].str()}; correct that line") from None


def _described(stream: StreamSpec) -> str:
    return f"{stream.scenario.title} ({stream.sensors:,} sensors, {stream.rate_per_s:,.4g} readings/s)"


def _run(sender: Sender, preparer: Preparer, control: Control, *, zero_wall_ns: int, unpaced: bool) -> None:
    # A collection would stall the pacing for milliseconds. What is prepared is frozen out of them for
    # good; a run that goes on preparing needs them, but they are then short.
    gc.collect()
    gc.freeze()
    if preparer.planned is not None:
        gc.disable()
    # A preparing thread otherwise keeps the interpreter for 5 ms at a time.
    sys.setswitchinterval(0.0005)
    pace(
        preparer,
        zero_ns=zero_wall_ns - wall_minus_monotonic_ns(),
        clock=SystemClock(),
        send=sender.send,
        woken=sender.woken,
        stopped=control.stopped,
        unpaced=unpaced,
    )
    gc.enable()
    sender.flush()


def _finish(sender: Sender, planned: int | None, *, json_events: bool) -> None:
    totals = sender.totals()
    if json_events:
        emit("done", planned=planned, **totals)
        return
    print(f"sent {totals['sent']:,} readings, {totals['acked']:,} acknowledged, {totals['failed']:,} failed")
    if totals["unacked"]:
        raise ComponentFailed(
            f"{totals['sent'] - totals['acked']:,} readings were not acknowledged; see the broker's log"
        )


if __name__ == "__main__":
    app()
