"""CPU and memory of every process of a cell, between two instants."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil

from bench.records import Usage

Processes = Mapping[str, Callable[[], list[psutil.Process]]]


@dataclass(frozen=True, slots=True)
class Sample:
    """Cumulative CPU seconds by process id, and resident bytes, of one component."""

    cpu_s: dict[int, float]
    rss_bytes: int


def sample(components: Processes) -> dict[str, Sample]:
    """Where every component stands now; processes that just ended are left out.

    So is a component without any here, such as someone else's broker: what it costs is not known, and not 0.
    """
    result = {}
    for name, listed in components.items():
        cpu_s: dict[int, float] = {}
        rss = 0
        processes = listed()
        if not processes:
            continue
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied), process.oneshot():
                times = process.cpu_times()
                cpu_s[process.pid] = times.user + times.system
                rss += process.memory_info().rss
        result[name] = Sample(cpu_s, rss)
    return result


def usage(before: dict[str, Sample], after: dict[str, Sample], *, seconds: float, readings: int) -> dict[str, Usage]:
    """What each component used between two samples ``seconds`` apart, in which ``readings`` were due."""
    result = {}
    for name, end in after.items():
        start = before[name].cpu_s if name in before else {}
        # A process that came in between brings all its seconds; one that left takes its last ones along.
        cpu_s = sum(value - start.get(pid, 0.0) for pid, value in end.cpu_s.items())
        result[name] = Usage(
            cpu_s=round(cpu_s, 3),
            cpu_s_per_million=round(cpu_s / readings * 1e6, 3) if readings else None,
            cores=round(cpu_s / seconds, 4),
            rss_bytes=end.rss_bytes,
        )
    return result
