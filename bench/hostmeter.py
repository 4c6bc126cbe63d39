"""What the machine does to a measurement: hiccups, steal, CPU pressure, and steps of the wall clock.

``python -m bench.hostmeter --out FILE`` naps for a millisecond over and over, as a process of its
own, and writes how much longer each nap took (Gil Tene's jHiccup: what every process suffered).
Once a second it notes the clocks and the kernel's counters. It ends when its stdin closes.
"""

from __future__ import annotations

import gc
import select
import sys
import time
from pathlib import Path
from typing import Annotated

import orjson
import psutil
import typer

from base.clocks import wall_minus_monotonic_ns
from base.durations import parse_duration_s
from base.errors import UsageError, one_line_errors
from base.jsonl import emit
from bench import clock

_PRESSURE = Path("/proc/pressure/cpu")


def cpu_pressure_us() -> int | None:
    """Microseconds, since boot, in which some task waited for a CPU; None where the kernel does not say."""
    try:
        line = _PRESSURE.read_text().splitlines()[0]
    except OSError:
        return None
    return int(line.rpartition("total=")[2])


def cpu_seconds() -> tuple[float, float, float | None]:
    """All CPU seconds of the machine since boot, those not idle, and those stolen by the hypervisor (None: unknown)."""
    times = psutil.cpu_times()
    steal = getattr(times, "steal", None)
    whole = sum(times[:8])
    return whole, whole - times.idle - getattr(times, "iowait", 0.0) - (steal or 0.0), steal


def measure(out: Path, *, nap_s: float) -> None:
    """One JSON line a second: clocks, counters and the second's hiccups in ms, by which naps of ``nap_s`` overran."""
    gc.disable()
    stdin = sys.stdin.fileno()
    with out.open("wb") as file:
        while not select.select([stdin], [], [], 0)[0]:
            hiccups = []
            end_ns = time.monotonic_ns() + 1_000_000_000
            before_ns = time.monotonic_ns()
            while before_ns < end_ns:
                time.sleep(nap_s)
                after_ns = time.monotonic_ns()
                hiccups.append((after_ns - before_ns) / 1e6 - nap_s * 1e3)
                before_ns = after_ns
            mono_ns = time.monotonic_ns()
            wall_ns = mono_ns + wall_minus_monotonic_ns(clock.wall_ns)
            total_s, busy_s, steal_s = cpu_seconds()
            line = {
                "wall_ns": wall_ns,
                "mono_ns": mono_ns,
                "cpu_s": total_s,
                "busy_s": busy_s,
                "steal_s": steal_s,
                "pressure_us": cpu_pressure_us(),
                "hiccups_ms": [round(value, 3) for value in hiccups],
            }
            file.write(orjson.dumps(line) + b"\n")
            file.flush()


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="File for one JSON line a second.")],
    nap: Annotated[
        str, typer.Option(metavar="DUR", help="Its overrun is a hiccup; the longer, the fewer wake-ups.")
    ] = "1ms",
) -> None:
    """Record the machine's hiccups; started and stopped by bench.run."""
    nap_s = parse_duration_s(nap, field="--nap")
    if not 0.0 < nap_s < 1.0:
        raise UsageError(f"--nap {nap}: its overruns are told once a second; give more than 0s and less than 1s")
    emit("ready")
    measure(out, nap_s=nap_s)


if __name__ == "__main__":
    one_line_errors(app)()
