"""Compile a Scala source, once for each text of it, into a jar in the user's cache.

PySpark ships the Scala compiler among its jars, and a compiler that runs on any Java needs no JDK.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

from filelock import FileLock

from base.errors import EnvironmentMissing
from base.jars import SPARK_VERSION, pyspark_folder
from base.java import find_java
from base.paths import cache_dir


def compiled(source: Path, classpath: str | None = None) -> Path:
    """The jar of ``source``'s classes, built first if need be (about 3 s).

    ``classpath``: what it is compiled against, Scala's library among it; without, PySpark's jars.
    Raises `EnvironmentMissing` with the compiler's first complaint if it cannot be built.
    """
    key = hashlib.sha256(f"{classpath or SPARK_VERSION}\n{source.read_text()}".encode()).hexdigest()[:12]
    folder = cache_dir() / "scala"
    jar = folder / f"{source.stem}-{key}.jar"
    if jar.exists():
        return jar
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "compiler.lock"), tempfile.TemporaryDirectory(dir=folder) as temp:
        if not jar.exists():
            fresh = Path(temp) / jar.name
            _compile(source, fresh, ["-usejavacp"] if classpath is None else ["-classpath", classpath])
            fresh.replace(jar)
    return jar


def _compile(source: Path, jar: Path, against: list[str]) -> None:
    command: list[str | Path] = [find_java().executable, "-cp", pyspark_folder() / "jars" / "*"]
    command += ["scala.tools.nsc.Main", *against, "-Werror", "-Xlint", "-d", jar, source]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise EnvironmentMissing(f"cannot compile {source.name}: {said[0] if said else 'the compiler said nothing'}")
