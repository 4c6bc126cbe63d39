"""docs/reference/metrics.md: which numbers there are, from what computes, judges, compares and exposes them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from bench.checks import RULES
from bench.compare.metrics import METRICS
from bench.latency import DEADLINES_S, PERCENTILES, samples_needed
from bench.openmetrics import FAMILIES
from bench.quality.delays import DELAYS_S, RESTRICTED_TO_S
from bench.reference.markdown import code, prose, table, whole_page
from bench.stamps import STAGES_MICRO_BATCH, STAGES_REALTIME


def page() -> str:
    """The page's text."""
    percentiles = [[code(name), f"{samples_needed(q):,}"] for name, q in PERCENTILES.items()]
    deadlines = ", ".join(f"{deadline:g}" for deadline in DEADLINES_S)
    delays = ", ".join(map(str, DELAYS_S))
    return whole_page(
        "Metrics",
        "Where each number stands in the result file: [results](results.md). How they are measured: "
        "[method](../method.md). How each metric of alert quality is defined: [scoring](../scoring.md).",
        "## Percentiles\n\nExact, over the alerts that had to come. One is given where ten samples lie beyond it.",
        table(["percentile", "samples that it needs"], percentiles),
        "## Stages of a latency\n\nNeighbouring stamps of one alert; the means of the stages add up to the mean of the "
        "whole.",
        table(["stage", "from", "to", "modes"], stages()),
        f"## Deadlines and delays\n\n`recall_at_deadline`: seen within D seconds of due, D of {deadlines}.\n\n"
        f"`recall_at_delay`: alerted within D seconds of event time after the start of a hazard, D of {delays}. "
        f"A restricted mean counts no delay for more than {RESTRICTED_TO_S} s, and a miss as that.",
        "## Validity\n\nEach rule is one function of `bench/checks.py`. One `invalid` outweighs all doubts.",
        table(["rule", "verdict", "why"], [validity(rule) for rule in RULES]),
        "## What `bench.compare` compares",
        table(
            ["number", "what it is", "unit", "put into words"],
            [[code(one.name), one.label, one.unit, words(one)] for one in METRICS],
        ),
        "## OpenMetrics\n\nWhat `metrics.prom` and `/metrics` hold; [labels and queries](../openmetrics.md).",
        table(
            ["metric", "type", "unit", "what it is"],
            [[code(one.series), one.type, one.unit, one.help] for one in FAMILIES.values()],
        ),
    )


def stages() -> list[list[str]]:
    """Every stage once, with the modes that have it."""
    by_mode = {"micro-batch": STAGES_MICRO_BATCH, "real-time": STAGES_REALTIME}
    found: dict[tuple[str, str, str], list[str]] = {}
    for mode, of_mode in by_mode.items():
        for stage in of_mode:
            found.setdefault(stage, []).append(mode)
    return [[code(name), code(begins), code(ends), ", ".join(modes)] for (name, begins, ends), modes in found.items()]


def words(metric: Any) -> str:
    """How a difference of the metric is called; nothing where it is only shown."""
    return f"{metric.better}, {metric.worse}" if metric.decides else ""


def validity(rule: Callable[..., object]) -> list[str]:
    """The name and the verdict that a rule gives its reasons, and the docstring that says why it is one."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(rule)))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    reason = next(call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Reason")
    given = {word.arg: word.value.value for word in reason.keywords if isinstance(word.value, ast.Constant)}
    return [str(given["rule"]), str(given["verdict"]), prose(inspect.getdoc(rule) or "")]
