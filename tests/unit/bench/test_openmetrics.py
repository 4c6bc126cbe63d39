"""A result as OpenMetrics: what the reference parser reads back is what the result holds, no more and no less."""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Iterable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as older_format
from unit.bench.builders import a_config, a_host, a_quantiles, a_result
from unit.bench.scraped import a_snapshot, read, value, values
from unit.reports import stored_runs

from base.paths import PROJECT_ROOT
from bench.matrix import plan
from bench.metrics_server import running_points
from bench.openmetrics import FAMILIES, Point, labelled, openmetrics, result_points
from bench.records import Cell, Pauses, Spread, Stalls
from bench.view import ROLLING_S

PAGE = (PROJECT_ROOT / "docs/openmetrics.md").read_text()
#: The labels of all that is of a run; those of a cell.
OF_RUN = {"run", "scenario"}
OF_CELL = OF_RUN | {"trigger", "partitions", "profile", "engine", "repeat", "cell"}
#: What is exposed under a name of its own.
SUFFIXES = {"counter": "_total", "info": "_info"}


def a_full_cell(trigger: str = "1s", **more: Any) -> Cell:
    """A cell in which nothing is null that its mode can have."""
    micro_batch = {"batch_ms": Spread(n=2400, p50=95.0, p99=180.5, max=240.0), "batches": 30}
    realtime = {"boundary_stall_ms": Stalls(each=[20.0, 31.5], median=25.75, max=31.5), "batches": 2}
    same = stored_runs.latency(3.1, 9.8)
    if trigger.startswith("realtime"):
        more = {"latency_ms": same.model_copy(update={"without_boundaries": same.all}), **realtime, **more}
    else:
        more = {**micro_batch, **more}
    pauses = Pauses(n=4, total_ms=22.0, max_ms=9.5, gc_n=1, gc_total_ms=9.5, gc_max_ms=9.5)
    host = a_host(others_cores=0.05, pauses={"pipeline": pauses})
    phases = {"started": "2026-11-24T00:23:00+00:00", "duration_s": 61.5, "phases_s": {"measuring": 30.0}}
    return stored_runs.cell(trigger, **{"host": host, **phases, **more})


def test_a_cells_numbers_come_back_in_base_units():
    """Latencies in seconds by quantile, counts, shares, CPU and verdict of a micro-batch cell."""
    cell = a_full_cell(verdict="inconclusive")
    series = read(openmetrics(stored_runs.result(cells=[cell])))
    p99 = {"latency": "due_to_seen", "alerts": "beacons", "quantile": "0.99"}
    assert value(series, "alertbench_latency_seconds", **p99) == pytest.approx(0.0098)
    assert value(series, "alertbench_latency_seconds", **p99 | {"quantile": "1.0"}) == pytest.approx(0.0147)
    for latency in ("due_to_seen", "sent_to_seen", "due_to_alert_appended"):
        for alerts in ("beacons", "all"):
            assert value(series, "alertbench_latency_seconds_count", latency=latency, alerts=alerts) == 1440
    assert value(series, "alertbench_latency_stage_mean_seconds", stage="alert_appended_to_seen") == pytest.approx(4e-4)
    assert value(series, "alertbench_batch_seconds", quantile="0.99") == pytest.approx(0.1805)
    assert value(series, "alertbench_batches_total") == 30
    assert value(series, "alertbench_drain_readings_per_second") == 95_000
    assert value(series, "alertbench_alerts_total", outcome="seen") == 11_708
    assert value(series, "alertbench_alerts_total", outcome="missing") == 0
    assert value(series, "alertbench_recall_at_deadline_ratio", alerts="beacons", deadline_seconds="0.1") == 0.98
    assert value(series, "alertbench_precision_ratio", rule="all") == 0.8
    assert value(series, "alertbench_recall_bound_ratio", rule="high_uv_index", bound="low") == 0.839
    assert value(series, "alertbench_quality_events_total", rule="all", outcome="fp") == 25
    assert value(series, "alertbench_process_cpu_seconds_total", process="pipeline") == pytest.approx(18.0)
    assert value(series, "alertbench_process_cpu_seconds_per_reading", process="pipeline") == pytest.approx(1.248e-4)
    assert value(series, "alertbench_jvm_pause_seconds_sum", process="pipeline", pauses="all") == pytest.approx(0.022)
    assert value(series, "alertbench_jvm_pause_seconds", pauses="gc", quantile="1.0") == pytest.approx(0.0095)
    assert value(series, "alertbench_cell_phase_seconds", phase="measuring") == 30.0
    verdict = "alertbench_cell_verdict"
    states = {name: value(series, verdict, **{verdict: name}) for name in ("valid", "invalid", "inconclusive")}
    assert states == {"valid": 0, "invalid": 0, "inconclusive": 1}


