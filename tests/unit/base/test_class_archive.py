"""A class archive is used once it is there, and belongs to one Java and one set of jars."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from base.class_archive import KEPT, ClassArchive
from base.java import find_java


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClassArchive:
    """An archive in a cache of its own that was not recorded yet."""
    monkeypatch.setenv("ALERTBENCH_CACHE", str(tmp_path / "cache"))
    return ClassArchive(name="hello", jars=tmp_path, java=find_java())


def run(archive: ClassArchive, *options: str) -> str:
    """Start a JVM with ``options`` and have it tell which classes it loads from where."""
    command = [str(archive.java.executable), *options, "-Xlog:class+load", "-cp", str(archive.jars), "-version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_recorded_once_then_used(archive: ClassArchive):
    """No option before; after a recording JVM has ended, one that this Java accepts."""
    assert archive.options() == []
    assert not archive.keep()
    run(archive, *archive.record_options())
    assert archive.keep()
    assert archive.options() == [f"-XX:SharedArchiveFile={archive.path}"]
    assert "shared objects file" in run(archive, "-Xshare:on", *archive.options())


def test_another_java_or_other_jars_have_another_archive(archive: ClassArchive, tmp_path: Path):
    """What does not fit is never offered."""
    other_jars = replace(archive, jars=tmp_path / "other")
    other_java = replace(archive, java=replace(archive.java, version=archive.java.version + 1))
    assert len({archive.path, other_jars.path, other_java.path}) == 3


def test_those_not_used_for_longest_are_removed(archive: ClassArchive, tmp_path: Path):
    """Of a name the last few stay, and a use counts, not only a recording; another name's stay all."""
    of_others = [replace(archive, jars=tmp_path / f"other-{n}") for n in range(KEPT + 1)]
    another = replace(archive, name="bye")
    archive.path.parent.mkdir(parents=True)
    for second, other in enumerate([*of_others, another]):
        other.path.write_bytes(b"classes")
        os.utime(other.path, (second, second))
    assert of_others[0].options() != []
    run(archive, *archive.record_options())
    assert archive.keep()
    kept = [other.path.exists() for other in (archive, another, *of_others)]
    assert kept == [True, True, True, False, False, *[True] * (KEPT - 2)]
