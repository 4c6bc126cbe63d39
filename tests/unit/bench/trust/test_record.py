"""What an interrupted run of the suite has left can be gone on with."""

from __future__ import annotations

from bench.trust.__main__ import Record
from bench.trust.checks import Line, Outcome


def test_a_record_is_resumed_from_its_begin_on(tmp_path):
    """Before the first check has come out, and after it."""
    folder = tmp_path / "trust"
    begun = Record(folder, resumed=False)
    assert (Record(folder, resumed=True).done, Record(folder, resumed=True).outcomes) == ([], [])
    line = Line("missing", "6", "6", True)
    outcome = Outcome(name="hidden readings", words="some", lines=[line], without=[line])
    begun.add("hidden", [outcome])
    again = Record(folder, resumed=True)
    assert (again.done, again.outcomes) == (["hidden"], [outcome])
