"""The noise of a machine: what repeats of a cell say of it, where it is kept, and what it lets be told."""

from __future__ import annotations

import math

import numpy as np
import pytest
from typer.testing import CliRunner
from unit.bench.compared_runs import run

from bench import noise as command
from bench.records import Noise
from bench.stored_noise import noise_file, noise_of, smallest_ratio, store_noise, stored_noise, upper_sd

P50 = "latency_ms.due_to_seen.p50"


def test_the_spread_of_repeats_is_found_by_mode():
    """Repeats that scatter by 5 % show a little more: the upper end of what they may come from."""
    found = noise_of(run(40, seed=3, log_sd=0.05, triggers=("realtime:30s", "1s")))
    assert found.repeats == {"realtime": 40, "micro-batch": 40}
    for mode in ("realtime", "micro-batch"):
        assert 0.05 < found.log_sd[mode][P50] < 0.08
    assert "batch_ms.p50" not in found.log_sd["realtime"]
    assert "boundary_stall_ms.median" in found.log_sd["realtime"]


def test_points_of_one_mode_are_pooled_about_their_own_means():
    """A 1 s and a 5 s cell differ by a factor, and that is no noise."""
    slow = run(8, seed=1, log_sd=0.02, factors={"p50": 5.0}, triggers=("5s",))
    both = run(8, seed=2, log_sd=0.02, triggers=("1s",))
    both.cells += slow.cells
    assert noise_of(both).log_sd["micro-batch"][P50] < 0.04


def test_too_few_or_invalid_repeats_tell_nothing():
    """Three are too few, and of four one that is not valid."""
    assert noise_of(run(3)).log_sd == {"micro-batch": {}}
    four = run(4)
    assert noise_of(four).log_sd["micro-batch"]
    four.cells[0].verdict = "inconclusive"
    assert noise_of(four).log_sd == {"micro-batch": {}}


def test_the_upper_end_is_above_the_truth_nine_times_in_ten():
    """Coverage of the interval, over 2,000 samples of 8 from a normal distribution of sigma 1."""
    rng = np.random.default_rng(5)
    samples = rng.normal(size=(2000, 8))
    squares = np.square(samples - samples.mean(axis=1, keepdims=True)).sum(axis=1)
    above = np.mean([upper_sd(float(one), 7) > 1 for one in squares])
    assert above == pytest.approx(0.90, abs=0.02)


def test_more_repeats_show_less():
    """1.96 sigma sqrt(2 / n), as a ratio."""
    assert smallest_ratio(0.05, 1) == pytest.approx(math.exp(1.96 * 0.05 * math.sqrt(2)))
    assert smallest_ratio(0.05, 8) - 1 == pytest.approx((smallest_ratio(0.05, 1) - 1) / math.sqrt(8), rel=0.1)


def test_it_is_kept_by_machine(tmp_path, monkeypatch):
    """Stored, found again, and not found by a machine with more cores; a file of another form counts as none."""
    monkeypatch.setenv("ALERTBENCH_CACHE", str(tmp_path))
    result = run(8)
    assert stored_noise(result.env) is None
    known = noise_of(result)
    path = store_noise(known, result.env)
    assert stored_noise(result.env) == known
    assert stored_noise(result.env.model_copy(update={"cores": 64})) is None
    path.write_text('{"sigma": 1}')
    assert stored_noise(result.env) is None


def test_its_age_is_told():
    """From one instant to the other, in days."""
    known = noise_of(run(8)).model_copy(update={"measured": "2026-11-24T00:00:00+00:00"})
    assert isinstance(known, Noise)
    assert known.age_days("2026-11-26T12:00:00+00:00") == 2.5


def test_the_command_shows_what_is_stored(tmp_path, monkeypatch):
    """Without any: exit 2 and how to get it; then a row for each metric and mode."""
    monkeypatch.setenv("ALERTBENCH_CACHE", str(tmp_path))
    result = run(8, triggers=("realtime:30s", "1s"))
    monkeypatch.setattr(command, "environment", lambda: result.env)
    none = CliRunner().invoke(command.app, ["--show"])
    assert none.exit_code == 2
    assert "run bench.noise" in none.output
    store_noise(noise_of(result), result.env)
    shown = CliRunner().invoke(command.app, ["--show"])
    assert shown.exit_code == 0, shown.output
    for text in ("micro-batch", "realtime", "p50", "stall", "3 a side", "8 valid realtime cells"):
        assert text in shown.output
    assert noise_file(result.env).parent == tmp_path / "noise"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--repeats", "3"], "--repeats 3: out of range; give a value from 4"),
        (["--triggers", "1s,5s"], "--triggers 1s,5s: noise is kept by mode"),
        (["--from", "nowhere"], "--from nowhere: no result there"),
    ],
)
def test_bad_options_name_the_remedy(options, named):
    """One line, exit 2, before anything starts."""
    done = CliRunner().invoke(command.app, options)
    assert done.exit_code == 2
    assert named in done.output
