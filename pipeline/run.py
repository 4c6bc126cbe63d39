"""``python -m pipeline.run``: the alert job against any Kafka, until it is told to stop."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from base.durations import parse_duration_s
from base.errors import AlertbenchError, ExitCode, UsageError, one_line_errors
from base.kafka_config import read_kafka_config
from pipeline.announce import Announcer
from pipeline.profiles import profile_named
from pipeline.rules import load_rules
from pipeline.service import RunConfig, WarmUp, run
from pipeline.sinks import Sink, SinkName, parse_sinks, require_possible
from pipeline.stopping import Stop
from pipeline.topics import job_topics, warm_topics


class StartingOffsets(StrEnum):
    """Where a job without a checkpoint begins to read."""

    EARLIEST = "earliest"
    LATEST = "latest"


_EXAMPLE = (
    "Example: python -m pipeline.run --topic sensor --sink console:10s --sink memory "
    "--sql 'SELECT count(*) AS readings FROM raw_stream'"
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog=_EXAMPLE)
def main(
    bootstrap: Annotated[str, typer.Option(help="The Kafka cluster, HOST:PORT.")] = "localhost:9092",
    topic: Annotated[str, typer.Option(help="Topic of the readings; it must exist.")] = "sensor",
    alerts_topic: Annotated[str, typer.Option(help="Topic for alerts; created if missing.")] = "alerts",
    rejects_topic: Annotated[
        str | None,
        typer.Option(help="Topic for malformed records; created if missing. \\[default: TOPIC-rejected]"),
    ] = None,
    sink: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:TRIGGER]",
            help="kafka (alerts and rejects to topics), memory (readings to the table raw_stream; 2s), console "
            "(alerts to stdout; 30s) or parquet (alerts to files; 30s). Repeatable. \\[default: kafka]",
        ),
    ] = None,
    trigger: Annotated[
        str | None,
        typer.Option(help="The kafka sink's: 0s, 100ms, 30s, realtime or realtime:DURATION. \\[default: 30s]"),
    ] = None,
    rules: Annotated[Path | None, typer.Option(help="TOML file of rules. \\[default: the five seed rules]")] = None,
    profile: Annotated[str, typer.Option(help="Settings: tuned, tuned-async or stock.")] = "tuned",
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder from which the kafka sink resumes. \\[default: a fresh one]")
    ] = None,
    parquet_dir: Annotated[
        Path,
        typer.Option(
            help="Folder of the parquet sink. It resumes from the checkpoint beside it, X_checkpoint for X_parquet."
        ),
    ] = Path("alerts_parquet"),
    sql: Annotated[
        list[str] | None,
        typer.Option(metavar="SELECT", help="Ask the memory sink's table, print the answer. Repeatable."),
    ] = None,
    sql_every: Annotated[str, typer.Option(metavar="DUR", help="How often to ask.")] = "5s",
    memory_rows: Annotated[
        int, typer.Option(help="The memory sink's table starts over when it holds so many readings.")
    ] = 1_000_000,
    spark_master: Annotated[str | None, typer.Option(help="Spark master. \\[default: local, enough slots]")] = None,
    for_: Annotated[str | None, typer.Option("--for", help="Stop after this long. \\[default: run on]")] = None,
    progress: Annotated[Path | None, typer.Option(help="File for Spark's progress, a JSON line a batch.")] = None,
    starting_offsets: Annotated[
        StartingOffsets, typer.Option(help="Where to begin without a checkpoint.")
    ] = StartingOffsets.EARLIEST,
    work_dir: Annotated[
        Path | None, typer.Option(help="Folder for Spark's own files and log. \\[default: temporary]")
    ] = None,
    warm_topic: Annotated[str | None, typer.Option(help="A backlog to warm the session up on.")] = None,
    warm_alerts_topic: Annotated[
        str | None, typer.Option(help="Scratch topic for its alerts; its rejects go to NAME-rejected.")
    ] = None,
    warm_limit: Annotated[str, typer.Option(help="The longest warm-up.")] = "20s",
    wait_for_go: Annotated[
        bool, typer.Option("--wait-for-go", help="Begin the warm-up at a line `go` on stdin; takes --json-events.")
    ] = False,
    warm_meanwhile: Annotated[
        bool,
        typer.Option(
            "--warm-meanwhile",
            help="Warm up before the `go` of --wait-for-go as well; that counts for half of --warm-limit at most.",
        ),
    ] = False,
    warm_whole: Annotated[
        bool, typer.Option("--warm-whole", help="Warm up for all of --warm-limit, however warm the session is by then.")
    ] = False,
    drain_limit: Annotated[
        str, typer.Option(help="At the end, time draining the backlog for so long if the warm-up could not.")
    ] = "0s",
    kafka_config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file for a secured cluster (docs/secured-clusters.md).")
    ] = None,
    record_classes: Annotated[
        bool, typer.Option("--record-classes", help="Record Java's class archive, for drivers to start sooner.")
    ] = False,
    json_events: Annotated[bool, typer.Option(help="JSON lines on stdout; `stop` or EOF on stdin ends.")] = False,
) -> None:
    """Turn sensor readings into alerts, one Spark query for each sink, until Ctrl-C.

    Readings come from Kafka. Alerts go to topics, to stdout or to Parquet
    files; the readings go to a table in memory that answers SQL meanwhile.
    """
    # py4j logs a traceback through the root logger for every call to a JVM that is gone. What there
    # is to say of that, we say in one line.
    logging.getLogger().addHandler(logging.NullHandler())
    announce, stop = Announcer(json_events=json_events), Stop()
    try:
        if (warm_topic is None) != (warm_alerts_topic is None):
            raise UsageError("--warm-topic and --warm-alerts-topic go together; give both or neither")
        if wait_for_go and not (json_events and warm_topic is not None):
            raise UsageError("--wait-for-go: the warm-up waits for a word on stdin; add --warm-topic and --json-events")
        if warm_meanwhile and not wait_for_go:
            raise UsageError("--warm-meanwhile: there is no wait without --wait-for-go; add it, or leave the flag out")
        topics = job_topics(topic, alerts_topic, rejects_topic)
        sinks = parse_sinks(sink or [], trigger=trigger)
        chosen = profile_named(profile, field="--profile")
        require_possible(sinks, chosen)
        _require_used(sinks, SinkName.KAFKA, "--checkpoint", checkpoint, "it is the kafka sink's")
        _require_used(sinks, SinkName.KAFKA, "--warm-topic", warm_topic, "it warms the kafka sink's query")
        _require_used(sinks, SinkName.MEMORY, "--sql", next(iter(sql or ()), None), "it asks the memory sink's table")
        if memory_rows < 1:
            raise UsageError(f"--memory-rows {memory_rows}: a table holds at least one reading; give 1 or more")
        warm = None
        if warm_topic is not None and warm_alerts_topic is not None:
            warm = WarmUp(
                topics=warm_topics(warm_topic, warm_alerts_topic),
                waits=wait_for_go,
                meanwhile=warm_meanwhile,
                limit_s=parse_duration_s(warm_limit, field="--warm-limit"),
                whole=warm_whole,
                drain_limit_s=parse_duration_s(drain_limit, field="--drain-limit"),
            )
        config = RunConfig(
            bootstrap=bootstrap,
            topics=topics,
            sinks=sinks,
            rules=load_rules(rules),
            profile=chosen,
            checkpoint=checkpoint,
            master=spark_master,
            starting_offsets=starting_offsets.value,
            for_s=None if for_ is None else parse_duration_s(for_, field="--for"),
            progress=progress,
            warm=warm,
            work_dir=work_dir,
            kafka=read_kafka_config(kafka_config),
            parquet_dir=parquet_dir,
            memory_rows=memory_rows,
            sql=tuple(sql or ()),
            sql_every_s=parse_duration_s(sql_every, field="--sql-every"),
            record_classes=record_classes,
        )
        if json_events:
            stop.heed_stdin()
        run(config, announce, stop)
    except AlertbenchError as error:
        announce("failed", reason=str(error))
        raise
    if stop.reason == "SIGINT":
        raise typer.Exit(int(ExitCode.INTERRUPTED))


def _require_used(sinks: Sequence[Sink], name: SinkName, flag: str, value: object, why: str) -> None:
    """Raise `UsageError` for a flag that none of the run's sinks would heed."""
    if value is not None and all(sink.name != name for sink in sinks):
        raise UsageError(f"{flag} {value}: {why}; add --sink {name}, or leave the flag out")


if __name__ == "__main__":
    one_line_errors(app)()
