"""The noise of this machine: from repeats of the same cell to a file in the cache, found again by the machine."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import ValidationError

from base.paths import cache_dir
from bench.compare.intervals import smallest_log_difference
from bench.compare.metrics import METRICS, value_of
from bench.records import Cell, Env, Noise, Result
from bench.store import write_whole

#: Fewer repeats say too little about a standard deviation.
LEAST_REPEATS: Final = 4
#: A few repeats may look calmer than the machine is: the upper end of an interval of this confidence is kept.
_CONFIDENCE: Final = 0.90


def machine_of(env: Env) -> str:
    """The machine in words: what makes its noise its own."""
    return f"{env.cpu}, {env.cores} cores, {env.memory_bytes / 2**30:.0f} GiB"


def noise_file(env: Env) -> Path:
    """Where the noise of a machine is kept."""
    fingerprint = hashlib.sha256(machine_of(env).encode()).hexdigest()[:16]
    return cache_dir() / "noise" / f"{fingerprint}.json"


def stored_noise(env: Env) -> Noise | None:
    """What is known of the machine's noise, or None; a file of another version of this project counts as none."""
    try:
        return Noise.model_validate_json(noise_file(env).read_bytes())
    except (OSError, ValidationError):
        return None


def store_noise(noise: Noise, env: Env) -> Path:
    """Keep ``noise``; returns where."""
    path = noise_file(env)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, noise.model_dump_json(indent=2).encode())
    return path


def noise_of(result: Result) -> Noise:
    """The noise that shows in a run's valid cells: how far repeats lie from the mean of their point, by mode."""
    repeats: dict[str, int] = {}
    log_sd: dict[str, dict[str, float]] = {}
    for mode in sorted({cell.params.mode for cell in result.cells}):
        points: dict[str, list[Cell]] = {}
        for cell in result.cells:
            if cell.params.mode == mode and cell.verdict == "valid":
                points.setdefault(cell.params.model_dump_json(exclude={"repeat"}), []).append(cell)
        repeats[mode] = sum(map(len, points.values()))
        log_sd[mode] = {}
        for metric in METRICS:
            logs = [
                np.log([value for cell in cells if isinstance(value := value_of(metric, cell), float)])
                for cells in points.values()
            ]
            freedom = sum(len(one) - 1 for one in logs if len(one))
            if freedom >= LEAST_REPEATS - 1:
                squares = sum(float(np.square(one - one.mean()).sum()) for one in logs if len(one))
                log_sd[mode][metric.name] = round(upper_sd(squares, freedom), 6)
    return Noise(
        measured=result.run.started,
        sha=result.git.sha,
        machine=machine_of(result.env),
        repeats=repeats,
        log_sd=log_sd,
    )


def upper_sd(squares: float, freedom: int) -> float:
    """The upper end of the one-sided 90 % interval of a standard deviation, from a sum of squares about the mean.

    ``freedom``: its degrees of freedom, at least 1; the values are taken for normal.
    """
    from scipy import stats  # half a second to import: not before it is wanted

    return math.sqrt(squares / float(stats.chi2.ppf(1 - _CONFIDENCE, freedom)))


def smallest_ratio(log_sd: float, repeats: int) -> float:
    """The ratio of two results, ``repeats`` each, from which on their difference shows at 95 %."""
    return math.exp(smallest_log_difference((log_sd, repeats), (log_sd, repeats)))
