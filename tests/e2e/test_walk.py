"""A newcomer's walk: what README says, typed in its order into a fresh clone, with nothing installed before."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from base.paths import PROJECT_ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1500)]

#: The longest that one line may take, s.
LINE_S = 600


def typed() -> list[str]:
    """The lines of README's first block that a newcomer types, then those of "Make it yours", without remarks."""
    readme = (PROJECT_ROOT / "README.md").read_text()
    first, yours = (re.findall(r"```\n(.*?)```", part, re.DOTALL)[0] for part in readme.split("## Make it yours"))
    lines = [re.split(r"\s{2,}", line)[0] for line in (first + yours).splitlines()]
    # `make bench` is the same as `make quick` for longer, and `make test` is what this is part of.
    return [line for line in lines if line not in ("make bench", "make test", ". .venv/bin/activate")]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is committed, in a folder of its own."""
    folder = tmp_path_factory.mktemp("newcomer") / "alertbench"
    subprocess.run(["git", "clone", "-q", str(PROJECT_ROOT), str(folder)], check=True)
    return folder


def activated(clone: Path) -> dict[str, str]:
    """The environment after `. .venv/bin/activate`."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}
    return inherited | {"PATH": f"{clone / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def test_readme_alone_leads_to_all_of_it(clone: Path):
    """A report, a rule and a scenario of one's own, a dashboard: each line works when it is typed."""
    *lines, live = typed()
    assert lines[0] == "make quick"
    assert live.startswith("python -m bench.live")
    for line in lines:
        print(f"$ {line}", flush=True)
        subprocess.run(line, shell=True, cwd=clone, env=activated(clone), timeout=LINE_S, check=True)
        if line.startswith("cp ") and line.endswith("rules.toml"):
            # "a rule is five lines in that file: change one, add one"
            rules = clone / "rules.toml"
            rules.write_text(rules.read_text().replace("threshold = 35.0", "threshold = 30.0"))
        if line.startswith("cp ") and line.endswith("mine.toml"):
            scenario = clone / "mine.toml"
            scenario.write_text(scenario.read_text().replace('name = "temperate-day"', 'name = "mine"', 1))
    results = [json.loads(path.read_text()) for path in sorted((clone / "results").glob("2*/result.json"))]
    assert len(results) == 3
    for result, folder in zip(results, sorted((clone / "results").glob("2*")), strict=True):
        assert (folder / "report.html").stat().st_size > 100_000
        assert [cell["fidelity"]["missing"] + cell["fidelity"]["extra"] for cell in result["cells"]] == [0, 0]
    assert [result["rules"][0]["threshold"] for result in results] == [35.0, 30.0, 35.0]
    assert [result["scenario"]["name"] for result in results] == ["temperate-day", "temperate-day", "mine"]
    assert_dashboard(live, clone)


def assert_dashboard(line: str, clone: Path) -> None:
    """The page is served at the URL that is printed, and Ctrl-C ends it."""
    print(f"$ {line}", flush=True)
    command = [*line.split(), "--no-browser", "--port", "0"]
    with subprocess.Popen(command, cwd=clone, env=activated(clone), stdout=subprocess.PIPE, text=True) as live:
        try:
            assert live.stdout is not None
            with urllib.request.urlopen(live.stdout.readline().strip(), timeout=10) as page:
                assert b"IoT Alerts Dashboard" in page.read()
        finally:
            live.send_signal(signal.SIGINT)
    assert live.returncode == 130
