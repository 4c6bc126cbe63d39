"""Every validity rule: one case that trips it, one that does not, and a remedy that can be typed."""

from __future__ import annotations

import numpy as np
import pytest
from unit.bench.builders import a_fidelity, a_host, a_quantiles, a_usage, an_evidence, halves

from bench import checks
from pipeline.triggers import Trigger

TRIPS = [
    ("late generator", {"sent_to_seen": a_quantiles(p50=85.0, p99=149.0)}, "invalid"),
    ("late generator", {"sent_to_seen": a_quantiles(p50=99.0, p99=120.0)}, "invalid"),
    ("offered rate", {"sent_per_s": 4700.0}, "invalid"),
    ("offered rate", {"sent_per_s": 4900.0}, "invalid"),
    ("deliveries", {"unacknowledged": 1}, "invalid"),
    ("deliveries", {"sent": 999}, "invalid"),
    ("backlog", {"least_due_to_seen_s": np.linspace(0.1, 1.1, 30)}, "invalid"),
    ("backlog", {"drain_s": 2.3}, "invalid"),
    ("fidelity", {"fidelity": a_fidelity(missing=1)}, "invalid"),
    ("fidelity", {"fidelity": a_fidelity(extra=1)}, "invalid"),
    ("fidelity", {"fidelity": a_fidelity(duplicated=1)}, "invalid"),
    ("fidelity", {"fidelity": a_fidelity(rejects_expected=2, rejects_seen=1)}, "invalid"),
    ("negative stages", {"negative_stages": 2, "negative_share": 0.002}, "invalid"),
    ("clock", {"host": a_host(clock_step_ms=1.5)}, "invalid"),
    ("instrument load", {"resources": {"publisher": a_usage(0.95)}}, "invalid"),
    ("instrument load", {"resources": {"collector": a_usage(0.95)}}, "invalid"),
    ("broker", {"broker_kind": "mock"}, "invalid"),
    ("host noise", {"host": a_host(hiccup_p99_ms=16.0)}, "inconclusive"),
    ("host noise", {"host": a_host(steal=0.04)}, "inconclusive"),
    ("host noise", {"host": a_host(others_cores=0.31)}, "inconclusive"),
    ("not steady", {"halves_ms": halves(150.0, 100.0)}, "inconclusive"),
    ("not steady", {"halves_ms": halves(2.0, 3.1), "trigger": Trigger.parse("realtime", field="t")}, "inconclusive"),
]

HOLDS = [
    {},
    {"sent_to_seen": a_quantiles(p50=92.0, p99=138.0)},
    {"sent_per_s": 4720.0},
    # A rise within one batch time or 0.2 s is no backlog.
    {"least_due_to_seen_s": np.linspace(0.1, 0.28, 30), "batch_ms": 50.0},
    {"least_due_to_seen_s": np.linspace(0.1, 1.1, 30), "batch_ms": 1500.0},
    # Fewer than four periods: only draining counts.
    {"trigger": Trigger.parse("10s", field="t"), "period_s": 10.0, "least_due_to_seen_s": np.array([1.0, 2.0, 3.0])},
    {"least_due_to_seen_s": np.full(30, np.nan)},
    {"drain_s": 2.1},
    {"fidelity": a_fidelity(echoed=5, rejects_expected=2, rejects_seen=2)},
    {"negative_stages": 1, "negative_share": 0.001},
    {"host": a_host(clock_step_ms=0.9)},
    {"host": a_host(clock_step_ms=None, hiccup_p99_ms=None, steal=None)},
    {"host": a_host(hiccup_p99_ms=14.0)},
    {"host": a_host(others_cores=0.29)},
    {"host": a_host(others_cores=0.59), "cores": 4},
    {"host": a_host(others_cores=1.5), "broker_kind": "external"},
    {"resources": {"pipeline": a_usage(1.9)}},
    {"halves_ms": halves(114.0, 100.0, spread=0.01)},
    # Within what chance explains.
    {"halves_ms": halves(120.0, 100.0, spread=0.6)},
    # Within what the broker's stamps leave open.
    {"halves_ms": halves(2.0, 2.9)},
    {"halves_ms": None},
]


@pytest.mark.parametrize(("rule", "changes", "verdict"), TRIPS)
def test_rule_trips(rule, changes, verdict):
    """The rule names itself, its verdict, what it saw and what to try."""
    found, reasons = checks.judge(an_evidence(**changes))
    assert [(reason.rule, reason.verdict) for reason in reasons] == [(rule, verdict)]
    assert found == verdict
    assert reasons[0].message
    assert reasons[0].remedy


@pytest.mark.parametrize("changes", HOLDS)
def test_rule_holds(changes):
    """At or below each limit a cell stays valid."""
    assert checks.judge(an_evidence(**changes)) == ("valid", [])


def test_every_rule_has_a_case_that_trips_it():
    """No rule is without a test: the cases above name them all."""
    tripped = set()
    for _, changes, _ in TRIPS:
        evidence = an_evidence(**changes)
        tripped |= {rule.__name__ for rule in checks.RULES if rule(evidence) is not None}
    assert tripped == {rule.__name__ for rule in checks.RULES}


def test_invalid_outweighs_doubt():
    """A cell that is both noisy and wrong is wrong; both reasons are kept."""
    verdict, reasons = checks.judge(an_evidence(host=a_host(steal=0.1), fidelity=a_fidelity(missing=1)))
    assert verdict == "invalid"
    assert {reason.verdict for reason in reasons} == {"invalid", "inconclusive"}


def test_remedy_knows_the_options_in_use():
    """Of a backlog at 4,800/s and one partition, the remedy names two partitions and a lower rate."""
    _, (reason,) = checks.judge(an_evidence(drain_s=60.0))
    assert "--partitions 2" in reason.remedy
    assert "--rate 3360" in reason.remedy


@pytest.mark.parametrize(
    ("warmup_s", "remedy"),
    [
        (5.0, "give it --warmup 30s: "),
        (30.0, "give it --warmup 1min, and a --scenario of your own whose `lead` is 2d: "),
    ],
)
def test_a_longer_warm_up_is_longer_than_the_one_in_use_and_has_readings(warmup_s, remedy):
    """It is twice what it was, and beyond the scenario's day of lead the remedy says what that takes."""
    _, (reason,) = checks.judge(an_evidence(halves_ms=halves(150.0, 100.0), warmup_s=warmup_s))
    assert reason.remedy.startswith(remedy)


def test_a_machine_that_was_slower_for_some_minutes_is_named():
    """Where the hypervisor took its share meanwhile, a longer warm-up is not what is wanted."""
    changes = {"halves_ms": halves(150.0, 100.0), "host": a_host(steal=0.01, steal_worst_minute=0.073)}
    _, (reason,) = checks.judge(an_evidence(**changes))
    assert reason.rule == "not steady"
    assert reason.message.endswith("; in the worst minute the hypervisor took 7.3% of the CPU time")
    assert reason.remedy.startswith("run the cell again when the machine is quieter")
