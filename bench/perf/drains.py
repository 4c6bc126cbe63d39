"""Drains of one backlog by a Spark session, each query in turn: ``python -m bench.perf.drains``.

Started by `bench.perf.pipeline`, which names the next query on a line of stdin; its rate comes back as an event.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pyspark.sql import DataFrame, SparkSession

from base.errors import ComponentFailed, one_line_errors
from base.jsonl import emit
from bench.perf.obvious import obvious
from pipeline.alerts import build_output
from pipeline.job import kafka_rows
from pipeline.profiles import STOCK, TUNED, Profile, profile_named
from pipeline.progress import ProgressTail, batch_ms
from pipeline.rules import load_rules
from pipeline.session import spark_session
from wire.topics import Topics


@dataclass(frozen=True, kw_only=True)
class Query:
    """A formulation, the settings of its source and sink, and where what comes out goes: ``noop`` or ``kafka``."""

    formulation: str
    profile: Profile
    sink: str


#: By the name that `bench.perf.pipeline` calls each; a session runs those of its own profile.
QUERIES = {
    "scan": Query(formulation="scan", profile=TUNED, sink="noop"),
    "obvious, stock": Query(formulation="obvious", profile=STOCK, sink="noop"),
    "obvious, tuned": Query(formulation="obvious", profile=TUNED, sink="noop"),
    "ours, tuned": Query(formulation="ours", profile=TUNED, sink="noop"),
    "ours, tuned, alerts to Kafka": Query(formulation="ours", profile=TUNED, sink="kafka"),
    "obvious, stock, alerts to Kafka": Query(formulation="obvious", profile=STOCK, sink="kafka"),
}


class Drains:
    """Runs queries over the whole of a topic, one after the other."""

    def __init__(self, spark: SparkSession, *, bootstrap: str, topics: Topics, folder: Path) -> None:
        self._spark, self._bootstrap, self._topics, self._folder = spark, bootstrap, topics, folder
        self._rules = load_rules()
        self._count = 0

    def drain(self, name: str) -> dict[str, Any]:
        """One pass: how many readings, and in how many seconds from the batch's trigger to its commit."""
        query = QUERIES[name]
        self._count += 1
        rows = kafka_rows(self._spark, bootstrap=self._bootstrap, topic=self._topics.readings, profile=query.profile)
        writer = (
            self._output(rows, query)
            .writeStream.format(query.sink)
            .queryName(f"drain-{self._count}")
            .outputMode("update")
            .option("checkpointLocation", str(self._folder / f"checkpoint-{self._count}"))
            .trigger(availableNow=True)
        )
        if query.sink == "kafka":
            writer = writer.option("kafka.bootstrap.servers", self._bootstrap).options(**query.profile.sink)
        running = writer.start()
        running.awaitTermination()
        batches = ProgressTail(self._spark, running).poll()
        readings = sum(batch["numInputRows"] for batch in batches)
        if not readings:
            raise ComponentFailed(f"'{name}' read nothing of {self._topics.readings}")
        return {"readings": readings, "seconds": sum(map(batch_ms, batches)) / 1000.0}

    def _output(self, rows: DataFrame, query: Query) -> DataFrame:
        if query.formulation == "scan":
            return rows.select("value")
        if query.formulation == "obvious":
            return obvious(rows, self._topics.alerts)
        return build_output(rows, self._rules, self._topics)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@one_line_errors
def main(
    bootstrap: Annotated[str, typer.Option(help="Kafka's HOST:PORT.")],
    topic: Annotated[str, typer.Option(help="The backlog.")],
    alerts_topic: Annotated[str, typer.Option(help="Scratch topic for alerts and rejects.")],
    profile: Annotated[str, typer.Option(help="The session's settings.")],
    cores: Annotated[int, typer.Option(help="Threads that Spark works with.")] = 2,
) -> None:
    """Drain a backlog by the queries that are named on stdin; started by bench.perf."""
    topics = Topics(readings=topic, alerts=alerts_topic, rejects=alerts_topic)
    with (
        tempfile.TemporaryDirectory(prefix="alertbench-drains-") as folder,
        spark_session(f"local[{cores}]", profile_named(profile, field="--profile"), Path(folder)) as spark,
    ):
        drains = Drains(spark, bootstrap=bootstrap, topics=topics, folder=Path(folder))
        emit("ready")
        for line in sys.stdin:
            name = line.strip()
            emit("pass", name=name, **drains.drain(name))


if __name__ == "__main__":
    app()
