"""The commands of the room: files, hashes and refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from base.errors import UsageError
from sim import digest, generate, publish
from sim.options import parse_start
from wire.reading import READING_FIELDS

SMALL = ["--sensors", "100", "--for", "6h"]


def generated(out: Path, kind: str) -> dict[str, int]:
    """What `sim.generate` says it wrote."""
    done = CliRunner().invoke(generate.app, [*SMALL, "--out", str(out), "--format", kind, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["rows"]


@pytest.mark.parametrize(
    ("kind", "read"), [("parquet", pl.read_parquet), ("csv", pl.read_csv), ("ndjson", pl.read_ndjson)]
)
def test_generate_writes_four_tables(tmp_path: Path, kind: str, read):
    """Each format holds readings as they travel, their schedule, the truth and the intervals."""
    rows = generated(tmp_path, kind)
    tables = {name: read(tmp_path / f"{name}.{kind}") for name in rows}
    assert {name: len(table) for name, table in tables.items()} == rows
    assert tuple(tables["readings"].columns) == READING_FIELDS
    assert rows["truth"] == 100 * 36
    assert rows["readings"] == rows["schedule"] <= rows["truth"]


def test_digest_prints_the_hash_alone():
    """On stdout stands the hash and nothing else; --json wraps it with what it belongs to."""
    plain = CliRunner().invoke(digest.app, SMALL)
    wrapped = json.loads(CliRunner().invoke(digest.app, [*SMALL, "--json"]).stdout)
    assert len(plain.stdout.strip()) == 64
    assert wrapped["stream_digest"] == plain.stdout.strip()
    assert (wrapped["scenario"], wrapped["sensors"]) == ("temperate-day", 100)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sensors", "0"], "error: --sensors 0: "),
        (["--scenario", "clam"], "did you mean 'calm'"),
        (["--for", "yesterday"], "error: --for: 'yesterday'"),
        (["--speedup", "-1"], "error: --speedup -1: "),
    ],
)
def test_mistakes_are_one_line_and_exit_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    """A wrong option is one line that names it, with exit code 2."""
    done = CliRunner().invoke(digest.app, arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_broker_is_exit_5():
    """A cluster that does not answer is one line that names it, with exit code 5."""
    done = CliRunner().invoke(publish.app, ["--bootstrap", "127.0.0.1:1"])
    assert done.exit_code == 5
    assert "no Kafka broker answers at 127.0.0.1:1" in done.stderr


@pytest.mark.parametrize("command", [generate, digest, publish])
def test_help_teaches_with_an_example(command):
    """--help ends with a command line that works."""
    done = CliRunner().invoke(command.app, ["--help"])
    assert done.exit_code == 0
    assert "Example: python -m sim." in done.stdout


def test_start_of_event_time():
    """`now`, `scenario` and instants with or without an offset are understood; the rest is refused."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert parse_start("now", now=now) == now
    assert parse_start("scenario", now=now) is None
    assert parse_start("2026-06-21T02:00:00+02:00", now=now) == datetime(2026, 6, 21, tzinfo=UTC)
    assert parse_start("2026-06-21", now=now) == datetime(2026, 6, 21, tzinfo=UTC)
    with pytest.raises(UsageError, match="--start tomorrow"):
        parse_start("tomorrow", now=now)
