"""From the files that `bench.score` is given to rows of ticks: read, check, place on the grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from base.errors import UsageError, did_you_mean
from bench.metrics.ranges import Bools, Floats, Longs

#: Sensors x ticks that fit into memory: about a dozen arrays of 8 bytes each are alive at once.
MOST_CELLS: Final = 50_000_000


@dataclass(frozen=True, slots=True)
class Grid:
    """Tick i of every sensor is [start + i period, start + (i + 1) period), i below ``ticks``; in seconds."""

    start_s: float
    end_s: float
    period_s: float

    def __post_init__(self) -> None:
        for flag, value in (("--start", self.start_s), ("--end", self.end_s), ("--period", self.period_s)):
            if not math.isfinite(value):
                raise UsageError(f"{flag} {value}: not a finite number; write seconds, such as 60")
        if self.period_s <= 0:
            raise UsageError(f"--period {self.period_s:g}: must be above 0; write the seconds between two readings")
        if self.end_s <= self.start_s:
            raise UsageError(f"--end {self.end_s:g}: not after --start {self.start_s:g}; choose a later --end")
        if abs(self._exact_ticks - self.ticks) > self.slack or not self.ticks:
            whole_s = self.start_s + max(self.ticks, 1) * self.period_s
            raise UsageError(
                f"--end {self.end_s:.12g}: {self.end_s - self.start_s:.12g} s are no multiple of "
                f"--period {self.period_s:.12g}; choose --end {whole_s:.12g}, for instance"
            )

    @property
    def ticks(self) -> int:
        """How many there are."""
        return round(self._exact_ticks)

    @property
    def _exact_ticks(self) -> float:
        return (self.end_s - self.start_s) / self.period_s

    @property
    def slack(self) -> float:
        """In ticks, how far a decimal number of seconds may lie off as a float: 0.3 / 0.1 is less than 3."""
        return max(1e-6, 4 * float(np.spacing(max(abs(self.start_s), abs(self.end_s)))) / self.period_s)

    def position(self, instants_s: Floats) -> Floats:
        """Where instants lie, in ticks from the start: (N,) -> (N,); whole where they are within `slack`."""
        exact = (instants_s - self.start_s) / self.period_s
        whole = np.rint(exact)
        return np.where(np.abs(exact - whole) <= self.slack, whole, exact)


@dataclass(frozen=True, slots=True)
class Given:
    """What is to be scored, (sensors, ticks) each; ``notes`` tell what was left out, a line each."""

    sensors: list[str]
    truth: Bools
    alarm: Bools
    scores: Floats | None
    notes: list[str]


def read(truth: Path, alerts: Path, scores: Path | None, grid: Grid) -> Given:
    """Read the three files; the sensors are those that any of them names.

    A tick is true if a true interval covers any of it, so that an interval between two ticks does not vanish; true
    intervals that overlap or touch become one event. Several alerts in a tick are one. What lies outside the grid is
    cut or left out, and told in a note.

    Raises `UsageError`, in one line, for a file, a column or a value that is not as it must be.
    """
    intervals = _table(truth, "--truth", ("start_s", "end_s"))
    _refuse(
        intervals,
        intervals["end_s"] <= intervals["start_s"],
        "end_s",
        f"--truth {truth}",
        "is not after start_s; intervals are [start_s, end_s)",
    )
    alerted = _table(alerts, "--alerts", ("timestamp",))
    rated = _table(scores, "--scores", ("timestamp", "score")) if scores else None
    tables = [table for table in (intervals, alerted, rated) if table is not None]
    sensors = pl.concat([table["sensor_id"] for table in tables]).unique().sort()
    if len(sensors) * grid.ticks > MOST_CELLS:
        raise UsageError(
            f"--period {grid.period_s:g}: {len(sensors):,} sensors x {grid.ticks:,} ticks are more than the "
            f"{MOST_CELLS:,} that can be scored at once; choose a shorter stretch or fewer sensors"
        )
    notes = []
    names, known = alerted["sensor_id"].unique(), intervals["sensor_id"].unique()
    if len(names) and len(known) and not names.is_in(known.implode()).any():
        notes.append(
            f"no sensor of --alerts ('{names.sort()[0]}', ...) is in --truth ('{known.sort()[0]}', ...): same names?"
        )
    true = _true_ticks(intervals, sensors, grid, notes)
    alarm = np.zeros((len(sensors), grid.ticks), dtype=np.bool_)
    alarm.ravel()[_cells(alerted, sensors, grid, "alerts", notes)[0]] = True
    values = None
    if rated is not None:
        values = _one_each(rated, sensors, grid, f"--scores {scores}", notes)
    return Given(sensors=sensors.to_list(), truth=true, alarm=alarm, scores=values, notes=notes)


def _table(path: Path, flag: str, numbers: tuple[str, ...]) -> pl.DataFrame:
    """The columns ``sensor_id``, as text, and ``numbers``, finite."""
    columns = ("sensor_id", *numbers)
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise UsageError(f"{flag} {path}: '{path.suffix}' is not read; give a .csv or a .parquet file")
    if not path.is_file():
        raise UsageError(f"{flag} {path}: no such file; name one with the columns {', '.join(columns)}")
    try:
        # As text, so that a sensor 007 keeps its name and a message can quote what stands in the file.
        table = pl.read_csv(path, infer_schema=False) if suffix == ".csv" else pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it is empty"
        raise UsageError(f"{flag} {path}: cannot be read ({reason}); write it anew") from None
    for column in columns:
        if column not in table.columns:
            hint = did_you_mean(column, table.columns)
            raise UsageError(f"{flag} {path}: no column '{column}'{hint}; it needs {', '.join(columns)}")
    where = f"{flag} {path}"
    return table.select(_names(table, where), *(_finite(table, column, where) for column in numbers))


def _names(table: pl.DataFrame, where: str) -> pl.Series:
    ids = table["sensor_id"]
    if ids.dtype.is_float() and ids.drop_nulls().is_finite().all() and (ids == ids.round()).all():
        ids = ids.cast(pl.Int64)  # 7.0, because a row without a name made the column one of floats
    if ids.dtype.is_integer():
        ids = ids.cast(pl.String)
    if ids.dtype != pl.String:
        raise UsageError(f"{where}: sensor_id is of type {ids.dtype}; write names or whole numbers")
    _refuse(table, ids.is_null() | (ids == ""), "sensor_id", where, "names no sensor; write its name or number")
    return ids


def _finite(table: pl.DataFrame, column: str, where: str) -> pl.Series:
    values = table[column]
    if values.dtype == pl.String:
        numbers = values.str.strip_chars().cast(pl.Float64, strict=False)
    elif values.dtype.is_numeric() or values.dtype == pl.Null:
        numbers = values.cast(pl.Float64)
    else:
        raise UsageError(f"{where}: {column} is of type {values.dtype}; write seconds as numbers")
    _refuse(table, ~numbers.is_finite().fill_null(value=False), column, where, "is not a finite number; mend that row")
    return numbers


def _refuse(table: pl.DataFrame, wrong: pl.Series, column: str, where: str, reason: str) -> None:
    """Raise for the first row, counted from 1 below the header, that is ``wrong``."""
    if wrong.any():
        row = wrong.arg_max() or 0
        raise UsageError(f"{where}: row {row + 1}: {column} {table[column][row]!r} {reason}")


def _rows(table: pl.DataFrame, sensors: pl.Series) -> Longs:
    """The row of each line's sensor, (N,)."""
    return table["sensor_id"].cast(pl.Enum(sensors)).to_physical().cast(pl.Int64).to_numpy()


