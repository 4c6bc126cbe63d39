"""Was what was planted found, no more and no less? Pure: what the planter knows, what the instrument says -> lines.

Every check also gets what the instrument said of a cell without the plant, or with half of it, and must be red there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import polars as pl

from bench.records import Cell
from bench.trust.by_hand import DRY, AlertName, alerts_of

#: What the line is about that holds the instrument's verdict.
VERDICT: Final = "verdict"

#: The rule that speaks where other programs, or other machines of the same host, took what the cell needed.
HOST_NOISE: Final = "host noise"


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What the instrument says of one cell; ``source`` has partition, offset and value of what stands in its topic."""

    cell: Cell
    zero_ns: int
    stamps: pl.DataFrame
    source: pl.DataFrame
    #: The cell again as the second collector saw it, by how long its alerts were held back (ms).
    held: Mapping[int, Cell] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at: what was planted, what was found, both in words."""

    what: str
    planted: str
    found: str
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One check: what it saw with the plant, and without it, where it must fail."""

    name: str
    #: What was planted, in words.
    words: str
    lines: list[Line]
    without: list[Line]

    @property
    def found(self) -> bool:
        """Whether everything planted was found as it was planted."""
        return all(line.ok for line in self.lines)

    @property
    def can_fail(self) -> bool:
        """Whether the same check fails without the plant."""
        return not all(line.ok for line in self.without)

    @property
    def green(self) -> bool:
        """Whether it holds, and proves anything by that."""
        return self.found and self.can_fail


Check = Callable[[Mapping[str, Any], Observed], list[Line]]


def disturbed(lines: list[Line], cell: Cell) -> bool:
    """Whether all holds but the verdict, and that one is lacking for the machine's sake: worth another try."""
    red = [line.what for line in lines if not line.ok]
    return red == [VERDICT] and cell.verdict == "inconclusive" and HOST_NOISE in [one.rule for one in cell.reasons]


def _verdict(cell: Cell, verdict: str, rule: str | None) -> Line:
    rules = [reason.rule for reason in cell.reasons]
    wanted = verdict if rule is None else f"{verdict}, {rule}"
    found = ", ".join([cell.verdict, *rules])
    return Line(VERDICT, wanted, found, cell.verdict == verdict and (rule is None or rule in rules))


def _exactly(what: str, planted: int, found: int, *, some: bool = True) -> Line:
    """Equal counts; of ``some`` there must be at least one, or nothing would be shown."""
    return Line(what, f"{planted:,}", f"{found:,}", planted == found and (planted > 0 or not some))


def _counts(cell: Cell, *, missing: int = 0, extra: int = 0, duplicated: int = 0) -> list[Line]:
    assert cell.fidelity is not None
    wanted = {"missing": missing, "extra": extra, "duplicated": duplicated}
    return [_exactly(name, count, getattr(cell.fidelity, name), some=False) for name, count in wanted.items()]


#: How far a delay may be told from what was planted, ms: at p50 and in the mean of its stage, and at p99.
HELD_WITHIN_MS: Final = {"p50": 2.0, "p99": 5.0}


def held_alerts(hold_ms: int) -> Check:
    """The check of alerts held back by ``hold_ms``: that much more in the percentiles, and in the last stage."""

    def check(_: Mapping[str, Any], seen: Observed) -> list[Line]:
        first, second = seen.cell.latency_ms, seen.held[hold_ms].latency_ms
        assert first is not None
        assert second is not None
        lines = []
        for name, within in HELD_WITHIN_MS.items():
            ours, theirs = (getattr(one.due_to_seen, name) for one in (first, second))
            lines.append(_within(f"due to seen, {name}", hold_ms, theirs - ours, within))
        stages = [name for name in first.budget if name != "alert_appended_to_seen"]
        last, others = (
            sum((second.budget[name] or 0.0) - (first.budget[name] or 0.0) for name in names)
            for names in (["alert_appended_to_seen"], stages)
        )
        lines.append(_within("last stage of the budget, mean", hold_ms, last, HELD_WITHIN_MS["p50"]))
        lines.append(_within("all other stages", 0, others, 0.1))
        return lines

    return check


def _within(what: str, planted_ms: float, found_ms: float, within_ms: float) -> Line:
    return Line(what, f"{planted_ms:g} ms", f"{found_ms:.2f} ms", abs(found_ms - planted_ms) <= within_ms)


def not_held(seen: Observed) -> Observed:
    """The same with the first collector's alerts in place of the second's: none was held back."""
    return replace(seen, held=dict.fromkeys(seen.held, seen.cell))


