"""``python -m bench.trust``: plant faults outside the instrument, and see that it reports them, no more and no less."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import BaseModel
from rich.console import Console

from base.errors import ExitCode, UsageError, did_you_mean, one_line_errors
from base.paths import writable_dir
from base.process import interrupt_on_sigterm
from bench.campaign import open_broker, ready_java
from bench.environment import environment, git_facts
from bench.perf.tables import print_table
from bench.store import write_whole
from bench.trust import indistinct
from bench.trust.checks import Line, Outcome
from bench.trust.suite import CELL_S, SUITE, Load, Suite, cells_of, suite_config
from bench.view import View

NAMES: Final = (*(plant.name for plant in SUITE), indistinct.NAME)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

_HELP = f"""Plant delays, losses and errors outside the instrument, and see whether it reports them.

Each check runs a real cell: broker, Spark, publisher, collector; then it is shown a cell without the
plant, or with half of it, and has to fail there. It wants the machine for itself.

\b
  python -m bench.trust                             everything
  python -m bench.trust --only held,clock           some of: {", ".join(NAMES)}
  python -m bench.trust --resume results/trust-...  what an interrupted run has left
  python -m bench.trust --markdown > table.md       the table of docs/trust.md

Exit: 0 all found, 3 something was not, 2 usage, 5 something missing here, 130 interrupted.
"""


def outcome_from(stored: dict[str, Any]) -> Outcome:
    """An `Outcome` from `trust.json`."""
    lines, without = ([Line(**line) for line in stored[key]] for key in ("lines", "without"))
    return Outcome(name=stored["name"], words=stored["words"], lines=lines, without=without)


class Record:
    """The outcomes so far, and the folder that keeps them."""

    def __init__(self, folder: Path, *, resumed: bool) -> None:
        self.folder = folder
        self.outcomes: list[Outcome] = []
        self.done: list[str] = []
        self._git, self._env = plain(git_facts()), plain(environment())
        self._file = folder / "trust.json"
        if resumed:
            try:
                stored = json.loads(self._file.read_text())
            except (OSError, ValueError) as error:
                raise UsageError(f"--resume {folder}: no trust.json can be read there ({error})") from None
            if stored["git"] != self._git:
                raise UsageError(f"--resume {folder}: it was begun by another version of this project; begin anew")
            self.outcomes, self.done = [outcome_from(one) for one in stored["checks"]], stored["done"]
        else:
            folder.mkdir(exist_ok=True)
            self._keep()

    def add(self, name: str, outcomes: list[Outcome]) -> None:
        """Keep the outcomes of one plant."""
        self.done.append(name)
        self.outcomes += outcomes
        self._keep()

    def _keep(self) -> None:
        write_whole(self._file, (json.dumps(self.as_json(), indent=2) + "\n").encode())

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "git": self._git,
            "env": self._env,
            "done": self.done,
            "checks": [
                {**asdict(one), "found": one.found, "can_fail": one.can_fail, "green": one.green}
                for one in self.outcomes
            ],
        }


def plain(facts: BaseModel) -> dict[str, Any]:
    """Facts as JSON holds them."""
    return facts.model_dump(mode="json")


@app.command(help=_HELP)
@one_line_errors
def main(
    only: Annotated[str | None, typer.Option(metavar="NAME,...", help="Some of the plants.")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="DIR", help="Go on with a run that was cut off.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for results.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The table in Markdown.")] = False,
) -> None:
    """See `_HELP`."""
    wanted = NAMES if only is None else tuple(part.strip() for part in only.split(","))
    for name in wanted:
        if name not in NAMES:
            raise UsageError(f"--only {name}: no such plant{did_you_mean(name, NAMES)}")
    folder = resume or writable_dir(out, field="--out") / f"trust-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    record = Record(folder, resumed=resume is not None)
    interrupt_on_sigterm()
    left = [name for name in wanted if name not in record.done]
    try:
        run_all(left, record)
    except KeyboardInterrupt:
        show(record, as_json=as_json, markdown=markdown)
        Console(stderr=True).print(f"interrupted; go on with --resume {folder}", soft_wrap=True)
        raise SystemExit(int(ExitCode.INTERRUPTED)) from None
    show(record, as_json=as_json, markdown=markdown)
    raise SystemExit(int(ExitCode.OK if all(one.green for one in record.outcomes) else ExitCode.THRESHOLD))


def run_all(names: list[str], record: Record) -> None:
    """Run the plants called ``names``, and keep each outcome as it comes."""
    plants = [plant for plant in SUITE if plant.name in names]
    if plants:
        with View(total=cells_of(plants), cell_estimate_s=lambda _: CELL_S) as view:
            config = suite_config(Load(), record.folder)
            ready_java(config, view)
            with open_broker(config, {}) as coming_up, Suite(coming_up.result(), record.folder, view) as suite:
                for plant in plants:
                    outcomes = suite.run(plant)
                    record.add(plant.name, outcomes)
                    for one in outcomes:
                        view.note(in_short(one))
    if indistinct.NAME in names:
        record.add(indistinct.NAME, [indistinct.run(record.folder)])


def in_short(one: Outcome) -> str:
    """One check on one line."""
    if one.green:
        return f"found      {one.name}"
    red = [f"{line.what}: {line.planted} planted, {line.found} found" for line in one.lines if not line.ok]
    return f"NOT FOUND  {one.name}: {'; '.join(red) or 'it holds without the plant as well, and so shows nothing'}"


def show(record: Record, *, as_json: bool, markdown: bool) -> None:
    """All outcomes on stdout."""
    if as_json:
        print(json.dumps(record.as_json()))
        return
    columns = ["check", "looked at", "planted", "found", "without the plant"]
    rows = []
    for one in record.outcomes:
        for number, (line, without) in enumerate(zip(one.lines, one.without, strict=True)):
            name = f"{'✓' if one.green else '✗'} {one.name}" if number == 0 else ""
            rows.append([name, line.what, line.planted, line.found, without.found + ("" if without.ok else " ✗")])
    print_table(columns, rows, markdown=markdown, numbers=False)
    green = sum(one.green for one in record.outcomes)
    Console(stderr=True).print(
        f"{green} of {len(record.outcomes)} checks hold; {record.folder}/trust.json", soft_wrap=True
    )


if __name__ == "__main__":
    app()
