"""A path leads to a number of a cell, as it stands in result.json; one that leads nowhere names the nearest."""

from __future__ import annotations

import json

import pytest
from unit.reports.stored_runs import cell, latency

from base.errors import UsageError
from bench.cell_paths import find_path, known_paths, rule_ids
from bench.records import Capacity, Spread, Stalls


def numbers_in(value, prefix=""):
    """Every number of a nested JSON value by its dotted path, written the obvious way."""
    if isinstance(value, dict):
        return {path: leaf for key, one in value.items() for path, leaf in numbers_in(one, f"{prefix}{key}.").items()}
    return {prefix[:-1]: value} if isinstance(value, int | float) and not isinstance(value, bool) else {}


def test_every_number_of_a_stored_cell_has_a_path():
    """What stands in result.json under a path is what the path finds."""
    one = cell(boundary_stall_ms=Stalls(each=[1.0], median=1.0, max=1.0), batch_ms=Spread(n=9, p50=1, p99=2, max=3))
    found = numbers_in(json.loads(one.model_dump_json()))
    assert len(found) > 150
    assert {path: find_path(path, field="x").look(one)[0] for path in found} == found


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("latency_ms.all.due_to_seen.p50", "ms"),
        ("latency_ms.budget.due_to_sent", "ms"),
        ("latency_ms.due_to_seen.n", None),
        ("batch_ms.n", None),
        ("host.hiccup_p99_ms", "ms"),
        ("resources.pipeline.cpu_s", "s"),
        ("resources.pipeline.cpu_s_per_million", None),
        ("throughput.drain_per_s", None),
        ("quality.by_rule.high_temperature.delay.median_event_s", "s"),
        ("fidelity.recall_at_deadline.0.01", None),
    ],
)
def test_a_time_has_the_unit_of_its_name(path, unit):
    """Counts below a time, and rates per second, are plain numbers."""
    assert find_path(path, field="x").unit == unit


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("latency_ms.due_to_sen.p99", "did you mean 'latency_ms.due_to_seen.p99'?"),
        ("latency.due_to_seen.p99", "did you mean 'latency_ms.due_to_seen.p99'?"),
        ("fidelity.recal_at_deadline.1", "did you mean 'fidelity.recall_at_deadline.1'?"),
        ("quality.by_rule.hi_temperature.recall", "did you mean 'quality.by_rule.high_temperature.recall'?"),
        ("latency_ms.due_to_seen", "'latency_ms.due_to_seen' is no number; go on with one of max, n, p50"),
        ("nothing-like-it", "known: batch_ms, batches,"),
        ("fidelity.recall_at_deadline.0", "unknown path"),
        ("latency_ms.", "unknown path"),
        ("warmup", "unknown path"),
        ("files", "unknown path"),
        ("verdict", "unknown path"),
        ("__class__", "unknown path"),
    ],
)
def test_what_leads_to_no_number_is_one_line(wrong, words):
    """The flag, the path and the nearest known one, or how to go on."""
    with pytest.raises(UsageError) as caught:
        find_path(wrong, field="--threshold 'x'")
    message = str(caught.value)
    assert message.startswith("--threshold 'x': ")
    assert words in message
    assert "\n" not in message
    assert len(message) < 250


def test_a_number_that_is_not_there_comes_with_the_reason_of_the_cell():
    """From the nearest record that gives one, else the part of the path that is null."""
    short = latency(p99=None)
    short.due_to_seen.reasons["p99"] = "needs 1000 samples, has 200"
    one = cell(latency_ms=short, resources={})
    one.quality.reasons["by_fault"] = "no fault detector to score"
    why = {
        "latency_ms.due_to_seen.p99": "needs 1000 samples, has 200",
        "quality.by_fault.spike.recall": "no fault detector to score",
        "latency_ms.without_boundaries.due_to_seen.p50": "latency_ms.without_boundaries is null",
        "resources.broker.cores": "resources.broker is null",
    }
    assert {path: find_path(path, field="x").look(one) for path in why} == {
        path: (None, reason) for path, reason in why.items()
    }


def test_the_ends_of_a_capacity_have_paths():
    """Plain numbers; a missing one has the search's own reason."""
    found = Capacity(
        passed=40_000.0, failed=None, slo="s", trials=[], reasons={"failed": "56,000/s tells nothing: naps overran"}
    )
    one = cell(capacity=found)
    assert find_path("capacity.passed", field="x").look(one) == (40_000.0, "")
    assert find_path("capacity.failed", field="x").look(one) == (None, "56,000/s tells nothing: naps overran")
    assert find_path("capacity.passed", field="x").unit is None
    assert find_path("capacity.passed", field="x").look(cell()) == (None, "capacity is null")


def test_infinity_is_no_value():
    """JSON has none: result.json will hold null, and so says the path."""
    one = cell(batch_ms=Spread(n=1, p50=float("inf"), p99=None, max=None))
    assert find_path("batch_ms.p50", field="x").look(one) == (None, "batch_ms.p50 is inf")


def test_paths_are_their_steps():
    """No two numbers share a path, and a key with a dot in it is one step."""
    assert all(".".join(path.steps) == text for text, path in known_paths(rule_ids(None)).items())
    assert find_path("fidelity.recall_at_deadline.0.5", field="x").steps[-1] == "0.5"