def _true_ticks(intervals: pl.DataFrame, sensors: pl.Series, grid: Grid, notes: list[str]) -> Bools:
    """Every tick that an interval covers in part, (sensors, ticks)."""
    first = np.floor(grid.position(intervals["start_s"].to_numpy()))
    end = np.maximum(np.ceil(grid.position(intervals["end_s"].to_numpy())), first + 1)
    inside = (end > 0) & (first < grid.ticks)
    cut = inside & ((first < 0) | (end > grid.ticks))
    span = f"outside [{grid.start_s:.12g}, {grid.end_s:.12g})"
    if cut.any():
        notes.append(f"{cut.sum():,} of {len(inside):,} true intervals reach {span} and are cut there")
    if not inside.all():
        notes.append(f"{(~inside).sum():,} of {len(inside):,} true intervals lie {span} and are not scored")
    row = _rows(intervals, sensors)[inside] * (grid.ticks + 1)
    cells = len(sensors) * (grid.ticks + 1)
    begins = np.bincount(row + np.maximum(first[inside], 0).astype(np.int64), minlength=cells)
    ends = np.bincount(row + np.minimum(end[inside], grid.ticks).astype(np.int64), minlength=cells)
    covering: Longs = (begins - ends).reshape(len(sensors), grid.ticks + 1).cumsum(axis=1)
    return covering[:, :-1] > 0


def _cells(table: pl.DataFrame, sensors: pl.Series, grid: Grid, what: str, notes: list[str]) -> tuple[Longs, Bools]:
    """The flat cell of each line that lies on the grid, and which lines do."""
    tick = np.floor(grid.position(table["timestamp"].to_numpy()))
    inside = (tick >= 0) & (tick < grid.ticks)
    if not inside.all():
        span = f"[{grid.start_s:.12g}, {grid.end_s:.12g})"
        notes.append(f"{(~inside).sum():,} of {len(inside):,} {what} lie outside {span} and are not scored")
    return _rows(table, sensors)[inside] * grid.ticks + tick[inside].astype(np.int64), inside


def _one_each(table: pl.DataFrame, sensors: pl.Series, grid: Grid, where: str, notes: list[str]) -> Floats:
    """The score of each cell, of which every one must have exactly one."""
    cell, inside = _cells(table, sensors, grid, "scores", notes)
    count = np.bincount(cell, minlength=len(sensors) * grid.ticks)
    for wrong, what, remedy in (
        (count > 1, "more than one score", "keep one"),
        (count == 0, "no score", "give one for each tick"),
    ):
        if wrong.any():
            row, tick = divmod(int(wrong.argmax()), grid.ticks)
            begins = grid.start_s + tick * grid.period_s
            raise UsageError(
                f"{where}: sensor '{sensors[row]}' has {what} in the tick "
                f"[{begins:.12g}, {begins + grid.period_s:.12g}) ({wrong.sum():,} of {len(count):,}); {remedy}"
            )
    values = np.empty(len(count))
    values[cell] = table["score"].to_numpy()[inside]
    return values.reshape(len(sensors), grid.ticks)