def test_a_real_time_cell_has_stalls_and_no_batch_time():
    """Boundaries are in it twice, as stalls and as the latency without them."""
    series = read(openmetrics(stored_runs.result(cells=[a_full_cell("realtime:30s")])))
    assert value(series, "alertbench_boundary_stall_seconds", quantile="1.0") == pytest.approx(0.0315)
    assert value(series, "alertbench_boundary_stall_seconds_count") == 2
    assert len(values(series, "alertbench_latency_seconds", alerts="without_boundaries", latency="due_to_seen")) == 5
    assert values(series, "alertbench_batch_seconds_count") == []


def test_the_run_is_told():
    """Its facts, its state, when it was, and the Kafka floor."""
    series = read(openmetrics(stored_runs.result(status="partial")))
    assert value(series, "alertbench_run_info", sha="0123456789abcdef", dirty="false", cpu="Some CPU <1>") == 1
    assert value(series, "alertbench_run_status", alertbench_run_status="partial") == 1
    took_s = value(series, "alertbench_run_end_timestamp_seconds") - value(
        series, "alertbench_run_start_timestamp_seconds"
    )
    assert took_s == 7 * 60 + 22
    assert value(series, "alertbench_kafka_floor_seconds", quantile="0.5") == pytest.approx(9e-4)


def test_every_cell_is_told_apart():
    """Six cells and two repeats, each with the labels that its axes have."""
    cells = [*stored_runs.matrix(), stored_runs.cell("5s", 4, repeat=2)]
    series = read(openmetrics(stored_runs.result(cells=cells)))
    windows = [dict(labels) for name, labels in series if name == "alertbench_cell_window_seconds"]
    assert [one["cell"] for one in windows] == [cell.id for cell in cells]
    last = {"trigger": "5s", "partitions": "4", "profile": "tuned", "engine": "spark", "repeat": "2"}
    assert last.items() <= windows[-1].items()


def test_what_could_not_be_had_is_absent():
    """A null is no series, and nothing stands there as 0 or NaN in its stead."""
    nothing = {"offered_per_s": 4800, "sent_per_s": 4800, "processed_per_s": None, "drain_per_s": None}
    late = stored_runs.latency(None, None)
    none_due = stored_runs.fidelity(recall_at_deadline={"1": None})
    cell = stored_runs.cell("1s", throughput=nothing, latency_ms=late, fidelity=none_due, batches=None, quality=None)
    series = read(openmetrics(a_result(cells=[cell])))
    assert all(math.isfinite(one) for one in series.values())
    assert len(values(series, "alertbench_offered_readings_per_second")) == 1
    for name in ("processed_readings_per_second", "drain_readings_per_second", "precision_ratio", "batches_total"):
        assert values(series, f"alertbench_{name}") == []
    assert values(series, "alertbench_latency_seconds", alerts="all", quantile="0.5") == []
    assert values(series, "alertbench_recall_at_deadline_ratio", alerts="beacons") == []
    assert values(series, "alertbench_host_cpu_pressure_ratio") == []
    assert values(series, "alertbench_run_end_timestamp_seconds") == []
    assert values(series, "alertbench_kafka_floor_seconds_count") == []
    assert not any("sha" in dict(labels) for _, labels in series)


def test_a_broken_cell_has_a_verdict_and_no_number():
    """Nothing was measured."""
    series = read(openmetrics(stored_runs.result(cells=[stored_runs.broken()])))
    assert value(series, "alertbench_cell_verdict", alertbench_cell_verdict="invalid") == 1
    of_cell = {name for name, labels in series if "cell" in dict(labels)}
    assert of_cell == {"alertbench_cell_verdict", "alertbench_cell_duration_seconds"}


def test_a_latency_below_zero_is_left_out():
    """A stepped clock makes such; the format forbids them, and the whole file would be refused."""
    stepped = stored_runs.latency().model_copy(update={"due_to_seen": a_quantiles(p50=-41.0)})
    series = read(openmetrics(stored_runs.result(cells=[stored_runs.cell(latency_ms=stepped)])))
    beacons = {"latency": "due_to_seen", "alerts": "beacons"}
    assert values(series, "alertbench_latency_seconds", **beacons, quantile="0.5") == []
    assert value(series, "alertbench_latency_seconds", **beacons, quantile="0.9") == pytest.approx(0.12)


