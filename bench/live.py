"""``python -m bench.live``: broker, simulator, pipeline and dashboard, alive together until Ctrl-C."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from base.errors import UsageError, one_line_errors
from base.jars import BROKER, CONNECTOR, ensure
from base.kafka import Admin
from base.process import Child, interrupt_on_sigterm, python_module
from bench.broker.embedded import EmbeddedBroker
from bench.class_archives import ready_class_archives
from bench.config import DEFAULT_SCENARIO, DEFAULT_SEED
from pipeline.triggers import Trigger
from sim.scenario import WeatherScenario, load_scenario
from sim.stream import StreamSpec, resolve_stream
from wire.topics import Topics

TOPICS: Final = Topics(readings="sensor", alerts="alerts", rejects="sensor-rejected")
PARTITIONS: Final = 4
#: A day in 24 minutes: the sun can be seen to rise, and a sensor reports every 10 s.
SPEEDUP: Final = 60.0
#: The longest a part may take to come up, s.
READY_S: Final = 90.0
_LOOK_S: Final = 0.2

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What runs, checked whole."""

    stream: StreamSpec
    #: The scenario as the user named it.
    scenario: str
    trigger: Trigger
    port: int


@app.command(epilog="Example: python -m bench.live --sensors 100 --scenario heat-wave --trigger 5s")
@one_line_errors
def main(
    sensors: Annotated[int, typer.Option(help="How many sensors report.")] = 100,
    scenario: Annotated[str, typer.Option(metavar="NAME|FILE", help="What is simulated.")] = DEFAULT_SCENARIO,
    speedup: Annotated[float, typer.Option(help="Event seconds per wall second; 60 is a day in 24 min.")] = SPEEDUP,
    trigger: Annotated[str, typer.Option(help="0s, 100ms, 30s, realtime or realtime:DURATION.")] = "realtime",
    port: Annotated[int, typer.Option(help="The page's port of 127.0.0.1; 0 is any that is free.")] = 8050,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Start a Kafka, a simulator, the Spark job and the dashboard, and print the page's URL. Ctrl-C ends all.

    Everything is this machine's and temporary: nothing is left behind. Nothing is measured either: for
    figures that hold there is bench.run.
    """
    if not 0 <= port <= 65_535:
        raise UsageError(f"--port {port}: give a number from 0 (any that is free) to 65535")
    live = Live(
        stream=resolve_stream(load_scenario(scenario), seed=DEFAULT_SEED, sensors=sensors, speedup=speedup),
        scenario=scenario,
        trigger=Trigger.parse(trigger, field="--trigger"),
        port=port,
    )
    interrupt_on_sigterm()
    run(live, browser=browser)


def run(live: Live, *, browser: bool) -> None:
    """Start the parts in the order in which the data flow, and look after them until interrupted."""
    for jars in (BROKER, CONNECTOR):
        ensure(jars, say)
    ready_class_archives(say)
    began, stream = time.monotonic(), live.stream
    named = f"{stream.scenario.title}, {stream.sensors:,} sensors, {stream.rate_per_s:,.4g} readings/s"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertbench-live-")))
        say("starting the broker")
        bootstrap = stack.enter_context(EmbeddedBroker()).bootstrap
        admin = Admin(bootstrap)
        for topic, partitions in ((TOPICS.readings, PARTITIONS), (TOPICS.alerts, 1), (TOPICS.rejects, 1)):
            admin.create(topic, partitions=partitions)
        say(f"Kafka is at {bootstrap}; starting dashboard, pipeline ({live.trigger.name}) and simulator ({named})")
        command, log = dashboard_command(live, bootstrap, folder), folder / "dashboard.log"
        page = stack.enter_context(Child("dashboard", command, log=log, events=True, on_event=_teller(began)))
        # These two would tell more and more, for as long as they live; their logs suffice.
        command, log = pipeline_command(live, bootstrap, folder), folder / "pipeline.log"
        pipeline = stack.enter_context(Child("pipeline", command, log=log))
        command, log = publisher_command(live, bootstrap), folder / "simulator.log"
        publisher = stack.enter_context(Child("simulator", command, log=log))
        url = page.wait_for("ready", timeout_s=READY_S)["url"]
        print(url, flush=True)
        if browser:
            webbrowser.open(url)
        _watch((page, pipeline, publisher))


def _watch(children: Sequence[Child]) -> None:
    """Until interrupted; `ComponentFailed`, with the end of its log, if one of them ends."""
    try:
        while True:
            for child in children:
                child.require_alive()
            time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        say("ending simulator, pipeline, dashboard and broker")
        raise


def _teller(began: float) -> Callable[[dict[str, Any]], None]:
    """What says when the page has its first reading and its first alert, ``began`` being monotonic s."""

    def tell(event: dict[str, Any]) -> None:
        if event["event"] in ("reading", "alert"):
            say(f"the first {event['event']} is on the page after {time.monotonic() - began:.1f} s")

    return tell


def publisher_command(live: Live, bootstrap: str) -> list[str]:
    """The simulator, from now on and for good."""
    command = python_module("sim.publish", "--bootstrap", bootstrap, "--topic", TOPICS.readings)
    command += ["--scenario", live.scenario, "--seed", str(live.stream.seed)]
    return [*command, "--sensors", str(live.stream.sensors), "--speedup", repr(live.stream.speedup)]


def pipeline_command(live: Live, bootstrap: str, folder: Path) -> list[str]:
    """The Spark job, with all its files in ``folder``."""
    command = python_module("pipeline.run", "--bootstrap", bootstrap, "--topic", TOPICS.readings)
    command += ["--alerts-topic", TOPICS.alerts, "--rejects-topic", TOPICS.rejects, "--trigger", live.trigger.name]
    return [*command, "--checkpoint", str(folder / "checkpoint"), "--work-dir", str(folder / "spark")]


def dashboard_command(live: Live, bootstrap: str, folder: Path) -> list[str]:
    """The page, which is told where the sensors stand if they stand in any weather."""
    command = python_module("reports.dashboard", "--bootstrap", bootstrap, "--topic", TOPICS.readings)
    command += [
        "--alerts-topic",
        TOPICS.alerts,
        "--rejects-topic",
        TOPICS.rejects,
        "--port",
        str(live.port),
        "--json-events",
    ]
    if isinstance(live.stream.scenario, WeatherScenario):
        # Its solar library takes a second to import, which no wrong flag shall wait for.
        from sim.generate import sensor_frame

        sensor_frame(live.stream).write_csv(folder / "sensors.csv")
        command += ["--positions", str(folder / "sensors.csv")]
    return command


def say(text: str) -> None:
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    app()
