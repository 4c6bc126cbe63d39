"""A source of readings that somebody really took: a CSV or Parquet file, its columns mapped, its time moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from base.errors import UsageError, did_you_mean
from sim.arrays import Floats, Longs
from sim.scenario import ReplayScenario, epoch_us
from sim.sensors import two_digits
from sim.stream import WHOLE, StreamSpec
from sim.stretch import Stretch, TableStretch
from sim.truth import INTERVAL_SCHEMA, unmeasured
from wire.reading import CHANNELS, MILLISECONDS_FROM


class Recording:
    """All readings of the file's first N sensors, in memory; moved so that `zero` is event time zero.

    Sensors with whole numbers from 1 on keep them, any others are numbered in sorted order; ``seq`` counts
    a sensor's readings. Without a file of true values the recorded ones are taken for true.
    Raises `UsageError`, in one line, for a file or a column that is missing or cannot be read.
    """

    def __init__(self, stream: StreamSpec, scenario: ReplayScenario) -> None:
        self._stream = stream
        recorded = _load(scenario, scenario.replay.file, "replay.file")
        zero_us = recorded["at_us"].sort()[0] if scenario.replay.zero is None else epoch_us(scenario.replay.zero)
        recorded = _numbered(recorded)
        numbers = recorded.select("sensor_id", "sensor").unique("sensor_id")
        self._intervals = _known(scenario, numbers, stream.scenario.start_us - zero_us)
        recorded = recorded.filter(pl.col("sensor").is_in(stream.sensor_ids))
        if recorded.is_empty():
            raise UsageError(
                f"{scenario.replay.file}: no reading of the sensors {stream.shard.number} to {stream.sensors}; "
                f"raise --sensors{', or take fewer shards' if stream.shard != WHOLE else ''}"
            )
        true = recorded
        if scenario.replay.truth is not None:
            known = _load(scenario, scenario.replay.truth, "replay.truth").unique(["sensor_id", "at_us"], keep="first")
            true = recorded.select("sensor_id", "at_us").join(
                known, on=["sensor_id", "at_us"], how="left", maintain_order="left"
            )
        self._sensor_id = recorded["sensor"].cast(pl.Int32).to_numpy()
        self._event_us: Longs = recorded["at_us"].to_numpy() - zero_us
        self._clean = two_digits(_values(recorded, scenario.replay.file))
        self._true = _values(true, scenario.replay.truth or scenario.replay.file)

    def stretches(self, start_us: int, end_us: int | None, chunk_readings: int) -> Iterator[Stretch]:
        """As in `Source`: one stretch with the whole file, whatever is asked for."""
        ids, event_us = self._sensor_id, self._event_us
        first_row = np.append(np.searchsorted(ids, self._stream.sensor_ids), len(ids)).astype(np.int64)
        yield TableStretch(
            start_us=int(event_us.min()),
            end_us=int(event_us.max()) + 1,
            later_due_us=None,
            sensor_id=ids,
            seq=np.arange(len(ids)) - first_row[np.searchsorted(self._stream.sensor_ids, ids)],
            event_us=event_us,
            true=self._true,
            clean=self._clean,
            order=np.lexsort((ids, event_us)).astype(np.int64),
            first_row=first_row,
        )

    def intervals(self, start_us: int, end_us: int) -> pl.DataFrame:
        """As in `Source`: those of the file of intervals, if there is one."""
        zero_us = self._stream.scenario.start_us
        return self._intervals.filter(pl.col("start_us") < end_us + zero_us, pl.col("end_us") > start_us + zero_us)

    def recall(self, instant_us: int, column: Longs, before_us: Longs) -> Iterator[tuple[Longs, Floats]]:
        """As in `Source`: nothing, for the one stretch holds all that was before."""
        return iter(())


def _load(scenario: ReplayScenario, file: str, key: str) -> pl.DataFrame:
    """sensor_id, at_us (epoch microseconds) and the five channels of one file, null where it has none."""
    columns, path = scenario.replay.columns, scenario.path_of(file)
    table = _read(path, key)
    for column in (columns.sensor_id, columns.timestamp, *columns.channels.values()):
        _require(table, column, path, "replay.columns")
    if table.is_empty():
        raise UsageError(f"{key} = '{file}': the file has no row")
    try:
        channels = {name: table[column].cast(pl.Float64) for name, column in columns.channels.items()}
    except pl.exceptions.InvalidOperationError as error:
        raise UsageError(f"{path.name}: a channel holds what is no number ({str(error).splitlines()[0]})") from None
    missing = {name: pl.Series([None] * len(table), dtype=pl.Float64) for name in CHANNELS if name not in channels}
    return pl.DataFrame(
        {
            "sensor_id": table[columns.sensor_id],
            "at_us": _instants(table[columns.timestamp], path),
            **{name: (channels | missing)[name] for name in CHANNELS},
        }
    )


def _known(scenario: ReplayScenario, numbers: pl.DataFrame, moved_us: int) -> pl.DataFrame:
    """The intervals that the replay's file of them tells, `INTERVAL_SCHEMA`.

    It has the columns kind, start and end, and may have class (by default fault), sensor_id and field.
    """
    if scenario.replay.intervals is None:
        return pl.DataFrame(schema=INTERVAL_SCHEMA)
    path, key = scenario.path_of(scenario.replay.intervals), "replay.intervals"
    table = _read(path, key)
    for column in ("kind", "start", "end"):
        _require(table, column, path, key)
    kind = table["kind"].cast(pl.String)
    sensor_id = pl.Series([None] * len(table), dtype=pl.Int32)
    if "sensor_id" in table.columns:
        named = table.select(pl.col("sensor_id").cast(numbers["sensor_id"].dtype, strict=False))
        found = named.join(numbers, on="sensor_id", how="left", maintain_order="left")["sensor"].cast(pl.Int32)
        unknown = found.is_null() & table["sensor_id"].is_not_null()
        if unknown.any():
            name = table["sensor_id"].filter(unknown)[0]
            raise UsageError(f"{key}: {path.name} tells of sensor {name!r}, of which there is no reading")
        sensor_id = found
    return unmeasured(
        table["class"].to_list() if "class" in table.columns else ["fault"] * len(table),
        event=[f"{name}-{number}" for number, name in enumerate(kind)],
        kind=kind.to_list(),
        sensor_id=sensor_id.to_list(),
        start_us=(_instants(table["start"], path) + moved_us).to_list(),
        end_us=(_instants(table["end"], path) + moved_us).to_list(),
        field=table["field"].to_list() if "field" in table.columns else None,
    )


def _read(path: Path, key: str) -> pl.DataFrame:
    if path.suffix not in (".csv", ".parquet"):
        raise UsageError(f"{key} = '{path.name}': write a file that ends in .csv or .parquet")
    try:
        return pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    except OSError as error:
        raise UsageError(f"{key}: cannot read {path} ({error.strerror or 'no such file'})") from None
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"{key}: {path.name} cannot be read: {str(error).splitlines()[0]}") from None


def _require(table: pl.DataFrame, column: str, path: Path, key: str) -> None:
    if column not in table.columns:
        hint = did_you_mean(column, table.columns)
        raise UsageError(f"{key}: {path.name} has no column '{column}'{hint} (it has {', '.join(table.columns)})")


def _instants(column: pl.Series, path: Path) -> pl.Series:
    """Epoch microseconds of numbers (seconds, or milliseconds from 1e11 on), datetimes, or ISO 8601 texts (UTC)."""
    if column.dtype == pl.String:
        try:
            column = column.str.to_datetime(time_unit="us", time_zone="UTC")
        except pl.exceptions.PolarsError:
            raise UsageError(
                f"{path.name}: column '{column.name}' holds a text that is no ISO 8601 instant, such as "
                f"{column.drop_nulls().head(1).to_list()}; write 2026-06-21T12:00:00Z, or epoch seconds"
            ) from None
    if isinstance(column.dtype, pl.Datetime):
        instants = column.dt.epoch("us")
    elif column.dtype.is_numeric():
        seconds = column.cast(pl.Float64)
        milli = (seconds >= MILLISECONDS_FROM).cast(pl.Float64)
        instants = (seconds * (1e6 - (1e6 - 1e3) * milli)).round().cast(pl.Int64, strict=False)
    else:
        raise UsageError(f"{path.name}: column '{column.name}' of type {column.dtype} holds no instants")
    if instants.null_count():
        raise UsageError(f"{path.name}: column '{column.name}' lacks an instant in row {instants.is_null().arg_max()}")
    return instants


def _numbered(recorded: pl.DataFrame) -> pl.DataFrame:
    """With the column ``sensor``, numbers from 1 on; by sensor, then time."""
    ids = recorded["sensor_id"]
    if ids.null_count():
        raise UsageError(f"replay.columns.sensor_id: row {ids.is_null().arg_max()} names no sensor")
    keeps = ids.dtype.is_integer() and ids.sort()[0] >= 1
    number = ids if keeps else ids.cast(pl.String).rank("dense").cast(pl.Int64)
    return recorded.with_columns(sensor=number).sort("sensor", "at_us", maintain_order=True)


def _values(table: pl.DataFrame, file: str) -> Floats:
    """The channels, (R, 5), NaN for null."""
    values = table.select(CHANNELS).fill_null(np.nan).to_numpy()
    if np.isinf(values).any():
        row, channel = (int(found[0]) for found in np.nonzero(np.isinf(values)))
        raise UsageError(f"{file}: {CHANNELS[channel]} of sensor {table['sensor_id'][row]} is infinite; leave it empty")
    return np.ascontiguousarray(values)
