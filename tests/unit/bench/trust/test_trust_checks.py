"""The checks of bench.trust: green where the instrument tells what was planted, red where it tells anything else."""

from __future__ import annotations

import orjson
import polars as pl
import pytest
from unit.bench.compared_runs import run
from unit.reports.stored_runs import ZERO_NS, cell, fidelity, latency

from bench.records import Host, Reason, Throughput
from bench.trust import checks, indistinct
from bench.trust.by_hand import AlertName, alerts_of
from bench.trust.checks import Observed, Outcome

MS = 1_000_000


def reading(seq, *, humidity=50.0, temperature=20.0, sensor_id=7):
    """A reading as it travels."""
    return orjson.dumps({"sensor_id": sensor_id, "seq": seq, "humidity": humidity, "temperature": temperature})


def reason(rule, verdict="invalid"):
    """A reason against a cell."""
    return [Reason(rule=rule, verdict=verdict, message="m", remedy="r")]


def observed(values=(), *, held=None, stamps=None, **changes):
    """What the instrument says of a cell with so many readings in partition 0 of its topic."""
    source = pl.DataFrame(
        {"partition": [0] * len(values), "offset": range(len(values)), "value": list(values)},
        schema={"partition": pl.Int32, "offset": pl.Int64, "value": pl.Binary},
    )
    none = pl.DataFrame(schema={"due_ns": pl.Int64, "seen_ns": pl.Int64})
    return Observed(
        cell=cell("1s", **changes),
        zero_ns=ZERO_NS,
        stamps=none if stamps is None else stamps,
        source=source,
        held=held or {},
    )


def red(lines):
    """What of the lines does not hold."""
    return [line.what for line in lines if not line.ok]


def later(hold_ms, *, stage="alert_appended_to_seen"):
    """The latency of a cell whose alerts were seen ``hold_ms`` later."""
    found = latency(3.0 + hold_ms, 9.0 + hold_ms)
    found.budget = dict(latency(3.0, 9.0).budget)
    found.budget[stage] += hold_ms
    return found


def test_held_alerts():
    """The delay is in p50, in p99 and in the last stage, and nowhere else; a cell in which none was held is red."""
    held = {200: cell("1s", latency_ms=later(200))}
    seen = observed(latency_ms=latency(3.0, 9.0), held=held)
    check = checks.held_alerts(200)
    assert red(check({}, seen)) == []
    assert red(check({}, checks.not_held(seen))) == [
        "due to seen, p50",
        "due to seen, p99",
        "last stage of the budget, mean",
    ]
    wrong = observed(
        latency_ms=latency(3.0, 9.0), held={200: cell("1s", latency_ms=later(200, stage="sent_to_appended"))}
    )
    assert red(check({}, wrong)) == ["last stage of the budget, mean", "all other stages"]


def stall_stamps(*, hidden=False):
    """An alert every 10 ms from 9 to 13 s; those due in a stall from 10 to 12 s wait for its end, unless hidden."""
    due_s = [9 + 0.01 * number for number in range(400)]
    waits = [12 - due if 10 <= due < 12 and not hidden else 0.005 for due in due_s]
    return pl.DataFrame(
        {
            "due_ns": [ZERO_NS + round(due * 1e9) for due in due_s],
            "seen_ns": [ZERO_NS + round((due + wait) * 1e9) for due, wait in zip(due_s, waits, strict=True)],
        }
    )


def test_stopped_publisher():
    """Every wait is told; a latency counted from sending (coordinated omission) is red, and so is a missing alert."""
    planted = {"began_s": 10.0, "ended_s": 12.0}
    told = {"verdict": "invalid", "reasons": reason("late generator")}
    assert red(checks.stopped_publisher(planted, observed(stamps=stall_stamps(), **told))) == []
    omitted = checks.stopped_publisher(planted, observed(stamps=stall_stamps(hidden=True), **told))
    assert len(red(omitted)) == 2
    lost = stall_stamps().with_columns(
        seen_ns=pl.when(pl.col("due_ns") == ZERO_NS + 11 * 10**9).then(None).otherwise("seen_ns")
    )
    assert len(red(checks.stopped_publisher(planted, observed(stamps=lost, **told)))) == 1
    assert red(checks.stopped_publisher(planted, observed(stamps=stall_stamps()))) == ["verdict"]


def test_hidden_readings():
    """Missing are the alerts of those hidden, as many and no others."""
    values = [reading(0), reading(1, humidity=10.0), reading(2, temperature=40.0), reading(3)]
    planted = {"lost": [(0, 1), (0, 3)]}
    told = {"verdict": "invalid", "reasons": reason("fidelity")}
    assert red(checks.hidden_readings(planted, observed(values, fidelity=fidelity(missing=1), **told))) == []
    assert red(checks.hidden_readings(planted, observed(values, fidelity=fidelity(missing=2), **told))) == ["missing"]
    assert red(checks.hidden_readings(planted, observed(values, fidelity=fidelity()))) == ["missing", "verdict"]


