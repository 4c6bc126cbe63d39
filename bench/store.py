"""The results tree. Every file appears whole: written under another name, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson
import tomlkit
from pydantic import ValidationError

from base.errors import UsageError
from base.paths import require_free_disk, writable_dir
from base.plain_text import printable
from bench.junit import junit_xml
from bench.openmetrics import openmetrics
from bench.records import SCHEMA_VERSION, Result
from pipeline.rules import AlertRule
from sim.delivery_log import read_delivery_log

#: What the stream, its topics read back and the figures of a run may take.
NEEDED_DISK_BYTES = 500 * 2**20


def run_id(started: datetime, sha: str | None, scenario: str) -> str:
    """``<UTC>-<sha>-<scenario>``; without git the middle says so."""
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{(sha or 'nogit')[:7]}-{scenario}"


def write_whole(path: Path, data: bytes) -> None:
    """Write ``data`` so that a reader, or a kill at any moment, never meets half a file."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(data)
    fresh.replace(path)


class RunStore:
    """The folder of one run below ``out``, and the symbolic link ``latest`` beside it.

    ``resumed``: the folder is there already; of its cells, those that are not ``kept`` are removed.
    """

    def __init__(self, out: Path, run: str, *, resumed: bool = False, kept: Iterable[str] = ()) -> None:
        writable_dir(out, field="--out")
        require_free_disk(out, NEEDED_DISK_BYTES)
        self.folder = out / run
        self.folder.mkdir(exist_ok=resumed)
        for name in ("cells", "stream"):
            (self.folder / name).mkdir(exist_ok=resumed)
        for cell in (self.folder / "cells").iterdir():
            if cell.name not in kept:
                shutil.rmtree(cell)
        latest = out / "latest"
        fresh = out / f".latest.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(run, target_is_directory=True)
        fresh.replace(latest)

    @property
    def result_file(self) -> Path:
        """``result.json``."""
        return self.folder / "result.json"

    @property
    def metrics_file(self) -> Path:
        """``metrics.prom``."""
        return self.folder / "metrics.prom"

    @property
    def rules_file(self) -> Path:
        """``rules.toml``."""
        return self.folder / "rules.toml"

    def write_rules(self, rules: Sequence[AlertRule]) -> None:
        """Write ``rules.toml``, a file as ``--rules`` takes it."""
        write_whole(self.rules_file, tomlkit.dumps({"rule": [rule.model_dump() for rule in rules]}).encode())

    def cell_folder(self, cell: str) -> Path:
        """The folder of one cell, made if absent."""
        folder = self.folder / "cells" / cell
        folder.mkdir(exist_ok=True)
        return folder

    def save(self, result: Result) -> None:
        """Write ``result.json``, ``metrics.prom``, ``config.toml`` anew; once thresholds are judged, ``junit.xml``."""
        write_whole(self.result_file, dump(result))
        write_whole(self.metrics_file, openmetrics(result))
        write_whole(self.folder / "config.toml", tomlkit.dumps(result.config).encode())
        if result.thresholds:
            write_whole(self.folder / "junit.xml", junit_xml(result))


def dump(result: Result) -> bytes:
    """``result`` as the bytes of ``result.json``."""
    return orjson.dumps(result.model_dump(mode="json"), option=orjson.OPT_INDENT_2) + b"\n"


def load(run: Path, *, field: str = "RUN") -> Result:
    """The result in the folder ``run``, or in ``run`` if that is a file.

    Raises `UsageError` naming ``field``, ``run`` and what is missing or unreadable.
    """
    path = run / "result.json" if run.is_dir() else run
    try:
        written = path.read_bytes()
        _require_our_schema(written, f"{field} {run}: {path.name}")
        return Result.model_validate_json(written)
    except OSError as error:
        raise UsageError(
            f"{field} {run}: no result there ({error.strerror}); name a folder below results/, or its result.json"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        why = " ".join(f"{where + ': ' if where else ''}{first['msg']}".split())
        raise UsageError(
            f"{field} {run}: {path.name} is not of schema {SCHEMA_VERSION} ({why}); "
            "read it with the version of this project that wrote it"
        ) from error


def load_due_ns(log: Path) -> npt.NDArray[np.int64]:
    """When each delivery (n,) of a publisher's ``log`` was due, wall ns, in the order of sending. Raises `OSError`."""
    return read_delivery_log(log)["due_ns"].astype(np.int64)


def _require_our_schema(written: bytes, name: str) -> None:
    """A `UsageError` if the result calls itself of another schema: its numbers may fit ours and mean something else."""
    try:
        found = orjson.loads(written)
    except ValueError:
        found = None
    schema = found.get("schema_version") if isinstance(found, dict) else None
    if not isinstance(schema, int) or schema == SCHEMA_VERSION:
        # Whatever else is wrong with it is found out when it is read.
        return
    git = found.get("git")
    sha = git.get("sha") if isinstance(git, dict) else None
    age = "an older" if schema < SCHEMA_VERSION else "a newer"
    commit = f", such as commit {str(sha)[:7]}, which wrote it" if sha else ""
    raise UsageError(
        printable(
            f"{name} is of schema {schema}, and this version of the project reads schema {SCHEMA_VERSION}; "
            f"it needs {age} version, one that reads schema {schema}{commit}"
        )
    )


def now() -> str:
    """This instant in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
