"""The structure holds: rooms import one way, and what must be documented is."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from bench.broker.properties import server_properties

ROOT = Path(__file__).resolve().parent.parent


def test_rooms_import_one_way():
    """import-linter finds no import against the direction that pyproject.toml states."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_room_is_packaged():
    """The editable install knows every package, so commands work from any folder."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {".".join(init.parent.relative_to(ROOT).parts) for init in ROOT.glob("*/**/__init__.py")}
    assert {name for name in found if not name.startswith((".", "tests"))} == set(packages)


def test_locks_hold_hashes_and_no_registry():
    """Every pinned package carries hashes, and no line names an index, a host or a local folder."""
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index-url" not in text
        assert "--find-links" not in text


def test_compose_is_the_embedded_broker():
    """docker-compose.yml sets what our properties generator sets; only addresses and folders differ."""
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["kafka"]
    settings = {
        key.removeprefix("KAFKA_").lower().replace("_", "."): value for key, value in service["environment"].items()
    }
    ours = server_properties(host="127.0.0.1", port=9092, controller_port=9093, data_dir="/var/lib/kafka/data")
    differ = {key for key in settings.keys() | ours.keys() if settings.get(key) != ours.get(key)}
    assert differ == {"listeners", "controller.quorum.voters", "advertised.listeners"} - {"advertised.listeners"}
    assert service["image"] == "apache/kafka:4.3.1"
    assert "healthcheck" in service
    assert service["ports"] == ["127.0.0.1:9092:9092"]


def test_conda_environment_installs_the_lock():
    """environment.yml brings Python, a Java and the same lock that `make bench` installs."""
    wanted = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    names = [one.split(">")[0] for one in wanted if isinstance(one, str)]
    assert {"python", "openjdk"} <= set(names)
    (pip,) = [one["pip"] for one in wanted if isinstance(one, dict)]
    assert "--requirement requirements.lock" in pip
