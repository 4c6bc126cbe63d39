"""``bench.run --resume RUN``: what is left of a stored run, and whether it may be gone on with here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from base.errors import UsageError
from bench.config import RunConfig
from bench.matrix import CellSpec
from bench.records import Env, Git, Result
from bench.store import load

_FLAG = "--resume"


def stored_run(text: str, out: Path) -> tuple[Result, RunConfig, Path]:
    """The run that ``text`` names, a folder or the id of one below ``out``: result, configuration, folder.

    Raises `UsageError` if there is none, or nothing is left to do.
    """
    folder = Path(text) if Path(text).is_dir() else out / text
    result = load(folder, field=_FLAG)
    if result.run.status == "complete":
        raise UsageError(f"{_FLAG} {text}: all {len(result.cells)} cells of this run are done; start another one")
    # What was None is not stored; a key of another version's is left to `require_same`, which refuses that.
    fields = {name: value for name, value in result.config.items() if name in RunConfig.model_fields}
    # `latest` is a link, and soon to another run.
    folder = folder.resolve()
    config = RunConfig.model_validate(fields | {"out": str(folder.parent)})
    if config.rules is not None:
        config = config.model_copy(update={"rules": str(folder / Path(config.rules).name)})
    return result, config, folder


def require_same(result: Result, *, git: Git, env: Env, digest: str) -> None:
    """Raise `UsageError` if cells of here and now would not belong to those that ``result`` has."""
    there, here = result.git.sha or "no git", git.sha or "no git"
    if there != here:
        raise UsageError(
            f"{_FLAG} {result.run.id}: it was begun by version {there[:7]}, this is {here[:7]}; start anew"
        )
    for name in ("cpu", "cores", "java"):
        if getattr(result.env, name) != getattr(env, name):
            raise UsageError(
                f"{_FLAG} {result.run.id}: it was begun with {name} {getattr(result.env, name)}, "
                f"here it is {getattr(env, name)}; start anew"
            )
    if result.scenario.stream_digest != digest:
        raise UsageError(f"{_FLAG} {result.run.id}: the scenario makes other readings now; start anew")


def done_first(cells: Sequence[CellSpec], result: Result) -> tuple[list[CellSpec], list[CellSpec]]:
    """The planned cells that ``result`` has measured, and those that are left, each in their order."""
    measured = {cell.id for cell in result.cells if cell.status == "done"}
    return [cell for cell in cells if cell.id in measured], [cell for cell in cells if cell.id not in measured]
