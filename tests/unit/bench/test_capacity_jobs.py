"""A search as jobs: trials made up as results come in, one row a point, files where a reader looks for them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from unit.bench.builders import a_config, a_result
from unit.reports.stored_runs import cell

from bench.capacity.consumer import ConsumerJob, tell_share
from bench.capacity.jobs import CapacitySearch, PointSearch
from bench.capacity.load import FIRST_DRAIN_S, GrowingStream, with_searched_load
from bench.capacity.search import Bracket, Limits
from bench.capacity.slo import parse_slo, slo_of
from bench.capacity.trial import Lateness, TrialCell, TrialJob, drain_told, lateness_of, second_half_ms
from bench.cell_parts import Bench
from bench.conditions import parse_condition
from bench.matrix import CellSpec, plan
from bench.probes import NotDrained
from bench.records import Capacity, Cell, Reason, Result, Spread
from bench.scheduler import Job, run_in_turn
from bench.store import RunStore, load
from bench.stream import PreparedStream, resolve
from bench.view import View
from pipeline.triggers import Trigger

#: What each point sustains, readings/s, and the drain that its Spark tells.
LIMITS = {"1s": 60_000.0, "5s": 30_000.0}
DRAIN_PER_S = 100_000.0


class FakeCell:
    """A started cell; ``said`` keeps what was done when."""

    said: list[str]
    #: For how long the drain may be timed after the window, s.
    drains_s: list[float]

    def __init__(self, spec: CellSpec, bench: Bench, _folder: Path) -> None:
        self.spec = spec
        self.drains_s.append(bench.config.drain_s)
        self.said.append(f"start {spec.id}")

    def stop(self) -> None:
        """Nothing runs."""
        self.said.append(f"stop {self.spec.id}")


def measured(spec: CellSpec, _read: object, bench: Bench, folder: Path, *, surprising: bool = False) -> Cell:
    """A cell that is within its SLO up to its limit, or ``surprising`` beyond it, with files."""
    FakeCell.said.append(f"score {spec.id}")
    for name in ("stamps.parquet", "deliveries.bin", "pipeline.log"):
        (folder / name).write_text(spec.id)
    late = (bench.stream.spec.rate_per_s > LIMITS[spec.trigger.name]) is not surprising
    one = cell(spec.trigger.name, p50=500.0, p99=60_000.0 if late else 900.0, warmup={"drain_per_s": DRAIN_PER_S})
    return one.model_copy(update={"id": spec.id})


@pytest.fixture
def searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Result, RunStore]]:
    """Run a search over 1s and 5s with fake cells; returns the result and the store."""
    monkeypatch.setattr(GrowingStream, "_write", lambda *_: None)

    def go(partitions: tuple[int, ...] = (1,), **seams: Any) -> tuple[Result, RunStore]:
        FakeCell.said, FakeCell.drains_s = [], []
        config = with_searched_load(a_config(triggers=("1s", "5s"), partitions=partitions, search_rate=True))
        stream = PreparedStream(
            spec=resolve(config),
            digest="d",
            tables=None,  # type: ignore[arg-type]
            beacons=frozenset(),
            folder=tmp_path,
        )
        view = View(total=len(plan(config)), cell_estimate_s=lambda _: 0.0, quiet=True)
        bench = Bench(
            run_id="run",
            config=config,
            broker=SimpleNamespace(bootstrap="nowhere:1"),  # type: ignore[arg-type]
            settings={},
            rules=(),
            judge=None,  # type: ignore[arg-type]
            stream=stream,
            backlogs={},
            view=view,
        )
        store, result = RunStore(tmp_path / "out", "run"), a_result()

        working: dict[str, Any] = {
            "starts": FakeCell, "runs": lambda cell: cell.spec, "reads": lambda raw, _: raw, "measures": measured
        }  # fmt: skip

        def faked(jobs: Iterator[Job]) -> Iterator[Job]:
            for job in jobs:
                if isinstance(job, TrialJob):
                    for name, seam in {**working, **seams}.items():
                        setattr(job, name, seam)
                if not isinstance(job, ConsumerJob):
                    yield job

        run_in_turn(faked(CapacitySearch(plan(config), 0, bench, store, result, lambda _: None).jobs()))
        return result, store

    return go


def test_one_row_a_point_with_its_bracket(searched: Callable[..., tuple[Result, RunStore]]):
    """Each has the cell of the highest rate that passed, and all its trials; stored as it ends."""
    result, store = searched()
    assert sorted(one.id for one in result.cells) == ["1s-p1-tuned-r1", "5s-p1-tuned-r1"]
    for one in result.cells:
        found = one.capacity
        assert found is not None
        assert found.passed is not None
        assert found.failed is not None
        assert found.passed <= LIMITS[one.params.trigger] < found.failed <= 1.26 * found.passed
        assert found.reasons.keys() == {"share_of_consumer_performance"}
        # The first of the run only warms the broker.
        counting = found.trials[1:] if one is result.cells[0] else found.trials
        assert {trial.outcome for trial in counting} == {"passed", "failed"}
        assert all(bool(trial.reason) == (trial.outcome == "failed") for trial in counting)
        assert one.verdict == "valid"
        assert one.latency_ms is not None
        assert one.latency_ms.due_to_seen.p99 == 900.0
    assert load(store.folder).cells == result.cells


def test_a_point_begins_where_the_limit_is_expected(searched: Callable[..., tuple[Result, RunStore]]):
    """The first of all without a hint, then by the drain; a trigger's next at what its last sustained."""
    result, _ = searched(partitions=(1, 2))
    found = [(one.params.trigger, one.capacity) for one in result.cells if one.capacity is not None]
    cold, first = found[0][1].trials[:2]
    assert (cold.rate_per_s, cold.outcome) == (pytest.approx(20_000.0, rel=1e-3), "untold")
    assert cold.reason == "the run's first trial, on a broker that has compiled little: passed."
    assert first.rate_per_s == pytest.approx(0.7 * DRAIN_PER_S, rel=1e-3)
    # Timed after the first window: by then that session is warm.
    assert FakeCell.drains_s[0] == FIRST_DRAIN_S
    assert set(FakeCell.drains_s[1:]) == {a_config().drain_s}
    before = {found[0][0]: found[0][1].passed}
    for trigger, capacity in found[1:]:
        assert capacity.trials[0].rate_per_s == pytest.approx(before.get(trigger, 0.7 * DRAIN_PER_S), rel=1e-3)
        before[trigger] = capacity.passed


