"""Kafka's and the Spark connector's jars: resolved once into a user cache, checked, then offline.

PySpark bundles Ivy, which knows Maven repositories; it resolves into a temporary folder, every file
is checked against the committed lock (name and SHA-256), and only then is the folder renamed into
place. Half a class path is the worst failure, so there is never one.

``python -m base.jars`` fetches what is missing, ``--tools`` what `bench.perf` needs besides; ``--connector``
prints the Spark connector's jars as ``spark.jars`` wants them; ``--relock`` writes the locks.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock, Timeout

from base.errors import EnvironmentMissing, one_line_errors
from base.java import find_java
from base.paths import cache_dir, require_free_disk
from base.truststore import extended_truststore, machine_bundle

SPARK_VERSION = "4.2.0"
KAFKA_VERSION = "4.3.1"
LOG4J_VERSION = "2.25.4"


@dataclass(frozen=True, slots=True, kw_only=True)
class JarSet:
    """Jars that are resolved and used together, as (organisation, module, revision) roots."""

    name: str
    roots: tuple[tuple[str, str, str], ...]
    #: Modules that Spark ships itself, or that only stand in Hadoop's shadow.
    excludes: tuple[tuple[str, str], ...] = ()
    #: Of what Ivy brings, keep these modules only (empty: everything).
    keep: tuple[str, ...] = ()
    #: Whether what the roots ask for comes as well.
    transitive: bool = True

    @property
    def lock(self) -> Path:
        """The committed list: one ``<sha256>  <file name>`` a line."""
        return Path(__file__).with_name("locks") / f"{self.name}.sha256"

    @property
    def folder(self) -> Path:
        """Where the jars are, once they are there."""
        return cache_dir() / "jars" / self.name

    def locked(self) -> dict[str, str]:
        """File name to SHA-256, as committed."""
        lines = self.lock.read_text().splitlines()
        return {name: digest for digest, name in (line.split() for line in lines if line)}


BROKER = JarSet(
    name=f"kafka-{KAFKA_VERSION}",
    roots=(
        ("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
        # Kafka's POM brings no logging back-end, and stays on slf4j 1.7: never mix with Spark's jars.
        ("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J_VERSION),
        ("org.apache.logging.log4j", "log4j-core", LOG4J_VERSION),
    ),
)

# ProducerPerformance and its kin. All that they need besides is among the broker's jars; the web server
# of Kafka Connect, which the same module asks for, is not wanted.
TOOLS = JarSet(
    name=f"kafka-tools-{KAFKA_VERSION}",
    roots=(("org.apache.kafka", "kafka-tools", KAFKA_VERSION),),
    transitive=False,
)

CONNECTOR = JarSet(
    name=f"spark-kafka-{SPARK_VERSION}",
    roots=(("org.apache.spark", "spark-sql-kafka-0-10_2.13", SPARK_VERSION),),
    excludes=(("org.apache.hadoop", "*"),),
    # PySpark ships everything else that the connector asks for.
    keep=(
        "spark-sql-kafka-0-10_2.13",
        "spark-token-provider-kafka-0-10_2.13",
        "kafka-clients",
        "commons-pool2",
    ),
)

Report = Callable[[str], None]


def broker_classpath(report: Report | None = None) -> str:
    """The broker's class path, fetched first if need be."""
    return str(ensure(BROKER, report) / "*")


def tools_classpath(report: Report | None = None) -> str:
    """The class path of Kafka's own tools, fetched first if need be."""
    return os.pathsep.join((str(ensure(TOOLS, report) / "*"), broker_classpath(report)))


def spark_connector_jars(report: Report | None = None) -> list[Path]:
    """The four jars for ``spark.jars``, fetched first if need be."""
    return sorted(ensure(CONNECTOR, report).glob("*.jar"))


