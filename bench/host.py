"""The host meter's file, condensed to the measuring window."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from bench.latency import spread
from bench.records import Host

#: The mean over an hour hides a neighbour of some minutes: the worst stretch of so many seconds does not.
STRETCH_S: Final = 60


def read_seconds(path: Path) -> list[dict[str, Any]]:
    """The meter's lines; a last line cut short by a kill is left out."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    seconds = []
    for line in lines:
        try:
            seconds.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            continue
    return seconds


def host_record(seconds: list[dict[str, Any]], start_ns: int, end_ns: int, *, ours_cores: float) -> Host:
    """What happened between two wall-clock instants (ns); None for what the meter could not see.

    ``ours_cores``: what all processes of the cell used, the meter's own among them.
    """
    inside = [second for second in seconds if start_ns <= second["wall_ns"] <= end_ns + 1_000_000_000]
    if len(inside) < 2:
        return Host(hiccup_p99_ms=None, hiccup_max_ms=None, steal=None, cpu_pressure=None, clock_step_ms=None)
    first, last = inside[0], inside[-1]
    hiccups = spread(np.concatenate([np.asarray(second["hiccups_ms"]) for second in inside]))
    elapsed_s = (last["mono_ns"] - first["mono_ns"]) / 1e9
    wall_minus_mono_ns = [second["wall_ns"] - second["mono_ns"] for second in inside]
    stolen, cpu = ([second[key] for second in inside] for key in ("steal_s", "cpu_s"))
    pressed, passed = [second["pressure_us"] for second in inside], [second["mono_ns"] / 1e3 for second in inside]
    whole = len(inside) - 1
    return Host(
        hiccup_p99_ms=hiccups.p99,
        hiccup_max_ms=hiccups.max,
        steal=largest_share(stolen, cpu, whole),
        steal_worst_minute=largest_share(stolen, cpu, min(STRETCH_S, whole)),
        cpu_pressure=largest_share(pressed, passed, whole),
        others_cores=round(max(0.0, (last["busy_s"] - first["busy_s"]) / elapsed_s - ours_cores), 3),
        clock_step_ms=round((max(wall_minus_mono_ns) - min(wall_minus_mono_ns)) / 1e6, 4),
    )


def largest_share(part: list[Any], whole: list[Any], apart: int) -> float | None:
    """The most that ``part`` grew by, as a share of what ``whole`` did, between two of their totals ``apart``.

    None: the machine does not tell.
    """
    if part[0] is None:
        return None
    totals = np.array([part, whole], dtype=float)
    grown, grown_whole = totals[:, apart:] - totals[:, :-apart]
    return round(float(np.max(grown / grown_whole)), 5) if grown_whole.all() else None
