"""The command reads two or three files, places them on ticks, and says in one line what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from base.errors import UsageError
from bench import score
from bench.metrics.counts import event
from bench.score import Settings, scored
from bench.score_input import Given, Grid, read

KEYS = {
    "point": {"precision", "recall", "f1"},
    "event": {"precision", "recall", "f1"},
    "range": {"precision", "recall", "f1"},
    "affiliation": {"precision", "recall"},
    "nab": {"standard", "low_fp", "low_fn"},
    "pate": {"f1", "ap"},
    "vus": {"pr", "roc"},
}

TRUTH, ALERTS, SCORES = "sensor_id,start_s,end_s", "sensor_id,timestamp", "sensor_id,timestamp,score"

#: Ten ticks of a minute.
STRETCH = ("--period", "60", "--start", "0", "--end", "600")


def write(folder: Path, name: str, *lines: str) -> Path:
    """A CSV file of these lines."""
    path = folder / f"{name}.csv"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def run(folder: Path, truth=(), alerts=(), scores=None, flags=(), stretch=STRETCH) -> Any:
    """The command on files of these lines below the usual headers."""
    files = ["--truth", write(folder, "truth", TRUTH, *truth), "--alerts", write(folder, "alerts", ALERTS, *alerts)]
    if scores is not None:
        files += ["--scores", write(folder, "scores", SCORES, *scores)]
    return CliRunner().invoke(score.app, [*map(str, files), *stretch, *flags])


def numbers(done: Any) -> dict[str, dict[str, float | None]]:
    """What --json printed."""
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def placed(folder: Path, truth=(), alerts=(), grid=Grid(0.0, 600.0, 60.0)) -> Given:  # noqa: B008
    """The files of these lines, as rows of ticks."""
    return read(write(folder, "truth", TRUTH, *truth), write(folder, "alerts", ALERTS, *alerts), None, grid)


def test_json_has_these_keys_and_no_others(tmp_path: Path):
    """Every metric, with numbers where they are defined, and null for VUS without scores."""
    found = numbers(run(tmp_path, ["7,60,240"], ["7,120", "7,500"], flags=["--json"]))
    assert {group: set(values) for group, values in found.items()} == KEYS
    assert found["point"] == {"precision": 0.5, "recall": pytest.approx(1 / 3), "f1": pytest.approx(0.4)}
    assert found["event"] == {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3)}
    assert found["range"] == {"precision": 0.5, "recall": pytest.approx(1 / 3), "f1": pytest.approx(0.4)}
    assert found["vus"] == {"pr": None, "roc": None}
    assert all(value is not None for group in KEYS if group != "vus" for value in found[group].values())


@pytest.mark.parametrize(
    ("truth", "alerts", "null"),
    [
        (
            ["7,60,240"],
            [],
            {"point precision", "event precision", "range precision", "affiliation precision", "pate ap"},
        ),
        (
            [],
            ["7,60"],
            {"point recall", "event recall", "range recall", "affiliation precision", "affiliation recall", "pate ap"}
            | {f"nab {name}" for name in KEYS["nab"]},
        ),
        ([], [], {f"{group} {name}" for group, names in KEYS.items() for name in names}),
    ],
    ids=["no alerts", "no truth", "neither"],
)
def test_undefined_is_null(tmp_path: Path, truth: list[str], alerts: list[str], null: set[str]):
    """No alert: no precision. No truth: no recall, no NAB. And so no F1, no curve."""
    found = numbers(run(tmp_path, truth, alerts, flags=["--json"]))
    always = {"point f1", "event f1", "range f1", "pate f1", "vus pr", "vus roc"}
    undefined = {f"{group} {name}" for group in found for name, value in found[group].items() if value is None}
    assert undefined == null | always


def test_published_numbers_through_the_command(tmp_path: Path):
    """NAB's and TimeEval's examples at the defaults, PATE's with its buffers of 20."""
    nab = numbers(run(tmp_path, ["7,180,420"], ["7,60"], flags=["--json"]))["nab"]
    assert nab["standard"] == pytest.approx(-5.5)
    rated = [0.05, 0.2, 1.0, 0.2, 0.1, 0.05, 0.1, 0.05, 0.1, 0.07]
    lines = [f"7,{60 * tick},{value}" for tick, value in enumerate(rated)]
    vus = numbers(run(tmp_path, ["7,60,240"], ["7,120"], lines, flags=["--json"]))["vus"]
    assert (vus["pr"], vus["roc"]) == pytest.approx((0.9937, 0.9904), abs=5.1e-5)
    alerts = [f"7,{tick}" for tick in range(30, 50)]
    stretch = ("--period", "1", "--start", "0", "--end", "500")
    found = numbers(run(tmp_path, ["7,40,60"], alerts, flags=["--json", "--pate-buffers", "20"], stretch=stretch))
    assert (found["pate"]["f1"], found["pate"]["ap"]) == pytest.approx((0.7513, 0.76), abs=0.005)


