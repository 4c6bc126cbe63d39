"""``python -m bench.doctor``: what this machine lacks for a run, and how to mend it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.text import Text

from base.errors import AlertbenchError, ExitCode, one_line_errors
from base.jars import BROKER, CONNECTOR, JarSet, verify
from base.java import find_java
from base.jsonl import dumps
from base.kafka import Admin
from base.paths import cache_dir
from base.process import Child, python_module
from base.terminal import print_prose
from bench.broker.embedded import NEEDED_DISK_BYTES, EmbeddedBroker, broker_archive
from pipeline.archive import driver_archive

#: Broker (1 GiB with its page cache), Spark's driver (2.5), publisher, collector and harness (1).
NEEDED_MEMORY_BYTES = 5 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: ``fix`` says what to do about a failure and is empty where nothing is wrong."""

    check: str
    seen: str
    fix: str = ""


def python_version() -> Finding:
    """The interpreter in use."""
    seen = f"{sys.version.split()[0]} in {sys.prefix}"
    old = sys.version_info < (3, 11)
    return Finding(check="Python", seen=seen, fix="install Python 3.11 or newer, then `make setup`" if old else "")


def java() -> Finding:
    """The Java that broker and Spark would use."""
    found = find_java()
    return Finding(check="Java", seen=f"{found.version} from {found.source}")


def jars(which: JarSet) -> Finding:
    """Every jar of a set against its committed checksum."""
    wrong = verify(which)
    seen = f"{len(which.locked())} jars, checksums hold" if wrong is None else "incomplete"
    return Finding(check=f"jars of {which.name}", seen=seen, fix=wrong or "")


def class_archives() -> Finding:
    """Not a fault if they are missing: the next run records them."""
    found = find_java()
    recorded = all(archive.path.exists() for archive in (broker_archive(found), driver_archive(found)))
    return Finding(check="class archives", seen="recorded" if recorded else "the next run records them (about 40 s)")


def cores() -> Finding:
    """Everything shares the cores; with one, generator and pipeline take turns."""
    count = psutil.cpu_count() or 1
    return Finding(check="cores", seen=str(count), fix="" if count >= 2 else "use a machine with at least 2 cores")


def memory() -> Finding:
    """Free memory for broker, Spark and the instrument."""
    free = psutil.virtual_memory().available
    enough = free >= NEEDED_MEMORY_BYTES
    return Finding(
        check="memory",
        seen=f"{free / 2**30:.1f} GiB available",
        fix="" if enough else f"end other programs: a run wants {NEEDED_MEMORY_BYTES / 2**30:.0f} GiB",
    )


def disk(folder: Path, name: str) -> Finding:
    """Room for broker data, checkpoints and results."""
    free = shutil.disk_usage(folder).free
    return Finding(
        check=f"disk for {name}",
        seen=f"{free / 2**30:.1f} GiB free in {folder}",
        fix="" if free >= NEEDED_DISK_BYTES else f"free {NEEDED_DISK_BYTES / 2**30:.0f} GiB there",
    )


def writable(folder: Path, name: str) -> Finding:
    """Whether we may write there."""
    allowed = os.access(folder, os.W_OK)
    return Finding(
        check=f"{name} folder", seen=str(folder), fix="" if allowed else f"make {folder} writable for this user"
    )


def broker_and_spark() -> Iterator[Finding]:
    """Start the real things once: a broker, and a Spark session that reads from it."""
    started = time.monotonic()
    with EmbeddedBroker() as broker, tempfile.TemporaryDirectory() as temp:
        yield Finding(check="Kafka starts", seen=f"in {time.monotonic() - started:.1f} s at {broker.bootstrap}")
        started = time.monotonic()
        Admin(broker.bootstrap).create("doctor", partitions=1)
        command = python_module("pipeline.run", "--bootstrap", broker.bootstrap, "--topic", "doctor")
        command += ["--alerts-topic", "doctor-alerts", "--trigger", "0s", "--json-events"]
        with Child("pipeline", command, log=Path(temp) / "pipeline.log", events=True) as pipeline:
            pipeline.wait_for("started", timeout_s=90)
            seen = f"in {time.monotonic() - started:.1f} s, with the Kafka connector"
            pipeline.send("stop")
            pipeline.wait_for("stopped", timeout_s=30)
        yield Finding(check="Spark starts", seen=seen)


def examine(*, start: bool) -> Iterator[Finding]:
    """Every check in turn; one that raises is a failure with the error's own remedy."""
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("Python", python_version),
        ("cores", cores),
        ("memory", memory),
        ("cache folder", lambda: writable(cache_dir(), "cache")),
        ("disk for results", lambda: disk(Path.cwd(), "results")),
        ("disk for broker and Spark", lambda: disk(Path(tempfile.gettempdir()), "broker and Spark")),
        ("Java", java),
        *((f"jars of {which.name}", lambda which=which: jars(which)) for which in (BROKER, CONNECTOR)),
        ("class archives", class_archives),
    ]
    healthy = True
    for name, check in checks:
        try:
            finding = check()
        except AlertbenchError as error:
            finding = Finding(check=name, seen="failed", fix=str(error))
        healthy = healthy and not finding.fix
        yield finding
    if not start:
        return
    if not healthy:
        yield Finding(check="Kafka and Spark start", seen="not tried", fix="mend the above first")
        return
    try:
        yield from broker_and_spark()
    except AlertbenchError as error:
        yield Finding(check="Kafka and Spark start", seen="failed", fix=str(error))


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def main(
    start: Annotated[bool, typer.Option(help="Also start a broker and a Spark session (about 15 s).")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON, and nothing else.")] = False,
) -> None:
    """Check Python, Java, jars, memory and disk, and start Kafka and Spark once.

    Every failure names its fix. Exit 0 if all is well, else 5.
    """
    console = Console(highlight=False)
    findings = []
    for finding in examine(start=start):
        findings.append(finding)
        if not json:
            mark = Text("FAIL", style="bold red") if finding.fix else Text("ok  ", style="green")
            print_prose(console, Text.assemble(mark, f"  {finding.check:<26}  {finding.seen}"))
            if finding.fix:
                console.print(Text(f"      fix: {finding.fix}", style="bold"), soft_wrap=True)
    if json:
        print(dumps(findings))
    if any(finding.fix for finding in findings):
        raise SystemExit(int(ExitCode.ENVIRONMENT))


if __name__ == "__main__":
    one_line_errors(app)()
