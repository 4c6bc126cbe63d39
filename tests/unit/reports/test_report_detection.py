"""How right the rules are and how soon, as tables."""

import pytest
from unit.reports.stored_runs import REASON, cell, counted, quality, quality_cell, result, score

from reports.detection import delays_table, judged, shares_table


def test_the_quality_cell_has_the_word_where_there_is_one():
    """It has enough events; the cells of the matrix judge where it is missing."""
    built = result(cells=[cell()], quality_cell=quality_cell())
    assert judged(built)[0] == "the quality cell"
    where, found = judged(result(cells=[cell()]))
    assert (where, found) == ("realtime-30s-p1-tuned-r1", quality())
    assert judged(result(cells=[cell(quality=None)])) is None


def test_of_cells_that_differ_the_valid_ones_have_the_word():
    """However many others agree on something else."""
    odd = quality(all=score(1, 1))
    cells = [cell("1s", n, verdict="invalid", reasons=[REASON], quality=odd) for n in (1, 4)]
    assert judged(result(cells=[*cells, cell("5s")]))[0] == "5s-p1-tuned-r1"


def test_shares_stand_beside_detectors_that_know_nothing():
    """Hits of n, interval and value; alarms for precision, events for recall."""
    frame = shares_table(quality(by_rule={"hot": score(20, 5, 4)}))
    rows = {(row["detector"], row["metric"]): row for row in frame.filter(of="hot").iter_rows(named=True)}
    ours = rows["alerts", "precision"]
    assert (ours["value"], ours["low"], ours["high"], ours["hits"], ours["n"]) == (0.8, 0.609, 0.911, 20, 25)
    assert (rows["alerts", "recall"]["hits"], rows["alerts", "recall"]["n"]) == (20, 24)
    assert {detector for detector, _ in rows} == {"alerts", "never", "always_on", "random"}
    assert (rows["never", "precision"]["value"], rows["never", "precision"]["n"]) == (None, 0)
    assert rows["random", "precision"]["n"] == 31


def test_faults_come_between_rules_and_the_whole():
    """Kinds of fault are called so; nothing to find is null, never 0."""
    nothing = score(0, 0, 0, baselines={"never": counted(0, 0, 0, None)})
    frame = shares_table(quality(by_rule={"hot": score()}, by_fault={"spike": nothing}))
    assert frame["of"].unique(maintain_order=True).to_list() == ["hot", "fault: spike", "all rules"]
    spike = frame.filter(of="fault: spike")
    assert spike["value"].null_count() == len(spike) == 4


def test_delays_count_the_missed_with_an_interval():
    """What was missed is what recall leaves, and so are the ends of its interval, the other way round."""
    row = delays_table(quality(by_rule={"hot": score(20, 5, 5)})).row(0, named=True)
    assert (row["events"], row["missed"], row["missed_share"]) == (25, 5, pytest.approx(0.2))
    assert (row["missed_low"], row["missed_high"]) == (0.0, pytest.approx(0.161))
    assert (row["median_s"], row["median_readings"], row["restricted_mean_s"]) == (0.0, 0.0, 750.0)


def test_without_events_no_delay_is_known():
    """No share, no interval, no mean."""
    row = delays_table(quality(by_rule={"hot": score(0, 3, 0, delay={})})).row(0, named=True)
    assert (row["events"], row["missed"]) == (0, 0)
    assert {row[name] for name in ("missed_share", "missed_low", "missed_high", "median_s", "restricted_mean_s")} == {
        None
    }
