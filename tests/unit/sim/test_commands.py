"""The commands of the room: files, hashes and refusals."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from base.errors import UsageError
from sim import digest, generate, plot, publish
from sim.options import parse_start
from sim.scenario import load_scenario
from sim.stream import resolve_stream
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
def test_generate_writes_five_tables(tmp_path: Path, kind: str, read):
    """Each format holds readings as they travel, their schedule, the truth and the intervals; sensors are CSV."""
    rows = generated(tmp_path, kind)
    tables = {name: read(tmp_path / f"{name}.{kind}") for name in rows if name != "sensors"}
    tables["sensors"] = pl.read_csv(tmp_path / "sensors.csv")
    assert {name: len(table) for name, table in tables.items()} == rows
    assert tuple(tables["readings"].columns) == READING_FIELDS
    assert rows["truth"] == 100 * 36
    assert rows["readings"] == rows["schedule"] <= rows["truth"]
    assert rows["sensors"] == 100


def test_generate_counts_every_file_that_it_writes(tmp_path: Path):
    """The summary has one line a file with its rows, `sensors.csv` among them."""
    done = CliRunner().invoke(generate.app, [*SMALL, "--out", str(tmp_path)])
    files = [Path(line.split(": ")[0]) for line in done.stdout.splitlines()]
    assert sorted(files) == sorted(tmp_path.iterdir())
    assert f"{tmp_path / 'sensors.csv'}: 100 rows" in done.stdout


def test_sensors_stand_in_the_square_around_the_scenarios_place(tmp_path: Path):
    """Kilometres lie in the square; degrees lead back to them; nothing of the truth is told."""
    generated(tmp_path, "parquet")
    scenario = load_scenario("temperate-day")
    sensors = pl.read_csv(tmp_path / "sensors.csv")
    assert sensors.columns == ["sensor_id", "x_km", "y_km", "latitude", "longitude", "beacon"]
    assert sensors["sensor_id"].to_list() == list(range(1, 101))
    for axis in ("x_km", "y_km"):
        assert sensors[axis].is_between(0.0, scenario.extent_km).all()
        assert sensors[axis].max() - sensors[axis].min() > scenario.extent_km / 2
    east_km = (sensors["longitude"] - scenario.longitude) * 111.32 * math.cos(math.radians(scenario.latitude))
    north_km = (sensors["latitude"] - scenario.latitude) * 111.32
    assert east_km.to_list() == pytest.approx((sensors["x_km"] - scenario.extent_km / 2).to_list(), abs=1e-6)
    assert north_km.to_list() == pytest.approx((sensors["y_km"] - scenario.extent_km / 2).to_list(), abs=1e-6)
    truth = pl.read_parquet(tmp_path / "truth.parquet").filter("beacon")
    assert sensors.filter("beacon")["sensor_id"].to_list() == sorted(set(truth["sensor_id"]))


@pytest.mark.parametrize(("latitude", "longitude"), [(90.0, 0.0), (-90.0, 179.9), (10.0, -180.0)])
def test_degrees_stay_on_the_globe(latitude: float, longitude: float):
    """At a pole and across the date line too, latitudes and longitudes are such."""
    scenario = load_scenario("temperate-day").model_copy(update={"latitude": latitude, "longitude": longitude})
    sensors = generate.sensor_frame(resolve_stream(scenario, seed=1, sensors=200))
    assert sensors["latitude"].is_between(-90.0, 90.0).all()
    assert sensors["longitude"].is_between(-180.0, 180.0).all()


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


@pytest.mark.parametrize("command", [generate, digest, plot, publish])
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