def test_options_reach_the_metrics(tmp_path: Path):
    """Cardinality and bias change range-based recall, the buffer changes VUS."""
    truth, alerts = ["7,60,300"], ["7,60", "7,180"]
    lines = [f"7,{60 * tick},{tick % 4}" for tick in range(10)]

    def found(*flags: str) -> dict[str, dict[str, float | None]]:
        return numbers(run(tmp_path, truth, alerts, lines, flags=["--json", *flags]))

    assert found()["range"]["recall"] == 0.5
    assert found("--range-cardinality", "reciprocal")["range"]["recall"] == 0.25
    assert found("--range-bias", "front")["range"]["recall"] == pytest.approx((4 + 2) / 10)
    assert found("--vus-buffer", "0")["vus"] != found()["vus"]


def test_table_shows_baselines(tmp_path: Path):
    """Detectors that know nothing stand beside the alerts; without scores there is no VUS; counts have intervals."""
    done = run(tmp_path, ["7,60,240", "8,0,60"], ["7,120", "8,500"])
    lines = done.stdout.splitlines()
    assert lines[0] == "sensors 2, ticks 10 of 60 s, true events 2, alarmed ticks 2 in 2 runs"
    assert lines[1].split() == ["alerts", "random", "always", "on", "never"]
    by_point = next(line for line in lines if line.startswith("point-wise recall"))
    assert by_point.split()[2] == "0.250"
    assert by_point.split()[-2:] == ["1.000", "0.000"]
    assert next(line for line in lines if line.startswith("NAB standard")).split()[-1] == "0.0"
    assert "VUS" not in done.stdout
    assert lines[-1].startswith("events found 1, missed 1, false runs 1; 95 %: precision 0.095 to 0.905")
    assert "\x1b" not in done.stdout
    scores = [f"{sensor},{60 * tick},{tick}" for sensor in (7, 8) for tick in range(10)]
    assert "VUS pr" in run(tmp_path, ["7,60,240", "8,0,60"], ["7,120"], scores).stdout


def test_help_teaches():
    """Files, columns and an example that can be pasted."""
    text = CliRunner().invoke(score.app, ["--help"]).stdout
    for words in ("sensor_id, start_s, end_s", "python -m bench.score --truth", "docs/scoring.md", "--range-bias"):
        assert words in text


def test_any_part_of_a_tick_makes_it_true(tmp_path: Path):
    """
    ticks of 60 s:   0  1  2  3  4  5  6  7  8  9
    70 to 130           #  #                         an interval covers parts of two ticks
    301 to 302                      #                or a part of one
    420 to 480                            #          half-open: the tick from 480 on is not covered
    """
    given = placed(tmp_path, ["7,70,130", "7,301,302", "7,420,480"], ["7,59.999", "7,60", "7,61"])
    assert np.flatnonzero(given.truth[0]).tolist() == [1, 2, 5, 7]
    assert np.flatnonzero(given.alarm[0]).tolist() == [0, 1]


def test_intervals_that_overlap_or_touch_are_one_event(tmp_path: Path):
    """Of one sensor; another sensor's are its own."""
    given = placed(tmp_path, ["7,0,120", "7,60,180", "7,180,240", "8,240,300"])
    assert event(given.truth, given.truth).tp == 2