def test_what_batches_work_off_tells_where_the_limit_is():
    """A slow batch worked off a second's readings in 125 ms: eight times as many can be. What failed tells nothing."""
    (spec,) = plan(a_config(triggers=("1s",), partitions=(1,), search_rate=True))
    slo = slo_of(parse_slo(None, [spec]), spec.params)
    limits = Limits(ratio=1.25, near=1.25, confirms=2, floor_per_s=1.0, ceiling_per_s=1e6)
    search = PointSearch(number=1, spec=spec, slo=slo, limits=limits)
    search.add(40_000.0, cell("1s", p99=60_000.0), Path("trial-1"))
    assert search.batches_per_s() is None
    took = Spread(n=15, p50=100.0, p99=125.0, max=150.0)
    search.add(20_000.0, cell("1s", p99=900.0).model_copy(update={"batch_ms": took}), Path("trial-2"))
    assert search.batches_per_s() == pytest.approx(160_000.0)


def test_a_valid_trial_stands_for_the_point():
    """Of those that passed at the rate that is told, even if a later one is not valid; else the last."""
    (spec,) = plan(a_config(triggers=("1s",), partitions=(1,), search_rate=True))
    slo = slo_of(parse_slo(None, [spec]), spec.params)
    limits = Limits(ratio=1.25, near=1.25, confirms=2, floor_per_s=1.0, ceiling_per_s=1e6)
    late = Reason(rule="late generator", verdict="invalid", message="readings left late", remedy="")
    found = Bracket(passed=20_000.0, failed=None)
    for verdicts, expected in [(("ok", "ok"), 2), (("ok", "invalid"), 1), (("invalid", "invalid"), 2)]:
        search = PointSearch(number=1, spec=spec, slo=slo, limits=limits)
        for number, verdict in enumerate(verdicts, 1):
            doubted = {"verdict": verdict, "reasons": [late] if verdict == "invalid" else []}
            search.add(20_000.0, cell("1s", p99=900.0).model_copy(update=doubted), Path(f"trial-{number}"))
        assert search.chosen(found).folder == Path(f"trial-{expected}")


