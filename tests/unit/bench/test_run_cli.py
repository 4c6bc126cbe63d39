"""Bad input is one line that names the field, the value and the remedy; nothing is started or written."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from base.kafka import free_ports
from base.paths import PROJECT_ROOT


def bench_run(*args, env=None):
    """`python -m bench.run` with these arguments."""
    return subprocess.run(
        [sys.executable, "-m", "bench.run", *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(env or {})},
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--scenario", "temperate-dya"], ["temperate-dya", "did you mean 'temperate-day'"]),
        (["--sensors", "0"], ["--sensors 0"]),
        (["--triggers", "3x"], ["--triggers 3x", "1s"]),
        (["--triggers", "realtime:2s"], ["realtime:2s", "5s"]),
        (
            ["--triggers", "1s,realtime", "--profile", "tuned-async"],
            ["--profile tuned-async", "--triggers realtime:30s"],
        ),
        (["--triggers", "1s,,5s"], ["--triggers"]),
        (["--partitions", "0"], ["--partitions 0"]),
        (["--profile", "tunde"], ["--profile tunde", "did you mean 'tuned'"]),
        (["--rate", "-1"], ["--rate -1"]),
        (["--measure", "33s"], ["--measure 33s", "60s"]),
        (["--warmup", "5"], ["--warmup", "5s"]),
        (["--warmup", "10min"], ["lead"]),
        (["--broker", "nonsense"], ["--broker nonsense", "HOST:PORT"]),
        (["--kafka-config", "/no/such/file"], ["--kafka-config /no/such/file"]),
        (["--repeats", "0"], ["--repeats 0"]),
        (["--resume", "some-run", "--sensors", "5"], ["--resume", "leave --sensors out"]),
        (["--resume", "some-run", "--metrics-port", "0"], ["--resume", "some-run: no result there"]),
        (["--metrics-port", "65536"], ["--metrics-port 65536", "65535"]),
        (["--engine", "flink"], ["--engine flink"]),
        (["--also", "partitions=2"], ["--also 'partitions=2'", "which trigger"]),
        (["--pipeline-command", "job {topic}"], ["--pipeline-command", "{bootstrap}"]),
        (
            ["--threshold", "fidelity.missing == 0", "--threshold", "latency_ms.due_to_sen.p99 < 2s"],
            ["--threshold 'latency_ms.due_to_sen.p99 < 2s'", "did you mean 'latency_ms.due_to_seen.p99'"],
        ),
        (["--threshold", "fidelity.missing == 0 {trigger=2s}"], ["{trigger=2s}'", "realtime:30s, 1s, 5s"]),
        (["--objective", "fidelity.missing == 0", "--minimise", "cpus"], ["--minimise", "did you mean 'cpu'"]),
        (["--minimise", "cpu"], ["--minimise cpu", "--objective"]),
        (["--search-rate", "--rate", "9000"], ["--search-rate sets the load", "leave --rate out"]),
        (["--search-rate", "--repeats", "3"], ["leave --repeats out"]),
        (["--search-rate", "--scenario", "seed"], ["--scenario seed", "choose another one"]),
        (["--search-rate", "--slo", "p99 < 1s"], ["--slo 'p99 < 1s'", "unknown path"]),
        (["--slo", "latency_ms.due_to_seen.p99 < 1s"], ["--slo", "add --search-rate"]),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(args, words, tmp_path):
    """The message holds what was wrong and what to write; no file appears."""
    done = bench_run("--out", str(tmp_path / "out"), *args)
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert all(word in lines[0] for word in words), lines[0]
    assert done.stdout == ""
    assert not list(tmp_path.rglob("result.json"))


def test_a_scenario_file_with_an_unknown_key_names_the_nearest(tmp_path):
    """The dotted path of the key and the nearest known one."""
    scenario = tmp_path / "own.toml"
    shipped = (PROJECT_ROOT / "scenarios" / "calm.toml").read_text()
    scenario.write_text(shipped.replace("mean_ms =", "mean_mss ="))
    done = bench_run("--scenario", str(scenario), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "wind.mean_mss" in done.stderr
    assert "did you mean" in done.stderr


def test_an_unreachable_broker_is_one_line_and_exit_5(tmp_path):
    """An address where nothing listens."""
    (port,) = free_ports(1)
    done = bench_run("--broker", f"127.0.0.1:{port}", "--out", str(tmp_path / "out"))
    assert done.returncode == 5
    assert f"error: no Kafka broker answers at 127.0.0.1:{port}" in done.stderr
    assert not list(tmp_path.rglob("result.json"))


def test_a_port_that_is_taken_is_one_line_and_exit_2(tmp_path):
    """Told before a broker is started or a folder made for the run; from the environment as well."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = bench_run("--out", str(tmp_path / "out"), env={"BENCH_METRICS_PORT": port})
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "error: " in line]
    assert f"--metrics-port {port}" in line
    assert "or 0 for any that is free" in line
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    """--out below a file: the folder and the remedy are named before anything starts."""
    (tmp_path / "file").write_text("")
    done = bench_run("--out", str(tmp_path / "file" / "out"))
    assert done.returncode == 2
    assert "error: --out" in done.stderr


