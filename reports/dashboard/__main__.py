"""``python -m reports.dashboard``: a pipeline's topics, its Parquet folder or a finished run, as one live page."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from base.durations import parse_duration_s
from base.errors import UsageError, one_line_errors
from base.jsonl import emit
from base.kafka_config import read_kafka_config
from base.kafka_security import librdkafka_settings
from base.process import interrupt_on_sigterm
from reports.dashboard.app import dashboard
from reports.dashboard.events import Source
from reports.dashboard.feed import Feed
from reports.dashboard.kafka_source import KafkaSource
from reports.dashboard.parquet_source import ParquetSource
from reports.dashboard.replay_source import ReplaySource
from reports.dashboard.serve import PageServer
from reports.dashboard.state import Kept
from wire.topics import Topics

_HELP = """Show readings, alerts, latency and backlog as they come: one page at 127.0.0.1, until Ctrl-C.

\b
  python -m reports.dashboard --bootstrap 127.0.0.1:9092       the topics of a pipeline
  python -m reports.dashboard --parquet alerts_parquet         the folder of its Parquet sink
  python -m reports.dashboard --run results/latest --pace 2    a finished run, twice as fast

It reads and never writes, but for one offset by which a measured run tells that it was watched. Prints its URL.
"""

#: How long the main thread sleeps at a time, s.
_NAP_S = 0.5

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=_HELP)
@one_line_errors
def main(
    bootstrap: Annotated[str, typer.Option(help="The Kafka cluster, HOST:PORT.")] = "localhost:9092",
    topic: Annotated[str, typer.Option(help="Topic of the readings.")] = "sensor",
    alerts_topic: Annotated[str, typer.Option(help="Topic of the alerts.")] = "alerts",
    rejects_topic: Annotated[
        str | None, typer.Option(help="Topic of malformed records.  [default: TOPIC-rejected]", show_default=False)
    ] = None,
    kafka_config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file for a secured cluster (docs/secured-clusters.md).")
    ] = None,
    parquet: Annotated[Path | None, typer.Option(metavar="DIR", help="Follow a Parquet sink instead of Kafka.")] = None,
    run: Annotated[Path | None, typer.Option(metavar="RUN", help="Replay a finished run instead of Kafka.")] = None,
    cell: Annotated[str | None, typer.Option(help="Which of its cells.  [default: the first]")] = None,
    pace: Annotated[float, typer.Option(help="How fast a run is replayed; 1 is as it went.")] = 1.0,
    positions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV with sensor_id, x_km, y_km; sim.generate writes one.")
    ] = None,
    refresh: Annotated[str, typer.Option(metavar="DUR", help="How often the page is drawn anew.")] = "5s",
    port: Annotated[int, typer.Option(help="Port of 127.0.0.1; 0 is any that is free.")] = 8050,
    json_events: Annotated[
        bool, typer.Option("--json-events", help="JSON lines on stdout instead of the URL.")
    ] = False,
) -> None:
    """See `_HELP`."""
    refresh_s = parse_duration_s(refresh, field="--refresh")
    # Dash drops the answer to a tick once the next one is asked: a page drawn too often would show nothing.
    if refresh_s < 1:
        raise UsageError(f"--refresh {refresh}: a page cannot be drawn as often; give 1s or more")
    places = None if positions is None else read_positions(positions)
    source = _source(
        parquet=parquet,
        run=run,
        cell=cell,
        pace=pace,
        kafka=lambda: KafkaSource(
            bootstrap,
            Topics(readings=topic, alerts=alerts_topic, rejects=rejects_topic or f"{topic}-rejected"),
            librdkafka_settings(read_kafka_config(kafka_config)),
        ),
    )
    interrupt_on_sigterm()
    # Whatever is watched, and perhaps measured, comes first.
    os.nice(10)
    feed = Feed(source, notice=FirstEvents() if json_events else lambda _: None)
    with PageServer(dashboard(feed, refresh_s=refresh_s, positions=places), port) as server, feed:
        if json_events:
            emit("ready", url=server.url)
        else:
            print(f"{feed.about.source}; Ctrl-C stops", file=sys.stderr)
            print(server.url, flush=True)
        while True:
            # No endless wait for a lock: polars has SIGINT restart system calls, and that one would go on.
            time.sleep(_NAP_S)


def _source(
    *, parquet: Path | None, run: Path | None, cell: str | None, pace: float, kafka: Callable[[], Source]
) -> Source:
    """The one source that the flags name; `UsageError` for two, and for a flag of one that is not meant."""
    if parquet is not None and run is not None:
        raise UsageError("--parquet and --run are two sources; leave one of them out")
    if run is None and cell is not None:
        raise UsageError(f"--cell {cell}: it is a finished run's; add --run RUN, or leave it out")
    if not pace > 0:
        raise UsageError(f"--pace {pace:g}: give a number above 0")
    if run is not None:
        return ReplaySource(run, cell=cell, pace=pace)
    return ParquetSource(parquet) if parquet is not None else kafka()


def read_positions(path: Path) -> pl.DataFrame:
    """sensor_id, x_km, y_km from a CSV file; raises `UsageError` if they are not in it."""
    try:
        columns = {"sensor_id": pl.Int64, "x_km": pl.Float64, "y_km": pl.Float64}
        return pl.read_csv(path, columns=list(columns), schema_overrides=columns)
    except (OSError, pl.exceptions.PolarsError) as error:
        why = str(error).splitlines()[0]
        raise UsageError(
            f"--positions {path}: {why}; write a CSV file with the columns sensor_id, x_km and y_km"
        ) from error


class FirstEvents:
    """Tells once that the first reading is there to be seen, and once that the first alert is."""

    def __init__(self) -> None:
        self._untold = ["reading", "alert"]

    def __call__(self, kept: Kept) -> None:
        """Look at one more state."""
        there = {"reading": kept.readings_seen > 0, "alert": not kept.totals.is_empty()}
        for event in [one for one in self._untold if there[one]]:
            emit(event)
            self._untold.remove(event)


if __name__ == "__main__":
    app()
