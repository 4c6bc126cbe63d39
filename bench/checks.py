"""May a cell be believed? Each rule is one pure function from what was measured to a reason, or None.

A reason says what was seen and what to try. `METHOD_VERSION` in `bench.records` changes with any of
these limits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from base.durations import format_duration
from bench.records import Fidelity, Host, Quantiles, Reason, Usage, Verdict
from pipeline.triggers import Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the rules look at: one cell, measured."""

    trigger: Trigger
    partitions: int
    window_s: float
    #: The paced load before the window; event seconds per second; the event seconds of which there are readings before.
    warmup_s: float
    speedup: float
    lead_s: float
    #: Over all alerts of the window, in ms.
    due_to_seen: Quantiles
    sent_to_seen: Quantiles
    offered_per_s: float
    sent_per_s: float
    #: By the alerts that came; None: no beacon was due.
    processed_per_s: float | None
    planned: int
    sent: int
    unacknowledged: int
    #: Seconds; one value for each whole trigger period (at least 1 s), NaN where no alert was due.
    least_due_to_seen_s: npt.NDArray[np.float64]
    period_s: float
    batch_ms: float | None
    drain_s: float
    fidelity: Fidelity
    negative_stages: int
    negative_share: float
    host: Host
    resources: dict[str, Usage]
    broker_kind: str
    #: Batch times, one for each batch (real-time: sent to seen of each beacon's alert), in ms, of the two halves of the
    #: window; None: too few of them.
    halves_ms: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None
    #: CPUs of the machine.
    cores: int
    #: Whether the pipeline is one that must send malformed records to a topic of their own.
    has_rejects: bool = True


def late_generator(e: Evidence) -> Reason | None:
    """Latency that our own publisher added must stay small against the pipeline's."""
    for name in ("p50", "p99"):
        due, sent = getattr(e.due_to_seen, name), getattr(e.sent_to_seen, name)
        if due is not None and sent is not None and due - sent > max(2.0, 0.1 * sent):
            return Reason(
                rule="late generator",
                verdict="invalid",
                message=f"{name} of due to seen is {due - sent:.1f} ms above that of sent to seen: readings left late",
                remedy=f"try --rate {0.8 * e.offered_per_s:.0f}, or end other work on this machine",
            )
    return None


def offered_rate(e: Evidence) -> Reason | None:
    """The load that was promised must have been put on."""
    if e.offered_per_s and abs(e.sent_per_s - e.offered_per_s) > 0.02 * e.offered_per_s:
        return Reason(
            rule="offered rate",
            verdict="invalid",
            message=f"sent {e.sent_per_s:,.0f}/s in the window where {e.offered_per_s:,.0f}/s were due",
            remedy=f"try --rate {0.8 * e.sent_per_s:,.0f}".replace(",", ""),
        )
    return None


def deliveries(e: Evidence) -> Reason | None:
    """Every planned delivery must have been sent and acknowledged."""
    if e.planned == e.sent and e.unacknowledged == 0:
        return None
    return Reason(
        rule="deliveries",
        verdict="invalid",
        message=f"planned {e.planned:,}, sent {e.sent:,}, unacknowledged {e.unacknowledged:,}",
        remedy="look at publisher.log and the broker's log of this cell; a slow broker wants a lower --rate",
    )


def backlog(e: Evidence) -> Reason | None:
    """A pipeline that falls behind has no latency: it only has a start of one."""
    batch_s = (e.batch_ms or 0.0) / 1e3
    remedy = (
        f"try --partitions {2 * e.partitions}, a longer trigger than {e.trigger.name}, "
        f"or --rate {0.7 * e.offered_per_s:.0f}"
    )
    processed = "?" if e.processed_per_s is None else f"{e.processed_per_s:,.0f}/s"
    least = e.least_due_to_seen_s[np.isfinite(e.least_due_to_seen_s)]
    at_s = np.flatnonzero(np.isfinite(e.least_due_to_seen_s)) * e.period_s
    if len(least) >= 4:
        from scipy import stats  # half a second to import: not before it is wanted

        slope = float(stats.theilslopes(least, at_s).slope)
        rise_s = slope * float(at_s[-1] - at_s[0])
        if slope > 0.01 and rise_s > max(batch_s, 0.2):
            return Reason(
                rule="backlog",
                verdict="invalid",
                message=(
                    f"offered {e.offered_per_s:,.0f}/s, processed {processed}: waiting time grew by {slope:.3f} s each "
                    f"second, {rise_s:.1f} s over the window"
                ),
                remedy=remedy,
            )
    trigger_s = 0.0 if e.trigger.is_realtime else e.trigger.seconds
    allowed_s = trigger_s + 2 * batch_s + 1.0
    if e.drain_s > allowed_s:
        return Reason(
            rule="backlog",
            verdict="invalid",
            message=(
                f"the last alert came {e.drain_s:.1f} s after the last reading was due; "
                f"{allowed_s:.1f} s are allowed at a trigger of {format_duration(trigger_s)}"
            ),
            remedy=remedy,
        )
    return None


def exact_alerts(e: Evidence) -> Reason | None:
    """The engine must do what the rules say: no alert missing, made up or doubled."""
    f = e.fidelity
    rejects_differ = e.has_rejects and f.rejects_seen != f.rejects_expected
    if not (f.missing or f.extra or f.duplicated or rejects_differ):
        return None
    return Reason(
        rule="fidelity",
        verdict="invalid",
        message=(
            f"{f.missing} alerts missing, {f.extra} extra, {f.duplicated} duplicated of {f.expected:,}; "
            f"{f.rejects_seen} rejects where {f.rejects_expected} were due"
        ),
        remedy="compare alerts.parquet with stamps.parquet of this cell; the pipeline is wrong or lost its place",
    )


