"""The sentences on top of the report."""

import pytest
from unit.reports.stored_runs import REASON, broken, cell, fidelity, matrix, quality, quality_cell, result, score

from reports.finding import finding, verdict


def valid_matrix():
    """A cell of each trigger, all valid, in three repeats."""
    times = [("realtime:30s", 3.1, 9.8), ("1s", 612.0, 1120.0), ("5s", 2650.0, 5300.0)]
    return [cell(name, p50=p50, p99=p99, repeat=repeat) for name, p50, p99 in times for repeat in (1, 2, 3)]


def test_the_headline_tells_each_trigger_for_itself():
    """One clause a trigger, at its fewest valid partitions; no cell is called faster than another."""
    sentence = finding(result()).sentence
    assert sentence == (
        "Real-time mode (realtime:30s, 1 partition) shows half of the alerts within 3.1 ms of the instant their "
        "reading was due, and 99 % within 9.8 ms; a 1s trigger needs 612 ms and 1.12 s; "
        "a 5s trigger needs 2.65 s and 5.30 s."
    )
    text = " ".join([sentence, *finding(result()).more, *finding(result()).limits])
    assert not any(word in text for word in ("faster", "slower", "better", "worse", "than"))


def test_what_a_trigger_costs_is_told_as_alerts_that_come_too_late():
    """The share that misses a deadline of a second, where any does."""
    late = fidelity(recall_at_deadline={"1": 0.14})
    sentence = finding(result(cells=[cell(), cell("5s", p50=2650.0, p99=5300.0, fidelity=late)])).sentence
    assert sentence.endswith("a 5s trigger needs 2.65 s and 5.30 s, and misses 86.0 % of alerts at a 1 s deadline.")


def test_partition_counts_are_compared_where_there_are_several():
    """One sentence more, between latency and exactness."""
    found = finding(result(cells=[cell(), cell(partitions=4)]))
    assert found.more[0].startswith("No difference in p50 between partition counts could be shown: 1 repeat")
    assert not any("partition counts" in line for line in finding(result(cells=[cell(), cell("1s")])).more)


def test_a_cell_that_is_not_valid_is_in_no_sentence():
    """The 1s trigger is told at 4 partitions where 1 partition is invalid, and says so."""
    cells = [cell(), cell("1s", 1, p50=77.0, verdict="invalid", reasons=[REASON]), cell("1s", 4, p50=640.0)]
    found = finding(result(cells=cells))
    assert "77" not in found.sentence
    assert "a 1s trigger (4 partitions) needs 640 ms" in found.sentence
    assert "1 cell is not valid and left out of every sentence here." in found.limits


def test_repeats_are_named_where_they_are_pooled():
    """The median of repeats says that it is one."""
    assert "median of 3 repeats" in finding(result(cells=valid_matrix())).sentence


def test_an_unsupported_percentile_is_said_not_shown():
    """With too few alerts for p99 the sentence says so instead of giving a number."""
    sentence = finding(result(cells=[cell(p99=None), cell("1s", p50=600.0, p99=None)])).sentence
    assert "for the 99th percentile there are too few alerts" in sentence
    assert "a 1s trigger needs 600 ms for half of them" in sentence
    assert "–" not in sentence


def test_no_percentile_at_all_is_said():
    """A cell with hardly an alert has no latency to tell."""
    assert "too few alerts for a percentile" in finding(result(cells=[cell(p50=None, p99=None)])).sentence


def test_real_time_mode_stands_beside_the_seeds_own_setting():
    """The ratios of p50 and p99 are told, and how few batches they rest on; at other partitions there is none."""
    cells = [
        cell(p50=2.0, p99=10.0),
        cell("30s", profile="stock", p50=15_000.0, p99=30_000.0, batches=4),
        cell("1s", 4, profile="stock", p50=600.0),
    ]
    assert finding(result(cells=cells)).more[0] == (
        "Beside real-time mode (tuned, 1 partition), a 30s trigger (stock) had 7,500 times its p50 and 3,000 times its "
        "p99 (over 4 batches)."
    )
    assert sum("Beside" in line for line in finding(result(cells=cells)).more) == 1


