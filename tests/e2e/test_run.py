"""Whole runs, as a user would start them: real broker, real Spark, real files."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import polars as pl
import psutil
import pytest
from processes import alive, descendants, seen, wait_for

from base.kafka import free_ports
from bench.schema import schema_path
from pipeline.rules import SEED_RULES, load_rules

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

#: A rule of the user's own, after those that come along.
WARM = '[[rule]]\nid = "warm"\nfield = "temperature"\ncomparison = ">="\nthreshold = 28.5\nlabel = "Warm"\n'

#: One cell of a small field: the window is METHOD's 30 s, the readings are few.
ONE_CELL = ["--sensors", "250", "--triggers", "1s", "--partitions", "1"]


def command(out, *args):
    """`python -m bench.run` into ``out``."""
    return [sys.executable, "-m", "bench.run", *ONE_CELL, "--out", str(out), *args]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One finished run, by rules of its own and with a threshold that cannot hold: its folder, and what it printed."""
    out = tmp_path_factory.mktemp("out")
    (out / "mine.toml").write_text(SEED_RULES.read_text() + WARM)
    judged = ["--rules", str(out / "mine.toml")]
    judged += ["--threshold", "quality.by_rule.warm.recall >= 0.1", "--threshold", "latency_ms.due_to_seen.p50 < 1ms"]
    judged += ["--objective", "fidelity.recall_at_deadline.30 >= 0.5"]
    run = command(out, "--json", *judged)
    done = subprocess.run(run, capture_output=True, text=True, timeout=300, check=False, cwd="/")
    assert done.returncode in (3, 6), done.stderr
    return out / "latest", done


def test_json_is_the_result_and_nothing_else(finished):
    """stdout is result.json, which fits its schema; progress went to stderr."""
    folder, done = finished
    result = json.loads(done.stdout)
    assert result == json.loads((folder / "result.json").read_text())
    jsonschema.validate(result, json.loads(schema_path().read_text()))
    assert result["run"]["status"] == "complete"
    assert "[1/1] trigger=1s parts=1 tuned" in done.stderr


def test_every_alert_is_accounted_for(finished):
    """Nothing missing, extra or duplicated; beacons were seen; the trigger shows in the latency."""
    folder, _ = finished
    (cell,) = json.loads((folder / "result.json").read_text())["cells"]
    assert cell["status"] == "done", cell["error"]
    fidelity = cell["fidelity"]
    assert (fidelity["missing"], fidelity["extra"], fidelity["duplicated"]) == (0, 0, 0)
    assert fidelity["seen"] == fidelity["expected"] > 300
    # A reading waits for its trigger: on average half a second, whatever the machine.
    assert cell["latency_ms"]["due_to_seen"]["p50"] > 300
    stages = cell["latency_ms"]["budget"]
    stamps = pl.read_parquet(folder / "cells" / cell["id"] / "stamps.parquet")
    window = stamps.filter(pl.col("due_ns").is_between(*_window(stamps, cell), closed="left")).drop_nulls()
    whole_ms = ((window["seen_ns"] - window["due_ns"]).mean() or 0) / 1e6
    assert sum(stages.values()) == pytest.approx(whole_ms, rel=0.05)


def test_the_rules_are_judged_on_other_days(finished):
    """The run ends with its quality cell: other seeds, other readings, and events for every rule that has any."""
    folder, _ = finished
    result = json.loads((folder / "result.json").read_text())
    cell = result["quality_cell"]
    assert cell["reason"] is None
    assert result["scenario"]["seed"] not in {one["seed"] for one in cell["streams"]}
    assert result["scenario"]["stream_digest"] not in {one["stream_digest"] for one in cell["streams"]}
    for rule, score in cell["quality"]["by_rule"].items():
        assert score["tp"] + score["fn"] == cell["short"].get(rule, score["tp"] + score["fn"])
        assert rule in cell["short"] or score["tp"] + score["fn"] >= cell["wanted_events"]


def test_a_rule_of_ones_own_is_run_and_judged(finished):
    """The job raised its alerts, none too many or too few; truth has its hazards; the file stays with the run."""
    folder, _ = finished
    result = json.loads((folder / "result.json").read_text())
    (cell,) = result["cells"]
    alerts = pl.read_parquet(folder / "cells" / cell["id"] / "alerts.parquet")
    assert alerts["fired"].list.contains("warm").sum() > 50
    assert cell["quality"]["by_rule"]["warm"]["tp"] > 0
    assert "warm" in pl.read_parquet(folder / "stream" / "hazards.parquet")["rule"]
    assert load_rules(folder / "rules.toml") == load_rules(folder.parent / "mine.toml")
    assert result["rules"][-1]["id"] == "warm"


def _window(stamps, cell):
    first = stamps["due_ns"].min() + 5_000_000_000
    return first, first + round(cell["window_s"] * 1e9)


