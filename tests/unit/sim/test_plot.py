"""Pictures of a stream: their tables hold what happened, and they are drawn, whole and legible."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib import image
from typer.testing import CliRunner

from base import figure_style
from sim import plot
from sim.plot_figures import looks, map_figure, sensor_figure
from sim.plot_tables import FieldMap, SensorDays, choose_sensor, field_map, sensor_days
from sim.scenario import load_scenario
from sim.sensors import positions
from sim.simulate import Collected, collect
from sim.stream import StreamSpec, resolve_stream
from sim.truth import INTERVAL_SCHEMA
from wire.reading import CHANNELS

HOUR_US = 3_600_000_000
DAY_S = 86400.0
#: The first sensor is a beacon, and every fiftieth after it.
SENSORS = 60


@pytest.fixture(scope="module")
def stream() -> StreamSpec:
    """A day of the default scenario on a few sensors."""
    return resolve_stream(load_scenario("temperate-day"), seed=42, sensors=SENSORS)


@pytest.fixture(scope="module")
def collected(stream: StreamSpec) -> Collected:
    """All of that day."""
    return collect(stream, start_s=0.0, end_s=DAY_S)


def intervals(*rows: dict[str, object]) -> pl.DataFrame:
    """An interval table: hours-long faults of sensor 7 in its temperature, unless a row says otherwise."""
    usual = {
        "event": "one", "class": "fault", "kind": "spike", "sensor_id": 7, "field": "temperature",
        "start_us": 0, "end_us": HOUR_US, "magnitude": None, "scorable": True,
    }  # fmt: skip
    return pl.DataFrame([{**usual, **row} for row in rows], schema=INTERVAL_SCHEMA)


def days(*, hours: int = 24, faults: int = 1, kinds: int = 3, events: int = 2) -> SensorDays:
    """A sensor that reads every ten minutes: some readings lack humidity, some never arrived; faults of many kinds."""
    count = hours * 6
    at_us = np.arange(count) * (HOUR_US // 6)
    value = 20.0 + np.sin(np.arange(count) / 20.0)
    readings = pl.DataFrame(
        {"seq": np.arange(count), "true_us": at_us, "event_us": at_us, "arrived": np.arange(count) % 40 != 5}
        | {f"true_{channel}": value for channel in CHANNELS}
        | dict.fromkeys(CHANNELS, value)
    ).with_columns(humidity=pl.when(pl.col("seq") % 30 == 7).then(None).otherwise(pl.col("humidity")))
    start_us = np.arange(faults * kinds) * (HOUR_US // 2)
    kind = [f"kind_of_fault_{number % kinds}" for number in range(faults * kinds)]
    field = [(*CHANNELS, None)[number % 6] for number in range(faults * kinds)]
    names = [f"kind_of_event_{number}" for number in range(events)]
    return SensorDays(
        sensor_id=7,
        start_us=0,
        end_us=hours * HOUR_US,
        readings=readings,
        faults=pl.DataFrame(
            {"kind": kind, "field": field, "start_us": start_us, "end_us": start_us + HOUR_US // 3},
            schema={"kind": pl.String, "field": pl.String, "start_us": pl.Int64, "end_us": pl.Int64},
        ),
        events=pl.DataFrame(
            {"kind": names, "start_us": [HOUR_US] * events, "end_us": [3 * HOUR_US] * events},
            schema={"kind": pl.String, "start_us": pl.Int64, "end_us": pl.Int64},
        ),
    )


def test_the_sensor_with_most_episodes_is_chosen():
    """Episodes count, not kinds or length; events of the region and beacons do not; low numbers win ties."""
    region = {"class": "environment", "kind": "thunderstorm", "sensor_id": None, "field": None}
    found = intervals({}, {"sensor_id": 9}, {"sensor_id": 9}, {"sensor_id": 1}, *[region] * 4)
    assert choose_sensor(found, [1], 10) == 9
    assert choose_sensor(found, [1, 9], 10) == 7
    assert choose_sensor(intervals({"sensor_id": 8}, {}), [1], 10) == 7


def test_without_faults_the_first_sensor_that_is_no_beacon_is_chosen():
    """There is always a sensor to draw, a beacon if there are only beacons."""
    assert choose_sensor(intervals(), [1], 10) == 2
    assert choose_sensor(intervals(), [1], 1) == 1


def test_a_reading_that_never_arrived_is_in_the_table(collected: Collected):
    """Every reading taken has a row with the truth; one without a counterpart in the stream has not arrived."""
    lost = (pl.col("sensor_id") == 7) & (pl.col("seq") % 10 == 3)
    found = sensor_days(
        replace(collected, readings=collected.readings.filter(~lost)), 7, start_us=0, end_us=2**62
    ).readings
    left = collected.readings.filter(pl.col("sensor_id") == 7, ~lost)
    assert len(found) == len(collected.truth.readings.filter(pl.col("sensor_id") == 7))
    assert found.filter("arrived")["seq"].to_list() == sorted(left["seq"].to_list())
    assert not found.filter(pl.col("seq") % 10 == 3)["arrived"].any()
    assert found.filter(~pl.col("arrived"))["temperature"].is_null().all()
    assert found["true_temperature"].null_count() == 0


def test_intervals_are_cut_to_the_stretch(collected: Collected):
    """Faults are this sensor's own; what happened around it may bear no number; both end with the stretch."""
    around = {"class": "environment", "kind": "heat_wave", "sensor_id": None, "field": None}
    table = intervals({"end_us": 9 * HOUR_US}, {"sensor_id": 8}, {"start_us": -HOUR_US, "end_us": 0}, around)
    ground = replace(collected, truth=replace(collected.truth, intervals=table))
    found = sensor_days(ground, 7, start_us=0, end_us=2 * HOUR_US)
    assert found.faults.rows() == [("spike", "temperature", 0, 2 * HOUR_US)]
    assert found.events.rows() == [("heat_wave", 0, HOUR_US)]