def test_spark_starts_while_the_last_trial_is_scored(searched: Callable[..., tuple[Result, RunStore]]):
    """Every cell is started before the one before it is scored, across points too; one too many is ended at once."""
    result, store = searched()
    said = FakeCell.said
    names = [name for one in result.cells for name in names_of(one)]
    for before, after in itertools.pairwise(names):
        assert said.index(f"start {after}") < said.index(f"score {before}")
    last = result.cells[-1]
    unwanted = f"{last.id}-t{len(names_of(last)) + 1}"
    assert said.index(f"start {unwanted}") < said.index(f"score {names[-1]}") < said.index(f"stop {unwanted}")
    assert [text for text in said if text.startswith("start")] == [f"start {name}" for name in [*names, unwanted]]
    assert f"score {unwanted}" not in said
    assert not (store.folder / "cells" / last.id / unwanted.replace(f"{last.id}-t", "trial-")).exists()


def test_a_session_of_the_next_point_is_ended_where_this_one_goes_on(
    searched: Callable[..., tuple[Result, RunStore]],
):
    """What was to confirm contradicts: the session that was started for the next point is not of this one's topics."""
    surprises: list[str] = []

    def measures(spec: CellSpec, read: object, bench: Bench, folder: Path) -> Cell:
        coming = next(text for text in reversed(FakeCell.said) if text.startswith("start ")).removeprefix("start ")
        surprising = not surprises and not coming.startswith(spec.trigger.name)
        surprises.extend([coming] * surprising)
        return measured(spec, read, bench, folder, surprising=surprising)

    result, store = searched(measures=measures)
    said, (unwanted,) = FakeCell.said, surprises
    first, second = result.cells
    assert unwanted == f"{second.id}-t1"
    assert f"score {unwanted}" not in said
    assert said.index(f"stop {unwanted}") < said.index(f"score {names_of(first)[-1]}")
    assert not (store.folder / "cells" / second.id / "trial-1").exists()
    for one in result.cells:
        found = one.capacity
        assert found is not None
        assert found.passed is not None
        assert found.failed is not None
        assert found.passed <= LIMITS[one.params.trigger] < found.failed <= 1.26 * found.passed
        assert (store.folder / "cells" / one.id / "stamps.parquet").exists()


def names_of(one: Cell) -> list[str]:
    """The names of a point's trials."""
    assert one.capacity is not None
    return [f"{one.id}-t{number}" for number in range(1, len(one.capacity.trials) + 1)]


def test_files_of_the_chosen_trial_are_the_points(searched: Callable[..., tuple[Result, RunStore]]):
    """They stand where any cell's do and where ``files`` says; of other trials only what is small is kept."""
    result, store = searched()
    for one in result.cells:
        assert one.capacity is not None
        home = store.folder / "cells" / one.id
        assert one.files == [f"cells/{one.id}/{name}" for name in ("deliveries.bin", "pipeline.log", "stamps.parquet")]
        chosen = int((home / "stamps.parquet").read_text().rpartition("t")[2])
        assert one.capacity.trials[chosen - 1].rate_per_s == one.capacity.passed
        others = {path.name: [kept.name for kept in path.iterdir()] for path in home.iterdir() if path.is_dir()}
        assert f"trial-{chosen}" not in others
        assert len(others) == len(one.capacity.trials) - 1
        assert all(kept == ["pipeline.log"] for kept in others.values())


