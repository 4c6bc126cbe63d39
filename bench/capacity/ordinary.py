"""Which of millions of readings need no reference evaluator: those of the usual form on which no rule holds.

The evaluator takes each record as anybody might have sent it, at some 9 microseconds. Of what a simulator wrote nearly
all is plain to see: the fields of a reading in their order, short decimal numbers, none beyond a threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from pipeline.rules import AlertRule
from sim.arrays import Bools
from wire.reading import CHANNELS

# Numbers that are the same to every parser: no exponent, no leading zero, well within 64 bits.
_INTEGER: Final = r"[1-9][0-9]{0,17}"
_DECIMAL: Final = r"-?(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?"
_CHANNELS: Final = ",".join(rf'"{name}":(?:{_DECIMAL}|null)' for name in CHANNELS)
_USUAL: Final = (
    rf'^\{{"sensor_id":{_INTEGER},{_CHANNELS},"timestamp":[1-9][0-9]{{0,9}}(?:\.[0-9]{{1,6}})?,'
    rf'"seq":(?:0|{_INTEGER})\}}$'
)
_COMPARED: Final = {">": pl.Expr.gt, ">=": pl.Expr.ge, "<": pl.Expr.lt, "<=": pl.Expr.le}


def is_ordinary(values: Sequence[bytes], rules: Sequence[AlertRule]) -> Bools:
    """Which of ``values`` (n,) are readings in the form of `wire.reading` on which none of ``rules`` holds.

    Of the others nothing is said: they are for `pipeline.reference`.
    """
    # What is no ASCII stays recognisable as such.
    text = pl.Series([value.decode("ascii", errors="replace") for value in values], dtype=pl.String)
    usual = text.str.contains(_USUAL)
    fields = pl.Struct({rule.field: pl.Float64() for rule in rules})
    numbers = text.filter(usual).str.json_decode(fields).struct.unnest()
    holds = [_COMPARED[rule.comparison](pl.col(rule.field), rule.threshold).fill_null(value=False) for rule in rules]
    ordinary: Bools = usual.to_numpy().copy()
    ordinary[ordinary] = ~numbers.select(pl.any_horizontal(holds)).to_series().to_numpy()
    return ordinary