def stopped_publisher(planted: Mapping[str, Any], seen: Observed) -> list[Line]:
    """Whatever was due in the stall waited at least until its end, and is counted so."""
    due_s = (seen.stamps["due_ns"].to_numpy() - seen.zero_ns) / 1e9
    waited_s = (seen.stamps["seen_ns"] - seen.stamps["due_ns"]).cast(pl.Float64).to_numpy() / 1e9
    inside = (due_s >= planted["began_s"]) & (due_s < planted["ended_s"])
    owed_s, waited_s = planted["ended_s"] - due_s[inside], waited_s[inside]
    stall_s = planted["ended_s"] - planted["began_s"]
    longest_s = float(np.nanmax(waited_s, initial=0.0))
    return [
        Line(
            f"of {len(owed_s):,} alerts due in the stall, those told as shorter than their wait",
            "0",
            f"{int((~(waited_s >= owed_s - 0.001)).sum()):,}",
            len(owed_s) >= 100 and bool((waited_s >= owed_s - 0.001).all()),
        ),
        Line("the longest wait", f"{stall_s:.2f} s", f"{longest_s:.2f} s", abs(longest_s - stall_s) <= 0.15),
        _verdict(seen.cell, "invalid", "late generator"),
    ]


def hidden_readings(planted: Mapping[str, Any], seen: Observed) -> list[Line]:
    """The alerts of the hidden readings are missing, and nothing else is."""
    hidden = pl.DataFrame(planted["lost"], schema={"partition": pl.Int32, "offset": pl.Int64}, orient="row")
    values = seen.source.join(hidden, on=["partition", "offset"], how="semi")["value"]
    required = len(set(alerts_of(values)))
    lines = [Line("readings hidden", "1 in 1,000", f"{len(hidden):,} of {seen.source.height:,}", len(hidden) > 0)]
    lines.append(Line("alerts that they would have raised", "> 0", f"{required:,}", required > 0))
    return [*lines, *_counts(seen.cell, missing=required), _verdict(seen.cell, "invalid", "fidelity")]


def tampered_alerts(planted: Mapping[str, Any], seen: Observed) -> list[Line]:
    """Lost ones are missing, forged ones extra, second ones duplicated."""
    counts = {"missing": len(planted["lost"]), "extra": planted["forged"], "duplicated": planted["twice"]}
    some = all(count > 0 for count in counts.values())
    return [
        *(Line(line.what, line.planted, line.found, line.ok and some) for line in _counts(seen.cell, **counts)),
        _verdict(seen.cell, "invalid", "fidelity"),
    ]


def stepped_clock(planted: Mapping[str, Any], seen: Observed) -> list[Line]:
    """The step is told, to the millisecond, and the cell is refused for it."""
    assert seen.cell.host is not None
    found = seen.cell.host.clock_step_ms
    step = planted["step_ms"]
    line = Line("step", f"{step:g} ms", f"{found} ms", found is not None and abs(found - step) <= 1.0)
    return [line, _verdict(seen.cell, "invalid", "clock")]


def moved_threshold(planted: Mapping[str, Any], seen: Observed) -> list[Line]:
    """The alerts that only one of the two thresholds raises, as the evaluator written by hand counts them."""
    right, wrong = (set(alerts_of(seen.source["value"], dry)) for dry in (DRY, planted["dry"]))
    missing, extra = len(right - wrong), len(wrong - right)
    return [
        Line("alerts of the hand-written evaluator", "> 0 missing and extra", f"{missing}, {extra}", extra > 0),
        *_counts(seen.cell, missing=missing, extra=extra),
        _verdict(seen.cell, "invalid", "fidelity"),
    ]


def slowed_pipeline(planted: Mapping[str, Any], seen: Observed) -> list[Line]:
    """The rate at which alerts come is told, and the growing backlog."""
    throughput = seen.cell.throughput
    assert throughput is not None
    ratio = (throughput.processed_per_s or 0.0) / throughput.offered_per_s
    return [
        Line("processed per offered", f"{planted['share']:g}", f"{ratio:.3f}", abs(ratio - planted["share"]) <= 0.03),
        _verdict(seen.cell, "invalid", "backlog"),
    ]


def burning_neighbour(planted: Mapping[str, Any], seen: Observed) -> list[Line]:
    """The cell is refused for the machine's sake, and the neighbour's share of it is told."""
    assert seen.cell.host is not None
    others = seen.cell.host.others_cores
    line = Line(
        "cores that others used", f"up to {planted['cores']}", f"{others}", others is not None and others > 0.25
    )
    return [line, _verdict(seen.cell, "inconclusive", HOST_NOISE)]


def hostile(_: Mapping[str, Any], seen: Observed) -> list[Line]:
    """Readings that come twice, late and out of order: their alerts' copies are echoes, and nothing is wrong."""
    assert seen.cell.fidelity is not None
    copies: Counter[AlertName] = Counter(alerts_of(seen.source["value"]))
    echoes = sum(count - 1 for count in copies.values())
    return [
        _exactly("echoed", echoes, seen.cell.fidelity.echoed),
        *_counts(seen.cell),
        _verdict(seen.cell, "valid", None),
    ]
