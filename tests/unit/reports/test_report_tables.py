"""The tables that figures and pages are drawn from."""

from unit.reports.stored_runs import DOUBT, REASON, broken, cell, latency, matrix, quality, result, score

from reports import tables


def test_cells_stand_in_the_order_that_was_asked_for():
    """Triggers come as in --triggers and partitions by number, whatever order the cells ran in."""
    frame = tables.cells_table(result())
    expected = [(t, p) for t in ("realtime:30s", "1s", "5s") for p in (1, 4)]
    assert list(frame.select("trigger", "partitions").iter_rows()) == expected


def test_a_trigger_outside_the_matrix_comes_last():
    """A cell whose trigger the configuration does not list is not lost."""
    built = result(cells=[cell("30s"), cell("1s")])
    assert tables.cells_table(built)["trigger"].to_list() == ["1s", "30s"]


def test_headline_latency_is_due_to_seen_of_the_beacons():
    """The cells table takes p50 to max from latency_ms.due_to_seen, not from `all`."""
    one = cell(p50=3.1, p99=9.8)
    one.latency_ms.all = latency(500.0, 900.0).all
    row = tables.cells_table(result(cells=[one])).row(0, named=True)
    assert (row["n"], row["p50_ms"], row["p99_ms"]) == (1440, 3.1, 9.8)
    assert (row["precision"], row["precision_low"], row["recall_1s"]) == (0.8, 0.609, 1.0)


def test_a_missing_number_is_null_with_its_reason():
    """An unsupported percentile and an absent drain rate are null, never 0, and each says why."""
    one = cell(p99=None)
    one.latency_ms.due_to_seen.reasons["p99"] = "needs 1000 samples, has 200"
    one.throughput.drain_per_s = None
    one.throughput.reasons["drain_per_s"] = "no two drains agreed"
    row = tables.cells_table(result(cells=[one])).row(0, named=True)
    assert row["p99_ms"] is None
    assert row["drain_per_s"] is None
    why = tables.why_missing(one)
    assert why == {
        "p99_ms": "needs 1000 samples, has 200",
        "drain_per_s": "no two drains agreed",
    }


def test_a_broken_cell_is_a_row_whose_error_explains_every_gap():
    """All numbers of a broken cell are null, and the reason is its error."""
    one = broken(error="the pipeline died")
    row = tables.cells_table(result(cells=[one])).row(0, named=True)
    assert (row["status"], row["verdict"], row["n"], row["p50_ms"]) == ("broken", "invalid", None, None)
    assert set(tables.why_missing(one).values()) == {"the pipeline died"}


def test_a_run_without_cells_has_empty_tables():
    """Before the first cell has ended every table is there, with no rows."""
    built = result(cells=[])
    per_cell = (tables.cells_table, tables.validity_table, tables.budget_table, tables.batch_table)
    for table in (*per_cell, tables.resources_table):
        assert table(built).is_empty()
    assert tables.host_table(built).is_empty()
    assert tables.quality_groups(built) == []


def test_every_reason_is_listed_with_its_remedy():
    """One row a reason, in the order of the cells."""
    rows = tables.validity_table(result(cells=[cell("1s", verdict="invalid", reasons=[DOUBT, REASON])]))
    assert rows["rule"].to_list() == ["host noise", "backlog"]
    assert rows["remedy"].to_list() == ["end other work", "try --partitions 8"]


def test_batch_time_is_told_of_micro_batches_alone():
    """With how many alerts and batches it rests on; a real-time cell has no row."""
    rows = tables.batch_table(result(cells=[cell(), cell("1s", p50=600.0)]))
    columns = ("trigger", "batches", "n", "p50_ms", "p99_ms", "max_ms")
    assert list(rows.select(columns).iter_rows()) == [("1s", 30, 11708, 180.0, 300.0, 360.0)]


def test_the_budget_keeps_the_order_of_the_stages():
    """Stages come as an alert passes them, and a mean that is unknown stays null."""
    one = cell("1s", p50=100.0)
    one.latency_ms.budget["due_to_sent"] = None
    budget = tables.budget_table(result(cells=[one]))
    stages = ["due_to_sent", "sent_to_appended", "appended_to_picked", "picked_to_alert_appended"]
    assert budget["stage"].to_list() == [*stages, "alert_appended_to_seen"]
    assert budget["mean_ms"].to_list() == [None, 0.8, 60.0, 30.0, 0.4]


def test_quality_ends_with_all_rules_pooled():
    """One row a rule with counts and intervals, and the pooled counts last."""
    table = tables.quality_table(quality())
    assert table["name"].to_list()[-1] == "all"
    assert table.row(-1, named=True)["tp"] == 100
    assert table["marginal"].to_list()[0] == 3


def test_quality_tells_false_alarms_and_delays():
    """How often a rule is wrong, how late it is where it finds something, and with a miss counted."""
    row = tables.quality_table(quality()).row(0, named=True)
    assert (row["false_per_sensor_day"], row["delay_s"], row["mean_delay_s"]) == (0.125, 0.0, 750.0)


def test_metrics_stand_beside_detectors_that_know_nothing():
    """Four rows a rule and for all: its alerts, then silence, an alarm always on, and one at random."""
    table = tables.metrics_table(quality())
    assert table.filter(name="all")["detector"].to_list() == ["alerts", "never", "always_on", "random"]
    assert len(table) == 4 * 6
    ours = {"event_f1": 0.75, "point_f1": 0.5, "nab": 50.0, "pate_f1": 0.5, "affiliation_recall": 0.5}
    row = table.row(0, named=True)
    assert {name: row[name] for name in ours} == ours
    assert table.filter(name="all", detector="random")["range_f1"].item() == 0.125
    assert table.filter(name="all", detector="never")["event_f1"].item() is None


def test_a_result_of_before_has_no_metrics_and_no_quality_cell():
    """A score as earlier versions wrote it: its counts are shown, and the table of metrics is empty."""
    old = score(metrics=None, baselines={}, false_alarms_per_sensor_day=None, delay={"median_event_s": 0.0})
    assert tables.metrics_table(quality(all=old, by_rule={"r": old})).is_empty()
    assert tables.quality_table(quality(all=old, by_rule={})).row(0, named=True)["mean_delay_s"] is None


def test_an_undefined_share_has_no_interval():
    """Precision over no alert is null, and so are the ends of its interval."""
    row = tables.quality_table(quality(by_rule={"heavy_rainfall": score(0, 0, 0)})).row(0, named=True)
    assert (row["precision"], row["precision_low"], row["recall"]) == (None, None, None)


def test_cells_of_the_same_quality_share_a_group():
    """Six alike are one group; a cell that differs in one count stands apart."""
    cells = matrix()
    cells[4] = cells[4].model_copy(update={"quality": quality(all=score(99, 25))})
    groups = tables.quality_groups(result(cells=cells))
    assert [len(group) for group, _ in groups] == [5, 1]
