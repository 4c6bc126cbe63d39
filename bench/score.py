"""``python -m bench.score``: how right are alerts? Two files in, the field's metrics out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final, TypeAlias, cast

import numpy as np
import typer

from base.errors import UsageError, did_you_mean, one_line_errors
from base.jsonl import dumps
from bench.metrics.affiliation import affiliation
from bench.metrics.counts import composite, event, point, point_adjusted
from bench.metrics.nab import PROFILES, nab
from bench.metrics.pate import BUFFERS, pate, pate_f1
from bench.metrics.range_based import BIASES, CARDINALITIES, Bias, Cardinality, range_based
from bench.metrics.ranges import Bools, Floats, ranges
from bench.metrics.vus import MOST_BUFFER, vus
from bench.perf.tables import print_table
from bench.quality.baselines import SEED, blind_alarms
from bench.quality.scores import wilson
from bench.records import Interval
from bench.score_input import Given, Grid, read

#: A metric's numbers by name; None where undefined.
Numbers: TypeAlias = dict[str, float | None]

#: The volume's surface has a row for each buffer.
LARGEST_VUS_BUFFER: Final = 2000

NAMES: Final = {
    "point": "point-wise",
    "event": "event-wise",
    "range": "range-based",
    "affiliation": "affiliation",
    "nab": "NAB",
    "pate": "PATE",
    "vus": "VUS",
    "compare": "not to judge by:",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the metrics leave to choose; buffers are in ticks."""

    cardinality: Cardinality = "one"
    bias: Bias = "flat"
    pate_buffers: Sequence[int] = BUFFERS
    vus_buffer: int = MOST_BUFFER


def scored(truth: Bools, alarm: Bools, scores: Floats | None, settings: Settings) -> dict[str, Numbers]:
    """Every metric of alarms, (sensors, ticks). Without scores VUS is None and PATE's area is that of the alarms."""
    near = dict(zip(("precision", "recall"), affiliation(truth, alarm), strict=True))
    rated = alarm.astype(np.float64) if scores is None else scores
    volume = (None, None) if scores is None else vus(truth, scores, most_buffer=settings.vus_buffer)
    return {
        "point": asdict(point(truth, alarm).prf),
        "event": asdict(event(truth, alarm).prf),
        "range": asdict(range_based(truth, alarm, cardinality=settings.cardinality, bias=settings.bias)),
        "affiliation": near,
        "nab": {name: nab(truth, alarm, profile) for name, profile in PROFILES.items()},
        "pate": {
            "f1": pate_f1(truth, alarm, buffers=settings.pate_buffers),
            "ap": pate(truth, rated, buffers=settings.pate_buffers),
        },
        "vus": dict(zip(("pr", "roc"), volume, strict=True)),
    }


def baselines(given: Given) -> dict[str, Given]:
    """Detectors that know nothing: as many alarms at random ticks, an alarm always, and never one."""
    rng = np.random.default_rng(SEED)
    shape = given.alarm.shape
    alarms = blind_alarms(given.alarm, np.ones(shape, dtype=np.bool_), rng)
    rated = given.scores is not None

    def blind(name: str, scores: Floats) -> Given:
        return Given(given.sensors, given.truth, alarms[name], scores if rated else None, [])

    return {
        "random": blind("random", rng.random(shape)),
        "always on": blind("always_on", np.ones(shape)),
        "never": blind("never", np.zeros(shape)),
    }


def print_scores(given: Given, grid: Grid, settings: Settings) -> None:
    """A table on stdout: a row a number, a column for the alerts and for each baseline."""
    columns = {}
    for name, one in {"alerts": given, **baselines(given)}.items():
        columns[name] = scored(one.truth, one.alarm, one.scores, settings)
        adjusted = point(one.truth, point_adjusted(one.truth, one.alarm)).prf.f1
        columns[name]["compare"] = {"point-adjusted f1": adjusted, "composite f1": composite(one.truth, one.alarm).f1}
    print(
        f"sensors {len(given.sensors):,}, ticks {grid.ticks:,} of {grid.period_s:g} s, "
        f"true events {len(ranges(given.truth)):,}, alarmed ticks {given.alarm.sum():,} "
        f"in {len(ranges(given.alarm)):,} runs"
    )
    rows = []
    for group, title in NAMES.items():
        for name in columns["alerts"][group]:
            values = [column[group][name] for column in columns.values()]
            if group != "vus" or given.scores is not None:
                digits = 1 if group == "nab" else 3
                label = f"{title} {name.replace('_', ' ')}"
                rows.append([label, *("–" if value is None else f"{value:.{digits}f}" for value in values)])
    print_table(["", *columns], rows, markdown=False)
    found = event(given.truth, given.alarm)
    print(
        f"events found {found.tp:,}, missed {found.fn:,}, false runs {found.fp:,}; 95 %: "
        f"precision {_span(wilson(found.tp, found.tp + found.fp))}, "
        f"recall {_span(wilson(found.tp, found.tp + found.fn))}"
    )


