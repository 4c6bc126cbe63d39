"""Numbers as text: units, rounding, and what stands for nothing."""

import pytest
from unit.reports.stored_runs import cell

from reports import words


@pytest.mark.parametrize(
    ("value", "shown"),
    [(3.14, "3.1 ms"), (99.94, "99.9 ms"), (99.96, "100 ms"), (811.6, "812 ms"), (999.6, "1.00 s"), (None, "–")],
)
def test_milliseconds_change_unit_before_they_round_up(value, shown):
    """No number is shown as 1000 ms or 100.0 ms: the unit or the precision changes first."""
    assert words.ms(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1.0, "100 %"), (0.0, "0 %"), (0.99999, "> 99.9 %"), (0.0001, "< 0.1 %"), (0.283, "28.3 %"), (None, "–")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(value, shown):
    """100 % means every one and 0 % means none."""
    assert words.share(value) == shown


def test_of_many_parts_the_first_are_told():
    """Eight at most, and how many more there are."""
    assert words.first_of(["a", "b"]) == "a and b"
    assert words.first_of([str(part) for part in range(10)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"


def test_intervals_drop_needless_zeros():
    """The ends of an interval share one percent sign."""
    assert words.interval(0.875, 1.0) == "87.5–100 %"
    assert words.interval(None, None) == "–"


def test_a_variant_names_what_is_not_the_default():
    """The profile always, detectors and engine only where they differ."""
    assert words.variant(cell().params) == "tuned"
    assert words.variant(cell().params.model_copy(update={"detectors": "stateful"})) == "tuned, stateful"


def test_headings_carry_units():
    """The unit at the end of a column's name becomes that of its heading."""
    assert words.heading("p50_ms") == "p50 (ms)"
    assert words.heading("sent_per_s") == "sent (1/s)"
    assert words.heading("cell") == "cell"


def test_instants_are_utc_to_the_minute():
    """What is no instant is shown as it stands."""
    assert words.instant("2026-11-24T00:22:39+00:00") == "2026-11-24 00:22 UTC"
    assert words.instant("soon") == "soon"
    assert words.instant(None) == "–"


def test_lists_read_as_sentences():
    """Commas, then `and`."""
    assert [words.joined(list(parts)) for parts in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]
