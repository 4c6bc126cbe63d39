"""What README and docs show can be typed.

Every `python -m` of every page is parsed by the command's own parser. `bench.run` plans what is shown. What takes
seconds and no Kafka is run; `LEFT` says why the others are not run here, and where they are.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner
from unit.docs.pages import PAGES, Shown, commands_in, shown_commands
from unit.reports.stored_runs import result, store

from base.paths import PROJECT_ROOT
from bench.reference.commands import COMMANDS, app_of
from pipeline.rules import load_rules

SHOWN = shown_commands()

#: Commands that are no typer apps: they take what is listed, and nothing else.
PLAIN = {
    "base.jars": {(), ("--connector",), ("--relock",), ("--tools",)},
    "bench.schema": {()},
    "bench.reference": {()},
}

#: Run for real, as shown, in a folder that has what a reader has by then.
RUN = (
    "bench.compare",
    "bench.crossings",
    "bench.list",
    "bench.score",
    "reports.render",
    "sim.digest",
    "sim.generate",
    "sim.plot",
)

#: Not run here, and why.
LEFT = {
    "bench.run": "minutes a run; planned below, and run by tests/e2e/test_run.py",
    "bench.doctor": "starts Kafka and Spark; tests/e2e/test_newcomer.py",
    "bench.live": "goes on until Ctrl-C; tests/e2e/test_live.py",
    "bench.noise": "a quarter of an hour; tests/unit/bench/test_noise.py",
    "bench.perf": "minutes to hours; tests/broker/test_perf.py, tests/e2e/test_soak.py",
    "bench.trust": "most of an hour; tests/e2e/test_trust.py",
    "reports.dashboard": "goes on until Ctrl-C; tests/browser/test_dashboard_page.py, tests/broker/test_dashboard.py",
    "pipeline.plain": "wants Kafka; tests/broker/test_plain.py",
    "pipeline.run": "wants Kafka and Spark; tests/spark/test_seed.py, tests/spark/test_commands.py",
    "sim.golden": "simulates every scenario; tests/unit/sim/test_golden.py",
    "sim.publish": "wants Kafka; tests/broker/test_publish.py, tests/broker/test_seed.py",
    "sim.realism": "two months of weather; tests/unit/sim/test_realism.py",
    "sim.resend": "wants Kafka; tests/broker/test_publish.py",
}

#: Files that only a reader has, and words that stand for something of theirs: `RUN`, `A`, `N`.
_READERS_OWN = re.compile(r"roof\.toml|[A-Z]+")


def is_whole(shown: Shown) -> bool:
    """Whether it can be typed as it stands, by anybody."""
    named_only = shown.in_sentence and not shown.arguments
    return not named_only and not any(_READERS_OWN.fullmatch(word) for word in shown.arguments)


def parsed(module: str, arguments: tuple[str, ...]) -> None:
    """Raise what the command itself would, for an option or a value that it does not know; run nothing."""
    command: Any = typer.main.get_command(app_of(module))
    # N stands for a number; --help alone would be obeyed, and end the test.
    words = ["1" if word == "N" else word for word in arguments if word != "--help"]
    if (below := getattr(command, "commands", None)) is not None:
        command = below[words.pop(0)]
    if "--help" not in arguments:
        command.make_context(module, words)


@pytest.mark.parametrize("shown", SHOWN, ids=str)
def test_every_command_is_parsed(shown):
    """No page shows an option that does not exist, a value of the wrong kind, or a command without what it needs."""
    if shown.module in PLAIN:
        assert shown.arguments in PLAIN[shown.module]
    else:
        assert shown.module in COMMANDS
        if shown.arguments or not shown.in_sentence:
            parsed(shown.module, shown.arguments)


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("bench.run", ("--sensor", "3")),
        ("bench.run", ("--sensors", "many")),
        ("sim.generate", ()),
        ("bench.perf", ("publisher", "--fast")),
    ],
)
def test_a_mistake_on_a_page_is_found(module, arguments):
    """An unknown option, a value of another kind and a missing one do not pass."""
    with pytest.raises(Exception, match=r"(?i)no such option|valid integer|missing"):
        parsed(module, arguments)


def test_commands_are_found_wherever_they_stand():
    """In blocks, fenced or indented, in sentences, behind prompts and variables, over lines, and inside others."""
    text = """