def test_one_that_never_catches_up_has_failed_everywhere(searched: Callable[..., tuple[Result, RunStore]]):
    """No rate passed: the row is that of the lowest one, broken, and says how far down the search went."""

    def overtaxed(_: FakeCell) -> None:
        raise NotDrained("the pipeline had not caught up 13 s after the last reading")

    result, _ = searched(runs=overtaxed)
    for one in result.cells:
        found = one.capacity
        assert found is not None
        assert found.passed is None
        assert found.failed == min(trial.rate_per_s for trial in found.trials)
        assert "none of" in found.reasons["passed"]
        assert one.status == "broken"
        assert one.reasons[0].message.startswith("the pipeline had not caught up")
    first, second = (one.capacity.trials for one in result.cells if one.capacity is not None)
    # On a broker that has just started; the same again tells.
    assert [trial.outcome for trial in first][:2] == ["untold", "failed"]
    assert first[0].rate_per_s == first[1].rate_per_s
    assert first[0].reason.startswith("the run's first trial, on a broker that has compiled little: ")
    assert {trial.outcome for trial in (*first[1:], *second)} == {"failed"}


def test_drain_as_told():
    """The rate that two passes agreed on, else the best pass, else none."""
    assert drain_told(cell(warmup={"drain_per_s": 5.0, "passes": [9.0]})) == 5.0
    assert drain_told(cell(warmup={"drain_per_s": None, "passes": [3.0, 9.0]})) == 9.0
    late = cell(warmup={"drain_per_s": None, "passes": [3.0]}).model_copy(update={"drain": {"passes": [4.0, 8.0]}})
    assert drain_told(late) == 8.0
    assert drain_told(cell(warmup={"drain_per_s": None, "passes": []})) is None
    assert drain_told(cell()) is None


def test_the_share_or_why_there_is_none():
    """Of what passed; without that, or without a figure of Kafka's tool, the reason."""

    def told(passed: float | None, rate: float | None) -> tuple[float | None, dict[str, str]]:
        found = Capacity(passed=passed, failed=None, slo="s", trials=[], reasons={"share_of_consumer_performance": "x"})
        tell_share(found, rate, "no tool here")
        return found.share_of_consumer_performance, found.reasons

    assert told(50_000.0, 1_000_000.0) == (0.05, {})
    assert told(None, 1_000_000.0) == (None, {"share_of_consumer_performance": "no rate passed"})
    assert told(50_000.0, None) == (None, {"share_of_consumer_performance": "no tool here"})


def test_the_second_half_of_a_window_by_itself(tmp_path: Path):
    """The percentile of the SLO over the beacons that were due in it; none for another number, or too few of them."""
    due_s = [second / 500 for second in range(-500, 5500)]
    rows = {
        "due_ns": [round(s * 1e9) for s in due_s],
        "seen_ns": [round((s + (9.0 if s < 5.0 else 0.001 * (s - 5.0))) * 1e9) for s in due_s],
        "beacon": [True] * len(due_s),
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "stamps.parquet")
    raw: Any = SimpleNamespace(zero_ns=0, window_end_ns=10_000_000_000)

    def told(text: str) -> float | None:
        return second_half_ms(raw, tmp_path, parse_condition(text, flag="--slo"))

    assert told("latency_ms.due_to_seen.p99 <= 1s") == pytest.approx(4.95, abs=0.01)
    assert told("latency_ms.due_to_seen.p999 <= 1s") is None
    assert told("fidelity.missing == 0") is None
    pl.DataFrame(rows).with_columns(seen_ns=pl.lit(None, pl.Int64)).write_parquet(tmp_path / "stamps.parquet")
    assert told("latency_ms.due_to_seen.p99 <= 1s") is None


