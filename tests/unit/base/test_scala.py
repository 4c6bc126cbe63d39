"""A Scala source becomes a jar once, by the compiler that PySpark ships."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from base.errors import EnvironmentMissing
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


def test_what_does_not_compile(tmp_path: Path, empty_cache: Path):
    """One line with the place and the complaint, and no jar."""
    source = tmp_path / "Broken.scala"
    source.write_text("object Broken { val value: Int = nothing }\n")
    with pytest.raises(EnvironmentMissing, match=r"cannot compile Broken\.scala: .*Broken\.scala:1: error: not found"):
        compiled(source)
    assert list((empty_cache / "scala").glob("*.jar")) == []
