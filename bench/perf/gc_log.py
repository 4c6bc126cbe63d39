"""A JVM's heap after its full collections, read from the log that the JVM itself keeps.

Which lines count: those of whole, stop-the-world collections, ``Pause Full``. What is left after one is
what is reachable. What is left after a young or mixed one, or at a remark, also holds what has died in
the old generation since the last marking, and climbs for many minutes before it falls: a slope through
that would be one of the collector's habits.

Nobody but the JVM's own program can ask for a full collection on every Java (a runtime may lack
``jcmd``), but Spark asks for one every half hour, to find what it may clean up. `java_tool_options` makes
that more often, and starts the log. Both reach the JVM by an environment variable that every JVM heeds:
nothing in the pipeline is changed or knows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

_UNITS: Final = {"B": 1, "K": 2**10, "M": 2**20, "G": 2**30}

_FULL: Final = re.compile(r"^\[(?P<wall_ms>\d+)ms\] GC\(\d+\) Pause Full .*->(?P<after>\d+)(?P<unit>[BKMG])\(")


def java_tool_options(environ: Mapping[str, str], path: Path, *, full_gc_every_s: int) -> dict[str, str]:
    """``environ`` for a Spark driver that is to keep the log at ``path``; what it has for JVMs already, stays.

    ``%p`` in the path is the process id: the shell scripts that start Spark run one more JVM.
    """
    ours = [
        f"'-Xlog:gc:file=\"{os.fspath(path)}\":timemillis:filecount=0'",
        f"-Dspark.cleaner.periodicGC.interval={full_gc_every_s}s",
    ]
    return {**environ, "JAVA_TOOL_OPTIONS": " ".join([environ.get("JAVA_TOOL_OPTIONS", ""), *ours]).strip()}


def heap_after_full_gc(lines: Iterable[str]) -> list[tuple[int, float]]:
    """When each full collection ended (wall ms since 1970) and what was left of the heap (bytes)."""
    found = (_FULL.match(line) for line in lines)
    return [(int(one["wall_ms"]), float(one["after"]) * _UNITS[one["unit"]]) for one in found if one]


def read_heap(logs: Iterable[Path]) -> list[tuple[int, float]]:
    """`heap_after_full_gc` of all ``logs``, in order of time: only one of their JVMs is asked for such collections."""
    return sorted(entry for log in logs for entry in heap_after_full_gc(log.read_text(errors="replace").splitlines()))
