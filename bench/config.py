"""One run's configuration: a frozen value, checked whole before anything starts, stored with the result."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from base.errors import UsageError, did_you_mean
from base.kafka_security import KafkaSecurity
from bench.engines import COMMAND, ENGINES, SPARK
from pipeline.profiles import profile_named
from pipeline.rules import AlertRule, load_rules
from pipeline.triggers import Trigger

DEFAULT_SENSORS = 1000
DEFAULT_SEED = 42
DEFAULT_SCENARIO = "temperate-day"
DEFAULT_TRIGGERS = "realtime,1s,5s"
DEFAULT_PARTITIONS = "1,4"
QUICK_TRIGGERS = "realtime,1s"
QUICK_PARTITIONS = "1"
DEFAULT_WARMUP_S = 5.0
LONGEST_WARMUP_S = 30.0
#: The least a window may last (METHOD: 30 s, four micro-batches, one whole real-time batch).
MIN_WINDOW_S = 30.0
#: How long a driver may warm its session up: whole runs, `--quick`.
SPARK_WARMUP_S = 16.0
QUICK_SPARK_WARMUP_S = 7.0
#: How long a driver may time the drain of the backlog after the window, if its warm-up could not.
DRAIN_S = 10.0
QUICK_DRAIN_S = 0.0


#: The axes of a cell of our Spark job.
AXES = ("trigger", "partitions", "profile")


class RunConfig(BaseModel):
    """What one `bench.run` does; every axis is a tuple."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sensors: int = DEFAULT_SENSORS
    scenario: str = DEFAULT_SCENARIO
    seed: int = DEFAULT_SEED
    rate: float | None = None
    speedup: float | None = None
    triggers: tuple[str, ...]
    partitions: tuple[int, ...]
    profiles: tuple[str, ...] = ("tuned",)
    engines: tuple[str, ...] = (SPARK,)
    #: Single cells of Spark's beside the matrix, each ``trigger=30s,partitions=1,profile=stock``.
    also: tuple[str, ...] = ()
    #: How a pipeline of the user's is started, places not filled in.
    pipeline_command: str | None = None
    #: The file of the rules that are run and judged by: the user's, then the run's copy of it. None: the seed's five.
    rules: str | None = None
    repeats: int = 1
    warmup_s: float = DEFAULT_WARMUP_S
    window_s: float
    #: How long a driver may warm its session up.
    spark_warmup_s: float = SPARK_WARMUP_S
    #: How long it may time the drain of its backlog after the window, if its warm-up could not.
    drain_s: float = DRAIN_S
    broker: str = "embedded"
    #: The file itself is read by every process that connects; nothing of its contents is kept.
    kafka_config: str | None = None
    spark_master: str | None = None
    quick: bool = False
    #: Whether every point of the matrix is a search for the highest rate; then sensors, speedup and window follow.
    search_rate: bool = False
    #: What that rate is held to, as written; None: the default of the cell's mode.
    slo: str | None = None
    #: As written; `bench.thresholds` and `bench.advice` read them, before the run and again at its end.
    thresholds: tuple[str, ...] = ()
    objective: str | None = None
    minimise: str | None = None
    #: Where ``/metrics`` is served meanwhile. Nothing of the run depends on it, but whoever scrapes costs CPU.
    metrics_port: int | None = None
    out: str = "results"

    def parsed_triggers(self) -> list[Trigger]:
        """The triggers as values."""
        return [Trigger.parse(text, field="--triggers") for text in self.triggers]

    def stored(self) -> dict[str, Any]:
        """The configuration as the result file and config.toml hold it: no None (TOML has none)."""
        return {key: value for key, value in self.model_dump(mode="json").items() if value is not None}

    def alert_rules(self) -> tuple[AlertRule, ...]:
        """The rules that are run and judged by; raises `UsageError` for a file that is wrong."""
        return load_rules(None if self.rules is None else Path(self.rules))

    def rules_flag(self) -> list[str]:
        """What the command line of a pipeline of ours holds if the rules are not those that it has by itself."""
        return [] if self.rules is None else ["--rules", self.rules]

    def kafka_config_flag(self) -> list[str]:
        """What the command line of every child that connects to the cluster holds besides its address."""
        return [] if self.kafka_config is None else ["--kafka-config", self.kafka_config]

    def rerun_command(self) -> str:
        """A command line that does the same again, whatever the environment says by then."""
        words = ["python", "-m", "bench.run"]
        words += ["--search-rate"] if self.search_rate else ["--sensors", str(self.sensors)]
        words += ["--scenario", self.scenario, "--seed", str(self.seed), "--triggers", ",".join(self.triggers)]
        words += ["--partitions", ",".join(map(str, self.partitions)), "--profile", ",".join(self.profiles)]
        if not self.search_rate:
            words += ["--repeats", str(self.repeats)]
        words += ["--warmup", f"{self.warmup_s:g}s"]
        if not self.search_rate:
            words += ["--measure", f"{self.window_s:g}s"]
            for flag, value in (("--rate", self.rate), ("--speedup", self.speedup)):
                words += [flag, f"{value:g}"] if value is not None else []
        if self.broker != "embedded":
            words += ["--broker", self.broker]
        words += [*self.kafka_config_flag(), *self.rules_flag()]
        if self.spark_master is not None:
            words += ["--spark-master", self.spark_master]
        if self.engines != (SPARK,):
            words += ["--engine", ",".join(self.engines)]
        for cell in self.also:
            words += ["--also", cell]
        if self.pipeline_command is not None:
            words += ["--pipeline-command", self.pipeline_command]
        if self.quick:
            words.append("--quick")
        for threshold in self.thresholds:
            words += ["--threshold", threshold]
        for flag, text in (("--slo", self.slo), ("--objective", self.objective), ("--minimise", self.minimise)):
            if text is not None:
                words += [flag, text]
        return shlex.join(words)


