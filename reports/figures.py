"""The figures of a report: each drawn once, with the table it shows, its text and its file name."""

from __future__ import annotations

from reports import quality_figures, speed_figures, tables
from reports.change import Change
from reports.draw_bars import budget_bars, cpu_bars
from reports.drawn import Drawn, drawn
from reports.measured import measured_cells
from reports.stored import StoredRun


def draw_all(run: StoredRun, change: Change | None = None) -> dict[str, Drawn]:
    """Every figure of the report by name; one that cannot be drawn has a reason instead of pixels."""
    cells = list(measured_cells(run))
    figures = [
        speed_figures.heat(run.result),
        speed_figures.percentiles(run, cells),
        speed_figures.cumulative(run, cells),
        speed_figures.over_time(run, cells),
        _budget(run),
        speed_figures.throughput(run, cells),
        speed_figures.batches(run.result),
        speed_figures.trade(run.result),
        _cpu(run),
        quality_figures.shares(run.result),
        quality_figures.delays(run.result),
        quality_figures.day(run),
        quality_figures.field(run),
        quality_figures.repeats(run.result),
    ]
    if change is not None:
        figures.append(quality_figures.change_of(change))
    return {figure.name: figure for figure in figures}


def _budget(run: StoredRun) -> Drawn:
    budget = tables.budget_table(run.result)
    data = budget.select("cell", "stage", "mean_ms")
    known = budget.drop_nulls("mean_ms")
    alt = "Stacked bars of the mean time an alert spends in each stage, for every cell."
    figure = drawn("latency-budget", alt, known, lambda: budget_bars(budget), "no cell has a latency budget")
    return Drawn(figure.name, figure.alt, figure.png, data, figure.absent)


def _cpu(run: StoredRun) -> Drawn:
    resources = tables.resources_table(run.result)
    data = resources.select("cell", "process", "cores", "cpu_s", "cpu_s_per_million", "rss_bytes")
    alt = "Stacked bars of the cores that each process used, for every cell."
    draw = lambda: cpu_bars(resources, run.result.env.cores)  # noqa: E731 - drawn only if there is anything
    return drawn("cpu-by-process", alt, data, draw, "no cell has measured its processes")