def test_without_a_valid_cell_nothing_is_claimed():
    """Invalid and broken cells alone yield no numbers."""
    found = finding(result(cells=[cell(verdict="invalid", reasons=[REASON]), broken()]))
    assert found.sentence == "No cell is valid, so nothing can be said about latency."
    assert found.more == []


@pytest.mark.parametrize(("cells", "unknown"), [(matrix(), True), (valid_matrix(), False), ([cell()], False)])
def test_noise_is_called_unknown_with_fewer_than_three_repeats(cells, unknown):
    """Under three repeats no difference is put into words; with one cell there is none to speak of."""
    limits = finding(result(cells=cells)).limits
    assert any(line.startswith("Noise unknown") for line in limits) == unknown


def test_exactness_is_told_with_its_counts():
    """Fidelity of the valid cells is one fact beside the latency."""
    more = finding(result(cells=[cell(), cell("1s", fidelity=fidelity(expected=11700, seen=11700))])).more
    assert more[0].startswith("The engine was exact in every valid cell: of 11,700 to 11,708 alerts none missing")


def test_quality_carries_its_interval():
    """Precision and recall come with their intervals where all valid cells agree."""
    # What comes in time may differ: that is no quality of the rules.
    late = cell("5s", fidelity=fidelity(recall_at_deadline={"1": 0.14}))
    more = finding(result(cells=[cell(), late])).more
    assert "precision 80.0 % (95 % interval 60.9–91.1 %) and recall 100 %" in more[-1]


def test_the_quality_cell_has_the_headline():
    """Its shares stand in place of the cells', with their intervals; a rule with too few events is a limit."""
    found = finding(result(cells=[cell()], quality_cell=quality_cell()))
    assert found.more[1] == (
        "Against the true weather, over the 1,000 events of the quality cell, the rules have "
        "precision 90.0 % (95 % interval 60.9–91.1 %) and recall 90.0 % (95 % interval 83.9–100 %)."
    )
    assert len(found.more) == 2
    short = "Too few of the 400 events that a rule should have to be judged by: heavy_rainfall 57."
    assert short in found.limits
    assert not any("Too few" in line for line in finding(result(quality_cell=quality_cell(short={}))).limits)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 0, 0), "no rule had an event to find"),
        ((0, 3, 0), "no rule had"),
        ((0, 0, 7), "none of 7 events was alerted"),
    ],
)
def test_a_quality_cell_with_nothing_in_it_says_so(counts, words):
    """Weather without hazards, and rules that never fire, are no shares of anything."""
    empty = quality_cell(quality=quality(all=score(*counts)))
    assert words in finding(result(cells=[cell()], quality_cell=empty)).more[1]


def test_quality_that_differs_is_not_pooled():
    """Cells that disagree are referred to the table."""
    odd = cell("1s", quality=quality(all=score(50, 50)))
    assert "not the same in all valid cells" in finding(result(cells=[cell(), odd])).more[1]


@pytest.mark.parametrize(
    ("built", "word", "tone"),
    [
        (result(cells=[cell()]), "VALID", "good"),
        (result(), "PARTLY VALID", "doubt"),
        (result(cells=[cell()], status="partial"), "PARTLY VALID", "doubt"),
        (result(cells=[broken()]), "NO VALID CELL", "bad"),
        (result(cells=[]), "NO VALID CELL", "bad"),
    ],
)
def test_the_badge_needs_a_whole_run_of_valid_cells(built, word, tone):
    """VALID is only for a complete run in which every cell is valid."""
    badge = verdict(built)
    assert (badge.word, badge.tone) == (word, tone)


def test_a_partial_run_says_so_first():
    """An interrupted run is marked before anything else that is missing."""
    assert finding(result(status="partial")).limits[0].startswith("Partial:")
    assert finding(result(status="running")).limits[0].startswith("Not complete:")
