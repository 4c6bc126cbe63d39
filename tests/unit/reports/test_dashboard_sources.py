"""The dashboard's sources but Kafka's: Spark's Parquet folder by its log, and a stored run played again."""

from __future__ import annotations

from pathlib import Path

import orjson
import polars as pl
import pytest
from unit.reports import stored_runs

from base.errors import UsageError
from reports.dashboard import parquet_source, replay_source
from reports.dashboard.parquet_source import ParquetSource
from reports.dashboard.replay_source import ReplaySource
from wire.alert import ALERT_COLUMNS

WRITTEN_MS = 1_782_043_230_000


class SparkFolder:
    """A folder as Spark's file sink leaves it, its log written by hand in Spark's own form."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "_spark_metadata"
        self.log.mkdir(parents=True)
        self._entries: list[dict] = []
        self._batch = 0

    def write(self, name: str, sensors: list[int]) -> None:
        """A data file with one alert of each of ``sensors``, which nobody has committed."""
        rows = [(n, 36.5, 40.0, 1_782_043_200.25 + n, 0.0, 3.0, 7.0, "High Temperature") for n in sensors]
        pl.DataFrame(rows, schema=list(ALERT_COLUMNS), orient="row").write_parquet(self.folder / name)

    def commit(self, *names: str) -> None:
        """The next batch, of the files ``names``; every tenth is compacted, as Spark does it."""
        entries = [
            {
                "path": f"file:///somewhere/else/{name.replace(' ', '%20')}",
                "size": 1,
                "isDir": False,
                "modificationTime": WRITTEN_MS,
                "blockReplication": 1,
                "blockSize": 33_554_432,
                "action": "add",
            }
            for name in names
        ]
        self._entries += entries
        compacted = self._batch % 10 == 9
        lines = [orjson.dumps(one).decode() for one in (self._entries if compacted else entries)]
        path = self.log / f"{self._batch}{'.compact' if compacted else ''}"
        path.write_text("\n".join(["v1", *lines]))
        # Hadoop's checksums lie beside.
        (self.log / f".{path.name}.crc").write_bytes(b"crc")
        self._batch += 1


@pytest.fixture
def spark(tmp_path):
    """An empty folder of a Parquet sink."""
    return SparkFolder(tmp_path / "alerts_parquet")


def sensors(source) -> list[int]:
    """The sensors of the alerts that one look finds."""
    return source.poll(0.0).alerts["sensor_id"].to_list()


def test_only_committed_files_count(spark):
    """A file that lies there and stands in no batch of the log is not read; once it does, it is, once."""
    spark.write("part-0.parquet", [1])
    spark.write("half.parquet", [2])
    spark.commit("part-0.parquet")
    source = ParquetSource(spark.folder)
    assert sensors(source) == [1]
    assert sensors(source) == []
    spark.commit("half.parquet")
    assert sensors(source) == [2]


def test_a_file_is_read_once_whatever_compaction_repeats(spark):
    """Over thirty batches, three of them compacted, every alert comes once and in order, whenever one looks."""
    source, seen = ParquetSource(spark.folder), []
    for number in range(30):
        spark.write(f"part {number}.parquet", [number + 1])
        spark.commit(f"part {number}.parquet")
        if number % 4 == 3:
            seen += sensors(source)
    seen += sensors(source)
    assert seen == list(range(1, 31))
    assert sensors(ParquetSource(spark.folder)) == seen


def test_no_file_is_opened_twice(spark, monkeypatch):
    """A tick costs what is new: files of earlier ticks are not touched again."""
    spark.write("a.parquet", [1])
    spark.commit("a.parquet")
    source = ParquetSource(spark.folder)
    assert sensors(source) == [1]
    (spark.folder / "a.parquet").unlink()
    opened = []
    monkeypatch.setattr(parquet_source.ParquetSource, "_read", lambda self, file: opened.append(file.name))
    source.poll(0.0)
    assert opened == []


def test_an_alert_brings_its_reading(spark):
    """The metrics come from the alerts' own columns; they arrived when the file was written."""
    spark.write("a.parquet", [7])
    spark.commit("a.parquet")
    batch = ParquetSource(spark.folder).poll(0.0)
    (reading,) = batch.readings.rows(named=True)
    assert (reading["sensor_id"], reading["temperature"], reading["UV_index"]) == (7, 36.5, 7.0)
    assert reading["event_us"] == 1_782_043_207_250_000
    assert reading["at_ms"] == WRITTEN_MS
    assert batch.alerts["alert"].to_list() == ["High Temperature"]
    assert ParquetSource(spark.folder).about.latency == ""


def test_a_folder_that_is_not_there_yet(tmp_path):
    """Before the sink's first batch the source says so, and finds the folder when it comes."""
    source = ParquetSource(tmp_path / "alerts_parquet")
    assert "no _spark_metadata yet" in source.poll(0.0).trouble
    later = SparkFolder(tmp_path / "alerts_parquet")
    later.write("a.parquet", [1])
    later.commit("a.parquet")
    batch = source.poll(0.0)
    assert (batch.trouble, batch.alerts.height) == ("", 1)