def test_tampered_alerts():
    """Each kind in its own column."""
    planted = {"lost": [(0, 1), (0, 2)], "twice": 3, "forged": 5}
    told = {"verdict": "invalid", "reasons": reason("fidelity")}
    right = fidelity(missing=2, extra=5, duplicated=3)
    assert red(checks.tampered_alerts(planted, observed(fidelity=right, **told))) == []
    swapped = fidelity(missing=2, extra=3, duplicated=5)
    assert red(checks.tampered_alerts(planted, observed(fidelity=swapped, **told))) == ["extra", "duplicated"]
    nothing = {"lost": [], "twice": 0, "forged": 0}
    assert red(checks.tampered_alerts(nothing, observed(fidelity=fidelity(), **told))) != []


@pytest.mark.parametrize(("step_ms", "found"), [(50.3, []), (25.0, ["step"]), (None, ["step"])])
def test_stepped_clock(step_ms, found):
    """To the millisecond."""
    host = Host(hiccup_p99_ms=0.1, hiccup_max_ms=1.0, steal=0.0, cpu_pressure=0.1, clock_step_ms=step_ms)
    told = observed(host=host, verdict="invalid", reasons=reason("clock"))
    assert red(checks.stepped_clock({"step_ms": 50.0}, told)) == found


def test_moved_threshold():
    """At 20.5 % instead of 20 one reading more is dry, and one alert has another name."""
    values = [reading(0, humidity=20.2), reading(1, humidity=10.0)]
    values.append(orjson.dumps({"sensor_id": 7, "seq": 2, "humidity": 20.3, "UV_index": 9.0}))
    told = {"verdict": "invalid", "reasons": reason("fidelity")}
    right = observed(values, fidelity=fidelity(missing=1, extra=2), **told)
    assert red(checks.moved_threshold({"dry": 20.5}, right)) == []
    assert red(checks.moved_threshold({"dry": 20.5}, observed(values, fidelity=fidelity(), **told))) == [
        "missing",
        "extra",
    ]


def test_slowed_pipeline():
    """Nine tenths come through, and the backlog is told."""
    slow = Throughput(offered_per_s=4800.0, sent_per_s=4800.0, processed_per_s=4330.0, drain_per_s=None)
    told = observed(throughput=slow, verdict="invalid", reasons=reason("backlog"))
    assert red(checks.slowed_pipeline({"share": 0.9}, told)) == []
    assert red(checks.slowed_pipeline({"share": 0.9}, observed())) == ["processed per offered", "verdict"]


def test_burning_neighbour():
    """Inconclusive for the host's sake, and for nothing worse."""
    host = Host(hiccup_p99_ms=1.0, hiccup_max_ms=9.0, steal=0.0, cpu_pressure=0.9, clock_step_ms=0.0, others_cores=1.2)
    doubt = reason("host noise", "inconclusive")
    assert red(checks.burning_neighbour({"cores": 2}, observed(host=host, verdict="inconclusive", reasons=doubt))) == []
    assert red(checks.burning_neighbour({"cores": 2}, observed(host=host, verdict="valid", reasons=[]))) == ["verdict"]


def test_hostile_delivery():
    """A copy of an alerting reading is one echo; without any copy nothing would be shown."""
    values = [reading(0, humidity=10.0), reading(0, humidity=10.0), reading(1), reading(1)]
    told = {"verdict": "valid", "reasons": []}
    assert red(checks.hostile({}, observed(values, fidelity=fidelity(echoed=1), **told))) == []
    assert red(checks.hostile({}, observed(values, fidelity=fidelity(echoed=2), **told))) == ["echoed"]
    assert red(checks.hostile({}, observed(values[2:], fidelity=fidelity(), **told))) == ["echoed"]


@pytest.mark.parametrize(
    ("echoed", "verdict", "rules", "disturbed"),
    [
        (1, "inconclusive", ["host noise"], True),
        (1, "inconclusive", ["not steady", "host noise"], True),
        (2, "inconclusive", ["host noise"], False),
        (1, "inconclusive", ["not steady"], False),
        (1, "invalid", ["fidelity", "host noise"], False),
        (1, "valid", [], False),
    ],
)
def test_a_cell_is_disturbed_by_the_machine_alone(echoed, verdict, rules, disturbed):
    """One that is invalid, or in which anything else is wrong, is not run again until it is liked better."""
    values = [reading(1, humidity=19.0), reading(1, humidity=19.0)]
    reasons = [one for rule in rules for one in reason(rule, "inconclusive")]
    seen = observed(values, fidelity=fidelity(echoed=echoed), verdict=verdict, reasons=reasons)
    assert checks.disturbed(checks.hostile({}, seen), seen.cell) == disturbed


def test_alerts_by_hand_leave_probes_out():
    """One for each copy, named by the first rule that holds."""
    values = [
        reading(1, humidity=10.0, temperature=40.0),
        reading(1, humidity=10.0),
        reading(1, temperature=40.0, sensor_id=0),
    ]
    assert alerts_of(values) == [AlertName(7, 1, "high_temperature"), AlertName(7, 1, "low_humidity")]


def test_repeats_of_one_cell_are_not_told_apart():
    """Of 24 alike next to no comparison ends in words; made half slower, nearly all do."""
    outcome = indistinct.judge(run(24, seed=4))
    assert outcome.green, outcome
    assert int(outcome.without[-1].found) > 15
    few = indistinct.judge(run(5))
    assert red(few.lines) == ["valid cells"]


def test_a_check_that_holds_without_the_plant_proves_nothing():
    """Green needs both."""
    line = checks.Line("x", "1", "1", ok=True)
    assert not Outcome(name="n", words="w", lines=[line], without=[line]).green
