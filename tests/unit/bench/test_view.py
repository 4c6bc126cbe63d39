"""What the view was told is what it knows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from unit.bench.builders import a_config

from bench.matrix import CellSpec, plan
from bench.view import View, show_left

CELLS = plan(a_config())


def due_ns(event_s: float, zero_ns: int) -> int:
    """A field in which a second of event time is one on the wall."""
    return zero_ns + round(event_s * 1e9)


@pytest.fixture
def view() -> View:
    """A view of six cells, the first of which has begun."""
    built = View(total=6, cell_estimate_s=lambda _: 60.0, quiet=True)
    built.cell(1, CELLS[0], CELLS[1:], due_ns)
    return built


def a_progress(**figures: object) -> dict[str, object]:
    """A component's progress."""
    return {"event": "progress", **figures}


@pytest.mark.parametrize(("seconds", "shown"), [(0, "00:00"), (59.6, "01:00"), (443, "07:23"), (3850, "1:04:10")])
def test_what_is_left_of_a_long_run_has_its_hours(seconds, shown):
    """An hour and four minutes are not four minutes."""
    assert show_left(seconds) == shown


def test_before_the_first_cell():
    """The phase is known, and how many cells there are."""
    view = View(total=6, cell_estimate_s=lambda _: 60.0, quiet=True)
    view.phase("starting the broker")
    now = view.snapshot()
    assert (now.phase, now.cell, now.number, now.total, now.eta_s) == ("starting the broker", None, 0, 6, 0.0)
    assert (now.offered_per_s, now.p50_ms, now.batch_ms, now.alerts) == (None, None, None, 0)


def test_the_same_words_are_said_every_half_minute(monkeypatch, capsys):
    """New ones at once: a log of a download is no wall of one line."""
    view = View(total=6, cell_estimate_s=lambda _: 60.0)
    view.phase("downloading")
    waits = iter(range(15))

    def wait(_seconds: float) -> bool:
        tick = next(waits)
        if tick == 8:
            view.phase("starting the broker")
        return tick == 14

    monkeypatch.setattr(view, "_stop", SimpleNamespace(wait=wait))
    view._tick()
    said = capsys.readouterr().err.splitlines()
    assert said == ["downloading", "downloading", "starting the broker", "starting the broker"]


def test_a_cell_in_its_window(view):
    """Rates by the publisher, count and latencies by the collector, the last batch by the pipeline."""
    view.window(1_000_000_000, 31_000_000_000)
    view.phase("measuring", until_ns=31_000_000_000)
    view.publisher(a_progress(offered_per_s=4800.0, sent_per_s=4797.0))
    # Alerts of readings due at 0 s to 0.99 s, each seen 1 ms to 100 ms after it was due.
    samples = [(n / 100, due_ns(n / 100, 1_000_000_000) + (n + 1) * 1_000_000) for n in range(100)]
    view.collector(a_progress(alerts=812, samples=samples))
    view.pipeline(a_progress(last_batch_ms=95))
    now = view.snapshot()
    assert (now.phase, now.phase_until_ns) == ("measuring", 31_000_000_000)
    assert (now.cell, now.number) == (CELLS[0], 1)
    assert (now.offered_per_s, now.sent_per_s, now.alerts, now.batch_ms) == (4800.0, 4797.0, 812, 95)
    assert (now.p50_ms, now.p99_ms) == pytest.approx((50.5, 99.01))
    assert 5 * 60 <= now.eta_s <= 6 * 60
    assert view.snapshot().p50_ms == now.p50_ms


@pytest.mark.parametrize(
    ("before", "now", "share", "said"),
    [
        ((100.0, 50.0, 4.0), (300.0, 90.0, 20.0), 0.08, "steal 8.0% (3% allowed)"),
        ((100.0, 50.0, 4.0), (300.0, 90.0, 10.0), 0.03, ""),
        ((100.0, 50.0, None), (300.0, 90.0, None), None, ""),
        ((100.0, 50.0, 4.0), (100.0, 50.0, 4.0), None, ""),
    ],
)
def test_a_window_tells_at_once_when_the_hypervisor_takes_too_much(view, monkeypatch, before, now, share, said):
    """Of the CPU time since the phase began, and only then: not every machine tells it."""
    monkeypatch.setattr("bench.view.cpu_seconds", lambda: before)
    view.phase("measuring", until_ns=31_000_000_000)
    monkeypatch.setattr("bench.view.cpu_seconds", lambda: now)
    assert (view.snapshot().steal, view._words()[1]) == (share, said)
    monkeypatch.setattr("bench.view.cpu_seconds", lambda: before)
    view.phase("draining")
    monkeypatch.setattr("bench.view.cpu_seconds", lambda: now)
    assert (view.snapshot().steal, view._words()[1]) == (share, "")


def test_a_publisher_without_a_rate_has_none(view):
    """Its first report of a stream is no rate of 0."""
    view.publisher(a_progress(offered_per_s=None, sent_per_s=None))
    assert (view.snapshot().offered_per_s, view.snapshot().sent_per_s) == (None, None)


def test_the_next_cell_begins_anew(view):
    """Nothing of the cell before is taken for its own."""
    view.window(0, 30_000_000_000)
    view.publisher(a_progress(offered_per_s=4800.0, sent_per_s=4797.0))
    view.collector(a_progress(alerts=812, samples=[(0.0, 5_000_000)]))
    view.pipeline(a_progress(last_batch_ms=95))
    following: CellSpec = CELLS[1]
    view.cell(2, following, CELLS[2:], due_ns)
    now = view.snapshot()
    assert (now.cell, now.number, now.alerts) == (following, 2, 0)
    assert (now.offered_per_s, now.sent_per_s, now.p50_ms, now.p99_ms, now.batch_ms) == (None,) * 5
