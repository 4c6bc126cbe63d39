"""From prepared deliveries to a Kafka topic: connect, wait for the word, pace, log, account."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from base.batch_producer import BatchProducer
from base.clocks import wall_minus_monotonic_ns
from base.durations import format_duration
from base.errors import ComponentFailed, UsageError
from base.jsonl import emit
from base.kafka import QUIET, Admin
from base.kafka_config import read_kafka_config
from base.kafka_security import librdkafka_settings
from sim.control import Control
from sim.delivery_log import DeliveryLog
from sim.pacing import LONGEST_SLEEP_NS, TICK_NS, SystemClock, pace
from sim.prepare import MOST_AHEAD, Prepared, Preparer
from sim.sender import Sender

#: From the word to start to the first delivery.
HEAD_START_NS = 50_000_000

PRODUCER_SETTINGS: Mapping[str, object] = {
    **QUIET,
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 0,
    # The partition that Kafka's own clients give a key.
    "partitioner": "murmur2_random",
    "queue.buffering.max.messages": 2_000_000,
    "queue.buffering.max.kbytes": 1_048_576,
}
#: As fast as it goes: full batches, and a queue so short that what waits in it stays in the processor's
#: cache. Ten times as long, librdkafka needs twice the CPU for each message.
UNPACED_SETTINGS: Mapping[str, object] = {"linger.ms": 20, "queue.buffering.max.messages": 30_000}

# Options that every command which sends has.
Bootstrap = Annotated[str, typer.Option(metavar="HOST:PORT", help="The Kafka cluster.")]
Topic = Annotated[str, typer.Option(help="Where the readings go.")]
Limit = Annotated[int | None, typer.Option(help="Stop after this many readings. \\[default: never]")]
Unpaced = Annotated[bool, typer.Option("--unpaced", help="Send as fast as it goes: builds a backlog.")]
Log = Annotated[Path | None, typer.Option(help="Log every delivery here (sim.delivery_log reads it).")]
KafkaConfig = Annotated[
    Path | None, typer.Option(metavar="FILE", help="TOML file for a secured cluster (docs/secured-clusters.md).")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Print every reading that is sent.")]
WaitForGo = Annotated[bool, typer.Option("--wait-for-go", help="Start at the line 'go [NS]' on stdin; its end stops.")]
JsonEvents = Annotated[bool, typer.Option("--json-events", help="Tell what happens as JSON lines on stdout.")]


@dataclass(frozen=True, kw_only=True)
class Transmission:
    """Where deliveries go, and how.

    ``lead_s``: wall seconds that are sent before event time zero. ``tick_ns``: the least time between two sends.
    """

    bootstrap: str
    topic: str
    lead_s: float = 0.0
    limit: int | None = None
    unpaced: bool = False
    tick_ns: int = TICK_NS
    log: Path | None = None
    kafka_config: Path | None = None
    verbose: bool = False
    wait_for_go: bool = False
    json_events: bool = False

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--readings {self.limit}: give at least 1")
        if self.tick_ns > LONGEST_SLEEP_NS:
            longest = format_duration(LONGEST_SLEEP_NS / 1e9)
            tick = format_duration(self.tick_ns / 1e9)
            raise UsageError(f"--tick {tick}: acknowledgements are noticed every {longest}; give {longest} or less")


def transmit(how: Transmission, source: Iterator[Prepared], *, named: str, ahead: int = MOST_AHEAD) -> None:
    """Send all of ``source``, of which ``ahead`` deliveries are kept ready; ``named`` describes it.

    Ends the process with 130 after Ctrl-C; raises `ComponentFailed` if readings were not acknowledged.
    """
    settings = require_cluster(how)
    control = Control(listen=how.wait_for_go)
    with ExitStack() as stack:
        delivery_log = stack.enter_context(DeliveryLog(how.log)) if how.log is not None else None
        pace = UNPACED_SETTINGS if how.unpaced else {}
        configured = {**PRODUCER_SETTINGS, **pace, "bootstrap.servers": how.bootstrap, **settings}
        producer = stack.enter_context(BatchProducer(configured, how.topic))
        preparer = Preparer(source, ahead=ahead, limit=how.limit, stopped=control.stopped)
        stack.callback(preparer.stop)
        announce(how, named, ready=preparer.wait_ready(1 if how.unpaced else None))
        zero_wall_ns = start_instant_ns(how, control)
        sender = Sender(producer, zero_wall_ns=zero_wall_ns, log=delivery_log, stopped=control.stopped)
        sender.json_events, sender.verbose = how.json_events, how.verbose
        if how.json_events and not control.stopped():
            first_due_ns = preparer.first_due_ns
            emit(
                "started",
                zero_wall_ns=zero_wall_ns,
                first_due_ns=None if first_due_ns is None else zero_wall_ns + first_due_ns,
            )
        _run(sender, preparer, control, zero_wall_ns=zero_wall_ns, how=how)
        finish(how, sender.totals(), planned=preparer.planned)
    control.leave()


def require_cluster(how: Transmission) -> dict[str, str]:
    """The user's librdkafka settings, once the cluster has answered with them.

    Raises `UsageError` for settings that are wrong, `EnvironmentMissing` if nobody answers.
    """
    settings = librdkafka_settings(read_kafka_config(how.kafka_config))
    Admin(how.bootstrap, settings).require_reachable(4.0)
    return settings


def announce(how: Transmission, named: str, *, ready: int) -> None:
    """Tell that ``ready`` readings are prepared."""
    if how.json_events:
        emit("prepared", readings=ready)
    elif not how.verbose:
        print(f"publishing {named} to {how.topic} at {how.bootstrap}", file=sys.stderr)


def start_instant_ns(how: Transmission, control: Control, *, margin_ns: int = HEAD_START_NS) -> int:
    """The wall instant of event time zero: whoever says go names it, or else the lead begins ``margin_ns`` from now."""
    named = control.wait_for_go() if how.wait_for_go else None
    return named or time.time_ns() + round(how.lead_s * 1e9) + margin_ns


def finish(how: Transmission, totals: Mapping[str, Any], *, planned: int | None) -> None:
    """Give the account; `ComponentFailed` if readings were not acknowledged."""
    if how.json_events:
        emit("done", planned=planned, **totals)
        return
    print(f"sent {totals['sent']:,} readings, {totals['acked']:,} acknowledged, {totals['failed']:,} failed")
    if totals["unacked"]:
        raise ComponentFailed(
            f"{totals['sent'] - totals['acked']:,} readings were not acknowledged; see the broker's log"
        )


def _run(sender: Sender, preparer: Preparer, control: Control, *, zero_wall_ns: int, how: Transmission) -> None:
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
        unpaced=how.unpaced,
        tick_ns=how.tick_ns,
    )
    gc.enable()
    sender.flush()
