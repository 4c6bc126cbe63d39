"""The page: everything that the template shows, and the template rendered. No files are written here."""

from __future__ import annotations

import base64
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from base.plain_text import printable
from bench.records import Cell, QualityCell, Result
from reports import capacity, cell_grids, grid, repeats, tables, words
from reports.change import Change, change_grid
from reports.drawn import Drawn
from reports.finding import finding, short_sentence, verdict
from reports.over_time import stalls_table
from reports.stored import StoredRun

TEMPLATES = Path(__file__).resolve().parent / "templates"

#: A number and its unit belong together, at the end of a line too.
_UNIT = re.compile(r"(?<=\d) (?=(?:%|ms|s|min|h|readings/s|/ ?s)(?:\W|$))")

#: Files of every run that stand beside the report.
_FILES = {
    "result.json": "every number of this page, and more; its types are in bench/records/",
    "config.toml": "the resolved configuration",
    "rules.toml": "the rules that were run and judged by",
    "summary.md": "the short form of this page, for a pull request",
    "junit.xml": "the thresholds, for a CI system",
    "stream/readings.parquet": "every reading as reported",
    "stream/truth.parquet": "what was really there",
    "stream/intervals.parquet": "every injected fault and every storm",
    "stream/schedule.parquet": "when every delivery was due",
    "stream/sensors.parquet": "where the sensors stand",
    "stream/hazards.parquet": "what the rules should have found",
}


def render_page(run: StoredRun, figures: dict[str, Drawn], change: Change | None = None) -> str:
    """The whole report as one HTML document that needs nothing from anywhere."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_fit_for_a_page,
    )
    return environment.get_template("report.html.j2").render(page_values(run, figures, change)) + "\n"


def _fit_for_a_page(value: Any) -> Any:
    """A text without signs that turn the text around it or mean nothing in HTML, its numbers bound to their units."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    # Headings of ours say with soft hyphens where they may be parted.
    return _UNIT.sub("\u00a0", "\u00ad".join(map(printable, value.split("\u00ad"))))


def page_values(run: StoredRun, figures: dict[str, Drawn], change: Change | None = None) -> dict[str, Any]:
    """What the template shows, by name."""
    result = run.result
    return {
        "result": result,
        "title": f"{result.scenario.name}, seed {result.scenario.seed}",
        "verdict": verdict(result),
        "finding": finding(result),
        "facts": facts(result),
        "validity": cell_grids.validity_grid(result),
        "thresholds": cell_grids.thresholds_grid(result),
        "capacity": capacity.capacity_grid(result),
        "trials": capacity.trials_grid(result),
        "matrix": cell_grids.matrix_grid(result),
        "floor": floor_sentence(result),
        "resolution": sample_sentence(result),
        "stalls": cell_grids.stalls_grid(stalls_table(result)),
        "quality": [
            (group_name(result, cells), cell_grids.quality_grid(found), cell_grids.metrics_grid(found))
            for cells, found in tables.quality_groups(result)
        ],
        "quality_cell": quality_cell_values(result.quality_cell),
        "noise": repeats.noise_sentence(result),
        "tellable": repeats.tellable_grid(result),
        "change": change_values(change) if change is not None else None,
        "host": cell_grids.host_grid(result),
        "env": grid.pairs_grid(result.env.model_dump()),
        "rules": cell_grids.rules_grid(result),
        "config": grid.pairs_grid(result.config | {"broker": result.broker}),
        "scenario": grid.pairs_grid(result.scenario.model_dump()),
        "files": files(run, figures),
        "figures": {name: figure_values(drawn) for name, drawn in figures.items()},
    }


def quality_cell_values(cell: QualityCell) -> dict[str, Any]:
    """The quality cell as the template shows it: what was judged, its tables, and what it could not have."""
    if cell.quality is None:
        return {"absent": cell.reason or "it has none"}
    return {
        "absent": "",
        "sentence": f"{words.plural(len(cell.streams), 'stream')} of {(cell.window_event_s or 0) / 3600:g} h of "
        f"{words.plural(cell.sensors or 0, 'sensor')}, "
        f"{words.count(sum(one.readings for one in cell.streams))} readings",
        "short": short_sentence(cell),
        "grid": cell_grids.quality_grid(cell.quality),
        "metrics": cell_grids.metrics_grid(cell.quality),
    }