def test_what_cannot_be_read_costs_itself_alone(spark):
    """A file that is gone, one that is no Parquet and a log of an unknown version stop nothing but themselves."""
    spark.write("good.parquet", [1])
    (spark.folder / "bad.parquet").write_bytes(b"PAR1")
    spark.commit("gone.parquet", "bad.parquet", "good.parquet")
    source = ParquetSource(spark.folder)
    assert sensors(source) == [1]
    (spark.log / "1").write_text("v9\n{}")
    assert "is of version v9" in source.poll(0.0).trouble


def test_of_an_old_folder_only_the_newest_files_are_read(spark, monkeypatch):
    """A folder that has grown for days does not delay the page."""
    monkeypatch.setattr(parquet_source, "MOST_FILES", 3)
    for number in range(8):
        spark.write(f"{number}.parquet", [number + 1])
        spark.commit(f"{number}.parquet")
    assert sensors(ParquetSource(spark.folder)) == [6, 7, 8]


CELL = "1s-p1-tuned-r1"


@pytest.fixture
def run(tmp_path):
    """A stored run of one cell, with the columns of its alerts that a replay needs."""
    folder = stored_runs.store(tmp_path / "run", stored_runs.result(cells=[stored_runs.cell("1s", 1, p50=600.0)]))
    frames = stored_runs.stream()
    seen = stored_runs.stamps(frames["schedule"], wait_ms=600.0).select("sensor_id", "seq", "seen_ns")
    alerts = stored_runs.alerts(frames["truth"]).join(seen, on=["sensor_id", "seq"])
    times = frames["truth"].select(pl.col("sensor_id", "seq").cast(pl.Int64), timestamp=pl.col("event_us") / 1e6)
    alerts.join(times, on=["sensor_id", "seq"]).write_parquet(folder / "cells" / CELL / "alerts.parquet")
    return folder


def whole(source: ReplaySource, clock: list[float]) -> pl.DataFrame:
    """All alerts of a replay, looked at ten times a second, with the stamp of the look."""
    found = []
    while not (batch := source.poll(0.0)).ended:
        found.append(batch.alerts.with_columns(now_ms=pl.lit(batch.now_ms)))
        clock[0] += 0.1
    return pl.concat([*found, batch.alerts.with_columns(now_ms=pl.lit(batch.now_ms))])


def test_a_replay_tells_each_alert_when_it_was_seen(run):
    """Every alert comes once, at the first look after it was seen, and never before."""
    clock = [0.0]
    source = ReplaySource(run, cell=None, pace=1.0, clock=lambda: clock[0])
    alerts = whole(source, clock)
    stored = pl.read_parquet(run / "cells" / CELL / "alerts.parquet")
    assert sorted(alerts["at_ms"]) == sorted(stored["seen_ns"] // 1_000_000)
    waited_ms = alerts["now_ms"] - alerts["at_ms"]
    assert waited_ms.min() >= 0
    assert waited_ms.max() <= 101


def test_a_replay_may_be_faster(run):
    """At ten times the pace a tenth of the looks suffice, and the same alerts come."""
    looks = []
    for pace in (1.0, 10.0):
        clock = [0.0]
        source = ReplaySource(run, cell=CELL, pace=pace, clock=lambda clock=clock: clock[0])
        looks.append((whole(source, clock).height, clock[0]))
    (alerts, slow_s), (again, fast_s) = looks
    assert alerts == again > 0
    assert fast_s == pytest.approx(slow_s / 10, abs=0.2)


def test_a_replay_has_the_latencies_of_its_run(run):
    """Due to seen of the replayed alerts is the 600 ms that the run stored, to the millisecond."""
    clock = [1e9]
    source = ReplaySource(run, cell=CELL, pace=1.0, clock=lambda: clock[0])
    source.poll(0.0)
    clock[0] += 1e6
    batch = source.poll(0.0)
    both = batch.alerts.join(batch.readings, on=["sensor_id", "event_us"], suffix="_reading")
    waits = both["at_ms"] - both["at_ms_reading"]
    assert both.height > 0
    assert set(waits) <= {600, 601}


@pytest.mark.parametrize(
    ("cell", "gone", "said"),
    [
        ("5s-p1-tuned-r1", None, "did you mean '1s-p1-tuned-r1'?"),
        (None, "stream/schedule.parquet", "stream/schedule.parquet is not there"),
    ],
)
def test_a_run_that_cannot_be_replayed(run, cell, gone, said):
    """A cell that was not measured and a file that is gone are named."""
    if gone is not None:
        (run / gone).unlink()
    with pytest.raises(UsageError, match=r"--cell|--run") as raised:
        ReplaySource(run, cell=cell, pace=1.0)
    assert said in str(raised.value)


def test_rejects_of_a_run_are_those_of_its_cell(run):
    """The collector's file holds alerts, rejects and probes; of it only the cell's rejects are replayed."""
    topics = replay_source.cell_topics("20260101T000000Z-nogit-x", CELL)
    names = [topics.alerts, topics.rejects, topics.rejects]
    stamps = [stored_runs.ZERO_NS + n * 1_000_000 for n in range(3)]
    pl.DataFrame({"topic": names, "seen_ns": stamps}).write_parquet(run / "cells" / CELL / "collected.parquet")
    stored = replay_source.open_run(run)
    stored.result.run.id = "20260101T000000Z-nogit-x"
    assert replay_source._rejects(stored, CELL).height == 2
