"""How Spark runs the job: each record parsed once, and the same in a stream as in a batch."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from pyspark.sql import DataFrame
from spark.nasty import RECORDS
from spark.rows import KAFKA_SCHEMA, TOPICS, kafka_rows, reading

from pipeline.alerts import build_alerts, build_output, build_readings
from pipeline.parser import PARSE_READING
from pipeline.progress import ProgressTail
from pipeline.rules import load_rules
from pipeline.topics import warm_topics
from wire.topics import Topics

pytestmark = pytest.mark.spark

RULES = load_rules()


def times_parsed(output: DataFrame) -> tuple[int, int]:
    """How often a record is parsed in the optimized and in the physical plan."""
    execution = output._jdf.queryExecution()
    plans = (execution.optimizedPlan().toString(), execution.executedPlan().toString())
    return plans[0].count(f"{PARSE_READING}("), plans[1].count(f"{PARSE_READING}(")


def test_json_is_parsed_once(spark):
    """Once in the plans of every sink, though the filter for alerts asks for the same fields as what follows it."""
    rows = kafka_rows(spark, [reading()])
    for output in (build_output(rows, RULES, TOPICS), build_alerts(rows, RULES), build_readings(rows)):
        assert times_parsed(output) == (1, 1)


def test_no_python_and_no_shuffle_in_the_row_path(spark):
    """The plan has neither Python workers nor an exchange: real-time mode would refuse the first."""
    output = build_output(kafka_rows(spark, [reading()]), RULES, TOPICS)
    plan = output._jdf.queryExecution().executedPlan().toString()
    assert "Python" not in plan
    assert "Exchange" not in plan


def test_a_warm_up_runs_the_code_that_is_measured(spark):
    """Its topics' names differ, the plan does not; with one topic for alerts and rejects it would."""

    def plan(topics: Topics) -> str:
        output = build_output(kafka_rows(spark, [reading()]), RULES, topics)
        text = output._jdf.queryExecution().optimizedPlan().toString()
        for name in (topics.rejects, topics.alerts):
            text = text.replace(name, "TOPIC")
        # Expressions are numbered throughout the session.
        return re.sub(r"#\d+", "", text)

    scratch = warm_topics("backlog", "scratch")
    assert "TOPIC" in plan(TOPICS)
    assert plan(scratch) == plan(TOPICS)
    assert plan(replace(scratch, rejects=scratch.alerts)) != plan(TOPICS)


def test_stream_equals_batch(spark, tmp_path):
    """The same records through a stream of several batches give the batch's rows, every record counted."""
    values = [value for _, value, _ in RECORDS]
    rows = kafka_rows(spark, values)
    source, sink = str(tmp_path / "in"), str(tmp_path / "out")
    rows.repartition(3).write.parquet(source)
    stream = spark.readStream.schema(KAFKA_SCHEMA).option("maxFilesPerTrigger", 1).parquet(source)
    query = (
        build_output(stream, RULES, TOPICS)
        .writeStream.format("parquet")
        .option("checkpointLocation", str(tmp_path / "checkpoint"))
        .trigger(availableNow=True)
        .start(sink)
    )
    query.awaitTermination()

    def sorted_rows(output: DataFrame) -> list[str]:
        return sorted(map(str, output.select("topic", "key", "value", "headers").collect()))

    assert sorted_rows(spark.read.parquet(sink)) == sorted_rows(build_output(rows, RULES, TOPICS))

    with (tmp_path / "progress.jsonl").open("wb") as file:
        tail = ProgressTail(spark, query, file)
        batches = tail.poll()
        assert tail.poll() == []
    assert [batch["batchId"] for batch in batches] == [0, 1, 2]
    assert sum(batch["numInputRows"] for batch in batches) == len(values)
    assert tail.totals.batches == 3
    lines = (tmp_path / "progress.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == batches
