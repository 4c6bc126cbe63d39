"""Look at a stretch of stream: pictures of one sensor's days, and of the true weather at an instant.

They show the truth: they are for people who write scenarios and detectors, not for the pipeline.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from base.durations import format_duration, parse_duration_s
from base.errors import UsageError, did_you_mean, one_line_errors
from base.figure_style import png
from base.paths import writable_dir
from sim.options import Rate, Scenario, Seed, Sensors, Speedup
from sim.plot_figures import map_figure, sensor_figure
from sim.plot_tables import choose_sensor, field_map, sensor_days
from sim.scenario import load_scenario
from sim.simulate import collect
from sim.stream import resolve_stream
from wire.reading import CHANNELS

#: When the map is taken unless asked otherwise: the weather of an afternoon has most to show.
MAP_S: Final = 15 * 3600.0

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_at(text: str | None, *, zero_us: int, end_s: float) -> int:
    """The map's instant in epoch microseconds: an offset such as ``15h`` from ``zero_us``, or ISO 8601.

    None: `MAP_S`, or the middle of a stretch that is shorter. An instant without an offset is UTC.
    Raises `UsageError` for anything else, and for an instant outside the ``end_s`` seconds from zero.
    """
    if text is None:
        return zero_us + round(1e6 * (MAP_S if end_s > MAP_S else end_s / 2))
    try:
        at_us = zero_us + round(parse_duration_s(text, field="--at") * 1e6)
    except UsageError:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            raise UsageError(
                f"--at {text}: write an offset such as 15h, or an instant such as 2026-06-21T15:00:00Z"
            ) from None
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
        at_us = (instant - _EPOCH) // timedelta(microseconds=1)
    if not zero_us <= at_us < zero_us + round(end_s * 1e6):
        zero = _EPOCH + timedelta(microseconds=zero_us)
        raise UsageError(
            f"--at {text}: outside the simulated {format_duration(end_s)} from {zero:%Y-%m-%dT%H:%M:%SZ} on; "
            "choose an instant inside, or a longer --for"
        )
    return at_us


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command(epilog="Example: python -m sim.plot --sensors 300 --for 2d --field humidity --at 17h --out pictures")
@one_line_errors
def plot(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the pictures; made if absent.")],
    scenario: Scenario = "temperate-day",
    seed: Seed = 42,
    sensors: Sensors = 1000,
    rate: Rate = None,
    speedup: Speedup = None,
    duration: Annotated[str, typer.Option("--for", metavar="DUR", help="Event time to simulate.")] = "1d",
    sensor: Annotated[
        int | None, typer.Option(metavar="N", help="Whose days to draw; by default the one with the most faults.")
    ] = None,
    field: Annotated[str, typer.Option(metavar="CHANNEL", help="Which channel the map shows.")] = "temperature",
    at: Annotated[
        str | None, typer.Option(metavar="DUR|ISO", help="Instant of the map, from event time zero on; by default 15h.")
    ] = None,
) -> None:
    """Draw the days of one sensor, and a map of the true weather, as PNG.

    sensor-N.png: truth, readings and faults of sensor N. map.png: one channel's true field at an
    instant, with the sensors that are faulty then. All of the stretch is held in memory.
    """
    described = load_scenario(scenario)
    stream = resolve_stream(described, seed=seed, sensors=sensors, rate=rate, speedup=speedup)
    end_s = parse_duration_s(duration, field="--for")
    if end_s < stream.interval_s:
        interval = format_duration(stream.interval_s)
        raise UsageError(f"--for {duration}: a sensor reports once in {interval}; simulate that much at least")
    if sensor is not None and not 1 <= sensor <= sensors:
        raise UsageError(f"--sensor {sensor}: the sensors are 1 to {sensors}; choose one, or raise --sensors")
    if field not in CHANNELS:
        raise UsageError(f"--field {field}: no such channel{did_you_mean(field, CHANNELS)}")
    start_us = described.start_us
    at_us = parse_at(at, zero_us=start_us, end_s=end_s)
    folder = writable_dir(out, field="--out")
    with Console(stderr=True).status("simulating"):
        collected = collect(stream, start_s=0.0, end_s=end_s)
    beacons = collected.truth.readings.filter("beacon")["sensor_id"].unique()
    chosen = choose_sensor(collected.truth.intervals, beacons, sensors) if sensor is None else sensor
    days = sensor_days(collected, chosen, start_us=start_us, end_us=start_us + round(end_s * 1e6))
    for name, figure in (
        (f"sensor-{chosen}.png", sensor_figure(days)),
        ("map.png", map_figure(field_map(stream, collected, field, at_us))),
    ):
        (folder / name).write_bytes(png(figure))
        print(folder / name)


if __name__ == "__main__":
    app()
