"""Every point of the matrix runs once a round, in an order that the seed fixes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.bench.builders import a_config

from base.errors import UsageError
from bench.config import parse_also, parse_partitions, split_list, warmup_for, window_for
from bench.matrix import in_order, plan
from pipeline.triggers import Trigger


def test_six_cells_by_default():
    """Three triggers and two partition counts make six cells with ids of their own."""
    cells = plan(a_config())
    assert {(cell.trigger.name, cell.partitions) for cell in cells} == {
        (trigger, partitions) for trigger in ("realtime:30s", "1s", "5s") for partitions in (1, 4)
    }
    assert len({cell.id for cell in cells}) == 6
    assert all(set(cell.id) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.") for cell in cells)


def test_cells_are_listed_as_a_matrix_is_read():
    """Whatever order they run in: real-time first, then the shortest trigger."""
    listed = [(cell.trigger.name, cell.partitions) for cell in in_order(plan(a_config(repeats=2)))]
    assert listed[::2] == list(itertools.product(("realtime:30s", "1s", "5s"), (1, 4)))


@given(st.integers(0, 1000), st.integers(1, 5))
def test_repeats_are_rounds_and_never_back_to_back(seed, repeats):
    """Each round holds every point once, and no point follows itself."""
    cells = plan(a_config(seed=seed, repeats=repeats))
    points = [(cell.trigger.name, cell.partitions) for cell in cells]
    for start in range(0, len(points), 6):
        assert len(set(points[start : start + 6])) == 6
    assert all(a != b for a, b in itertools.pairwise(points))
    assert cells == plan(a_config(seed=seed, repeats=repeats))


@pytest.mark.parametrize(
    ("triggers", "window_s"),
    [
        (["realtime", "1s", "5s"], 30),
        (["30s"], 120),
        (["realtime:60s"], 60),
        (["7s"], 35),
        (["0s"], 30),
        (["realtime:25s", "10s"], 50),
        (["250ms"], 30),
    ],
)
def test_window_is_a_whole_multiple_of_every_trigger(triggers, window_s):
    """At least 30 s, four micro-batches, one real-time batch, and a multiple of each."""
    assert window_for([Trigger.parse(text, field="t") for text in triggers], None) == window_s


def test_a_window_that_does_not_fit_names_the_next_that_does():
    """The user's own length is kept or refused, never changed behind their back."""
    triggers = [Trigger.parse("5s", field="t")]
    assert window_for(triggers, 60.0) == 60
    with pytest.raises(UsageError, match="the next length that is: 35s"):
        window_for(triggers, 33.0)


@pytest.mark.parametrize("text", ["0", "x", "1,,2", "1,1", "65", "-1", "1.5"])
def test_bad_partitions_are_one_line(text):
    """The flag and the value are named."""
    with pytest.raises(UsageError, match="--partitions"):
        parse_partitions(text)


def test_lists_are_split_at_commas():
    """Spaces around values do not matter."""
    assert split_list("a, b", field="--x") == ["a", "b"]


def test_single_cells_beside_the_matrix():
    """Each is one more cell; one that the matrix has already is no second; the rerun command names them."""
    stock = parse_also("trigger = 30s, profile=stock", partitions=4, profile="tuned")
    assert stock == "trigger=30s,partitions=4,profile=stock"
    there = parse_also("trigger=1s", partitions=1, profile="tuned")
    config = a_config(also=(stock, there))
    cells = plan(config)
    assert len(cells) == len(plan(a_config())) + 1
    assert ("30s", 4, "stock", "spark") in {(c.trigger.name, c.partitions, c.profile, c.engine) for c in cells}
    assert f"--also {stock}" in config.rerun_command()


def test_a_search_is_run_again_without_the_load_that_it_set_itself():
    """Neither sensors, speedup, window nor repeats; but with its SLO."""
    slo = "latency_ms.due_to_seen.p99 <= 2s"
    command = a_config(search_rate=True, slo=slo, speedup=5760.0, quick=True).rerun_command()
    assert command.startswith("python -m bench.run --search-rate --scenario temperate-day")
    assert f"--slo '{slo}'" in command
    assert not any(flag in command for flag in ("--sensors", "--speedup", "--measure", "--repeats"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile=stock", "which trigger"),
        ("trigger=30s,profil=stock", "did you mean 'profile'"),
        ("trigger=30s,profile=stok", "did you mean 'stock'"),
        ("trigger=30s,trigger=1s", "one value"),
        ("trigger=30", "no trigger"),
        ("trigger=30s,partitions=0", "not a number of partitions"),
    ],
)
def test_a_single_cell_that_cannot_be(text: str, message: str):
    """One line says what is wrong with it."""
    with pytest.raises(UsageError, match=message):
        parse_also(text, partitions=1, profile="tuned")


@pytest.mark.parametrize(
    ("window_s", "most_s", "warmup_s"),
    [(30.0, 30.0, 5.0), (44.0, 30.0, 5.0), (60.0, 30.0, 10.0), (120.0, 30.0, 30.0), (600.0, 100.0, 30.0)],
)
def test_a_long_window_is_warmed_up_for_longer(window_s: float, most_s: float, warmup_s: float):
    """Five seconds before thirty, half a minute before two: a cell that still gets faster tells nothing."""
    assert warmup_for(window_s, most_s=most_s) == warmup_s


def test_a_warm_up_is_no_longer_than_there_are_readings():
    """A fast clock leaves little lead; under five seconds the run is refused elsewhere."""
    assert warmup_for(120.0, most_s=14.4) == 14.0
    assert warmup_for(120.0, most_s=2.0) == 5.0