def test_the_map_has_every_sensor_in_its_place(stream: StreamSpec, collected: Collected):
    """A row a sensor with the truth of its nearest reading, found again one by one."""
    at_us = stream.scenario.start_us + 15 * HOUR_US
    found = field_map(stream, collected, "humidity", at_us).sensors
    x_km, y_km = positions(stream.key, np.arange(1, SENSORS + 1), stream.scenario.extent_km)
    assert found["sensor_id"].to_list() == list(range(1, SENSORS + 1))
    assert np.array_equal(found["x_km"], x_km)
    assert np.array_equal(found["y_km"], y_km)
    for number, value in found.select("sensor_id", "value").iter_rows():
        rows = collected.truth.readings.filter(pl.col("sensor_id") == number).to_dicts()
        assert value == min(rows, key=lambda row: abs(row["event_us"] - at_us))["true_humidity"]


def test_only_active_faults_are_on_the_map(stream: StreamSpec, collected: Collected):
    """Half-open: a fault is there at its start and gone at its end; events go by their kinds."""
    storm = {"class": "environment", "kind": "thunderstorm", "sensor_id": None, "field": None}
    table = intervals({}, {"field": "humidity"}, {"start_us": HOUR_US, "end_us": 2 * HOUR_US}, storm, storm)
    ground = replace(collected, truth=replace(collected.truth, intervals=table))
    before, during, after = (field_map(stream, ground, "temperature", at) for at in (-1, 0, 2 * HOUR_US))
    assert (len(before.faults), before.events) == (0, [])
    assert (during.faults["kind"].to_list(), during.faults["sensor_id"].to_list()) == (["spike"], [7])
    assert during.events == ["thunderstorm"]
    assert (len(after.faults), after.events) == (0, [])


def test_kinds_keep_their_looks():
    """A kind of the simulator looks the same whatever else is there; no two of twenty kinds look the same."""
    assert looks([])["spike"] == looks(["aaa", "zzz"])["spike"]
    many = looks(f"kind_{number}" for number in range(20))
    assert len(set(many.values())) == len(many)


@pytest.mark.parametrize(
    "shown",
    [days(), days(faults=0, events=0), days(hours=1), days(hours=24 * 7, kinds=11, faults=9, events=5)],
    ids=["a day", "nothing happens", "an hour", "a week, many kinds"],
)
def test_all_of_a_sensors_picture_is_inside_it(shown: SensorDays):
    """No title, tick or legend is cut off at an edge, and the kinds are named once each."""
    figure = sensor_figure(shown)
    with figure_style.styled():
        figure.draw_without_rendering()
        box = figure.get_tightbbox()
    assert min(box.x0, box.y0) >= -0.01
    assert box.x1 <= figure.get_figwidth() + 0.01
    assert box.y1 <= figure.get_figheight() + 0.01
    named = [text.get_text() for text in figure.legends[0].get_texts() if "fault:" in text.get_text()]
    assert len(named) == shown.faults["kind"].n_unique()


