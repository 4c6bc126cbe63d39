"""docs/reference/thresholds.md: every number that a condition may be about, from the types of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bench.advice import DEFAULT_MINIMISE, NAMES
from bench.cell_paths import keys_of_dicts, known_paths, rule_ids
from bench.conditions import OPERATORS
from bench.config import AXES
from bench.reference.markdown import code, table, whole_page

#: What stands for any key of a dict that has several, by the field that holds the dict.
PLACES: Final = {
    "budget": "STAGE",
    "recall_at_deadline": "D",
    "recall_at_deadline_all": "D",
    "by_rule": "RULE",
    "by_fault": "FAULT",
    "intervals": "SHARE",
    "recall_at_delay": "DELAY",
    "baselines": "BASELINE",
    "resources": "PROCESS",
}


def page() -> str:
    """The page's text."""
    places = {PLACES[field]: keys for field, keys in keys_of_dicts(rule_ids(None)).items()}
    names = ", ".join(f"`{name}` ({code(path)})" for name, path in NAMES.items())
    return whole_page(
        "Thresholds and objectives",
        "`PATH OP LIMIT [{AXIS=VALUE,...}]`, for `--threshold`, `--objective` and `--slo`. "
        "[Thresholds](../thresholds.md) tells how a limit is written and how it is judged.",
        f"OP is one of {', '.join(map(code, OPERATORS))}. AXIS is one of {', '.join(map(code, AXES))}. "
        f"`--minimise` takes any path, or {names}; it is {code(DEFAULT_MINIMISE)} unless given.",
        "## Paths\n\nA path is one of the beginnings, a dot, and one of the numbers: `latency_ms.due_to_seen.p99`. "
        "Words in capitals stand for one of the [places](#places). A time is in the unit named; without one, the "
        "number is a count, a share, or a rate per second.",
        table(["beginnings", "numbers", "unit"], rows()),
        "## Places",
        table(["place", "one of"], [[code(place), ", ".join(map(code, keys))] for place, keys in places.items()]),
    )


def rows() -> list[list[str]]:
    """Every path, those that end in the same numbers on one line."""
    below: dict[tuple[str, str], dict[str, None]] = {}
    rules = rule_ids(None)
    for path in known_paths(rules).values():
        *before, last = _with_places(path.steps, keys_of_dicts(rules))
        below.setdefault((".".join(before), path.unit or ""), {})[last] = None
    alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (before_dot, unit), numbers in below.items():
        alike.setdefault((tuple(numbers), unit), []).append(before_dot)
    return [
        ["<br>".join(map(code, paths)), ", ".join(map(code, numbers)), unit] for (numbers, unit), paths in alike.items()
    ]


def _with_places(steps: tuple[str, ...], keys: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The steps, the keys of dicts being places."""
    return [
        PLACES[before] if before in keys and step in keys[before] else step
        for before, step in zip(("", *steps), steps, strict=False)
    ]