def ensure(jars: JarSet, report: Report | None = None) -> Path:
    """The folder that holds ``jars``, complete and checked; downloads them the first time.

    ``report`` is told, about once a second, what is going on. Raises `EnvironmentMissing` if the
    repository cannot be reached or a file is not the one that was locked.
    """
    folder = jars.folder
    locked = jars.locked()
    if _complete(folder, locked):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.parent / f"{jars.name}.lock")
    try:
        lock.acquire(timeout=600)
    except Timeout:
        raise EnvironmentMissing(
            f"another process has held {lock.lock_file} for 10 minutes; end it, or remove that file"
        ) from None
    with lock:
        if not _complete(folder, locked):
            require_free_disk(folder.parent, 200 * 2**20)
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{jars.name}.") as temp:
                fresh = Path(temp) / "lib"
                # More comes than is kept: then no total can be told.
                _resolve(jars, fresh, report, expected=0 if jars.keep else len(locked))
                _check(jars, fresh, locked)
                if folder.exists():
                    shutil.rmtree(folder)
                fresh.rename(folder)
    return folder


def _complete(folder: Path, locked: dict[str, str]) -> bool:
    """Whether every locked name is there: contents were checked before the rename into place."""
    return folder.is_dir() and {entry.name for entry in os.scandir(folder)} == set(locked)


def verify(jars: JarSet) -> str | None:
    """What is wrong with the cached ``jars`` (for the doctor), or None: reads every byte."""
    folder = jars.folder
    if not folder.is_dir():
        return "not downloaded yet; run `python -m base.jars`"
    try:
        _check(jars, folder, jars.locked())
    except EnvironmentMissing as error:
        return str(error)
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(jars: JarSet, folder: Path, locked: dict[str, str]) -> None:
    found = {path.name: _sha256(path) for path in folder.glob("*.jar")}
    wrong = sorted(name for name in locked.keys() | found.keys() if locked.get(name) != found.get(name))
    if wrong:
        raise EnvironmentMissing(
            f"jars of {jars.name} differ from the committed lock: {', '.join(wrong[:5])}; remove "
            f"{cache_dir() / 'jars'} and run `python -m base.jars`; if it happens again, do not trust the repository"
        )


