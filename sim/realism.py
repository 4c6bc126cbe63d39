"""Is the simulated weather like weather? Statistics of the truth beside those that stations observed.

docs/realism.md has the table and tells where each figure comes from.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from base.errors import UsageError, one_line_errors
from sim.options import Scenario, Seed
from sim.realism_sample import Sampled, sampled
from sim.realism_statistics import (
    MEAN_DAYS,
    change_p99,
    daily_range,
    deviation,
    lag_1_with,
    lag_correlation,
    mean,
    overall,
    weibull_shape,
    wet_after,
    within_days,
)
from sim.scenario import WeatherScenario, load_scenario
from sim.stream import resolve_stream

#: The scenarios whose weather is that of the stations' climates; of the others only physics is judged.
TEMPERATE: Final = frozenset({"temperate-day", "hostile"})

#: Fewer days leave too little beside the running mean, fewer sensors too few pairs of neighbours.
FEWEST_DAYS: Final = 2 * MEAN_DAYS
FEWEST_SENSORS: Final = 100


Band = tuple[float, float]


def around(low: float, high: float) -> Band:
    """The band of a size or a rate for which stations show [low, high]: a quarter beyond either end.

    Six stations in two climates, over whole years, are no bound for another place over two months.
    """
    return 0.75 * low, 1.25 * high


def near(low: float, high: float) -> Band:
    """The same for a correlation: 0.05 beyond either end, 1 at most."""
    return low - 0.05, min(high + 0.05, 1.0)


@dataclass(frozen=True)
class Statistic:
    """A line of the comparison: what stations show, the band that ours must lie in, how it is had.

    No ``band``: shown, not judged. What is not of a ``climate`` must hold in every scenario.
    """

    name: str
    observed: str
    band: Band | None
    measure: Callable[[Sampled], float]
    decimals: int = 2
    climate: bool = True


# NYC: EWR, JFK and LGA, hourly, 2013. BJ: three sites of Beijing, hourly, 2013-17. 1 min: two days of minutes.
# A band that is written out was asked for from the start; the others follow from what stations show.
STATISTICS: Final = (
    Statistic(
        "T: correlation after 1 h, in a year",
        "NYC .994 to .997, BJ .993 to .994",
        (0.985, 0.999),
        lambda at: lag_1_with(at.t_c, at.missing_season_c2),
        3,
    ),
    Statistic(
        "T: mean daily range, °C",
        "NYC 6.7 to 8.3, BJ 10.1 to 11.5",
        around(6.7, 11.5),
        lambda at: daily_range(at.t_c),
        1,
    ),
    Statistic(
        "T residual: correlation after 1 h",
        "NYC .969 to .983, BJ .947 to .955",
        near(0.947, 0.983),
        lambda at: lag_correlation(at.t_residual_c, 1),
    ),
    Statistic(
        "T residual: correlation after 3 h",
        "NYC .90 to .93",
        near(0.90, 0.93),
        lambda at: lag_correlation(at.t_residual_c, 3),
    ),
    Statistic(
        "T residual: correlation after 6 h",
        "NYC .78 to .84",
        near(0.78, 0.84),
        lambda at: lag_correlation(at.t_residual_c, 6),
    ),
    Statistic(
        "T residual: correlation after 24 h",
        "NYC .45 to .49",
        (0.35, 0.60),
        lambda at: lag_correlation(at.t_residual_c, 24),
    ),
    Statistic(
        "T residual: deviation, °C", "NYC 3.5 to 4.1", around(3.5, 4.1), lambda at: deviation(at.t_residual_c), 1
    ),
    Statistic(
        "T residual: sites 20 to 30 km apart",
        "NYC .92 to .95, BJ .87 to .89",
        (0.85, 0.97),
        lambda at: at.between(at.t_residual_c, 20.0, 30.0),
    ),
    Statistic(
        "T residual: sites 280 to 320 km apart", "", (-1.0, 0.60), lambda at: at.between(at.t_residual_c, 280.0, 320.0)
    ),
    Statistic("T: change in 1 h, p99, °C", "NYC 2.3 to 2.8", around(2.3, 2.8), lambda at: change_p99(at.t_c), 1),
    Statistic(
        "T: change in 1 min, p99, °C",
        "1 min .26 to .30",
        (0.15, 0.50),
        lambda at: change_p99(at.minutely_t_c),
    ),
    Statistic(
        "T and RH: correlation within a day",
        "NYC -.68 to -.60, BJ -.85 to -.79",
        (-0.95, -0.55),
        lambda at: within_days(at.t_c, at.rh),
    ),
    Statistic(
        "T and RH: correlation overall",
        "NYC .04 to .19, BJ .09 to .15",
        (-0.60, 1.0),
        lambda at: overall(at.t_c, at.rh),
    ),
    Statistic("RH: mean, %", "NYC 59 to 65", around(59.0, 65.0), lambda at: mean(at.rh), 0),
    Statistic("RH: deviation, %", "NYC 18 to 20", around(18.0, 20.0), lambda at: deviation(at.rh), 1),
    Statistic(
        "RH residual: correlation after 1 h", "NYC .96", near(0.96, 0.96), lambda at: lag_correlation(at.rh_residual, 1)
    ),
    Statistic("RH residual: deviation, %", "NYC 16 to 18", around(16.0, 18.0), lambda at: deviation(at.rh_residual), 1),
    Statistic("RH: change in 1 h, p99, %", "NYC 16 to 18", None, lambda at: change_p99(at.rh), 0),
    Statistic(
        "RH: change in 1 min, p99, %",
        "1 min .8 to 2.0",
        around(0.8, 2.0),
        lambda at: change_p99(at.minutely_rh),
    ),
    Statistic(
        "rain: wet hours, %", "NYC 6.6 to 6.8, BJ 3.9 to 4.3", (3.0, 8.0), lambda at: 100.0 * float(at.wet.mean()), 1
    ),
    Statistic(
        "rain: wet after a wet hour",
        "NYC .69 to .72, BJ .68 to .70",
        (0.65, 0.75),
        lambda at: wet_after(at.wet, state=True),
    ),
    Statistic(
        "rain: wet after a dry hour",
        "NYC .021 to .022, BJ .012 to .014",
        around(0.012, 0.022),
        lambda at: wet_after(at.wet, state=False),
        3,
    ),
    Statistic(
        "rain: mm per wet hour", "NYC 1.5 to 1.9, BJ 1.6", around(1.5, 1.9), lambda at: float(at.rain_mm[at.wet].mean())
    ),
    Statistic(
        "rain: sites 20 to 30 km apart",
        "NYC .46 to .64, BJ .27 to .30",
        near(0.27, 0.64),
        lambda at: at.between(at.rain_mm, 20.0, 30.0),
    ),
    Statistic("wind: mean, m/s", "NYC 4.2 to 5.1, BJ 1.7 to 1.9", around(1.7, 5.1), lambda at: mean(at.wind_ms), 1),
    Statistic("wind: Weibull shape", "", (1.6, 2.3), lambda at: weibull_shape(at.wind_ms)),
    Statistic(
        "wind: correlation after 1 h",
        "NYC .81 to .84, BJ .73 to .78",
        (0.70, 0.88),
        lambda at: lag_correlation(at.wind_ms, 1),
    ),
    Statistic(
        "wind: sites 20 to 30 km apart",
        "NYC .73 to .77",
        near(0.73, 0.77),
        lambda at: at.between(at.wind_ms, 20.0, 30.0),
    ),
    Statistic(
        "wind: change in 1 min, p99, m/s",
        "1 min 1.2 to 1.9",
        around(1.2, 1.9),
        lambda at: change_p99(at.minutely_wind_ms),
    ),
    Statistic(
        "UV index below the horizon, largest",
        "0",
        (0.0, 0.005),
        lambda at: float(at.night_uv_index.max(initial=0.0)),
        3,
        climate=False,
    ),
    Statistic(
        "RH, largest, %: dew point never above T",
        "100",
        (0.0, 100.0),
        lambda at: float(max(at.rh.max(), at.minutely_rh.max())),
        1,
        climate=False,
    ),
)


@dataclass(frozen=True)
class Line:
    """A statistic as measured; ``low`` and ``high`` are None, as is ``inside``, where nothing is judged."""

    name: str
    observed: str
    low: float | None
    high: float | None
    ours: float
    inside: bool | None
    decimals: int

    def cells(self) -> list[str]:
        """Statistic, observed, band, ours, verdict: what a row of the table says."""
        band = "–"
        if self.low is not None and self.high is not None:
            band = f"{self.low:.{self.decimals}f} to {self.high:.{self.decimals}f}"
        ours = "–" if math.isnan(self.ours) else f"{self.ours:.{self.decimals}f}"
        verdict = {True: "in", False: "OUT", None: "–"}[self.inside]
        return [self.name, self.observed or "–", band, ours, verdict]


def compare(at: Sampled) -> list[Line]:
    """Every statistic of the sample; bands of climate are judged in `TEMPERATE` scenarios only."""
    temperate = at.stream.scenario.name in TEMPERATE
    lines = []
    for one in STATISTICS:
        ours = one.measure(at)
        low, high = one.band if one.band and (temperate or not one.climate) else (None, None)
        inside = None if low is None or high is None else low <= ours <= high
        lines.append(Line(one.name, one.observed, low, high, ours, inside, one.decimals))
    return lines


COLUMNS: Final = ("statistic", "observed", "band", "ours", "")

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command(epilog="Example: python -m sim.realism --scenario winter --days 30")
@one_line_errors
def realism(
    scenario: Scenario = "temperate-day",
    seed: Seed = 42,
    sensors: Annotated[int, typer.Option(help=f"At how many places to look, {FEWEST_SENSORS} or more.")] = 200,
    days: Annotated[int, typer.Option(help=f"How many days to look at, {FEWEST_DAYS} or more.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The table in Markdown.")] = False,
) -> None:
    """Compare the statistics of a scenario's true weather with those of real stations.

    Exit code 1 if one lies outside its band. The bands of the climate hold for `temperate-day`; for other
    scenarios its figures are shown and not judged.
    """
    if sensors < FEWEST_SENSORS:
        raise UsageError(f"--sensors {sensors}: too few for pairs of neighbours; give {FEWEST_SENSORS} or more")
    if days < FEWEST_DAYS:
        raise UsageError(f"--days {days}: too few beside a mean of {MEAN_DAYS} days; give {FEWEST_DAYS} or more")
    if as_json and markdown:
        raise UsageError("--json --markdown: choose one of them")
    described = load_scenario(scenario)
    if not isinstance(described, WeatherScenario):
        raise UsageError(f"--scenario {scenario}: it has no weather to compare; choose one that has")
    stream = resolve_stream(described, seed=seed, sensors=sensors)
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("simulating", total=days)
        lines = compare(sampled(stream, days, each_day=lambda: progress.advance(task)))
    if as_json:
        fields = {"scenario": described.name, "seed": seed, "sensors": sensors, "days": days}
        print(orjson.dumps({**fields, "statistics": [asdict(line) for line in lines]}).decode())
    elif markdown:
        for cells in (COLUMNS, ["---"] * len(COLUMNS), *(line.cells() for line in lines)):
            print(f"| {' | '.join(cells)} |")
    else:
        table = Table(*COLUMNS, title=f"{described.name}: {sensors} sensors, {days} days, seed {seed}")
        for line in lines:
            table.add_row(*line.cells(), style="bold red" if line.inside is False else None)
        Console().print(table)
    if any(line.inside is False for line in lines):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