def test_a_full_disk_is_noticed_first(tmp_path, monkeypatch):
    """With too little room below --out nothing is begun."""
    import shutil
    from collections import namedtuple

    from base.errors import EnvironmentMissing
    from bench.store import RunStore

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 1000))
    with pytest.raises(EnvironmentMissing, match="free some room"):
        RunStore(tmp_path, "run")
    assert list(tmp_path.iterdir()) == []


def test_dry_run_prints_the_plan_and_writes_nothing(tmp_path):
    """Six cells in order, with their times and the sum."""
    done = bench_run("--dry-run", "--out", str(tmp_path / "out"))
    assert done.returncode == 0
    assert done.stdout.count("about") == 7
    assert "4,800 readings/s" in done.stdout
    assert not (tmp_path / "out").exists()


def test_dry_run_of_a_search():
    """Every point once, with all its trials in its time; a threshold may be about its capacity."""
    done = bench_run("--dry-run", "--search-rate", "--triggers", "1s,5s", "--threshold", "capacity.passed >= 20000")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a search, at first 20,002 readings/s")
    assert done.stdout.count("about") == 5


def test_dry_run_takes_thresholds_and_an_objective():
    """What could be judged passes, from flags and from the environment."""
    threshold = "latency_ms.due_to_seen.p99 < trigger + 2s {trigger=realtime, partitions=4}"
    env = {"BENCH_OBJECTIVE": "fidelity.recall_at_deadline.1 >= 0.99", "BENCH_MINIMISE": "latency"}
    done = bench_run("--dry-run", "--threshold", threshold, "--threshold", "fidelity.missing==0", env=env)
    assert done.returncode == 0, done.stderr
    assert bench_run("--dry-run", env=env | {"BENCH_MINIMISE": "latencie"}).returncode == 2
    assert "'batch_ms'" in bench_run("--dry-run", env={"BENCH_THRESHOLD": "fidelity.missing == 0; batch_ms < 1"}).stderr


def test_environment_then_default(tmp_path):
    """BENCH_SENSORS is used, and a flag wins over it."""
    env = {"BENCH_SENSORS": "500"}
    assert "500 sensors" in bench_run("--dry-run", env=env).stdout
    assert "200 sensors" in bench_run("--dry-run", "--sensors", "200", env=env).stdout


def test_help_teaches():
    """--help shows commands that can be typed and the exit codes."""
    done = bench_run("--help")
    assert done.returncode == 0
    assert "python -m bench.run --sensors 1000 --quick" in done.stdout
    assert "Exit: 0 ok" in done.stdout
