"""``python -m bench.run --sensors 1000``: the main job, from nothing to a report."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from base.durations import parse_duration_s
from base.errors import ExitCode, UsageError, one_line_errors
from base.kafka_config import read_kafka_config
from base.kafka_security import librdkafka_settings
from base.paths import writable_dir
from base.process import interrupt_on_sigterm, python_module
from bench import config as cfg
from bench.advice import parse_goal
from bench.campaign import estimate_s, execute_run
from bench.capacity.load import with_longest_warmup, with_searched_load
from bench.capacity.slo import MICRO_BATCH, REALTIME, parse_slo
from bench.engines import SPARK, require_template
from bench.matrix import CellSpec, plan
from bench.records import Result
from bench.resume import done_first, stored_run
from bench.store import dump
from bench.stream import require_beacons_alert, resolve
from bench.summary import print_summary
from bench.thresholds import ENV, parse_thresholds, split_env
from pipeline.profiles import profile_named
from pipeline.sinks import Sink, SinkName, require_possible
from pipeline.triggers import Trigger

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

#: Options that `--search-rate` leaves no room for.
SET_BY_SEARCH = ("sensors", "rate", "speedup", "measure", "repeats")

_HELP = """Measure how fast and how right the alert pipeline is, over triggers and partitions.

Starts a Kafka broker, simulates sensors whose every hazard is known, runs the Spark job once for each
cell of the matrix, and writes result.json, report.html and figures below results/.

\b
  python -m bench.run --sensors 1000              six cells, under eight minutes on two cores
  python -m bench.run --sensors 1000 --quick      two cells, under two minutes
  python -m bench.run --triggers realtime,0s,1s --partitions 1,2,4 --repeats 3
  python -m bench.run --broker 127.0.0.1:9092     against a Kafka that already runs
  python -m bench.run --broker HOST:9092 --kafka-config cloud.toml    a secured one (docs/secured-clusters.md)
  python -m bench.run --threshold 'latency_ms.due_to_seen.p99 < trigger + 2s' --threshold 'fidelity.missing == 0'
  python -m bench.run --objective 'fidelity.recall_at_deadline.1 >= 0.99' --minimise cpu --repeats 3
  python -m bench.run --rules rules.toml          judged by rules of your own (docs/own-rules.md)
  python -m bench.run --metrics-port 9464         Prometheus may watch (docs/openmetrics.md)
  python -m bench.run --search-rate --triggers 1s,5s --partitions 1,4    how much each can take