def _span(interval: Interval | None) -> str:
    return "undefined" if interval is None else f"{interval.low:.3f} to {interval.high:.3f}"


def _number(text: str, flag: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{flag} {text}: not a number; write seconds, such as 60") from None


def _ticks(text: str, flag: str) -> list[int]:
    """A list of whole numbers from 0 on, from ``0,100``."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise UsageError(f"{flag} {text}: write whole numbers of ticks from 0 on, such as 100")
    return [int(part) for part in parts]


def _one_of(text: str, known: Sequence[str], flag: str) -> str:
    if text not in known:
        raise UsageError(f"{flag} {text}: no such choice{did_you_mean(text, known)}")
    return text


_HELP = """Score alerts against truth, with the metrics of the field; docs/scoring.md tells which to use when.

\b
  TRUTH   CSV or Parquet: sensor_id, start_s, end_s       what should be alerted: intervals [start_s, end_s)
  ALERTS  CSV or Parquet: sensor_id, timestamp            what was alerted, in seconds
  SCORES  CSV or Parquet: sensor_id, timestamp, score     for VUS and PATE: one for each sensor and tick

Time is cut into ticks of --period, as if every sensor reported once in each. A table goes to stdout, with detectors
that know nothing beside the alerts; --json prints the numbers alone, null where one is undefined.

\b
  printf 'sensor_id,start_s,end_s\\n7,2400,3600\\n' > truth.csv
  printf 'sensor_id,timestamp\\n7,2460\\n7,2520\\n7,5000\\n' > alerts.csv
  python -m bench.score --truth truth.csv --alerts alerts.csv --period 60 --start 0 --end 6000
"""

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None)


@app.command(help=_HELP)
@one_line_errors
def score(
    truth: Annotated[Path, typer.Option(metavar="FILE", help="What should be alerted.")],
    alerts: Annotated[Path, typer.Option(metavar="FILE", help="What was alerted.")],
    period: Annotated[str, typer.Option(metavar="S", help="Seconds between two readings of a sensor.")],
    start: Annotated[str, typer.Option(metavar="S", help="Where the scored time begins, in seconds.")],
    end: Annotated[str, typer.Option(metavar="S", help="Where it ends: whole periods later.")],
    scores: Annotated[Path | None, typer.Option(metavar="FILE", help="How suspicious each tick is.")] = None,
    range_cardinality: Annotated[
        str, typer.Option(metavar="|".join(CARDINALITIES), help="Whether a range found in n pieces counts 1 or 1/n.")
    ] = "one",
    range_bias: Annotated[
        str, typer.Option(metavar="|".join(BIASES), help="Which part of a true range matters most.")
    ] = "flat",
    pate_buffers: Annotated[
        str, typer.Option(metavar="TICKS", help="Early and late buffers of PATE, averaged over every pair.")
    ] = ",".join(map(str, BUFFERS)),
    vus_buffer: Annotated[
        str, typer.Option(metavar="TICKS", help="VUS takes every buffer from 0 up to this one.")
    ] = str(MOST_BUFFER),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """See `_HELP`."""
    grid = Grid(_number(start, "--start"), _number(end, "--end"), _number(period, "--period"))
    settings = Settings(
        cardinality=cast(Cardinality, _one_of(range_cardinality, CARDINALITIES, "--range-cardinality")),
        bias=cast(Bias, _one_of(range_bias, BIASES, "--range-bias")),
        pate_buffers=_ticks(pate_buffers, "--pate-buffers"),
        vus_buffer=_ticks(vus_buffer, "--vus-buffer")[0],
    )
    if settings.vus_buffer > LARGEST_VUS_BUFFER:
        raise UsageError(f"--vus-buffer {vus_buffer}: choose {LARGEST_VUS_BUFFER} ticks at most")
    given = read(truth, alerts, scores, grid)
    for note in given.notes:
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        print(dumps(scored(given.truth, given.alarm, given.scores, settings)))
    else:
        print_scores(given, grid, settings)


if __name__ == "__main__":
    app()
