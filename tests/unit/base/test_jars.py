"""Jars are the locked ones or they are refused; an unreachable repository is one line."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from base import jars
from base.errors import EnvironmentMissing


class _Set(jars.JarSet):
    """A jar set whose lock is given."""

    content = b"bytes"

    def locked(self):
        return {"a-1.jar": hashlib.sha256(self.content).hexdigest()}


@pytest.fixture
def one_jar(tmp_path, monkeypatch):
    """A set of one jar, an empty cache, and a resolver that drops ``one_jar.content`` there."""
    monkeypatch.setenv("ALERTBENCH_CACHE", str(tmp_path))
    wanted = _Set(name="set-1", roots=())

    def resolve(_set, lib, _report, expected):
        lib.mkdir(parents=True)
        (lib / "a-1.jar").write_bytes(wanted.brought)
        resolve.calls += 1

    resolve.calls = 0
    monkeypatch.setattr(jars, "_resolve", resolve)
    object.__setattr__(wanted, "brought", b"bytes")
    return wanted, resolve


def test_resolved_once_then_offline(one_jar, tmp_path):
    """The second use finds everything in the cache and asks no repository."""
    wanted, resolve = one_jar
    assert [path.name for path in jars.ensure(wanted).iterdir()] == ["a-1.jar"]
    jars.ensure(wanted)
    assert resolve.calls == 1
    assert jars.verify(wanted) is None


def test_a_wrong_file_is_refused_and_leaves_nothing(one_jar, tmp_path):
    """A jar with other bytes than locked never reaches its place."""
    wanted, _ = one_jar
    object.__setattr__(wanted, "brought", b"other bytes")
    with pytest.raises(EnvironmentMissing, match=r"differ from the committed lock: a-1\.jar"):
        jars.ensure(wanted)
    assert not (tmp_path / "jars" / "set-1").exists()


def test_a_damaged_cache_is_noticed(one_jar):
    """`verify` reads every byte and names the file and the remedy."""
    wanted, _ = one_jar
    folder = jars.ensure(wanted)
    (folder / "a-1.jar").write_bytes(b"rotten")
    assert "a-1.jar" in jars.verify(wanted)


def test_unreachable_repository_is_one_line(tmp_path, monkeypatch):
    """A repository that does not answer is one line with the remedy, within seconds."""
    monkeypatch.setenv("ALERTBENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("DEFAULT_ARTIFACT_REPOSITORY", "http://127.0.0.1:9/")
    with pytest.raises(EnvironmentMissing) as caught:
        jars.ensure(jars.CONNECTOR)
    assert "\n" not in str(caught.value)
    assert "DEFAULT_ARTIFACT_REPOSITORY" in str(caught.value)
    assert not (tmp_path / "jars" / jars.CONNECTOR.name).exists()


def test_locks_name_what_the_sets_ask_for():
    """Both committed locks hold the roots of their set in the pinned version."""
    for one in (jars.BROKER, jars.CONNECTOR):
        for _, module, revision in one.roots:
            assert f"{module}-{revision}.jar" in one.locked()
    assert len(jars.CONNECTOR.locked()) == 4


def test_the_connector_is_named_as_spark_wants_it(capsys, monkeypatch):
    """`--connector` prints the four jars with commas between, one line and nothing else."""
    four = [Path(f"/lib/{name}.jar") for name in "abcd"]
    monkeypatch.setattr(jars, "spark_connector_jars", lambda _report: four)
    monkeypatch.setattr(sys, "argv", ["jars", "--connector"])
    jars.main()
    assert capsys.readouterr().out == "/lib/a.jar,/lib/b.jar,/lib/c.jar,/lib/d.jar\n"