docs/thresholds.md says how a threshold is written, docs/capacity.md how a rate is searched.
An option with an env var below can be set in the environment; a flag wins over it.
Exit: 0 ok, 2 usage, 3 a threshold failed, 5 something missing here, 6 no valid cell, 130 interrupted.
"""


@app.command(help=_HELP)
def main(
    context: typer.Context,
    sensors: Annotated[int, typer.Option(envvar="BENCH_SENSORS", help="How many sensors report.")] = 1000,
    scenario: Annotated[
        str, typer.Option(envvar="BENCH_SCENARIO", metavar="NAME|FILE", help="What is simulated.")
    ] = cfg.DEFAULT_SCENARIO,
    seed: Annotated[int, typer.Option(envvar="BENCH_SEED", help="Same seed, same readings.")] = cfg.DEFAULT_SEED,
    rate: Annotated[
        float | None,
        typer.Option(envvar="BENCH_RATE", help="Readings per second; changes the interval between readings."),
    ] = None,
    speedup: Annotated[
        float | None, typer.Option(envvar="BENCH_SPEEDUP", help="Simulated seconds per second: 2880 is a day in 30 s.")
    ] = None,
    triggers: Annotated[
        str | None,
        typer.Option(envvar="BENCH_TRIGGERS", help=f"List of 0s, 1s, realtime[:30s]...  [{cfg.DEFAULT_TRIGGERS}]"),
    ] = None,
    partitions: Annotated[
        str | None,
        typer.Option(envvar="BENCH_PARTITIONS", help=f"List of partition counts.  [{cfg.DEFAULT_PARTITIONS}]"),
    ] = None,
    profile: Annotated[
        str, typer.Option(envvar="BENCH_PROFILE", help="List of Spark settings: tuned, tuned-async, stock.")
    ] = "tuned",
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="trigger=T,...",
            help="One more cell, such as trigger=30s,partitions=1,profile=stock. Repeatable. The window, which is the "
            "same for all, grows with its trigger.",
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            envvar="BENCH_ENGINE", help="List of spark, plain (the same job in one Python process), command.  [spark]"
        ),
    ] = None,
    pipeline_command: Annotated[
        str | None,
        typer.Option(
            envvar="BENCH_PIPELINE_COMMAND",
            metavar="TEMPLATE",
            help="A pipeline of your own: a command with {bootstrap}, {topic}, {alerts_topic} and, if you like, "
            "{rejects_topic}, {trigger}, {partitions}, {checkpoint}, {rules}.",
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(
            envvar="BENCH_RULES", metavar="FILE", help="Rules of your own (docs/own-rules.md).  [the five of the seed]"
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(envvar="BENCH_REPEATS", help="Rounds over the whole matrix.")] = 1,
    warmup: Annotated[
        str | None,
        typer.Option(
            envvar="BENCH_WARMUP", metavar="DURATION", help="Paced load before the window.  [5s; 30s before 2 minutes]"
        ),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(envvar="BENCH_MEASURE", metavar="DURATION", help="The measuring window.  [30s or more]"),
    ] = None,
    broker: Annotated[
        str, typer.Option(envvar="BENCH_BROKER", metavar="embedded|HOST:PORT", help="Which Kafka.")
    ] = "embedded",
    kafka_config: Annotated[
        Path | None,
        typer.Option(envvar="BENCH_KAFKA_CONFIG", metavar="FILE", help="TOML file for a secured cluster."),
    ] = None,
    spark_master: Annotated[
        str | None, typer.Option(envvar="BENCH_SPARK_MASTER", metavar="URL", help="Spark master.  [local]")
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EXPR",
            help=f"What every cell has to hold: PATH OP LIMIT [{{trigger=1s}}]. Repeatable.  [env var: {ENV}, with ;]",
        ),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(envvar="BENCH_OBJECTIVE", metavar="EXPR", help="Name the cheapest cell that holds it."),
    ] = None,
    minimise: Annotated[
        str | None,
        typer.Option(
            envvar="BENCH_MINIMISE", metavar="PATH", help="With --objective, what is cheap: cpu, latency or a path."
        ),
    ] = None,
    search_rate: Annotated[
        bool,
        typer.Option(
            "--search-rate", help="Search the highest rate that each cell sustains under the SLO; sets the load itself."
        ),
    ] = False,
    slo: Annotated[
        str | None,
        typer.Option(
            envvar="BENCH_SLO",
            metavar="EXPR",
            help=f"With --search-rate, what has to hold.  [{MICRO_BATCH}; real-time {REALTIME}]",
        ),
    ] = None,
    quick: Annotated[bool, typer.Option(help="A real-time and a 1 s cell at one partition.")] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            envvar="BENCH_METRICS_PORT",
            metavar="PORT",
            help="Serve /metrics on 127.0.0.1 while it runs, for Prometheus; 0: any free port.  [off]",
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="Go on with a run that was cut off: its folder, or its id below --out. Takes no axes."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Print the plan and stop.")] = False,
    out: Annotated[Path, typer.Option(envvar="BENCH_OUT", metavar="DIR", help="Folder for results.")] = Path("results"),
    json: Annotated[bool, typer.Option("--json", help="Print result.json on stdout, and nothing else.")] = False,
) -> None:
    """See `_HELP`."""
    if metrics_port is not None:
        cfg.require_between(metrics_port, 0, 65535, field="--metrics-port")
    if resume is not None:
        why = "--resume goes on with what was asked for then"
        refuse_others(context, why, but=("resume", "dry_run", "out", "json", "metrics_port"))
        stored, config, _ = stored_run(resume, out)
        if metrics_port is not None:
            config = config.model_copy(update={"metrics_port": metrics_port})
        raise SystemExit(int(go(config, dry_run=dry_run, json=json, stored=stored)))
    if search_rate:
        refuse(context, "--search-rate sets the load, and tries rates as often as it has to", *SET_BY_SEARCH)
    elif slo is not None:
        raise UsageError(f"--slo {slo}: what is searched? add --search-rate, or give it as --threshold")
    cfg.require_between(sensors, 1, 10_000_000, field="--sensors")
    cfg.require_between(repeats, 1, 100, field="--repeats")
    names = cfg.split_list(triggers or (cfg.QUICK_TRIGGERS if quick else cfg.DEFAULT_TRIGGERS), field="--triggers")
    parsed = [Trigger.parse(name, field="--triggers") for name in names]
    asked_s = parse_duration_s(measure, field="--measure") if measure is not None else None
    counts = cfg.parse_partitions(partitions or (cfg.QUICK_PARTITIONS if quick else cfg.DEFAULT_PARTITIONS))
    profiles = cfg.parse_profiles(profile)
    more = tuple(cfg.parse_also(text, partitions=counts[0], profile=profiles[0]) for text in also or [])
    config = cfg.RunConfig(
        sensors=sensors,
        scenario=scenario,
        seed=seed,
        rate=rate,
        speedup=speedup,
        triggers=tuple(trigger.name for trigger in parsed),
        partitions=counts,
        profiles=profiles,
        also=more,
        engines=cfg.parse_engines(engine, pipeline_command),
        pipeline_command=None
        if pipeline_command is None
        else require_template(pipeline_command, field="--pipeline-command"),
        rules=str(rules) if rules is not None else None,
        repeats=repeats,
        warmup_s=cfg.DEFAULT_WARMUP_S if warmup is None else parse_duration_s(warmup, field="--warmup"),
        window_s=cfg.window_for([*parsed, *(cfg.also_cell(one)[0] for one in more)], asked_s),
        spark_warmup_s=cfg.QUICK_SPARK_WARMUP_S if quick else cfg.SPARK_WARMUP_S,
        drain_s=cfg.QUICK_DRAIN_S if quick or search_rate else cfg.DRAIN_S,
        broker=broker,
        kafka_config=str(kafka_config) if kafka_config is not None else None,
        spark_master=spark_master,
        quick=quick,
        search_rate=search_rate,
        slo=slo,
        thresholds=tuple(threshold or split_env(os.environ.get(ENV, ""))),
        objective=objective,
        minimise=minimise,
        metrics_port=metrics_port,
        out=str(out),
    )
    if search_rate:
        config = with_searched_load(config)
    elif warmup is None:
        config = with_default_warmup(config)
    raise SystemExit(int(go(config, dry_run=dry_run, json=json)))


def with_default_warmup(config: cfg.RunConfig) -> cfg.RunConfig:
    """``config`` with a warm-up that fits its window, and for which the scenario has readings."""
    spec = resolve(config)
    most_s = spec.scenario.lead_s / spec.speedup
    return config.model_copy(update={"warmup_s": cfg.warmup_for(config.window_s, most_s=most_s)})


def go(config: cfg.RunConfig, *, dry_run: bool, json: bool, stored: Result | None = None) -> ExitCode:
    """Check what only the whole configuration tells, run, or go on with ``stored``, and report."""
    cells, rules = plan(config), config.alert_rules()
    parse_thresholds(config.thresholds, cells, rules)
    parse_goal(config.objective, config.minimise, cells, rules)
    parse_slo(config.slo, cells)
    for cell in cells:
        if cell.engine == SPARK:
            sink = Sink(name=SinkName.KAFKA, trigger=cell.trigger, flag=f"--triggers {cell.trigger.name}")
            require_possible([sink], profile_named(cell.profile, field="--profile"))
    spec = resolve(config)
    spec.require_lead(-with_longest_warmup(config).warmup_s * spec.speedup)
    whose = f"--scenario {config.scenario}" if config.rules is None else f"--rules {config.rules}"
    require_beacons_alert(spec, rules, field=whose)
    secured = Path(config.kafka_config) if config.kafka_config is not None else None
    settings = librdkafka_settings(cfg.require_fitting(config.broker, read_kafka_config(secured)))
    if dry_run:
        print_plan(config, cells if stored is None else done_first(cells, stored)[1], spec.rate_per_s)
        return ExitCode.OK
    writable_dir(Path(config.out), field="--out")
    interrupt_on_sigterm()
    result, folder = execute_run(config, spec, settings, stored)
    report = render(folder)
    if json:
        sys.stdout.buffer.write(dump(result))
    else:
        print_summary(Console(highlight=False), result, report)
    return exit_code(result)


def refuse_others(context: typer.Context, why: str, *, but: Sequence[str]) -> None:
    """As `refuse`, for all options ``but`` some."""
    refuse(context, why, *(name for one in context.command.params if (name := one.name or "") not in but))


def refuse(context: typer.Context, why: str, *names: str) -> None:
    """Raise `UsageError` for an option of the command line that would not be heeded, and ``why``."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is not None and source.name == "COMMANDLINE":
            raise UsageError(f"{why}; leave {parameter.opts[0]} out")


