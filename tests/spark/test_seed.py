"""SEED.md's rows in every mode and through every sink, over a real Kafka."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pytest
from pyspark.sql import DataFrame, SparkSession
from spark.rows import kafka_rows as batch_rows
from spark.rows import reading
from spark.seed_by_hand import GOLDEN, GOLDEN_COLUMNS, MILLISECONDS
from spark.traffic import fresh_topics, read, send, start_job

from base.errors import UsageError
from base.paths import PROJECT_ROOT
from pipeline.alerts import build_alerts, build_readings
from pipeline.announce import Announcer
from pipeline.job import kafka_rows
from pipeline.profiles import TUNED
from pipeline.rules import load_rules
from pipeline.shown import SHOWN_ROWS, Console, MemoryTable
from pipeline.sinks import parquet_checkpoint
from pipeline.transforms import READING_COLUMNS
from pipeline.triggers import Trigger
from pipeline.writers import console_writer, memory_writer, parquet_writer
from wire.alert import ALERT_COLUMNS
from wire.topics import Topics

pytestmark = [pytest.mark.spark, pytest.mark.broker]

RULES = load_rules()

#: The golden rows as the seed's producer sent them, without seq; and its older message in milliseconds.
MESSAGES: list[bytes | None] = [
    *(json.dumps(dict(zip(GOLDEN_COLUMNS, row, strict=True))).encode() for row, _ in GOLDEN),
    MILLISECONDS,
]
#: What must come out, in SEED's column order.
ALERTS = sorted((*row, label) for row, label in GOLDEN if label != "No Alert")
READING_ORDER = ("sensor_id", "temperature", "humidity", "rainfall", "wind_speed", "UV_index", "timestamp")
ALERT_ORDER = ("sensor_id", "temperature", "humidity", "timestamp", "rainfall", "wind_speed", "UV_index", "alert")
NOW_AND_THEN = Trigger.parse("1s", field="trigger")


@pytest.fixture
def topics(broker) -> Topics:
    """Fresh topics, the golden rows in two partitions of one, a malformed record beside them."""
    made = fresh_topics(broker.bootstrap, partitions=2)
    send(broker.bootstrap, made.readings, [*MESSAGES, b'{"sensor_id":'])
    return made


def stream(spark: SparkSession, broker, topics: Topics) -> DataFrame:
    """The topic's readings as a stream from its beginning."""
    return kafka_rows(spark, bootstrap=broker.bootstrap, topic=topics.readings, profile=TUNED)


def wait_for(found: Callable[[], Any], wanted: Any, timeout_s: float = 30.0) -> None:
    """Look until ``found()`` is what is wanted; the last look fails the test."""
    deadline = time.monotonic() + timeout_s
    while (seen := found()) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    assert seen == wanted


class Told(Announcer):
    """An announcer that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(json_events=True)
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.tables: list[tuple[Sequence[str], Sequence[Sequence[Any]], int | None]] = []

    def __call__(self, event: str, **fields: Any) -> None:
        """Keep an event."""
        self.events.append((event, fields))

    def table(self, event, title, columns, rows, *, total, **fields) -> None:
        """Keep a table."""
        self.tables.append((tuple(columns), list(rows), total))


def test_golden_rows_in_a_batch(spark):
    """The seed's printed rows get its labels in its eight columns; the calm ones and the malformed none."""
    rows = batch_rows(spark, [*MESSAGES, b"{", None])
    alerts = build_alerts(rows, RULES)
    assert tuple(alerts.columns) == ALERT_ORDER == ALERT_COLUMNS
    assert dict(alerts.dtypes)["timestamp"] == "double"
    assert sorted(map(tuple, alerts.collect())) == ALERTS
    readings = build_readings(rows)
    assert tuple(readings.columns) == READING_ORDER == READING_COLUMNS
    assert readings.count() == len(MESSAGES)


@pytest.mark.parametrize("trigger", ["0s", "realtime:5s"])
def test_golden_rows_in_a_stream(spark, broker, topics, tmp_path, trigger):
    """In micro-batches and in real-time mode the same rows bring the same alerts, through Kafka both ways."""
    query = start_job(spark, broker.bootstrap, topics, tmp_path, trigger)
    try:
        alerts = [json.loads(message.value()) for message in read(broker.bootstrap, topics.alerts, len(ALERTS))]
        # The malformed record is there: nothing of the golden rows came with it.
        assert len(read(broker.bootstrap, topics.rejects, 1)) == 1
        assert query.isActive
    finally:
        query.stop()
    assert [tuple(alert)[: len(ALERT_ORDER)] for alert in alerts] == [ALERT_ORDER] * len(ALERTS)
    assert sorted(tuple(alert[name] for name in ALERT_ORDER) for alert in alerts) == ALERTS


def test_memory_table_answers_while_it_runs(spark, broker, topics, tmp_path):
    """raw_stream holds the seven fields in order, seconds and milliseconds alike, and starts over when full."""
    told = Told()
    question = "SELECT * FROM raw_stream WHERE sensor_id = 79"
    table = MemoryTable(spark, told, limit=len(MESSAGES) + 1, questions=[question], every_s=0.0)
    table.require_answerable()
    rows = stream(spark, broker, topics)
    query = memory_writer(rows, trigger=NOW_AND_THEN, profile=TUNED, checkpoint=tmp_path).start()
    try:
        wait_for(lambda: spark.table("raw_stream").count(), len(MESSAGES))
        table.poll()
        assert told.tables == [(READING_ORDER, [(79, 34.92, 69.01, 33.04, 9.93, 4.69, 1732985789.438)], 1)]
        assert told.events == []
        send(broker.bootstrap, topics.readings, [reading(sensor_id=1), reading(sensor_id=2)])
        wait_for(lambda: spark.table("raw_stream").count(), len(MESSAGES) + 2)
        table.poll()
        assert told.events == [("emptied", {"table": "raw_stream", "readings": len(MESSAGES) + 2})]
        send(broker.bootstrap, topics.readings, [reading(sensor_id=3)])
        wait_for(lambda: [row.sensor_id for row in spark.table("raw_stream").collect()], [3])
        assert query.isActive
    finally:
        query.stop()