LATE = "latency_ms.due_to_seen.p99 <= trigger + 1s"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LATE, (2000.0, 0.01)),
        ("latency_ms.due_to_seen.p95 < 500ms", (500.0, 0.05)),
        # So many alerts being late says nothing of the least one, of a rate, or of what has to be large.
        ("latency_ms.due_to_seen.p50 <= 500ms", None),
        ("latency_ms.due_to_seen.p99 >= 500ms", None),
        ("fidelity.missing == 0", None),
    ],
)
def test_only_what_holds_a_high_percentile_down_gives_a_trial_up(text: str, expected: tuple[float, float] | None):
    """A trial is ended early only if its SLO cannot hold any more."""
    params = CellSpec(trigger=Trigger.parse("1s", field="t"), partitions=1, profile="tuned", repeat=1).params
    found = lateness_of(parse_condition(text, flag="--slo"), params)
    assert (found and (found.limit_ms, found.share)) == (expected and pytest.approx(expected))


def a_trial(lateness: Lateness | None = Lateness(limit_ms=2000.0, share=0.01)) -> TrialCell:  # noqa: B008
    """A trial with a window of 20 s whose load has begun, without its processes; event time and wall time run alike."""
    cell = TrialCell.__new__(TrialCell)
    due_ns = lambda event_s, zero_ns: zero_ns + round(event_s * 1e9)  # noqa: E731
    stream, config = SimpleNamespace(due_ns=due_ns), SimpleNamespace(window_s=20.0)
    cell.bench = SimpleNamespace(stream=stream, config=config)  # type: ignore[assignment]
    cell._lateness, cell.zero_ns, cell._late_s, cell._lag_ms, cell._hopeless = lateness, 10**18, 0.0, 0.0, ""
    cell.pipeline = SimpleNamespace(child=SimpleNamespace(require_alive=lambda: None))  # type: ignore[assignment]
    cell.collector = cell.publisher = cell.meter = cell.pipeline.child
    return cell


def a_second(event_s: float, *late_s: float) -> list[tuple[float, int]]:
    """Alerts on readings of about one instant, seen so much later."""
    return [(event_s, 10**18 + round((event_s + late) * 1e9)) for late in late_s]


def test_a_trial_that_cannot_pass_any_more_is_given_up():
    """Five times as many alerts are late as may be: of the window's second half, 10 s, those of half a second."""
    cell = a_trial()
    for second in (10, 12):
        cell.notice_alerts(a_second(second, 2.1, 0.1, 0.1, 0.1))
        cell.check()
    cell.notice_alerts(a_second(13, 2.1, 0.1, 0.1, 0.1))
    with pytest.raises(NotDrained, match=r"given up: 8% of the alerts .*, where 0\.01 of .* over 2,000 ms"):
        cell.check()


def test_one_that_is_far_behind_is_given_up_at_once():
    """Half of the alerts of a second, any of the window, came 3 s beyond the limit: all that follows has to wait."""
    cell = a_trial()
    cell.notice_alerts(a_second(-1, 9.0))
    cell.notice_alerts(a_second(0, 9.0, 0.1, 0.1))
    cell.check()
    cell.notice_alerts(a_second(0, 5.1, 5.2, 0.1))
    with pytest.raises(NotDrained, match="given up: half of the alerts of a second were seen 5,100 ms late"):
        cell.check()


@pytest.mark.parametrize(
    "samples",
    [
        a_second(10, 1.9),
        # As late as may be, or a little more often: all of the window has to tell.
        a_second(10, 9.0, 0.1, 0.1),
        # Before its second half a pipeline may still be warming up.
        a_second(9, 4.9),
        [],
    ],
)
def test_a_trial_that_may_still_pass_goes_on(samples: list[tuple[float, int]]):
    """Nothing is given up for a passing delay."""
    cell = a_trial()
    cell.notice_alerts(samples)
    cell.check()


def test_what_the_publisher_was_late_by_is_not_the_pipelines():
    """Nor is a trial given up for it: by *sent* it may pass, and then tells nothing."""
    cell = a_trial()
    cell.notice_publisher(200.0)
    cell.notice_publisher(10.0)
    cell.notice_alerts(a_second(10, 2.1))
    cell.check()


def test_an_slo_of_something_else_gives_no_trial_up():
    """Without a limit on latency nothing is late."""
    cell = a_trial(lateness=None)
    cell.notice_alerts(a_second(10, 60.0))
    cell.check()