@pytest.mark.parametrize("field", CHANNELS)
def test_all_of_a_map_is_inside_it(field: str):
    """Neither many faults nor a field that is the same everywhere spoils the map."""
    sensors = pl.DataFrame(
        {"sensor_id": range(1, 41), "x_km": np.linspace(0, 60, 40), "y_km": np.linspace(60, 0, 40)}
    ).with_columns(beacon=pl.col("sensor_id") % 20 == 1, value=pl.lit(0.0))
    faults = pl.concat(
        [
            sensors.head(4 + 2 * number).select("sensor_id", "x_km", "y_km", kind=pl.lit(f"kind_of_fault_{number}"))
            for number in range(6)
        ]
    ).select("kind", "sensor_id", "x_km", "y_km")
    figure = map_figure(FieldMap(field, 15 * HOUR_US, 60.0, sensors, faults, ["thunderstorm", "heat_wave"]))
    with figure_style.styled():
        figure.draw_without_rendering()
        box = figure.get_tightbbox()
    assert min(box.x0, box.y0) >= -0.01
    assert box.x1 <= figure.get_figwidth() + 0.01
    assert box.y1 <= figure.get_figheight() + 0.01


def plotted(out: Path, *arguments: str):
    """What `sim.plot` ends with for a few sensors over some hours."""
    return CliRunner().invoke(plot.app, ["--sensors", "40", "--for", "6h", "--out", str(out), *arguments])


def test_two_pictures_are_written_and_named(tmp_path: Path):
    """On stdout stand the two files; each is as wide as asked for, nothing on it is cut off, and it is not blank."""
    done = plotted(tmp_path / "new", "--sensor", "3", "--at", "3h")
    assert done.exit_code == 0, done.output
    files = [Path(line) for line in done.stdout.splitlines()]
    assert files == [tmp_path / "new" / "sensor-3.png", tmp_path / "new" / "map.png"]
    widths = []
    for file in files:
        pixels = (image.imread(file)[..., :3] * 255).astype(np.uint8)
        widths.append(pixels.shape[1])
        # Nothing reaches the rim: no text is cut off.
        for rim in (pixels[:4], pixels[-4:], pixels[:, :4], pixels[:, -4:]):
            assert (rim == 255).all()
        colours = np.unique(pixels.astype(np.int32) @ (1, 256, 65536))
        assert len(colours) > 200
        assert (pixels.min(axis=2) < 200).mean() > 0.005
    assert widths == [2120, 1680]


def test_a_stretch_that_ends_before_the_usual_instant_is_mapped_at_its_middle():
    """Without --at: 15 h, or the middle of what is shorter."""
    assert plot.parse_at(None, zero_us=0, end_s=DAY_S) == 15 * HOUR_US
    assert plot.parse_at(None, zero_us=0, end_s=7200.0) == HOUR_US


def test_an_instant_is_an_offset_or_iso():
    """An offset counts from event time zero; an ISO instant without an offset is UTC."""
    zero_us = load_scenario("temperate-day").start_us
    wanted = zero_us + 15 * HOUR_US
    for text in ("15h", "2026-06-21T15:00", "2026-06-21T15:00:00Z", "2026-06-21T17:00:00+02:00"):
        assert plot.parse_at(text, zero_us=zero_us, end_s=DAY_S) == wanted


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sensor", "41"], "error: --sensor 41: the sensors are 1 to 40"),
        (["--sensor", "0"], "error: --sensor 0: "),
        (["--field", "humidty"], "error: --field humidty: no such channel; did you mean 'humidity'?"),
        (["--at", "6h"], "error: --at 6h: outside the simulated 6h from 2026-06-21T00:00:00Z"),
        (["--at", "2026-06-20T23:59:59Z"], "error: --at 2026-06-20T23:59:59Z: outside"),
        (["--at", "noon"], "error: --at noon: write an offset"),
        (["--for", "5min"], "error: --for 5min: a sensor reports once in 10min"),
        (["--scenario", "clam"], "did you mean 'calm'"),
    ],
)
def test_mistakes_are_one_line_exit_2_and_nothing_written(tmp_path: Path, arguments: list[str], message: str):
    """A wrong option is refused before the folder is made."""
    done = plotted(tmp_path / "never", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "never").exists()
