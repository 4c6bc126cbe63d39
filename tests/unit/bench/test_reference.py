"""docs/reference/ says what the code says, and leaves no command out."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from pydantic import BaseModel, Field

from base.paths import PROJECT_ROOT
from bench.cell_paths import known_paths, rule_ids
from bench.config import RunConfig
from bench.reference import FOLDER, PAGES
from bench.reference.annotations import default_of, hints, in_words, remarks
from bench.reference.commands import COMMANDS, STARTED_BY_OTHERS, parsers, section
from bench.reference.configuration import SET_BY
from bench.reference.markdown import paragraphs, prose, table
from bench.reference.thresholds import rows

ROOMS = ("base", "bench", "pipeline", "reports", "sim")


@pytest.mark.parametrize("name", PAGES)
def test_a_committed_page_is_what_would_be_written(name):
    """Whoever changes an option, a record or a scenario is told to run `python -m bench.reference`."""
    assert (FOLDER / name).read_text() == PAGES[name]()


def test_no_page_is_left_over():
    """What nothing writes any more does not stand there."""
    assert {file.name for file in FOLDER.iterdir()} == set(PAGES)


def test_every_command_is_on_the_page_or_started_by_others():
    """A module with a typer app is one of the two: a new command cannot be forgotten."""
    files = [file for room in ROOMS for file in (PROJECT_ROOT / room).rglob("*.py")]
    found = {
        ".".join(file.relative_to(PROJECT_ROOT).with_suffix("").parts).removesuffix(".__main__")
        for file in files
        if "\napp = typer.Typer(" in file.read_text()
    }
    assert found == {*COMMANDS, *STARTED_BY_OTHERS}


def test_a_command_without_an_option_and_with_each_kind():
    """Names, kinds, defaults and the words of each option stand in its row."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)

    @app.command(epilog="Example: python -m some.thing --size 3")
    def thing(
        file: Annotated[str, typer.Argument(metavar="FILE", help="What to read.")],
        size: Annotated[int, typer.Option(help="How large | wide.")] = 2,
        rate: Annotated[float | None, typer.Option(help="Per <second>.")] = None,
        start: Annotated[bool, typer.Option(help="Begin.")] = True,
        quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing.")] = False,
    ) -> None:
        """Do it.

        \b
        one  two
        """

    text = section("some.thing", typer.main.get_command(app))
    assert "| `FILE` | needed | What to read. |" in text
    assert "| `--size INT` | `2` | How large \\| wide. |" in text
    assert "| `--rate FLOAT` |  | Per &lt;second>. |" in text
    assert "| `--start/--no-start` | `--start` | Begin. |" in text
    assert "| `--quiet` |  | Say nothing. |" in text
    assert "Do it.\n\n```\none  two\n```" in text
    assert text.endswith("```\npython -m some.thing --size 3\n```")


def test_every_key_of_a_run_is_set_by_an_option():
    """Each key's flag exists, whether it has the key's name or another."""
    ((_, command),) = parsers("bench.run")
    options = {option.name for option in command.params}
    assert {SET_BY.get(key, key) for key in RunConfig.model_fields} - {None} <= options
    assert set(SET_BY) <= set(RunConfig.model_fields)


class Inner(BaseModel):
    """Inside."""

    share: Annotated[float, Field(ge=0, lt=1)] = 0.5


class Outer(Inner):
    """Outside."""

    #: What it is
    #: called.
    name: str
    inner: list[Inner] = []
    size: tuple[int, ...] | None = None


def test_fields_in_words():
    """Bounds, optional values, lists and models are told; comments belong to the field below them."""
    kinds = {name: in_words(kind) for name, kind in hints(Outer).items()}
    assert kinds == {
        "share": "number, at least 0, below 1",
        "name": "text",
        "inner": "list of [Inner](#inner)",
        "size": "list of whole number or null",
    }
    assert remarks(Outer) == {"name": "What it is called."}
    assert [default_of(field) for field in Outer.model_fields.values()] == ["`0.5`", "", "", ""]
    with pytest.raises(TypeError, match="no words for"):
        in_words(complex)


def test_markdown_of_a_docstring():
    """Code stays code, an angle bracket is no HTML, and a bar ends no cell."""
    assert prose("a ``x < y`` and <z>,\n  \\[default: 2]") == "a `x < y` and &lt;z>, [default: 2]"
    assert paragraphs("One\ntwo.\n\n\b\nas it\n  stands") == "One two.\n\n```\nas it\n  stands\n```"
    assert table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |"


def test_paths_are_folded_into_places():
    """Numbers of one record share a line, and so do all rules, and all deadlines."""
    lines = {(path, unit): numbers for paths, numbers, unit in rows() for path in paths.split("<br>")}
    assert "`p99`" in lines["`latency_ms.due_to_seen`", "ms"]
    assert "`precision`" in lines["`quality.by_rule.RULE`", ""]
    assert lines["`fidelity.recall_at_deadline`", ""] == "`D`"
    assert len(rows()) < len(lines) < len(known_paths(rule_ids(None)))
