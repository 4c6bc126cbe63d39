"""What `--sink` accepts, what it means, and what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from base.errors import UsageError
from pipeline.announce import Announcer
from pipeline.profiles import TUNED, Profile
from pipeline.sinks import (
    ASYNC_OPTION,
    DEFAULT_TRIGGERS,
    SinkName,
    parquet_checkpoint,
    parse_sinks,
    require_parquet_folder,
    require_possible,
)
from pipeline.tables import text_table

ASYNC = Profile(name="tuned-async", tracking={ASYNC_OPTION: "true"})


def spelled(*texts: str, trigger: str | None = None) -> list[str]:
    """The sinks and their triggers, as one would write them out."""
    return [f"{sink.name}:{sink.trigger.name}" for sink in parse_sinks(texts, trigger=trigger)]


def test_defaults():
    """No sink at all is Kafka at 30 s; --trigger is Kafka's; the others have SEED's triggers."""
    assert spelled() == ["kafka:30s"]
    assert spelled(trigger="realtime:5s") == ["kafka:realtime:5s"]
    assert spelled("kafka", "memory", trigger="0s") == ["kafka:0s", "memory:2s"]
    assert spelled("memory", "console", "parquet") == ["memory:2s", "console:30s", "parquet:30s"]
    assert spelled("parquet:5s", "kafka:realtime") == ["parquet:5s", "kafka:realtime:30s"]


@pytest.mark.parametrize(
    ("texts", "trigger", "line"),
    [
        (["parket"], None, "--sink parket: no such sink; did you mean 'parquet'?"),
        (["memory:"], None, "--sink memory: trigger : no trigger; write "),
        (["memory:3x"], None, "--sink memory: trigger 3x: no trigger; write "),
        (["console", "console:1s"], None, "--sink console:1s: there is a console sink already; give each once"),
        (
            ["parquet"],
            "5s",
            "--trigger 5s: it is the kafka sink's, when --sink kafka names none; write --sink parquet:5s",
        ),
        (
            ["kafka:1s"],
            "5s",
            "--trigger 5s: it is the kafka sink's, when --sink kafka names none; write --sink kafka:5s",
        ),
    ],
)
def test_mistakes_are_one_line(texts, trigger, line):
    """The line begins with the flag and the value, and says what to write."""
    with pytest.raises(UsageError) as caught:
        parse_sinks(texts, trigger=trigger)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "profile", "line"),
    [
        ("parquet:realtime", TUNED, "--sink parquet:realtime: Spark 4.2's real-time mode has no parquet sink, only "),
        ("memory:realtime", TUNED, "--sink memory:realtime: Spark 4.2's real-time mode has no "),
        ("console:realtime", TUNED, "--sink console:realtime: Spark 4.2's real-time mode has no "),
        (
            "kafka:realtime",
            ASYNC,
            "--profile tuned-async: Spark 4.2's asynchronous progress tracking has no real-time ",
        ),
        ("console", ASYNC, "--profile tuned-async: Spark 4.2's asynchronous progress tracking has no "),
        ("parquet", ASYNC, "--profile tuned-async: Spark 4.2's asynchronous progress tracking has no "),
    ],
)
def test_impossible_sinks(text, profile, line):
    """The line names the flag, the value, Spark's reason and the remedy."""
    with pytest.raises(UsageError) as caught:
        require_possible(parse_sinks([text], trigger=None), profile)
    said = str(caught.value)
    assert said.startswith(line)
    assert "\n" not in said
    name = text.partition(":")[0]
    remedy = "give --profile tuned" if profile is ASYNC else f"write --sink {name}:{DEFAULT_TRIGGERS[SinkName(name)]}, "
    assert f"; {remedy}" in said


def test_possible_sinks():
    """Every sink in micro-batches, Kafka in real-time mode; Kafka and memory with asynchronous tracking."""
    require_possible(parse_sinks(["memory", "console:0s", "parquet", "kafka:realtime"], trigger=None), TUNED)
    require_possible(parse_sinks(["memory", "kafka"], trigger="0s"), ASYNC)


def test_parquet_folder_and_its_checkpoint(tmp_path):
    """SEED's pair of names; a folder made anew is fine, and so is a pair that belongs together."""
    folder = tmp_path / "alerts_parquet"
    assert parquet_checkpoint(folder) == tmp_path / "alerts_checkpoint"
    assert parquet_checkpoint(Path("out/hot")) == Path("out/hot_checkpoint")
    require_parquet_folder(folder)
    assert folder.is_dir()
    batch_written(folder, parquet_checkpoint(folder))
    require_parquet_folder(folder)


def batch_written(folder: Path, checkpoint: Path) -> None:
    """Leave what a batch leaves in the two logs."""
    for log in (folder / "_spark_metadata", checkpoint / "commits"):
        log.mkdir(parents=True)
        (log / "0").touch()
    (checkpoint / "metadata").touch()


@pytest.mark.parametrize(
    ("lost", "remedy"), [("alerts_checkpoint", "put the checkpoint back"), ("alerts_parquet", "put them back")]
)
def test_half_a_pair_is_refused(tmp_path, lost, remedy):
    """Half of the pair would lose alerts without a word; it is refused with what to do."""
    folder = tmp_path / "alerts_parquet"
    batch_written(folder, parquet_checkpoint(folder))
    (tmp_path / lost).rename(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=f"--parquet-dir .*{remedy}"):
        require_parquet_folder(folder)


def test_tables():
    """Numbers stand to the right, floats as Python writes them, nothing as a dash."""
    rows = [(40, 1732879703.8874645, None, "High UV Index"), (7, 0.5, None, "Low")]
    assert text_table(["sensor_id", "timestamp", "x", "alert"], rows).splitlines() == [
        "sensor_id           timestamp  x  alert",
        "       40  1732879703.8874645  -  High UV Index",
        "        7                 0.5  -  Low",
    ]
    assert text_table(["n"], []) == "n"


def test_people_and_programs_get_the_same_table(capsysbinary):
    """A title and a table on stdout, or one JSON line; rows that are not shown are told of."""
    Announcer(json_events=False).table("answer", "sql: q", ["n"], [(1,), (2,)], total=9, sql="q")
    Announcer(json_events=False).table("answer", "sql: q", ["n"], [(1,)], total=1, sql="q")
    assert capsysbinary.readouterr().out == b"sql: q; the first 2\nn\n1\n2\n\nsql: q\nn\n1\n\n"
    Announcer(json_events=True).table("answer", "sql: q", ["n"], [(1,)], total=None, sql="q")
    assert capsysbinary.readouterr().out == (
        b'{"event":"answer","sql":"q","total":null,"columns":["n"],"rows":[[1]]}\n'
    )