def change_values(change: Change) -> dict[str, Any]:
    """The comparison as the template shows it."""
    baseline = change.baseline
    return {
        "headline": change.headline,
        "baseline": f"{baseline.run.id}, of {words.instant(baseline.run.started)}",
        "remarks": change.remarks,
        "grid": change_grid(change),
    }


def figure_values(drawn: Drawn) -> dict[str, Any]:
    """A figure as the template shows it: its bytes inline, and its data."""
    source = f"data:image/png;base64,{base64.b64encode(drawn.png).decode()}" if drawn.png is not None else None
    width = int.from_bytes(drawn.png[16:20], "big") // 2 if drawn.png is not None else 0
    height = int.from_bytes(drawn.png[20:24], "big") // 2 if drawn.png is not None else 0
    data = grid.data_grid(drawn.data) if drawn.png is not None else None
    return {"alt": drawn.alt, "source": source, "width": width, "height": height, "data": data, "absent": drawn.absent}


def facts(result: Result) -> list[tuple[str, str]]:
    """What was run where and when, as short pairs."""
    s, env = result.scenario, result.env
    load = f"{s.sensors:,} sensors, {s.rate_per_s:,.0f} readings/s"
    if result.config.get("search_rate"):
        load = "searched, each cell's own"
    sha = "no git" if result.git.sha is None else result.git.sha[:7] + (" with changes" if result.git.dirty else "")
    return [
        ("scenario", f"{s.name}, seed {s.seed}"),
        ("load", f"{load}, {s.speedup:g} × real time"),
        ("machine", f"{env.cpu}, {words.plural(env.cores, 'core')}, {env.memory_bytes / 1e9:.0f} GB, {env.kernel}"),
        ("versions", f"Spark {env.spark}, Kafka {env.kafka}, Java {env.java}, Python {env.python}"),
        ("started", f"{words.instant(result.run.started)}{_took(result)}"),
        ("version", f"{sha}, method {result.method_version}, run {result.run.id}"),
    ]


def _took(result: Result) -> str:
    if result.run.finished is None:
        return ""
    try:
        took = datetime.fromisoformat(result.run.finished) - datetime.fromisoformat(result.run.started)
    except ValueError:
        return ""
    minutes, seconds = divmod(round(took.total_seconds()), 60)
    return f", took {minutes} min {seconds:02} s" if minutes else f", took {seconds} s"


def floor_sentence(result: Result) -> str:
    """What the instrument itself costs, or why that is not known."""
    floor = result.calibration.kafka_floor_ms
    if floor is None:
        return f"The Kafka floor is not known: {result.calibration.reason or 'it was not measured'}."
    p99 = words.ms(floor.p99) if floor.p99 is not None else "not known"
    return (
        "Publisher to collector through the same Kafka without any pipeline (the floor under every number here): "
        f"p50 {words.ms(floor.p50)}, p99 {p99}, over {floor.n:,} messages."
    )


def sample_sentence(result: Result) -> str:
    """How many alerts the percentiles rest on, and over how long a window."""
    counts = sorted({cell.latency_ms.due_to_seen.n for cell in result.cells if cell.latency_ms is not None})
    windows = sorted({cell.window_s for cell in result.cells if cell.latency_ms is not None})
    if not counts:
        return "No cell has latencies."
    n, seconds = (" to ".join(f"{v:,g}" for v in dict.fromkeys((vs[0], vs[-1]))) for vs in (counts, windows))
    return f"{n} beacon alerts a cell, in a window of {seconds} s."


def group_name(result: Result, cells: list[Cell]) -> str:
    """Which cells share one table of quality."""
    scored = sum(cell.quality is not None for cell in result.cells)
    if len(cells) == scored:
        alike = "both" if scored == 2 else f"all {scored}"
        return "the only cell that was scored" if scored == 1 else f"the same in {alike} cells that were scored"
    return words.joined([cell.id for cell in cells])


def files(run: StoredRun, figures: dict[str, Drawn]) -> list[tuple[str, str]]:
    """The files of the run that are there, relative to its folder, with what they hold."""
    kept = {name: what for name, what in _FILES.items() if name == "summary.md" or (run.folder / name).is_file()}
    drawn = {f"figures/{name}.png": "figure of this page" for name, figure in figures.items() if figure.png is not None}
    of_cells = [name for cell in tables.ordered_cells(run.result) for name in cell.files]
    return list((kept | drawn | {name: "" for name in of_cells if (run.folder / name).is_file()}).items())