def test_the_result_can_be_recomputed_from_its_files(finished):
    """p50 of the beacons, from stamps.parquet in a few lines, is the one in the result."""
    folder, _ = finished
    result = json.loads((folder / "result.json").read_text())
    (cell,) = result["cells"]
    stamps = pl.read_parquet(folder / "cells" / cell["id"] / "stamps.parquet").filter("beacon")
    scenario_start_us = stamps["event_us"] - (stamps["due_ns"] / 1000 * result["scenario"]["speedup"]).cast(pl.Int64)
    zero = stamps.filter(pl.col("event_us") >= _event_zero_us(folder))
    zero = zero.filter(pl.col("event_us") < _event_zero_us(folder) + 30 * result["scenario"]["speedup"] * 1e6)
    waits = ((zero["seen_ns"] - zero["due_ns"]) / 1e6).sort()
    assert len(scenario_start_us)
    assert len(waits) == cell["latency_ms"]["due_to_seen"]["n"]
    assert waits[-(-len(waits) // 2) - 1] == pytest.approx(cell["latency_ms"]["due_to_seen"]["p50"], abs=1e-3)


def _event_zero_us(folder):
    schedule = pl.read_parquet(folder / "stream" / "schedule.parquet").filter(pl.col("due_ns") >= 0)
    readings = pl.read_parquet(folder / "stream" / "readings.parquet")
    first = schedule.sort("due_ns").head(1).join(readings, on=["sensor_id", "seq"])
    return first["event_us"][0] - round(first["due_ns"][0] / 1000 * 2880)


def test_thresholds_and_objective_are_judged(finished):
    """The one that holds and the one that cannot, in result.json and junit.xml; exit 3 if the cell is valid."""
    folder, done = finished
    result = json.loads((folder / "result.json").read_text())
    (cell,) = result["cells"]
    verdicts = [check["verdict"] for check in result["thresholds"]]
    if cell["verdict"] == "invalid":
        assert verdicts == ["cell invalid"] * 2
    else:
        assert verdicts == ["passed", "failed"]
    assert done.returncode == (3 if cell["verdict"] == "valid" else 6)
    assert result["advice"]["verdict"] == ("holds" if cell["verdict"] == "valid" else "no value")
    (suite,) = ElementTree.parse(folder / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", str(2 - verdicts.count("passed")))


def test_files_and_report_stand_in_the_folder(finished):
    """The tree is the documented one; the report is one file, the figures lie beside it."""
    folder, _ = finished
    for name in ("result.json", "metrics.prom", "config.toml", "report.html", "summary.md", "stream/truth.parquet"):
        assert (folder / name).stat().st_size > 0, name
    assert list((folder / "figures").glob("*.png"))
    cell = next((folder / "cells").iterdir())
    assert {"stamps.parquet", "alerts.parquet", "progress.jsonl"} <= {path.name for path in cell.iterdir()}
    assert not (cell / "checkpoint").exists()


def start(out, *args):
    """A run in the background, in a session of its own so that signals reach it alone."""
    return subprocess.Popen(
        command(out, *args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def jvms(run):
    """The run's processes once its broker and its driver are both among them: each process with its command.

    Other JVMs come and go before (the look for Java, the format of the broker's folder), so the count alone tells
    nothing.
    """
    commands = {one: seen(one, psutil.Process.cmdline) or [] for one in descendants(run.pid)}
    broker = any("kafka.Kafka" in command for command in commands.values())
    driver = any("org.apache.spark.deploy.SparkSubmit" in command for command in commands.values())
    return commands if broker and driver else None


def test_kill_9_leaves_no_process(tmp_path):
    """kill -9 of the harness: within 5 s no Java and no Python process of the run is left, and no broker's data."""
    run = start(tmp_path)
    try:
        processes = wait_for(lambda: jvms(run), 60)
        words = {word for command in processes.values() for word in command}
        (properties,) = {word for word in words if word.endswith("/server.properties")}
        broker_folder = Path(properties).parent
        assert broker_folder.is_dir()
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.communicate()
    time.sleep(5)
    assert [seen(one, psutil.Process.cmdline) for one in alive(processes)] == []
    assert not broker_folder.exists()


def test_ctrl_c_ends_with_a_marked_partial_result(tmp_path):
    """Ctrl-C: exit 130, a result marked partial, a report, and neither a process nor a port left open."""
    (port,) = free_ports(1)
    run = start(tmp_path, "--metrics-port", str(port))
    # Only then is there a result to be marked, and a driver to be ended.
    wait_for(lambda: (tmp_path / "latest" / "result.json").exists() and jvms(run), 60)
    processes = descendants(run.pid)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert b"alertbench_running_info{" in answer.read()
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    folder = Path(tmp_path / "latest")
    result = json.loads((folder / "result.json").read_text())
    assert result["run"]["status"] == "partial"
    assert "interrupted after 0 of 1 cells" in result["warnings"]
    assert "report.html" in out
    assert (folder / "report.html").exists()
    assert alive(processes) == []
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
