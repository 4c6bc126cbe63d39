"""The field's metrics of alarms without scores, as the result file has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from bench.metrics.affiliation import affiliation
from bench.metrics.counts import point
from bench.metrics.nab import PROFILES, nab
from bench.metrics.pate import pate_f1
from bench.metrics.range_based import range_based
from bench.metrics.ranges import Bools
from bench.records import Affiliation, Metrics, Nab, Pate, Prf, Vus

#: Buffers of PATE in readings, early and late. A hazard's edges are exact; the hundred ticks that the reference takes
#: would be most of a simulated day.
PATE_BUFFERS: Final = (0, 2)

NO_EVENT: Final = "no event to find"
NO_ALERT: Final = "no alert to judge"
NO_SCORES: Final = "areas under curves need scores, and a rule gives none"


def metrics(hazard: Bools, alarm: Bools, judged: Bools) -> Metrics:
    """The field's metrics; the range-based ones are of the runs of ``judged``."""
    near = dict(zip(("precision", "recall"), affiliation(hazard, alarm), strict=True))
    found = Metrics(
        point=Prf(**all_rounded(asdict(point(hazard, alarm).prf))),
        range=Prf(**all_rounded(asdict(range_based(hazard, judged)))),
        affiliation=Affiliation(**all_rounded(near)),
        nab=Nab(**all_rounded({name: nab(hazard, alarm, profile) for name, profile in PROFILES.items()})),
        pate=Pate(f1=rounded(pate_f1(hazard, alarm, buffers=PATE_BUFFERS))),
        vus=Vus(),
    )
    why = [NO_EVENT] * (not hazard.any()) + [NO_ALERT] * (not judged.any())
    numbers = found.model_dump(include={"point", "range", "affiliation", "nab"})
    undefined = [name for name, values in numbers.items() if None in values.values()]
    found.reasons = dict.fromkeys(undefined, "; ".join(why) or "no alert at a sensor that has an event")
    found.reasons["vus"] = NO_SCORES
    found.reasons["pate"] = "; ".join([*why, NO_SCORES])
    return found


def rounded(value: float | None) -> float | None:
    """To five decimals."""
    return None if value is None else round(float(value), 5)


def all_rounded(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Each to five decimals."""
    return {name: rounded(value) for name, value in values.items()}