def negative_stages(e: Evidence) -> Reason | None:
    """An alert that precedes its cause means clocks that disagree."""
    if e.negative_share <= 0.001:
        return None
    return Reason(
        rule="negative stages",
        verdict="invalid",
        message=f"{e.negative_stages} alerts ({e.negative_share:.2%}) have a stage shorter than -1 ms",
        remedy="broker, publisher and collector must share one clock: run them on one host",
    )


def clock_step(e: Evidence) -> Reason | None:
    """Stamps on both sides of a clock step cannot be subtracted."""
    step = e.host.clock_step_ms
    if step is None or step <= 1.0:
        return None
    return Reason(
        rule="clock",
        verdict="invalid",
        message=f"the wall clock moved {step:.2f} ms against the monotonic clock inside the window",
        remedy="let the clock settle (chronyc makestep, once, before the run) and run the cell again",
    )


#: Components of the instrument itself, which must never be what limits a cell.
INSTRUMENT = ("publisher", "collector", "harness")


def instrument_load(e: Evidence) -> Reason | None:
    """A saturated instrument measures itself."""
    for name in INSTRUMENT:
        used = e.resources.get(name)
        if used is not None and used.cores > 0.9:
            return Reason(
                rule="instrument load",
                verdict="invalid",
                message=f"the {name} used {used.cores:.0%} of a core",
                remedy=f"try --rate {0.6 * e.offered_per_s:.0f}",
            )
    return None


def real_broker(e: Evidence) -> Reason | None:
    """A mock broker serves unit tests and nothing else."""
    if e.broker_kind != "mock":
        return None
    return Reason(
        rule="broker",
        verdict="invalid",
        message="the broker is a mock",
        remedy="use --broker embedded or --broker HOST:PORT",
    )


#: How much of all cores other programs may use; the kernel's own work for ours counts among them.
OTHERS_SHARE = 0.15
#: How much of the CPU time the hypervisor may take.
STEAL_SHARE = 0.03


def host_noise(e: Evidence) -> Reason | None:
    """Pauses of the whole machine end up in the pipeline's percentiles."""
    p99 = e.due_to_seen.p99
    limit_ms = max(5.0, 0.1 * p99) if p99 is not None else 5.0
    hiccup, steal, others = e.host.hiccup_p99_ms, e.host.steal, e.host.others_cores
    if hiccup is not None and hiccup > limit_ms:
        message = f"naps overran by {hiccup:.1f} ms at p99; {limit_ms:.1f} ms are allowed"
    elif steal is not None and steal > STEAL_SHARE:
        message = f"the hypervisor took {steal:.1%} of the CPU time"
    elif e.broker_kind == "embedded" and others is not None and others > OTHERS_SHARE * e.cores:
        # Someone else's broker may run here, and is part of what is measured.
        message = f"other programs used {others:.2f} of {e.cores} cores"
    else:
        return None
    return Reason(
        rule="host noise",
        verdict="inconclusive",
        message=message,
        remedy="end other work on this machine and run the cell again",
    )


#: By how much the medians of a window's halves may differ: this share of the smaller one, never less than the stamps'
#: error, and never by less than chance explains (Mann-Whitney).
STEADY_SHARE = 0.15
STEADY_MS = 1.0
STEADY_P = 0.01


def not_steady(e: Evidence) -> Reason | None:
    """A pipeline that is still getting faster, or slower, has no latency of its own yet."""
    if e.halves_ms is None:
        return None
    first, second = (float(np.median(half)) for half in e.halves_ms)
    if abs(second - first) <= max(STEADY_SHARE * min(first, second), STEADY_MS):
        return None
    from scipy import stats  # half a second to import: not before it is wanted

    if stats.mannwhitneyu(*e.halves_ms).pvalue >= STEADY_P:
        return None
    what = "sent to seen" if e.trigger.is_realtime else "batch time"
    message = f"p50 of {what} was {first:.1f} ms in the first half of the window and {second:.1f} ms in the second"
    remedy = f"give it {_longer_warmup(e)}: Java compiles for a minute or two what it runs often"
    stolen = e.host.steal_worst_minute
    if stolen is not None and stolen > STEAL_SHARE:
        message += f"; in the worst minute the hypervisor took {stolen:.1%} of the CPU time"
        remedy = "run the cell again when the machine is quieter: it was not equally fast for all of the window"
    return Reason(rule="not steady", verdict="inconclusive", message=message, remedy=remedy)


def _longer_warmup(e: Evidence) -> str:
    """Options with which the warm-up is twice what it was, 30 s at least, and the scenario has readings for it."""
    wanted_s = max(2 * e.warmup_s, 30.0)
    option = f"--warmup {format_duration(wanted_s)}"
    lead_s = wanted_s * e.speedup
    if lead_s <= e.lead_s:
        return option
    return f"{option}, and a --scenario of your own whose `lead` is {format_duration(lead_s)}"


RULES: tuple[Callable[[Evidence], Reason | None], ...] = (
    late_generator,
    offered_rate,
    deliveries,
    backlog,
    exact_alerts,
    negative_stages,
    clock_step,
    instrument_load,
    real_broker,
    host_noise,
    not_steady,
)


def judge(evidence: Evidence) -> tuple[Verdict, list[Reason]]:
    """The cell's verdict and every reason against it: one ``invalid`` outweighs all doubts."""
    reasons = [reason for rule in RULES if (reason := rule(evidence)) is not None]
    if any(reason.verdict == "invalid" for reason in reasons):
        return "invalid", reasons
    return ("inconclusive" if reasons else "valid"), reasons
