"""The capability table: what it refuses, why, and what it offers instead."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from pipeline.capabilities import Combination, Mode, Operator, Progress, Source, Writer, refusal

REAL_TIME = Combination(mode=Mode.REAL_TIME, writer=Writer.KAFKA, spark=(4, 2))


def test_every_refusal_has_a_reason_and_a_possible_way_out():
    """Of all combinations each is possible, or refused in one line with a nearest one that is possible."""
    every = [
        Combination(mode=mode, source=source, writer=writer, operator=operator, progress=progress, spark=spark)
        for mode, source, writer, operator, progress, spark in product(
            Mode, Source, Writer, Operator, Progress, [(4, 2), (4, 3), (5, 0)]
        )
    ]
    refused = [(wanted, found) for wanted in every if (found := refusal(wanted)) is not None]
    for wanted, found in refused:
        assert refusal(found.nearest) is None
        assert found.nearest != wanted
        assert "\n" not in found.reason
    assert 0 < len(refused) < len(every)


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize("operator", Operator)
@pytest.mark.parametrize("writer", Writer)
def test_micro_batches_take_everything(source, operator, writer):
    """Without asynchronous progress tracking, a micro-batch has no limit in the table."""
    wanted = Combination(mode=Mode.MICRO_BATCH, source=source, writer=writer, operator=operator, spark=(4, 2))
    assert refusal(wanted) is None


def test_stateful_real_time_comes_with_4_3():
    """4.2 refuses state in real-time mode and says when it comes; 4.3 takes it."""
    stateful = replace(REAL_TIME, operator=Operator.STATEFUL)
    found = refusal(stateful)
    assert found is not None
    assert found.reason == "Spark 4.2's real-time mode has no stateful operator before 4.3, only stateless"
    assert found.nearest == replace(stateful, mode=Mode.MICRO_BATCH)
    assert refusal(replace(stateful, spark=(4, 3))) is None


def test_several_limits_at_once():
    """The first reason is told; the way out is free of all of them."""
    wanted = replace(REAL_TIME, writer=Writer.PARQUET, progress=Progress.ASYNC)
    found = refusal(wanted)
    assert found is not None
    assert found.reason == "Spark 4.2's asynchronous progress tracking has no real-time mode, only micro-batch"
    assert found.nearest == replace(wanted, mode=Mode.MICRO_BATCH, progress=Progress.SYNC)
