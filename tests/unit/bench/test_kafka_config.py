"""A secured cluster reaches every process of a run, and its secret reaches no command line and no result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.bench.builders import a_config

from base.errors import UsageError
from base.kafka_security import PLAINTEXT, KafkaSecurity
from base.process import python_module
from bench import cell_parts, floor, jobs
from bench.capacity.trial import TrialCell
from bench.cell_parts import Bench
from bench.config import require_fitting
from bench.matrix import plan
from bench.phases import StartedCell
from pipeline.rules import load_rules
from sim.scenario import load_scenario
from sim.stream import resolve_stream
from wire.topics import cell_topics

CONFIG = a_config(broker="127.0.0.1:9092", kafka_config="cloud.toml")


class Recorder:
    """Stands for `Child` and `Admin`: notes the commands, starts and connects nothing."""

    commands: list[list[str]]

    def __init__(self, *args: Any, **_: Any) -> None:
        if isinstance(args[1], list):
            self.commands.append(args[1])

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: {"acked": jobs.BACKLOG_READINGS}

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Anything:
    """Has every attribute and takes every call."""

    def __getattr__(self, _: str) -> Any:
        return self

    def __call__(self, *_: object, **__: object) -> Any:
        """As said."""
        return self


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been started."""
    Recorder.commands = []
    for module in (cell_parts, jobs, floor):
        monkeypatch.setattr(module, "Child", Recorder)
        monkeypatch.setattr(module, "Admin", Recorder)
    monkeypatch.setattr(jobs, "read_deliveries", lambda _: [])
    return Recorder.commands


def a_bench(**changes: Any) -> Bench:
    """A run on a cluster of the user's own."""
    fields: dict[str, Any] = {
        "run_id": "r",
        "config": CONFIG,
        "broker": Anything(),
        "settings": {"sasl.password": "hunter2"},
        "rules": load_rules(),
        "judge": Anything(),
        "stream": Anything(),
        "backlogs": {1: "backlog-1", 4: "backlog-4"},
        "view": Anything(),
    }
    fields["broker"].__dict__["bootstrap"] = "127.0.0.1:9092"
    fields["stream"].__dict__["deliveries"] = Path("deliveries.parquet")
    return Bench(**{**fields, **changes})


def test_every_child_that_connects_is_given_the_file(commands: list[list[str]], tmp_path: Path):
    """Pipeline, publisher, collector, backlog publishers and both of the floor: each command names it once."""
    bench, spec = a_bench(), plan(CONFIG)[0]
    topics = cell_topics("r", spec.id)
    cell_parts.start_pipeline(spec, topics, bench, tmp_path)
    cell_parts.start_publisher(spec, topics, bench, tmp_path, print)
    cell_parts.start_collector(python_module("bench.collector"), topics, bench, tmp_path, Anything(), print)  # type: ignore[arg-type]
    jobs.Feed(bench, tmp_path / "logs").finish()
    store, result = Anything(), Anything()
    store.__dict__["folder"] = tmp_path
    jobs.FloorJob(bench=bench, store=store, result=result).start()  # type: ignore[arg-type]
    started = [command[command.index("-m") + 1] for command in commands]
    backlogs = ["sim.resend", "sim.resend"]
    assert started == ["pipeline.run", "sim.resend", "bench.collector", *backlogs, "bench.collector", "sim.publish"]
    for command in commands:
        assert command.count("--kafka-config") == 1
        assert command[command.index("--kafka-config") + 1] == "cloud.toml"
        assert "hunter2" not in " ".join(command)


def test_the_backlog_of_a_search_holds_a_day(commands: list[list[str]], tmp_path: Path):
    """Readings every ten minutes of so many sensors, noon among them; any other run's are the first of all sensors."""
    for sensors, search_rate in ((2083, False), (2083, True), (500, True)):
        stream = Anything()
        stream.__dict__["spec"] = resolve_stream(load_scenario("temperate-day"), seed=42, sensors=sensors)
        stream.__dict__["deliveries"] = Path("deliveries.parquet")
        config = CONFIG.model_copy(update={"search_rate": search_rate})
        jobs.Feed(a_bench(config=config, stream=stream, backlogs={1: "backlog-1"}), tmp_path / "logs").finish()
    cell, trial, small = commands
    assert "--sensors" not in cell
    assert [command[command.index("--sensors") + 1] for command in (trial, small)] == ["694", "500"]


def test_the_publisher_of_a_trial_gathers_for_longer(commands: list[list[str]], tmp_path: Path):
    """Its requests would bound what is found; any other cell's readings leave as they become due."""
    spec = plan(CONFIG)[0]
    for kind in (StartedCell, TrialCell):
        cell_parts.start_publisher(spec, cell_topics("r", spec.id), a_bench(), tmp_path, print, kind.tick_s)
    cell, trial = commands
    assert "--tick" not in cell
    assert trial[trial.index("--tick") + 1] == "2ms"


def test_the_secret_is_in_nothing_that_is_kept():
    """The stored configuration and the rerun command name the file; a Bench that is printed hides its settings."""
    assert CONFIG.stored()["kafka_config"] == "cloud.toml"
    assert "--kafka-config cloud.toml" in CONFIG.rerun_command()
    assert "kafka_config" not in a_config().stored()
    assert "--kafka-config" not in a_config().rerun_command()
    assert "hunter2" not in repr(a_bench())


def test_the_embedded_broker_has_no_security():
    """A secured configuration for it is refused with both ways out; for another cluster it is taken."""
    secured = KafkaSecurity(protocol="SSL")
    with pytest.raises(
        UsageError, match="protocol = 'SSL', and the embedded broker has no security; name your cluster"
    ):
        require_fitting("embedded", secured)
    assert require_fitting("127.0.0.1:9092", secured) is secured
    assert require_fitting("embedded", PLAINTEXT) is PLAINTEXT