Say `python -m a.b --one` or

    X=1 python -m c.d 'two  words' --three   a remark
    python -m e.f \\
      --four "$(python -m g.h --five)" | less

```
$ .venv/bin/python -m i.j {six}  # a comment
rerun    python -m k.l > seven; python -m m.n && echo
python -m pip install eight
```
"""
    found = [(one.module, *one.arguments) for one in commands_in(text, "page")]
    assert ("a.b", "--one") in found
    assert ("c.d", "two  words", "--three") in found
    assert ("g.h", "--five") in found
    assert ("i.j", "{six}") in found
    assert [one for one in found if one[0] in ("k.l", "m.n")] == [("k.l",), ("m.n",)]
    assert "e.f" in {one[0] for one in found}
    assert "pip" not in {one[0] for one in found}


def test_every_command_is_run_or_left_for_a_reason():
    """What is shown and neither run nor left would be forgotten."""
    modules = {shown.module for shown in SHOWN} - set(PLAIN)
    assert modules <= {*RUN, *LEFT}
    assert not {*RUN} & {*LEFT}
    for why in LEFT.values():
        for test in re.findall(r"tests/\S+\.py", why):
            assert (PROJECT_ROOT / test).exists(), test


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """What a reader has by then: runs, their own scenario, rules and pipeline, a cluster's file, alerts to score."""
    home: Path = tmp_path_factory.mktemp("reader")
    for room in ("examples", "pipeline", "scenarios"):
        (home / room).symlink_to(PROJECT_ROOT / room)
    for run in ("results/BEFORE", "results/latest", "before/latest", "after/latest"):
        (home / run).mkdir(parents=True)
        store(home / run, result())
    for page in PAGES:
        for line in re.findall(r"^ *((?:cp|printf|sed) .*)$", page.read_text(), re.MULTILINE):
            subprocess.run(line, shell=True, cwd=home, check=True)
    (home / "cloud.toml").write_text(blocks("docs/secured-clusters.md", "toml")[0])
    return home


def blocks(page: str, language: str) -> list[str]:
    """The page's fenced blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", (PROJECT_ROOT / page).read_text(), re.DOTALL)


def invoke(shown: Shown, monkeypatch: pytest.MonkeyPatch, folder: Path, *more: str) -> None:
    """Run a shown command in ``folder``; it has to succeed."""
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app_of(shown.module), [*shown.arguments, *more])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"


@pytest.mark.parametrize(
    "shown", [one for one in SHOWN if one.module in RUN and one.is_written and is_whole(one)], ids=str
)
def test_what_takes_seconds_is_run(shown, monkeypatch, folder):
    """It ends well, as it stands on the page. (The examples of --help are parsed only: their files are nobody's.)"""
    invoke(shown, monkeypatch, folder)


def test_the_change_of_the_tutorial_is_one(folder):
    """What it has a reader replace stands in the example."""
    assert '"linger.ms": 50' in (folder / "mine.py").read_text()


def test_the_rule_of_the_page_is_what_its_command_adds(folder):
    """The rule that docs/own-rules.md shows stands at the end of the file that its commands make."""
    (shown,) = blocks("docs/own-rules.md", "toml")
    (folder / "frost.toml").write_text(shown)
    assert load_rules(folder / "rules.toml") == (*load_rules(), *load_rules(folder / "frost.toml"))


@pytest.mark.parametrize("shown", [one for one in SHOWN if one.module == "bench.run" and is_whole(one)], ids=str)
def test_every_run_has_a_plan(shown, monkeypatch, folder):
    """Triggers, partitions, thresholds, scenarios and templates are what bench.run takes, all of them together."""
    monkeypatch.setenv("KAFKA_SECRET", "x")
    invoke(shown, monkeypatch, folder, "--dry-run")
