"""Dotted paths to the numbers of a cell, as they stand in result.json: ``latency_ms.due_to_seen.p99``.

Which paths there are follows from the types in `bench.records`: a mistake is told before anything starts.
"""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from base.errors import UsageError, did_you_mean
from bench.latency import DEADLINES_S, PERCENTILES
from bench.quality.baselines import BLIND
from bench.quality.delays import DELAYS_S
from bench.records import BATCHES_FOR_WORDS, Cell
from bench.stamps import STAGES_MICRO_BATCH, STAGES_REALTIME
from pipeline.rules import AlertRule, load_rules
from pipeline.triggers import Trigger
from sim.faults import FAULTS

Unit = Literal["ms", "s"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPath:
    """A path that exists; ``unit`` is that of its number if that is a time."""

    text: str
    steps: tuple[str, ...]
    unit: Unit | None

    def look(self, cell: Cell) -> tuple[float | None, str]:
        """The number in ``cell``, or None and the reason that the cell gives for having none."""
        here: Any = cell
        why = ""
        for depth, step in enumerate(self.steps, 1):
            reasons = getattr(here, "reasons", None)
            if isinstance(reasons, dict):
                why = reasons.get(step, why)
            here = here.get(step) if isinstance(here, dict) else getattr(here, step)
            if here is None:
                return None, why or f"{'.'.join(self.steps[:depth])} is null"
        return (float(here), "") if math.isfinite(here) else (None, f"{self.text} is {here}")

    def doubt(self, cell: Cell) -> list[str]:
        """What makes a percentile of ``cell`` no firm one: few micro-batches, whose alerts are late together."""
        if self.steps[-1] not in PERCENTILES or Trigger.parse(cell.params.trigger, field="trigger").is_realtime:
            return []
        few = cell.batches is not None and cell.batches < BATCHES_FOR_WORDS
        return [f"rests on {cell.batches} batches, and a percentile wants {BATCHES_FOR_WORDS}"] if few else []


def find_path(
    text: str, *, field: str, names: Mapping[str, str] | None = None, rules: Sequence[AlertRule] | None = None
) -> CellPath:
    """The path that ``text`` is, or that it stands for in ``names``; ``rules``: those of the run, None for the seed's.

    Raises `UsageError`, which names ``field`` and the nearest path or name, if there is no such number.
    """
    known, names = known_paths(rule_ids(rules)), names or {}
    text = names.get(text, text)
    if text in known:
        return known[text]
    below = {
        path.steps[depth]
        for path in known.values()
        for depth in range(1, len(path.steps))
        if ".".join(path.steps[:depth]) == text
    }
    if below:
        raise UsageError(f"{field}: '{text}' is no number; go on with one of {', '.join(sorted(below))}")
    # All known paths would be no line: where none is near, the first words of each.
    near = difflib.get_close_matches(text, [*names, *known], n=1, cutoff=0.5)
    raise UsageError(
        f"{field}: unknown path '{text}'{did_you_mean(text, near or {path.split('.')[0] for path in known})}"
    )


def rule_ids(rules: Sequence[AlertRule] | None) -> tuple[str, ...]:
    """The ids of ``rules``, or of the seed's."""
    return _seed_ids() if rules is None else tuple(rule.id for rule in rules)


@functools.cache
def _seed_ids() -> tuple[str, ...]:
    # Their file is read once, however many paths are looked up.
    return tuple(rule.id for rule in load_rules())


@functools.cache
def known_paths(rules: tuple[str, ...]) -> dict[str, CellPath]:
    """Every number that a cell judged by ``rules`` (their ids) can have, by its path."""
    paths, keys = {}, keys_of_dicts(rules)
    for steps, kind in _numbers(Cell, keys):
        text = ".".join(steps)
        paths[text] = CellPath(text=text, steps=steps, unit=None if kind is int else _unit(steps))
    return paths


def _unit(steps: tuple[str, ...]) -> Unit | None:
    """By the suffix of the last step that has one; a rate (``_per_s``) has none."""
    for step in reversed(steps):
        if step.endswith("_ms"):
            return "ms"
        if step.endswith("_s") and not step.endswith("_per_s"):
            return "s"
    return None


def _numbers(
    kind: Any, keys_of: Mapping[str, tuple[str, ...]], keys: Iterable[str] = ()
) -> Iterator[tuple[tuple[str, ...], type]]:
    """The steps to each int and float in the type ``kind``.

    ``keys_of``: the keys of dicts by the name of their field; ``keys``: those of ``kind`` if it is one itself.
    """
    if kind in (int, float):
        yield (), kind
    elif get_origin(kind) in (Union, UnionType):
        for one in get_args(kind):
            yield from _numbers(one, keys_of, keys)
    elif get_origin(kind) is dict:
        for key in keys:
            yield from (((key, *below), leaf) for below, leaf in _numbers(get_args(kind)[1], keys_of))
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            inside = _numbers(field.annotation, keys_of, keys_of.get(name, ()))
            yield from (((name, *below), leaf) for below, leaf in inside)


def keys_of_dicts(rules: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The keys of those dicts of a cell that always have the same, by the name of the field; ``rules``: their ids."""
    deadlines = tuple(f"{deadline:g}" for deadline in DEADLINES_S)
    return {
        "budget": tuple(dict.fromkeys(name for name, *_ in (*STAGES_MICRO_BATCH, *STAGES_REALTIME))),
        "recall_at_deadline": deadlines,
        "recall_at_deadline_all": deadlines,
        "by_rule": rules,
        "by_fault": tuple(FAULTS),
        "intervals": ("precision", "recall"),
        "recall_at_delay": tuple(f"{delay}" for delay in DELAYS_S),
        "baselines": tuple(BLIND),
        "resources": ("broker", "pipeline", "publisher", "collector", "meter", "harness"),
    }
