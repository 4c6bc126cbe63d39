"""A Scala source becomes a jar once, by the compiler that PySpark ships."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from base.errors import EnvironmentMissing
from base.jars import pyspark_folder
from base.scala import compiled


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that has nothing compiled yet."""
    monkeypatch.setenv("ALERTBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_compiled_once_for_each_text(tmp_path: Path, empty_cache: Path):
    """The same text has the same jar, untouched; another text has another; nothing half done stays behind."""
    source = tmp_path / "Answer.scala"
    source.write_text("package some\nobject Answer { val value = 42 }\n")
    jar = compiled(source)
    with zipfile.ZipFile(jar) as inside:
        assert "some/Answer.class" in inside.namelist()
    made = jar.stat().st_mtime_ns
    assert compiled(source) == jar
    assert jar.stat().st_mtime_ns == made
    source.write_text("package some\nobject Answer { val value = 43 }\n")
    assert compiled(source) != jar
    assert {path.suffix for path in (empty_cache / "scala").iterdir()} == {".jar", ".lock"}


def test_compiled_against_given_jars(tmp_path: Path):
    """A source sees the jars of the class path that it is given, and none of PySpark's."""
    (library,) = (pyspark_folder() / "jars").glob("scala-library-*.jar")
    given = tmp_path / "given"
    given.mkdir()
    (given / library.name).symlink_to(library)
    source = tmp_path / "Sees.scala"
    source.write_text("object Sees { val list = List(1) }\n")
    assert compiled(source, str(given / "*")).exists()
    source.write_text("object Sees { val row = classOf[org.apache.spark.sql.Row] }\n")
    with pytest.raises(EnvironmentMissing, match="object apache is not a member of package org"):
        compiled(source, str(given / "*"))


def test_what_does_not_compile(tmp_path: Path, empty_cache: Path):
    """One line with the place and the complaint, and no jar."""
    source = tmp_path / "Broken.scala"
    source.write_text("object Broken { val value: Int = nothing }\n")
    with pytest.raises(EnvironmentMissing, match=r"cannot compile Broken\.scala: .*Broken\.scala:1: error: not found"):
        compiled(source)
    assert list((empty_cache / "scala").glob("*.jar")) == []
