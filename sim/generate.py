"""Write a stretch of stream to files: the readings and the truth about them, no Kafka needed."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Annotated, Final, Self

import numpy as np
import orjson
import polars as pl
import pyarrow.parquet
import typer
from rich.console import Console
from rich.progress import Progress

from base.durations import parse_duration_s
from base.errors import one_line_errors
from base.paths import writable_dir
from sim.beacons import is_beacon
from sim.encode import wire_frame
from sim.options import Rate, Scenario, Seed, Sensors, Speedup, parse_start
from sim.scenario import WeatherScenario, load_scenario
from sim.sensors import positions
from sim.simulate import intervals_of, simulate
from sim.stream import StreamSpec, resolve_stream

#: Kilometres in a degree along the equator, of radius 6378.137 km (WGS 84).
KM_PER_DEGREE: Final = 111.32


class Format(StrEnum):
    """File formats; the name is the ending."""

    PARQUET = "parquet"
    CSV = "csv"
    NDJSON = "ndjson"


class TableFile:
    """A table written piece by piece, so that memory stays bounded; a context manager."""

    def __init__(self, path: Path, kind: Format) -> None:
        self.path, self._kind, self.rows = path, kind, 0
        self._parquet: pyarrow.parquet.ParquetWriter | None = None
        self._text = None if kind is Format.PARQUET else path.open("wb")

    def append(self, frame: pl.DataFrame) -> None:
        """Add the rows of ``frame``; all pieces have the same columns."""
        if self._text is None:
            table = frame.to_arrow()
            if self._parquet is None:
                self._parquet = pyarrow.parquet.ParquetWriter(self.path, table.schema, compression="zstd")
            self._parquet.write_table(table)
        elif self._kind is Format.CSV:
            frame.write_csv(self._text, include_header=self.rows == 0)
        else:
            frame.write_ndjson(self._text)
        self.rows += len(frame)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in (self._parquet, self._text):
            if file is not None:
                file.close()


def sensor_frame(stream: StreamSpec) -> pl.DataFrame:
    """What anybody may know of the sensors, one row each: sensor_id, x_km, y_km, latitude, longitude, beacon.

    x_km runs east and y_km north from the south-west corner of the scenario's square. Degrees lie on
    the plane that touches the globe at the square's centre, the scenario's latitude and longitude.
    Where there is no weather, sensors stand nowhere, and only sensor_id and beacon are told.
    """
    ids = stream.sensor_ids
    beacon = is_beacon(ids, stream.scenario.beacons)
    if not isinstance(stream.scenario, WeatherScenario):
        return pl.DataFrame({"sensor_id": ids, "beacon": beacon})
    scenario = stream.scenario
    x_km, y_km = positions(stream.key, ids, scenario.extent_km)
    # At the poles, where no direction is east, the circle of latitude must not shrink to nothing.
    shrink = max(math.cos(math.radians(scenario.latitude)), 1e-3)
    latitude = scenario.latitude + (y_km - scenario.extent_km / 2) / KM_PER_DEGREE
    longitude = scenario.longitude + (x_km - scenario.extent_km / 2) / (KM_PER_DEGREE * shrink)
    return pl.DataFrame(
        {
            "sensor_id": ids,
            "x_km": x_km,
            "y_km": y_km,
            "latitude": np.clip(latitude, -90.0, 90.0),
            # Across the date line the count goes on at the other end.
            "longitude": (longitude + 180.0) % 360.0 - 180.0,
            "beacon": beacon,
        }
    ).sort("sensor_id")


def write_stream(
    stream: StreamSpec, *, start_s: float, end_s: float, out: Path, kind: Format, progress: Progress
) -> dict[Path, int]:
    """Write ``readings`` (as they travel), ``schedule``, ``truth``, ``intervals`` and ``sensors`` to ``out``.

    Event seconds [start, end). ``sensors`` is CSV, whatever ``kind``: a map or a spreadsheet reads it
    as it is. Returns how many rows each file has.
    """
    task = progress.add_task("simulating", total=end_s - start_s)
    with (
        TableFile(out / f"readings.{kind}", kind) as readings,
        TableFile(out / f"schedule.{kind}", kind) as schedule,
        TableFile(out / f"truth.{kind}", kind) as truth,
        TableFile(out / f"intervals.{kind}", kind) as intervals,
        TableFile(out / "sensors.csv", Format.CSV) as sensors,
    ):
        sensors.append(sensor_frame(stream))
        realised = []
        for chunk in simulate(stream, start_s=start_s, end_s=end_s):
            realised.append(chunk.realised)
            readings.append(wire_frame(chunk.readings))
            schedule.append(chunk.readings.to_polars().select("sensor_id", "seq", "copy", "due_ns"))
            truth.append(chunk.truth.to_polars())
            done_s = (int(chunk.truth.event_us[-1]) - stream.scenario.start_us) / 1e6
            progress.update(task, completed=done_s - start_s)
        intervals.append(intervals_of(chunk, start_s, end_s, realised))
        progress.update(task, completed=end_s - start_s)
    return {file.path: file.rows for file in (readings, schedule, truth, intervals, sensors)}


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command(epilog="Example: python -m sim.generate --sensors 200 --for 7d --format csv --out week")
@one_line_errors
def generate(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the files; made if absent.")],
    scenario: Scenario = "temperate-day",
    seed: Seed = 42,
    sensors: Sensors = 1000,
    rate: Rate = None,
    speedup: Speedup = None,
    start: Annotated[
        str, typer.Option(metavar="ISO|now|scenario", help="Event time zero; scenario keeps the scenario's own.")
    ] = "scenario",
    duration: Annotated[str, typer.Option("--for", metavar="DUR", help="Event time to simulate.")] = "1d",
    kind: Annotated[Format, typer.Option("--format", help="What the files are.")] = Format.PARQUET,
    as_json: Annotated[bool, typer.Option("--json", help="The row counts as one JSON object.")] = False,
) -> None:
    """Simulate sensors and write their readings, and the truth about them, to files.

    readings: what sensors send, as it would travel. truth: what really was, per (sensor_id, seq),
    with a bit per fault. intervals: every fault and event. schedule: when each reading is due.
    sensors.csv: where each sensor stands, in km and in degrees, and whether it is a beacon.
    """
    described = load_scenario(scenario)
    zero = parse_start(start, now=datetime.now(UTC))
    if zero is not None:
        described = described.model_copy(update={"start": zero})
    stream = resolve_stream(described, seed=seed, sensors=sensors, rate=rate, speedup=speedup)
    end_s = parse_duration_s(duration, field="--for")
    folder = writable_dir(out, field="--out")
    with Progress(console=Console(stderr=True), transient=True) as progress:
        rows = write_stream(stream, start_s=0.0, end_s=end_s, out=folder, kind=kind, progress=progress)
    if as_json:
        counts = {path.stem: count for path, count in rows.items()}
        print(orjson.dumps({"out": str(folder), "rows": counts}).decode())
    else:
        for path, count in rows.items():
            print(f"{path}: {count:,} rows")


if __name__ == "__main__":
    app()