def pyspark_folder() -> Path:
    """Where PySpark is installed, found without importing it; raises `EnvironmentMissing` if it is not."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise EnvironmentMissing("the pyspark package is absent; run `make setup`")
    return Path(spec.origin).parent


def _ivy_jar() -> Path:
    return next((pyspark_folder() / "jars").glob("ivy-*.jar"))


def _ivy_xml(jars: JarSet) -> str:
    transitive = str(jars.transitive).lower()
    dependencies = "".join(
        f'<dependency org="{org}" name="{name}" rev="{rev}" conf="default->default" transitive="{transitive}"/>'
        for org, name, rev in jars.roots
    )
    excludes = "".join(f'<exclude org="{org}" module="{module}"/>' for org, module in jars.excludes)
    return (
        '<ivy-module version="2.0"><info organisation="alertbench" module="jars"/>'
        '<configurations><conf name="default"/></configurations>'
        f"<dependencies>{dependencies}{excludes}</dependencies></ivy-module>"
    )


# Spark's own name for "use this repository instead of Maven Central": one setting serves both.
_MIRROR = "DEFAULT_ARTIFACT_REPOSITORY"


def _ivy_settings(mirror: str) -> str:
    return (
        '<ivysettings><settings defaultResolver="mirror"/><resolvers>'
        f'<ibiblio name="mirror" m2compatible="true" root="{mirror}"/></resolvers></ivysettings>'
    )


def _resolve(jars: JarSet, lib: Path, report: Report | None, expected: int) -> None:
    work = lib.parent
    (work / "ivy.xml").write_text(_ivy_xml(jars))
    java = find_java()
    options: list[str | Path] = [
        *("-cache", work / "cache", "-ivy", work / "ivy.xml", "-confs", "default", "-types", "jar", "bundle"),
        *("-retrieve", f"{lib}/[artifact]-[revision](-[classifier]).[ext]", "-warn"),
    ]
    mirror = os.environ.get(_MIRROR)
    if mirror:
        (work / "settings.xml").write_text(_ivy_settings(mirror))
        options += ["-settings", work / "settings.xml"]

    def ivy(*jvm: str) -> str | None:
        return _run_ivy([java.executable, *_IVY_JVM, *jvm, "-jar", _ivy_jar(), *options], jars, work, report, expected)

    failure = ivy()
    bundle = machine_bundle()
    if failure is not None and "PKIX path" in failure and java.runtime is not None and bundle is not None:
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            failure = ivy(f"-Djavax.net.ssl.trustStore={extended_truststore(java.runtime, bundle, work)}")
    if failure is not None:
        # Ivy tells what it missed in lines of its own; its stack of attempts is in no one's interest.
        missed = re.search(r"::\s*([\w.-]+#[\w.;-]+): not found", failure)
        detail = f" (first missing: {missed[1]})" if missed else ""
        if "PKIX path" in failure:
            detail += " (its certificate is not trusted here; set SSL_CERT_FILE to your authority's bundle)"
        raise EnvironmentMissing(
            f"cannot download the jars of {jars.name} from the Maven repository{detail}; check the network, "
            f"or name a reachable mirror in {_MIRROR}, then run `python -m base.jars`"
        )
    if jars.keep:
        for path in lib.glob("*.jar"):
            if not any(path.name.startswith(f"{name}-") for name in jars.keep):
                path.unlink()


_IVY_JVM = ("-Xmx256m", "-Divy.maven.lookup.sources=false", "-Divy.maven.lookup.javadoc=false")


def _run_ivy(command: list[str | Path], jars: JarSet, work: Path, report: Report | None, expected: int) -> str | None:
    """Run Ivy to its end, telling progress; what it printed if it failed, else None."""
    log = work / "ivy.log"
    started = time.monotonic()
    with log.open("wb") as log_file:
        process = subprocess.Popen(command, stdout=log_file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1.0)
                if report is not None:
                    report(_progress(jars, work / "cache", expected, time.monotonic() - started))
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    return log.read_text(errors="replace") if process.returncode != 0 else None


def _progress(jars: JarSet, cache: Path, expected: int, elapsed_s: float) -> str:
    """Ivy first reads every module's description (about half the time), then fetches the jars."""
    looked_up = sum(1 for _ in cache.rglob("ivy-*.xml"))
    sizes = [path.stat().st_size for path in cache.rglob("*.jar")]
    of = f" of {expected}" if expected else ""
    return (
        f"downloading {jars.name}: {looked_up} modules looked up, {len(sizes)}{of} jars, "
        f"{sum(sizes) / 2**20:.0f} MiB, {elapsed_s:.0f} s"
    )


def relock(jars: JarSet) -> None:
    """Resolve ``jars`` anew and write the committed lock from what came."""
    with tempfile.TemporaryDirectory() as temp:
        lib = Path(temp) / "lib"
        _resolve(jars, lib, _to_stderr, expected=0)
        lines = [f"{_sha256(path)}  {path.name}" for path in sorted(lib.glob("*.jar"))]
    jars.lock.parent.mkdir(exist_ok=True)
    jars.lock.write_text("\n".join(lines) + "\n")


def _to_stderr(text: str) -> None:
    """Show progress: in place on a terminal, else a line each time."""
    if sys.stderr.isatty():
        print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


@one_line_errors
def main() -> None:
    """Fetch what is missing (``--tools``: of Kafka's tools too), name the ``--connector``, or ``--relock``."""
    if sys.argv[1:] == ["--connector"]:
        print(",".join(map(str, spark_connector_jars(_to_stderr))))
        return
    if sys.argv[1:] == ["--relock"]:
        for jars in (BROKER, CONNECTOR, TOOLS):
            relock(jars)
        return
    for jars in (BROKER, CONNECTOR, *([TOOLS] if sys.argv[1:] == ["--tools"] else [])):
        folder = ensure(jars, _to_stderr)
        print(f"{jars.name}: {len(jars.locked())} jars in {folder}")


if __name__ == "__main__":
    main()
