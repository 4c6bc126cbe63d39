"""``python -m bench.noise``: the smallest change that this machine can show."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console

from base.errors import ExitCode, UsageError, one_line_errors
from base.process import interrupt_on_sigterm
from base.terminal import print_prose
from bench.campaign import execute_run
from bench.compare.metrics import METRICS
from bench.config import (
    DEFAULT_SEED,
    QUICK_DRAIN_S,
    QUICK_SPARK_WARMUP_S,
    RunConfig,
    require_between,
    split_list,
    window_for,
)
from bench.environment import environment
from bench.perf.tables import print_table
from bench.records import Noise
from bench.store import load, now
from bench.stored_noise import (
    LEAST_REPEATS,
    machine_of,
    noise_of,
    smallest_ratio,
    store_noise,
    stored_noise,
)
from bench.stream import resolve
from pipeline.triggers import Trigger

DEFAULT_REPEATS: Final = 8
DEFAULT_TRIGGERS: Final = "realtime,1s"
#: For how many repeats a side the smallest change is told.
SIDES: Final = (1, 3, 5, 10)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

_HELP = """Measure how much the same cell differs from itself on this machine, and keep that.

Runs a real-time and a 1 s cell over and over (A/A), takes the spread of every metric, and prints the
smallest change that 1, 3, 5 or 10 repeats a side can show at 95 %. It is stored for this machine:
bench.compare and --objective put differences into words by it, also those of single repeats.

\b
  python -m bench.noise                 8 repeats, a quarter of an hour, nothing else running
  python -m bench.noise --repeats 20    half an hour; a smaller spread can be shown by more repeats
  python -m bench.noise --show          what is stored, and how old it is
  python -m bench.noise --from results/20261124T002239Z-0123456-temperate-day    from a run with --repeats

Exit: 0 stored, 2 usage, 5 something missing here, 7 too few valid cells to tell, 130 interrupted.
"""


@app.command(help=_HELP)
@one_line_errors
def main(
    repeats: Annotated[int, typer.Option(help="How often each cell runs.")] = DEFAULT_REPEATS,
    triggers: Annotated[str, typer.Option(metavar="T,T", help="One real-time and one other.")] = DEFAULT_TRIGGERS,
    sensors: Annotated[int, typer.Option(help="How many sensors report.")] = 1000,
    seed: Annotated[int, typer.Option(help="Same seed, same readings.")] = DEFAULT_SEED,
    run: Annotated[Path | None, typer.Option("--from", metavar="RUN", help="Take a stored run instead.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Measure nothing: print what is stored.")] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for results.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """See `_HELP`."""
    env = environment()
    if show:
        known = stored_noise(env)
        if known is None:
            raise UsageError(f"--show: no noise is stored of this machine ({machine_of(env)}); run bench.noise")
        tell(known, as_json=as_json)
        return
    if run is not None:
        result = load(run, field="--from")
        if machine_of(result.env) != machine_of(env):
            raise UsageError(f"--from {run}: it ran on another machine ({machine_of(result.env)}); name one of this")
    else:
        require_between(repeats, LEAST_REPEATS, 100, field="--repeats")
        parsed = [Trigger.parse(text, field="--triggers") for text in split_list(triggers, field="--triggers")]
        if len({trigger.is_realtime for trigger in parsed}) < len(parsed):
            raise UsageError(f"--triggers {triggers}: noise is kept by mode; name one real-time trigger and one other")
        config = RunConfig(
            sensors=sensors,
            seed=seed,
            triggers=tuple(trigger.name for trigger in parsed),
            partitions=(1,),
            repeats=repeats,
            window_s=window_for(parsed, None),
            spark_warmup_s=QUICK_SPARK_WARMUP_S,
            drain_s=QUICK_DRAIN_S,
            quick=True,
            out=str(out),
        )
        spec = resolve(config)
        interrupt_on_sigterm()
        result, folder = execute_run(config, spec, {})
        print(f"{folder}: {sum(cell.verdict == 'valid' for cell in result.cells)} valid cells", file=sys.stderr)
        if result.run.status == "partial":
            raise SystemExit(int(ExitCode.INTERRUPTED))
    noise = noise_of(result)
    if not any(noise.log_sd.values()):
        counts = ", ".join(f"{count} {mode}" for mode, count in noise.repeats.items()) or "none"
        print(
            f"error: {LEAST_REPEATS} valid repeats of one cell are needed, and there are: {counts}; "
            "end other work on this machine and run it again",
            file=sys.stderr,
        )
        raise SystemExit(int(ExitCode.INCONCLUSIVE))
    path = store_noise(noise, env)
    tell(noise, as_json=as_json)
    print(f"stored as {path}", file=sys.stderr)


def tell(noise: Noise, *, as_json: bool) -> None:
    """The smallest changes that the machine can show, on stdout."""
    if as_json:
        print(orjson.dumps({**noise.model_dump(), "smallest_change": changes(noise)}).decode())
        return
    labels = {metric.name: metric.label for metric in METRICS}
    columns = ["mode", "metric", "spread of a repeat", *(f"{n} a side" for n in SIDES)]
    rows = [
        [mode, labels[name], f"{sd:.1%}", *(f"{smallest_ratio(sd, n) - 1:.1%}" for n in SIDES)]
        for mode, by_metric in noise.log_sd.items()
        for name, sd in by_metric.items()
    ]
    print_table(columns, rows, markdown=False)
    counts = ", ".join(f"{count} valid {mode} cells" for mode, count in noise.repeats.items())
    when = f"measured {noise.measured} ({noise.age_days(now()):.0f} days ago)"
    print_prose(Console(highlight=False), f"{noise.machine}; {when} on {counts}")


def changes(noise: Noise) -> dict[str, dict[str, dict[str, float]]]:
    """Mode -> metric -> repeats a side -> the smallest ratio that shows."""
    return {
        mode: {name: {str(n): round(smallest_ratio(sd, n), 4) for n in SIDES} for name, sd in by_metric.items()}
        for mode, by_metric in noise.log_sd.items()
    }


if __name__ == "__main__":
    app()
