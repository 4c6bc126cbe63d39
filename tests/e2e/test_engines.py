"""Pipelines that are not our Spark job, whole runs: judged alike, by what stands in the topics."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import uuid
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from base.jars import spark_connector_jars
from base.paths import PROJECT_ROOT
from base.process import GRACE_S

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

#: Name of a variable that every process of a run inherits.
MARK = "ALERTBENCH_TEST_RUN"

#: What a busy machine may do to a cell, and no pipeline.
HOST_RULES = {"host noise", "not steady", "late generator", "offered rate", "clock", "instrument load"}


def started(program: str, *words: str) -> str:
    """The template that runs an example, ``words`` and their places behind it."""
    path = PROJECT_ROOT / "examples" / "pipelines" / program
    return f"{shlex.join([sys.executable, str(path)])} {' '.join(words)}"


PLAIN_CONSUMER = started("plain_consumer.py", "{bootstrap} {topic} {alerts_topic}")
SCALA = started("scala_pipeline.py", "{bootstrap} {topic} {alerts_topic}")
SEED_SPARK = started(
    "seed_spark.py",
    "--bootstrap {bootstrap} --topic {topic} --alerts-topic {alerts_topic}",
    "--trigger {trigger} --checkpoint {checkpoint} --jars",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run that has ended: its command's template, its cells by engine, and the processes that it left behind."""

    template: str
    cells: dict[str, dict[str, Any]]
    left: list[str]


def still_running(mark: str) -> list[str]:
    """The command lines of all processes with ``mark`` in their environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == mark:
                found.append(shlex.join(process.cmdline()))
    return found


@pytest.fixture(scope="module")
def ended(request, tmp_path_factory) -> Ended:
    """A run of a small field by the engines and the command of ``request.param``, at two partitions."""
    engines, template = request.param
    if template == SEED_SPARK:
        template += " " + shlex.quote(",".join(map(str, spark_connector_jars())))
    folder, mark = tmp_path_factory.mktemp("run"), uuid.uuid4().hex
    command = [sys.executable, "-m", "bench.run", "--quick", "--sensors", "250", "--partitions", "2"]
    command += ["--triggers", "1s", "--engine", engines, "--pipeline-command", template, "--json"]
    # Somewhere else than here, as Spark leaves things in the current folder.
    env = os.environ | {MARK: mark}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=folder, env=env)
    assert done.returncode in (0, 6), done.stderr
    cells = {cell["params"]["engine"]: cell for cell in json.loads(done.stdout)["cells"]}
    return Ended(template=template, cells=cells, left=still_running(mark))


CONSUMER, SPARK, JVM = ("plain,command", PLAIN_CONSUMER), ("command", SEED_SPARK), ("command", SCALA)
RUNS = [pytest.param(CONSUMER, id="consumer")]
RUNS += [pytest.param(run, id=name, marks=pytest.mark.long) for run, name in ((SPARK, "spark"), (JVM, "scala"))]
every_run = pytest.mark.parametrize("ended", RUNS, indirect=True)


@every_run
def test_every_alert_is_found(ended):
    """None missing, extra or doubled: alerts without an id are known again, and probes are nobody's alerts."""
    for cell in ended.cells.values():
        assert cell["status"] == "done", cell["error"]
        assert cell["fidelity"]["expected"] > 1000
        assert [cell["fidelity"][name] for name in ("missing", "extra", "duplicated")] == [0, 0, 0]
        assert cell["latency_ms"]["due_to_seen"]["p50"] > 0


@every_run
def test_only_the_machine_may_speak_against_it(ended):
    """A cell is valid, unless other work on this machine spoils it."""
    for cell in ended.cells.values():
        assert {reason["rule"] for reason in cell["reasons"]} <= HOST_RULES


@every_run
def test_what_only_our_spark_job_tells_is_null(ended):
    """No batches, no drain rate, no boundaries; the reason stands beside."""
    for cell in ended.cells.values():
        assert (cell["batch_ms"], cell["boundary_stall_ms"], cell["throughput"]["drain_per_s"]) == (None, None, None)
        assert "drain_per_s" in cell["throughput"]["reasons"]


@every_run
def test_it_ends_when_it_is_told_to(ended):
    """SIGTERM is enough, no SIGKILL follows; and no process of the run is left, be it a JVM behind a script."""
    for cell in ended.cells.values():
        assert cell["phases_s"]["ending the pipeline"] < GRACE_S
    assert ended.left == []


@every_run
def test_a_trigger_is_heeded_by_who_is_told_one(ended):
    """A command without the place has one cell, shown as 0s; one that is told 1s lets alerts wait half a second."""
    cell = ended.cells["command"]
    if "{trigger}" in ended.template:
        assert cell["params"]["trigger"] == "1s"
        assert cell["latency_ms"]["due_to_seen"]["p50"] > 300
    else:
        assert cell["params"]["trigger"] == "0s"


@pytest.mark.parametrize("ended", [CONSUMER], ids=["consumer"], indirect=True)
def test_the_plain_engine_fires_all_rules(ended):
    """It names every rule that holds, so it finds what one that tells a single label may not."""
    plain, command = ended.cells["plain"], ended.cells["command"]
    assert plain["quality"]["all"]["recall"] >= command["quality"]["all"]["recall"]
    assert plain["fidelity"]["rejects_seen"] == plain["fidelity"]["rejects_expected"]
