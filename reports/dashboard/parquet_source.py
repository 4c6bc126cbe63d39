"""The folder of a pipeline's Parquet sink: the files that Spark says are whole, each read once.

Spark writes Parquet files under their final names, and leaves those of a batch that failed. Which count stands in
``_spark_metadata``: one file of JSON lines for each batch, every tenth (``9.compact``) holding all that came before.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import orjson
import polars as pl

from reports.dashboard.events import ALERT, READING, About, Batch

METADATA: Final = "_spark_metadata"
#: Of a folder that is there already only so many files are read, and never more at a time.
MOST_FILES: Final = 200
#: The first line of each file of the log.
_VERSION: Final = "v1"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that Spark committed, and when it was written, wall epoch ms."""

    name: str
    written_ms: int


class ManifestLog:
    """Reads ``_spark_metadata`` on from where it was; raises `OSError` and `ValueError` for what it cannot read."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / METADATA
        self._batch = -1
        self._known = 0

    def fresh(self) -> list[DataFile]:
        """The files committed since the last call, in the order of their batches."""
        found: list[DataFile] = []
        for batch, path in self._ahead():
            files = _entries(path)
            # A compacted file repeats all files of the batches before, in order.
            found += files[self._known :] if path.suffix == ".compact" else files
            self._known = len(files) if path.suffix == ".compact" else self._known + len(files)
            self._batch = batch
        return found

    def _ahead(self) -> list[tuple[int, Path]]:
        """The log's files after the last batch read: the newest compacted one, and those that follow it."""
        ahead = sorted(
            (int(path.name.split(".")[0]), path)
            for path in (self._log.iterdir() if self._log.is_dir() else [])
            if path.name.removesuffix(".compact").isdigit() and int(path.name.split(".")[0]) > self._batch
        )
        compacted = [at for at, (_, path) in enumerate(ahead) if path.suffix == ".compact"]
        return ahead[compacted[-1] :] if compacted else ahead


def _entries(path: Path) -> list[DataFile]:
    version, *lines = path.read_text().splitlines()
    if version != _VERSION:
        raise ValueError(f"{path} is of version {version}, not {_VERSION}")
    entries = [orjson.loads(line) for line in lines if line]
    # The folder may have been moved since: of a path, the last part holds.
    return [
        DataFile(Path(unquote(urlsplit(one["path"]).path)).name, int(one["modificationTime"]))
        for one in entries
        if one["action"] == "add"
    ]


class ParquetSource:
    """The folder of `pipeline.run --sink parquet`, now or later; its alerts carry the readings behind them."""

    def __init__(self, folder: Path) -> None:
        self.about = About(source=f"Parquet files in {folder}", readings="readings that raised an alert")
        self._folder = folder
        self._log = ManifestLog(folder)
        self._waiting: list[DataFile] = []
        self._skipped = 0

    def poll(self, timeout_s: float) -> Batch:
        """As in `Source`."""
        trouble = ""
        try:
            self._waiting += self._log.fresh()
        except (OSError, ValueError, KeyError) as error:
            trouble = f"{self._folder / METADATA} cannot be read ({error}); trying again"
        self._waiting = self._waiting[-MOST_FILES:]
        if not self._waiting:
            time.sleep(timeout_s)
        alerts = [self._read(file) for file in self._waiting]
        self._waiting = []
        rows = pl.concat([pl.DataFrame(schema={**READING, **ALERT}), *alerts], how="diagonal")
        if not trouble and not (self._folder / METADATA).is_dir():
            trouble = f"{self._folder} has no {METADATA} yet; the Parquet sink makes it with its first batch"
        now_ms = time.time_ns() // 1_000_000
        return Batch(now_ms=now_ms, readings=rows.select(*READING), alerts=rows.select(*ALERT), trouble=trouble)

    def close(self) -> None:
        """As in `Source`: nothing is held open."""

    def _read(self, file: DataFile) -> pl.DataFrame:
        """The file's rows; none if it is gone or no alerts of ours."""
        event_us = (pl.col("timestamp") * 1e6).round().cast(pl.Int64).alias("event_us")
        wanted = {**READING, **ALERT}
        try:
            # Read as bytes: a memory-mapped file must not be removed under its reader.
            frame = pl.read_parquet((self._folder / file.name).read_bytes())
            rows = frame.select(pl.exclude("timestamp"), event_us, pl.lit(file.written_ms).alias("at_ms"))
            return rows.select(pl.col(name).cast(dtype) for name, dtype in wanted.items())
        except (OSError, pl.exceptions.PolarsError):
            return pl.DataFrame(schema=wanted)