def test_what_lies_outside_is_cut_or_left_out_and_told(tmp_path: Path):
    """Alerts before the start or at the end are not scored; a true interval over an edge is cut."""
    done = run(tmp_path, ["7,-30,60", "7,600,700", "7,120,180"], ["7,-1", "7,600", "7,10"], flags=["--json"])
    assert numbers(done)["point"] == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3)}
    assert done.stderr.splitlines() == [
        "note: 1 of 3 true intervals reach outside [0, 600) and are cut there",
        "note: 1 of 3 true intervals lie outside [0, 600) and are not scored",
        "note: 2 of 3 alerts lie outside [0, 600) and are not scored",
    ]


def test_decimal_seconds_keep_their_tick(tmp_path: Path):
    """0.3 / 0.1 is less than 3 as a float, and epoch seconds have few digits left: ticks are the decimal ones."""
    for start in (0.0, 1_790_000_000.0):
        grid = Grid(start, start + 1.0, 0.1)
        alerts = [f"7,{start + tick / 10:.1f}" for tick in range(10)]
        truth = [f"7,{start + 0.3:.1f},{start + 0.7:.1f}"]
        given = placed(tmp_path, truth, alerts, grid)
        assert given.alarm.all()
        assert np.flatnonzero(given.truth[0]).tolist() == [3, 4, 5, 6]


def test_sensors_are_those_of_any_file(tmp_path: Path):
    """Names are kept as they stand; names that never meet are pointed out."""
    done = run(tmp_path, ["007,0,60"], ["7,0", "7,0"])
    assert done.stdout.startswith("sensors 2,")
    assert "no sensor of --alerts ('7', ...) is in --truth ('007', ...)" in done.stderr
    given = placed(tmp_path, ["b,0,60"], ["a,0", "b,0"])
    assert given.sensors == ["a", "b"]
    assert given.alarm[:, 0].tolist() == [True, True]
    assert given.truth[:, 0].tolist() == [False, True]


def test_parquet_and_csv_are_the_same(tmp_path: Path):
    """Numbers of any type, sensors as numbers or as text."""
    truth, alerts = tmp_path / "truth.parquet", tmp_path / "alerts.parquet"
    pl.DataFrame({"sensor_id": [7, 8], "start_s": [60, 0], "end_s": [240, 60]}).write_parquet(truth)
    pl.DataFrame({"sensor_id": ["7", "8"], "timestamp": pl.Series([120, 500], dtype=pl.Float32)}).write_parquet(alerts)
    flags = ["--truth", str(truth), "--alerts", str(alerts), *STRETCH, "--json"]
    as_csv = run(tmp_path, ["7,60,240", "8,0,60"], ["7,120", "8,500"], flags=["--json"])
    assert CliRunner().invoke(score.app, flags).stdout == as_csv.stdout


def test_sensors_do_not_touch(tmp_path: Path):
    """An event that ends one sensor's row and one that begins the next are two, as with a pause between them."""
    rng = np.random.default_rng(3)
    truth, alarm = (np.repeat(rng.random((2, 12)) < 0.4, 5, axis=1) for _ in range(2))
    truth[0, -3:] = truth[1, :3] = alarm[0, -2:] = alarm[1, :4] = True
    both = scored(truth, alarm, None, Settings())
    pause = np.zeros((1, 20), dtype=bool)
    joined = scored(*(np.hstack([rows[:1], pause, rows[1:]]) for rows in (truth, alarm)), None, Settings())
    for group in ("point", "event", "range"):
        assert both[group] == pytest.approx(joined[group])