def window_for(triggers: list[Trigger], asked_s: float | None, *, least_s: float = MIN_WINDOW_S) -> float:
    """The measuring window in s: one for all cells, a whole multiple of every trigger.

    At least ``least_s``, at least four of the longest micro-batch trigger and one whole real-time batch.
    Raises `UsageError` if ``asked_s`` is none of the lengths allowed, naming the next one that is.
    """
    micro = [trigger.seconds for trigger in triggers if not trigger.is_realtime]
    realtime = [trigger.seconds for trigger in triggers if trigger.is_realtime]
    least_s = max([least_s, *(4 * s for s in micro), *realtime])
    # In whole milliseconds, so that a multiple is exact.
    steps = [round(s * 1000) for s in [*micro, *realtime] if s > 0]
    # One second is the grid of everything that is shown over time.
    step_ms = math.lcm(1000, *steps)
    floor_ms = max(round(least_s * 1000), round((asked_s or 0) * 1000))
    window_s = -(-floor_ms // step_ms) * step_ms / 1000
    if asked_s is not None and round(asked_s * 1000) != round(window_s * 1000):
        raise UsageError(
            f"--measure {asked_s:g}s: the window must be a whole multiple of every trigger and at least "
            f"{least_s:g}s for these; the next length that is: {window_s:g}s"
        )
    return window_s


def warmup_for(window_s: float, *, most_s: float) -> float:
    """The paced warm-up before a window, s: 5 before one of 30 s, up to 30 before one of two minutes, whole seconds.

    Batches get faster for two minutes, while Java compiles what happens between them. In a long window that shows,
    and a cell of which the halves differ tells nothing. ``most_s``: for how long there are readings before it.
    """
    wanted_s = min((window_s - MIN_WINDOW_S) / 3, LONGEST_WARMUP_S, most_s)
    return max(DEFAULT_WARMUP_S, float(math.floor(wanted_s)))


def split_list(text: str, *, field: str) -> list[str]:
    """The parts of ``a,b,c``; empty parts and repeats are errors that name ``field``."""
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise UsageError(f"{field} '{text}': an empty value in the list; write values separated by single commas")
    doubled = sorted({part for part in parts if parts.count(part) > 1})
    if doubled:
        raise UsageError(f"{field} '{text}': {doubled[0]} stands there twice; name each once and use --repeats")
    return parts


def parse_partitions(text: str) -> tuple[int, ...]:
    """``1,4`` as numbers of partitions; each 1 to 64."""
    counts = []
    for part in split_list(text, field="--partitions"):
        if not part.isdigit() or not 1 <= int(part) <= 64:
            raise UsageError(f"--partitions {part}: not a number of partitions; write whole numbers from 1 to 64")
        counts.append(int(part))
    return tuple(counts)


def parse_profiles(text: str) -> tuple[str, ...]:
    """``tuned,stock`` as profile names that exist."""
    return tuple(profile_named(name, field="--profile").name for name in split_list(text, field="--profile"))


def parse_engines(text: str | None, pipeline_command: str | None) -> tuple[str, ...]:
    """``spark,plain`` as engines; without ``text`` the user's own command if there is one, else Spark."""
    if text is None:
        return (COMMAND,) if pipeline_command is not None else (SPARK,)
    engines = split_list(text, field="--engine")
    for engine in engines:
        if engine not in ENGINES:
            raise UsageError(f"--engine {engine}: no such engine{did_you_mean(engine, ENGINES)}")
    if (COMMAND in engines) is not (pipeline_command is not None):
        raise UsageError(f"--engine {text}: 'command' and --pipeline-command go together; give both or neither")
    return tuple(engines)


def parse_also(text: str, *, partitions: int, profile: str) -> str:
    """One ``--also`` with all three axes, those that it leaves out being ``partitions`` and ``profile``."""
    field = f"--also '{text}'"
    found: dict[str, str] = {}
    for part in split_list(text, field=field):
        axis, _, value = map(str.strip, part.partition("="))
        if axis not in AXES:
            raise UsageError(f"{field}: a cell has no '{axis}'{did_you_mean(axis, AXES)}")
        if not value or axis in found:
            raise UsageError(f"{field}: give {axis} one value, as in trigger=30s,partitions=1,profile=stock")
        found[axis] = value
    if "trigger" not in found:
        raise UsageError(f"{field}: which trigger? write trigger=30s, for instance")
    trigger = Trigger.parse(found["trigger"], field=f"{field}: trigger").name
    (count,) = parse_partitions(found.get("partitions", str(partitions)))
    name = profile_named(found.get("profile", profile), field=f"{field}: profile").name
    return f"trigger={trigger},partitions={count},profile={name}"


def also_cell(text: str) -> tuple[Trigger, int, str]:
    """What `parse_also` made, as trigger, partitions and profile."""
    axes = dict(part.split("=") for part in text.split(","))
    return Trigger.parse(axes["trigger"], field="--also"), int(axes["partitions"]), axes["profile"]


def require_fitting(broker: str, security: KafkaSecurity) -> KafkaSecurity:
    """``security``, a `UsageError` if the broker that ``--broker`` names cannot have it."""
    if broker == "embedded" and security.protocol != "PLAINTEXT":
        raise UsageError(
            f"--kafka-config: protocol = '{security.protocol}', and the embedded broker has no security; "
            "name your cluster with --broker HOST:PORT, or leave --kafka-config out"
        )
    return security


def require_between(value: float, low: float, high: float, *, field: str) -> None:
    """A `UsageError` unless ``low <= value <= high``."""
    if not low <= value <= high:
        raise UsageError(f"{field} {value:g}: out of range; give a value from {low:g} to {high:g}")


def default_out() -> Path:
    """Where results go unless told otherwise: ``results`` in the current folder."""
    return Path("results")