@pytest.mark.parametrize(
    "hostile",
    ['say "hi"', "two\nlines", "C:\\new", "back\\", '\\"', "🌡️ Zürich", "عربي \u202eab", "<script>", "a,b={c} 1", ""],
)
def test_hostile_label_values_come_back(hostile):
    """Quotes, line ends, backslashes, other scripts and what looks like syntax."""
    result = stored_runs.result(cells=[stored_runs.cell()])
    result.run.id = result.scenario.name = result.env.cpu = result.cells[0].id = hostile
    series = read(openmetrics(result))
    assert value(series, "alertbench_run_info", run=hostile, scenario=hostile, cpu=hostile) == 1
    assert value(series, "alertbench_cell_window_seconds", run=hostile, cell=hostile) == 30.0


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_any_text_is_a_label_value(text):
    """Whatever a scenario is called."""
    result = a_result()
    result.scenario.name = text
    assert value(read(openmetrics(result)), "alertbench_sensors", scenario=text) == 1


def test_the_file_ends_as_the_format_wants():
    """The last line is ``# EOF``, so that half a file is known for what it is; every family has help, most a unit."""
    text = openmetrics(stored_runs.result()).decode()
    assert text.endswith("\n# EOF\n")
    assert "# UNIT alertbench_latency_seconds seconds\n" in text
    assert "# UNIT alertbench_process_resident_memory_bytes bytes\n" in text
    assert "# UNIT alertbench_precision_ratio ratio\n" in text
    assert text.count("# TYPE ") == text.count("# HELP ")
    with pytest.raises(ValueError, match="EOF"):
        read(text.removesuffix("# EOF\n").encode())


def all_points() -> Iterable[Point]:
    """Of a run with cells of both modes, and of a snapshot that knows all."""
    yield from result_points(stored_runs.result(cells=[a_full_cell(), a_full_cell("realtime:30s")]))
    figures = {"offered_per_s": 4800.0, "sent_per_s": 4797.0, "p50_ms": 2.0, "p99_ms": 9.0, "batch_ms": 80.0}
    now = a_snapshot(cell=plan(a_config())[0], number=1, **figures)
    yield from labelled(running_points(now), {"run": "r", "scenario": "n"})


def test_every_family_is_used_with_its_labels():
    """Each that is declared is told, with the labels declared and the run's or the cell's, and no others."""
    seen = set()
    for point in all_points():
        family = FAMILIES[point.family]
        seen.add(family.name)
        own = set(family.labels) | ({family.name} if family.type == "stateset" else set())
        if point.suffix:
            own -= {"quantile"}
        assert set(point.labels) - OF_CELL == own, point
        assert set(point.labels) & OF_CELL in (OF_RUN, OF_CELL), point
    assert seen == set(FAMILIES)


def test_the_page_lists_what_there_is():
    """docs/openmetrics.md has one row a family: the name to ask for, type, labels and meaning; and no other row."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| `alertbench_")]
    wanted = []
    for name, family in FAMILIES.items():
        labels = ", ".join(f"`{label}`" for label in family.labels)
        cells = [f"`{name}{SUFFIXES.get(family.type, '')}`", family.type, labels, family.help]
        wanted.append("| " + " | ".join(cells).replace("|  |", "| |") + " |")
    assert rows == wanted
    assert f"the last {ROLLING_S:g} s" in FAMILIES["alertbench_running_latency_seconds"].help


def test_every_label_is_on_the_page():
    """And so is every outcome that a count may have."""
    own = {label for family in FAMILIES.values() if family.type != "info" for label in family.labels}
    explained = PAGE.split("## Labels")[1].split("## Metrics")[0]
    assert [label for label in own if f"| `{label}` |" not in explained] == []
    outcomes = {point.labels["outcome"] for point in all_points() if "outcome" in point.labels}
    assert [outcome for outcome in outcomes if f"`{outcome}`" not in explained] == []


def test_the_pages_scrape_configuration_fits_its_command():
    """It is YAML, and scrapes the address at which the page's command serves."""
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    (job,) = yaml.safe_load(block)["scrape_configs"]
    (port,) = set(re.findall(r"--metrics-port (\d+)", PAGE))
    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{port}"]}]


def test_the_pages_filter_makes_a_file_for_the_textfile_collector(tmp_path):
    """After the page's `grep` only types of the older format are left, and every number."""
    result = stored_runs.result(cells=[a_full_cell()])
    file = tmp_path / "metrics.prom"
    file.write_bytes(openmetrics(result))
    (pattern,) = re.findall(r"^grep -Ev '([^']+)'", PAGE, flags=re.MULTILINE)
    kept = subprocess.run(["grep", "-Ev", pattern, file], capture_output=True, text=True, check=True).stdout
    types = set(re.findall(r"^# TYPE \S+ (\S+)$", kept, flags=re.MULTILINE))
    assert types == {"counter", "gauge", "summary"}
    read_older = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in older_format(kept)
        for sample in family.samples
    }
    assert read_older == read(openmetrics(result))
