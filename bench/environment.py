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
    """The commit of this checkout and whether files differ from it; None for both without git."""
    try:
        sha = subprocess.run(
            ["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
        changes = subprocess.run(
            ["git", "-C", root, "status", "--porcelain"], capture_output=True, text=True, check=True, timeout=30
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return Git(sha=None, dirty=None)
    return Git(sha=sha, dirty=bool(changes))


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
