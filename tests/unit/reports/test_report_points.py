"""The points of the matrix and the numbers over them."""

import pytest
from unit.reports.stored_runs import REASON, broken, capacity, cell, quality, result

from reports.points import (
    HEAT_METRICS,
    TRADE_METRICS,
    matrix_points,
    metric_table,
    metric_tables,
    one_table,
    with_several_triggers,
)


def heat(built, metric):
    """The table of one heat map."""
    return metric_table(built, HEAT_METRICS[metric])


def point(table, trigger, partitions, **more):
    """The one row of a table at that point."""
    return table.filter(trigger=trigger, partitions=partitions, **more).row(0, named=True)


def test_only_valid_points_have_a_value():
    """An invalid or inconclusive point keeps its number apart, as doubtful."""
    table = heat(result(), "p50_ms")
    assert point(table, "1s", 1)["value"] == 612.0
    invalid = point(table, "1s", 4)
    assert (invalid["value"], invalid["doubtful"], invalid["verdict"]) == (None, 640.0, "invalid")
    assert point(table, "realtime:30s", 4)["verdict"] == "inconclusive"


def test_repeats_are_pooled_by_the_median_of_the_valid_ones():
    """An invalid repeat neither moves the value nor hides that it was there."""
    times = [cell("1s", repeat=1, p50=600.0), cell("1s", repeat=2, p50=640.0), cell("1s", repeat=3, p50=610.0)]
    spoilt = cell("1s", repeat=4, p50=9000.0, verdict="invalid", reasons=[REASON])
    row = point(heat(result(cells=[*times, spoilt]), "p50_ms"), "1s", 1)
    assert (row["value"], row["valid"], row["repeats"], row["n"]) == (610.0, 3, 4, 3 * 1440)


def test_points_that_did_not_run_and_points_that_broke_are_told_apart():
    """The grid is whole: what is not there says why."""
    table = heat(result(cells=[cell("1s", 1), broken("5s", 4)]), "p99_ms")
    assert point(table, "5s", 4)["verdict"] == "broken"
    assert point(table, "5s", 1)["verdict"] == "not run"
    assert len(table) == 3 * 2


def test_each_profile_has_a_grid_of_its_own():
    """Cells of different profiles never share a point."""
    table = heat(result(cells=[cell(p50=3.0), cell(p50=8.0, profile="stock")]), "p50_ms")
    assert point(table, "realtime:30s", 1, variant="stock")["value"] == 8.0
    assert point(table, "realtime:30s", 1, variant="tuned")["value"] == 3.0


def test_a_broken_repeat_speaks_for_no_point():
    """Of a point the valid repeats are used; without one, those that were measured."""
    doubtful = cell("1s", repeat=2, verdict="invalid", reasons=[REASON])
    points = matrix_points(result(cells=[broken("1s"), doubtful], config={}))
    assert [[cell.id for cell in point.used] for point in points] == [[doubtful.id]]
    assert points[0].verdict == "invalid"


@pytest.mark.parametrize(
    ("metric", "value", "n"),
    [
        ("p50_ms", 600.0, 1440),
        ("p99_ms", 900.0, 1440),
        ("batch_p50_ms", 180.0, 11708),
        ("sustained_per_s", 40_000.0, 4),
        ("recall_1s", 1.0, 1440),
        ("precision", 0.8, 125),
    ],
)
def test_every_heat_map_shows_its_own_number_with_what_is_behind_it(metric, value, n):
    """n counts beacons' alerts; of batch time, all alerts; of precision, alarms; of a capacity, trials."""
    built = result(cells=[cell("1s", p50=600.0, p99=900.0, capacity=capacity(40_000.0))])
    row = point(heat(built, metric), "1s", 1)
    assert (row["value"], row["n"]) == (value, n)


def test_a_metric_that_the_run_has_not_is_left_out():
    """No capacity without a search, no batch time in real-time mode, no precision without alarms."""
    silent = quality(all=None)
    built = result(cells=[cell(quality=silent), cell(partitions=4, quality=silent)])
    assert list(metric_tables(built, HEAT_METRICS)) == ["p50_ms", "p99_ms", "recall_1s"]
    assert metric_tables(result(cells=[broken()]), HEAT_METRICS) == {}


def test_the_trade_off_looks_at_what_a_trigger_costs():
    """Recall by deadline, the pipeline's cores, its drain rate; a deadline that nobody judged is left out."""
    tables = metric_tables(result(cells=[cell("1s")]), TRADE_METRICS)
    values = {name: point(table, "1s", 1)["value"] for name, table in tables.items()}
    assert values == {
        "recall_0.1s": 0.98,
        "recall_1s": 1.0,
        "p99_ms": 9.8,
        "pipeline_cores": 0.6,
        "drain_per_s": 95_000.0,
    }


def test_a_variant_with_one_trigger_trades_nothing_off():
    """A single cell beside a matrix is left out, and a trigger that broke does not count."""
    cells = [cell("1s"), cell("5s"), cell("30s", profile="stock"), cell("1s", profile="lean")]
    cells.append(broken("5s").model_copy(update={"params": cells[-1].params.model_copy(update={"trigger": "5s"})}))
    tables = with_several_triggers(metric_tables(result(cells=cells), TRADE_METRICS))
    assert {variant for table in tables.values() for variant in table["variant"]} == {"tuned"}


def test_the_data_of_a_figure_lists_the_points_that_were_run():
    """One table for all metrics; a point that nobody asked for has no row."""
    built = result(cells=[cell("1s", 1), cell("5s", 4)])
    table = one_table(metric_tables(built, {name: HEAT_METRICS[name] for name in ("p50_ms", "p99_ms")}))
    assert table["metric"].to_list() == ["p50_ms"] * 2 + ["p99_ms"] * 2
    assert one_table({}).is_empty()