def test_unanswerable_question(spark):
    """SQL that Spark cannot read is refused in one line that names the columns there are."""
    table = MemoryTable(spark, Told(), limit=1, questions=["SELECT temp FROM raw_stream"], every_s=1.0)
    with pytest.raises(
        UsageError, match=r"^--sql 'SELECT temp FROM raw_stream': .*; raw_stream has the columns sensor_id, "
    ):
        table.require_answerable()


def test_console_shows_a_batch(spark, broker, topics, tmp_path):
    """A batch's alerts arrive as the eight columns, counted whole, shown up to a bound."""
    told = Told()
    console = Console(told)
    send(broker.bootstrap, topics.readings, [reading(temperature=40, seq=number) for number in range(SHOWN_ROWS)])
    rows = stream(spark, broker, topics)
    query = (
        console_writer(rows, RULES, console.take, trigger=NOW_AND_THEN, checkpoint=tmp_path)
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    console.poll()
    ((columns, shown, total),) = told.tables
    assert columns == ALERT_ORDER
    assert (len(shown), total) == (SHOWN_ROWS, len(ALERTS) + SHOWN_ROWS)
    # Each record was read and parsed once, although the batch is looked at twice.
    assert query.lastProgress["numInputRows"] == len(MESSAGES) + 1 + SHOWN_ROWS
    assert query.lastProgress["observedMetrics"]["rejects"]["count"] == 1


def test_parquet_resumes(spark, broker, topics, tmp_path):
    """Files hold the eight columns; a restart goes on behind the last batch: no alert lost, none twice."""
    folder = tmp_path / "alerts_parquet"
    for late in ([], [reading(sensor_id=3, wind_speed=21.5, seq=..., timestamp=1732985789438)], []):
        send(broker.bootstrap, topics.readings, late)
        rows = stream(spark, broker, topics)
        writer = parquet_writer(rows, RULES, trigger=NOW_AND_THEN, folder=folder, checkpoint=parquet_checkpoint(folder))
        writer.trigger(availableNow=True).start().awaitTermination()
    written = pl.read_parquet(folder / "*.parquet")
    assert tuple(written.columns) == ALERT_ORDER
    assert written.schema["timestamp"] == pl.Float64
    windy = (3, 25.0, 50.0, 1732985789.438, 0.0, 21.5, 3.0, "High Wind Speed")
    assert sorted(written.rows()) == sorted([*ALERTS, windy])
    assert sorted(map(tuple, spark.read.parquet(str(folder)).collect())) == sorted([*ALERTS, windy])


def test_all_sinks_in_one_command(broker, topics, tmp_path):
    """Four queries in one session, as a person sees them: tables on stdout, Ctrl-C ends all with status 130."""
    command = [sys.executable, "-m", "pipeline.run", "--bootstrap", broker.bootstrap, "--topic", topics.readings]
    command += ["--alerts-topic", topics.alerts, "--rejects-topic", topics.rejects]
    command += ["--sink", "kafka:0s", "--sink", "memory:1s", "--sink", "console:1s", "--sink", "parquet:1s"]
    command += ["--sql", "SELECT count(*) AS readings FROM raw_stream", "--sql-every", "1s"]
    env = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
    with (tmp_path / "err").open("wb") as err:
        process = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=err)
    assert process.stdout is not None
    lines: list[str] = []
    # The table's answer, once it is full, comes behind the console's first batch or before it.
    while "9" not in [line.strip() for line in lines] or not any("console" in line for line in lines):
        line = process.stdout.readline().decode()
        assert line, (tmp_path / "err").read_text()
        lines.append(line.rstrip())
    folder = tmp_path / "alerts_parquet"
    wait_for(lambda: pl.read_parquet(folder / "*.parquet").height if any(folder.glob("*.parquet")) else 0, len(ALERTS))
    assert len(read(broker.bootstrap, topics.alerts, len(ALERTS))) == len(ALERTS)
    process.send_signal(signal.SIGINT)
    # Not communicate(): it would pass over what readline has buffered.
    lines += process.stdout.read().decode().splitlines()
    process.stdout.close()
    process.wait(60)
    told = (tmp_path / "err").read_text().splitlines()
    assert process.returncode == 130, told
    assert (tmp_path / "alerts_checkpoint").is_dir()
    at = next(number for number, line in enumerate(lines) if line.startswith("console: batch 0, 6 alerts"))
    assert lines[at + 1].split() == list(ALERT_ORDER)
    shown = {line.strip() for line in lines[at + 2 : at + 2 + len(ALERTS)]}
    assert any(line.startswith("40") and "1732879703.8874645" in line for line in shown)
    assert any(line.startswith("memory: 1 malformed records left out") for line in told)
    assert [line.split()[0] for line in told if line.startswith(("Spark", "running", "stopped"))] == [
        "Spark",
        *["running:"] * 4,
        *["stopped"] * 4,
    ]
