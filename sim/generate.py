"""Write a stretch of stream to files: the readings and the truth about them, no Kafka needed."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import orjson
import polars as pl
import pyarrow.parquet
import typer
from rich.console import Console
from rich.progress import Progress

from base.durations import parse_duration_s
from base.errors import one_line_errors
from base.paths import writable_dir
from sim.encode import wire_frame
from sim.options import Rate, Scenario, Seed, Sensors, Speedup, parse_start
from sim.scenario import load_scenario
from sim.simulate import simulate
from sim.stream import StreamSpec, resolve_stream
from sim.truth import interval_frame


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


def write_stream(
    stream: StreamSpec, *, start_s: float, end_s: float, out: Path, kind: Format, progress: Progress
) -> dict[str, int]:
    """Write ``readings`` (as they travel), ``schedule``, ``truth`` and ``intervals`` to ``out``.

    Event seconds [start, end). Returns how many rows each file has.
    """
    task = progress.add_task("simulating", total=end_s - start_s)
    names = ("readings", "schedule", "truth")
    with (
        TableFile(out / f"readings.{kind}", kind) as readings,
        TableFile(out / f"schedule.{kind}", kind) as schedule,
        TableFile(out / f"truth.{kind}", kind) as truth,
        TableFile(out / f"intervals.{kind}", kind) as intervals,
    ):
        intervals.append(interval_frame(stream, start_s, end_s))
        for chunk in simulate(stream, start_s=start_s, end_s=end_s):
            readings.append(wire_frame(chunk.readings))
            schedule.append(chunk.readings.to_polars().select("sensor_id", "seq", "copy", "due_ns"))
            truth.append(chunk.truth.to_polars())
            done_s = (int(chunk.truth.event_us[-1]) - stream.scenario.start_us) / 1e6
            progress.update(task, completed=done_s - start_s)
        progress.update(task, completed=end_s - start_s)
        files = (readings, schedule, truth)
        return {**{name: file.rows for name, file in zip(names, files, strict=True)}, "intervals": intervals.rows}


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
    """
    described = load_scenario(scenario)
    zero = parse_start(start, now=datetime.now(UTC))
    if zero is not None:
        described = described.model_copy(update={"start": zero})
    stream = resolve_stream(described, seed=seed, sensors=sensors, rate=rate, speedup=speedup)
    end_s = parse_duration_s(duration, field="--for")
    folder = writable_dir(out, field="--out")
    with Progress(console=Console(stderr=True), transient=True) as progress:
        rows: dict[str, Any] = write_stream(stream, start_s=0.0, end_s=end_s, out=folder, kind=kind, progress=progress)
    if as_json:
        print(orjson.dumps({"out": str(folder), "rows": rows}).decode())
    else:
        for name, count in rows.items():
            print(f"{folder / f'{name}.{kind}'}: {count:,} rows")


if __name__ == "__main__":
    app()
