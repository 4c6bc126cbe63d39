"""When a JVM stood still: garbage collections and other safepoints, from the log that the JVM itself keeps."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import polars as pl

from bench.records import Pauses

#: One row for each pause: which JVM, when it ended (wall ns, to the millisecond), how long, and of what kind.
SCHEMA: Final = {"process": pl.String, "end_ns": pl.Int64, "ms": pl.Float64, "cause": pl.String, "gc": pl.Boolean}

_PAUSE: Final = re.compile(r'^\[(?P<end_ms>\d+)ms\] Safepoint "(?P<cause>[^"]+)".* Total:\s*(?P<total_ns>\d+) ns')
#: Names of the safepoints in which OpenJDK's collectors work.
_GC: Final = re.compile(r"^(G1|Parallel|Serial|Gen|Collect|Z|X|Shenandoah)")


def log_option(path: str) -> str:
    """The JVM option (Java 11 or newer) that keeps such a log at ``path``; ``%p`` in it is the process id."""
    return f'-Xlog:safepoint:file="{path}":timemillis:filecount=0'


def java_tool_options(environ: Mapping[str, str], path: Path) -> dict[str, str]:
    """``environ`` for a child whose JVMs are to keep the log; what it has for JVMs already, stays."""
    ours = f"'{log_option(os.fspath(path))}'"
    return {**environ, "JAVA_TOOL_OPTIONS": f"{environ.get('JAVA_TOOL_OPTIONS', '')} {ours}".strip()}


def read_pauses(logs: Mapping[str, Iterable[Path]], start_ns: int, end_ns: int) -> pl.DataFrame:
    """The pauses (columns of `SCHEMA`) that ended between two wall instants, from the logs of each process."""
    rows = []
    for process, paths in logs.items():
        for path in paths:
            for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
                found = _PAUSE.match(line)
                if found is None:
                    continue
                at_ns = int(found["end_ms"]) * 1_000_000
                if start_ns <= at_ns < end_ns:
                    gc = _GC.match(found["cause"]) is not None
                    rows.append((process, at_ns, int(found["total_ns"]) / 1e6, found["cause"], gc))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("end_ns")


def pauses_of(pauses: pl.DataFrame, process: str) -> Pauses:
    """Number, sum and longest of a process's pauses, of all and of garbage collections."""
    mine = pauses.filter(pl.col("process") == process)
    ms, gc_ms = mine["ms"].to_list(), mine.filter("gc")["ms"].to_list()
    return Pauses(
        n=len(ms),
        total_ms=round(sum(ms), 3),
        max_ms=round(max(ms, default=0.0), 3),
        gc_n=len(gc_ms),
        gc_total_ms=round(sum(gc_ms), 3),
        gc_max_ms=round(max(gc_ms, default=0.0), 3),
    )