@pytest.mark.parametrize(
    ("truth", "alerts", "words"),
    [
        (["7,60,60"], [], "truth.csv: row 1: end_s 60.0 is not after start_s"),
        (["7,0,60", "7,nan,60"], [], "truth.csv: row 2: start_s 'nan' is not a finite number"),
        (["7,0,inf"], [], "row 1: end_s 'inf' is not a finite number"),
        (["7,0,soon"], [], "row 1: end_s 'soon' is not a finite number"),
        (["7,0,"], [], "row 1: end_s None is not a finite number"),
        ([], ["7,0", "7,12:00"], "alerts.csv: row 2: timestamp '12:00' is not a finite number"),
        ([], [",0"], "alerts.csv: row 1: sensor_id None names no sensor"),
        ([], ["7,0,1"], "alerts.csv: cannot be read"),
    ],
)
def test_wrong_values_are_quoted(tmp_path: Path, truth: list[str], alerts: list[str], words: str):
    """File, row, column and value, in one line."""
    done = run(tmp_path, truth, alerts)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--period", "0"], "--period 0: must be above 0"),
        (["--period", "-60"], "--period -60: must be above 0"),
        (["--period", "nan"], "--period nan: not a finite number"),
        (["--period", "minute"], "--period minute: not a number"),
        (["--period", "70"], "--end 600: 600 s are no multiple of --period 70; choose --end 630"),
        (["--period", "6000"], "choose --end 6000"),
        (["--end", "0"], "--end 0: not after --start 0"),
        (["--end", "inf"], "--end inf: not a finite number"),
        (["--end", "60000000000"], "choose a shorter stretch"),
        (["--range-bias", "frontal"], "--range-bias frontal: no such choice; did you mean 'front'?"),
        (["--range-cardinality", "two"], "known: one, reciprocal"),
        (["--pate-buffers", "0,-1"], "--pate-buffers 0,-1: write whole numbers"),
        (["--vus-buffer", "1e3"], "--vus-buffer 1e3: write whole numbers"),
        (["--vus-buffer", "5000"], "2000 ticks at most"),
        (["--truth", "nowhere.csv"], "--truth nowhere.csv: no such file"),
        (["--alerts", "alerts.json"], "--alerts alerts.json: '.json' is not read; give a .csv or a .parquet file"),
        (["--scores", "nowhere.parquet"], "--scores nowhere.parquet: no such file"),
    ],
)
def test_wrong_flags_are_refused(tmp_path: Path, flags: list[str], words: str):
    """Flag, value and remedy, in one line."""
    done = run(tmp_path, ["7,0,60"], ["7,0"], flags=flags)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_column_is_named(tmp_path: Path):
    """With the nearest one there is; files that are none are refused as well."""
    grid = Grid(0.0, 600.0, 60.0)
    alerts = write(tmp_path, "alerts", ALERTS)
    with pytest.raises(UsageError, match="no column 'end_s'; did you mean 'ends'"):
        read(write(tmp_path, "truth", "sensor_id,start_s,ends", "7,0,60"), alerts, None, grid)
    broken = tmp_path / "truth.parquet"
    broken.write_text("no parquet")
    with pytest.raises(UsageError, match="cannot be read"):
        read(broken, alerts, None, grid)
    with pytest.raises(UsageError, match="cannot be read"):
        read(write(tmp_path, "empty"), alerts, None, grid)
    pl.DataFrame({"sensor_id": [[7]], "start_s": [0], "end_s": [1]}).write_parquet(broken)
    with pytest.raises(UsageError, match="sensor_id is of type"):
        read(broken, alerts, None, grid)
    pl.DataFrame({"sensor_id": [7], "start_s": [True], "end_s": [1]}).write_parquet(broken)
    with pytest.raises(UsageError, match="start_s is of type Boolean"):
        read(broken, alerts, None, grid)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines[:-1], "sensor '7' has no score in the tick [540, 600) (1 of 10)"),
        (lambda lines: [*lines, "7,30,0.5"], "sensor '7' has more than one score in the tick [0, 60) (1 of 10)"),
        (lambda lines: [*lines, "8,0,1"], "sensor '8' has no score in the tick [60, 120) (9 of 20)"),
        (lambda lines: ["7,0,nan", *lines[1:]], "scores.csv: row 1: score 'nan' is not a finite number"),
    ],
)
def test_every_tick_has_one_score(tmp_path: Path, change, words: str):
    """None lacks one and none has two, of every sensor that any file names."""
    lines = [f"7,{60 * tick},{tick}" for tick in range(10)]
    done = run(tmp_path, ["7,60,240"], ["7,120"], change(lines))
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
