"""Facts about the machine, the versions and the commit: what a number is worth nothing without."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from base.jars import KAFKA_VERSION, SPARK_VERSION
from base.java import find_java
from base.paths import PROJECT_ROOT
from bench.records import Env, Git

#: The packages whose version may change a number.
PACKAGES = ("pyspark", "confluent-kafka", "numpy", "polars", "pyarrow", "scipy", "pvlib", "orjson", "matplotlib")


def git_facts(root: Path = PROJECT_ROOT) -> Git:
    """The commit of this checkout and whether its files differ from it; None for both without git."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()

    try:
        sha = git("rev-parse", "HEAD")
        # A user's own rules and scenarios lie in the checkout, and change nothing of what is measured but by name.
        changes = git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return Git(sha=None, dirty=None)
    return Git(sha=sha, dirty=bool(changes))


def typed() -> list[str]:
    """What was typed: ``python -m bench.run --quick``. `sys.argv` begins with a folder that is its reader's own."""
    spec = sys.modules["__main__"].__spec__
    program = [Path(sys.argv[0]).name] if spec is None else ["-m", spec.name.removesuffix(".__main__")]
    return ["python", *program, *sys.argv[1:]]


def cpu_model() -> str:
    """The CPU's name as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def environment() -> Env:
    """Machine, kernel, Java and the packages that matter."""
    java = find_java()
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return Env(
        cpu=cpu_model(),
        cores=psutil.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        kernel=f"{platform.system()} {platform.release()}",
        python=sys.version.split()[0],
        java=f"{java.version} ({java.source})",
        spark=SPARK_VERSION,
        kafka=KAFKA_VERSION,
        packages=packages,
    )
