"""The hash of a stream: same scenario and seed, same digest, whatever the chunks or the machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, Final

import numpy as np
import orjson
import typer

from base.durations import parse_duration_s
from base.errors import one_line_errors
from sim.batch import ReadingBatch
from sim.options import Rate, Scenario, Seed, Sensors, Speedup
from sim.scenario import load_scenario, scenario_hash
from sim.simulate import simulate
from sim.stream import StreamSpec, resolve_stream

#: What is hashed per delivery; channels in hundredths, `NULL_CHANNEL` for null.
DIGEST_ROW: Final = np.dtype(
    [
        ("sensor_id", "<i4"),
        ("seq", "<i8"),
        ("copy", "u1"),
        ("event_us", "<i8"),
        ("due_ns", "<i8"),
        ("values", "<i4", (5,)),
    ]
)
NULL_CHANNEL: Final = -(2**31)


def stream_digest(stream: StreamSpec, start_s: float, end_s: float) -> str:
    """SHA-256 (hex) over all deliveries with event time in [start, end), in due order, as integers."""
    return digest_of(chunk.readings for chunk in simulate(stream, start_s=start_s, end_s=end_s))


def digest_of(batches: Iterable[ReadingBatch]) -> str:
    """The same over deliveries that are there already."""
    digest = hashlib.sha256()
    for batch in batches:
        digest.update(_rows(batch).tobytes())
    return digest.hexdigest()


def _rows(batch: ReadingBatch) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    rows = np.empty(len(batch), dtype=DIGEST_ROW)
    for name in ("sensor_id", "seq", "copy", "event_us", "due_ns"):
        rows[name] = getattr(batch, name)
    hundredths = np.rint(np.nan_to_num(batch.values) * 100.0).astype(np.int32)
    rows["values"] = np.where(np.isnan(batch.values), NULL_CHANNEL, hundredths)
    return rows


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command(epilog="Example: python -m sim.digest --sensors 1000 --seed 42")
@one_line_errors
def digest(
    scenario: Scenario = "temperate-day",
    seed: Seed = 42,
    sensors: Sensors = 1000,
    rate: Rate = None,
    speedup: Speedup = None,
    duration: Annotated[str, typer.Option("--for", metavar="DUR", help="How much event time to hash.")] = "1d",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of the bare hash.")] = False,
) -> None:
    """Print the SHA-256 of a stream's readings and their schedule.

    Two machines that print the same hash simulate the same readings, due at the same instants.
    """
    described = load_scenario(scenario)
    stream = resolve_stream(described, seed=seed, sensors=sensors, rate=rate, speedup=speedup)
    found = stream_digest(stream, 0.0, parse_duration_s(duration, field="--for"))
    if as_json:
        fields = {
            "stream_digest": found,
            "scenario": described.name,
            "scenario_hash": scenario_hash(described),
        }
        print(orjson.dumps({**fields, "seed": seed, "sensors": sensors}).decode())
    else:
        print(found)


if __name__ == "__main__":
    app()
