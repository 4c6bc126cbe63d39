"""What the job is started with: profiles, slots, and which modules need Spark at all."""

from __future__ import annotations

import subprocess
import sys

import pytest

from base.errors import UsageError
from pipeline.profiles import PROFILES, STOCK, TUNED, TUNED_ASYNC, profile_named
from pipeline.session import choose_master, session_settings
from pipeline.triggers import Trigger

REALTIME = Trigger(seconds=30, is_realtime=True)
MICRO_BATCH = Trigger(seconds=1)


def test_profiles():
    """Stock changes nothing; tuned has the two file keys and the latency options."""
    assert (STOCK.session, STOCK.source, STOCK.sink, STOCK.realtime_sink) == ({}, {}, {}, {})
    assert TUNED.session["spark.hadoop.fs.file.impl"].endswith("RawLocalFileSystem")
    assert "checkpointFileManagerClass" in str(TUNED.session)
    assert TUNED.source["kafka.fetch.max.wait.ms"] == "10"
    assert "kafka.linger.ms" not in TUNED.sink
    assert TUNED.realtime_sink["kafka.linger.ms"] == "0"
    assert TUNED.tracking == {}
    assert TUNED_ASYNC.tracking["asyncProgressTrackingEnabled"] == "true"
    assert TUNED_ASYNC.session.items() > TUNED.session.items()
    assert profile_named("stock", field="--profile") is PROFILES["stock"]


def test_unknown_profile():
    """The error names the nearest profile."""
    with pytest.raises(UsageError, match=r"--profile tunned: .*did you mean 'tuned'\?"):
        profile_named("tunned", field="--profile")


def test_slots(monkeypatch):
    """A slot per partition: of micro-batches at least the cores, and two; real-time two more, at least four."""
    monkeypatch.setattr("pipeline.session.os.cpu_count", lambda: 3)
    assert choose_master([REALTIME], 1, None) == "local[4]"
    assert choose_master([REALTIME], 4, None) == "local[6]"
    assert choose_master([MICRO_BATCH], 1, None) == "local[3]"
    assert choose_master([MICRO_BATCH], 16, None) == "local[16]"
    assert choose_master([REALTIME], 4, "local[4]") == "local[4]"
    assert choose_master([MICRO_BATCH], 4, "local[1]") == "local[1]"
    assert choose_master([REALTIME], 4, "spark://elsewhere:7077") == "spark://elsewhere:7077"


def test_a_real_time_query_leaves_a_slot_to_the_others():
    """A master of just the partitions' slots serves a real-time query alone, and is refused beside others."""
    assert choose_master([MICRO_BATCH, REALTIME], 4, "local[5]") == "local[5]"
    with pytest.raises(UsageError, match=r"has 4, and the other sinks need one; write local\[6\]"):
        choose_master([MICRO_BATCH, REALTIME], 4, "local[4]")


@pytest.mark.parametrize("master", ["local", "local[3]", "local[3,2]"])
def test_too_few_slots_for_real_time(master):
    """A local master that would leave partitions unread is refused with one that would not."""
    with pytest.raises(UsageError, match=r"--spark-master local.* 4; write local\[6\]"):
        choose_master([REALTIME], 4, master)


def test_session_keeps_to_its_folder(tmp_path, monkeypatch):
    """Spark's folders lie in the work folder, it talks to this machine only, in UTC; the profile has the last word."""
    monkeypatch.setattr("pipeline.session.spark_connector_jars", lambda: [tmp_path / "a.jar", tmp_path / "b.jar"])
    monkeypatch.setattr("pipeline.session.parser_jar", lambda: tmp_path / "parser.jar")
    settings = session_settings("local[2]", TUNED, tmp_path)
    assert settings["spark.local.dir"].startswith(str(tmp_path))
    assert settings["spark.sql.warehouse.dir"].startswith(str(tmp_path))
    assert settings["spark.jars"].split(",") == [str(tmp_path / name) for name in ("a.jar", "b.jar", "parser.jar")]
    assert {settings["spark.driver.host"], settings["spark.driver.bindAddress"]} == {"127.0.0.1"}
    assert settings["spark.sql.session.timeZone"] == "UTC"
    assert settings.items() >= TUNED.session.items()


def test_the_bench_needs_no_spark():
    """Rules, triggers, profiles, sinks and the reference are importable without importing PySpark."""
    code = (
        "import sys, pipeline.rules, pipeline.triggers, pipeline.profiles, pipeline.reference, pipeline.sinks; "
        "sys.exit('pyspark' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
