"""The reference evaluator with a memory: a run feeds every cell the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.reference import Judgement, evaluate_all
from pipeline.rules import AlertRule

SCHEMA: dict[str, pl.DataType] = {
    "reason": pl.String(),
    "sensor_id": pl.Int64(),
    "seq": pl.Int64(),
    "event_us": pl.Int64(),
    "rule": pl.String(),
    "fired": pl.List(pl.String()),
    "alert_id": pl.String(),
}


class Judge:
    """What each record must become by ``rules``; a record is evaluated the first time it is met.

    A judgement depends on the record's bytes alone, so remembering it changes nothing but time and memory: a judge
    that is met by each record once need not (``remembers``), as in a soak or a search for the capacity.
    """

    def __init__(self, rules: Sequence[AlertRule], *, remembers: bool = True) -> None:
        self._rules = tuple(rules)
        self.remembers = remembers
        self._rows: dict[bytes | None, int] = {}
        self._judged = pl.DataFrame(schema=SCHEMA)

    def __call__(self, values: Sequence[bytes | None]) -> pl.DataFrame:
        """A row for each of ``values`` (n,) with the columns of `SCHEMA`."""
        if not self.remembers:
            return _frame(evaluate_all(values, self._rules)) if values else self._judged
        met = [value for value in dict.fromkeys(values) if value not in self._rows]
        if met:
            self._rows.update(zip(met, range(len(self._rows), len(self._rows) + len(met)), strict=True))
            self._judged = pl.concat([self._judged, _frame(evaluate_all(met, self._rules))])
        return self._judged[[self._rows[value] for value in values]]


def _frame(judged: list[Judgement]) -> pl.DataFrame:
    columns = dict(zip(Judgement._fields, zip(*judged, strict=True), strict=True))
    # A few combinations of rules, many readings: a list is built once for each combination.
    combinations = {fired: number for number, fired in enumerate(dict.fromkeys(columns["fired"]))}
    lists = pl.Series([list(fired) for fired in combinations], dtype=SCHEMA["fired"])
    fired = lists.gather([combinations[fired] for fired in columns["fired"]])
    return pl.DataFrame(
        {name: fired if name == "fired" else pl.Series(columns[name], dtype=kind) for name, kind in SCHEMA.items()}
    )
