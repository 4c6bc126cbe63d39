"""What docs/thresholds.md shows can be typed."""

from __future__ import annotations

import re

import pytest
from unit.bench.builders import a_config

from base.paths import PROJECT_ROOT
from bench.advice import parse_goal
from bench.matrix import plan
from bench.thresholds import parse_thresholds, split_env

TEXT = (PROJECT_ROOT / "docs" / "thresholds.md").read_text() + (PROJECT_ROOT / "README.md").read_text()
SHOWN = re.findall(r"--threshold '([^']+)'", TEXT)
SHOWN += [one for env in re.findall(r"BENCH_THRESHOLD='([^']+)'", TEXT) for one in split_env(env)]


@pytest.mark.parametrize("threshold", SHOWN)
def test_every_threshold_is_one(threshold):
    """It can be judged in the default run."""
    assert len(SHOWN) >= 5
    assert parse_thresholds([threshold], plan(a_config()))


def test_every_objective_is_one():
    """With what is minimised beside it."""
    goals = re.findall(r"--objective '([^']+)' --minimise (\S+)", TEXT)
    assert len(goals) >= 2
    assert all(parse_goal(objective, minimise, plan(a_config())) for objective, minimise in goals)