def print_plan(config: cfg.RunConfig, cells: list[CellSpec], rate_per_s: float) -> None:
    """What would run, in which order, and for how long."""
    load = f"{config.sensors:,} sensors, {rate_per_s:,.0f} readings/s"
    if config.search_rate:
        load = f"a search, at first {rate_per_s:,.0f} readings/s"
    print(f"{load}, scenario {config.scenario}, seed {config.seed}")
    for number, cell in enumerate(cells, 1):
        print(f"{number:3}  {cell.id}  about {estimate_s(config, cell):.0f} s")
    print(f"{len(cells)} cells, about {(sum(estimate_s(config, cell) for cell in cells) + 30) / 60:.0f} min")


def render(folder: Path) -> Path | None:
    """Have the report written by a process of its own; a failure there loses no measurement."""
    done = subprocess.run(
        python_module("reports.render", str(folder)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
    )
    report = folder / "report.html"
    if done.returncode != 0 or not report.exists():
        print(f"warning: no report was written; try `python -m reports.render {folder}`", file=sys.stderr)
        return None
    return report


def exit_code(result: Result) -> ExitCode:
    """130 for an interrupted run, 6 for one without a valid cell, 3 if a threshold failed, else 0."""
    if result.run.status == "partial":
        return ExitCode.INTERRUPTED
    if not any(cell.verdict == "valid" for cell in result.cells):
        return ExitCode.NO_VALID_CELL
    return ExitCode.THRESHOLD if result.failed_checks else ExitCode.OK


if __name__ == "__main__":
    one_line_errors(app)()
