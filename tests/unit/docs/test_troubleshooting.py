"""docs/troubleshooting.md quotes lines that are really printed, and names rules that there are."""

from __future__ import annotations

import ast
import functools
import re

import pytest

from base.paths import PROJECT_ROOT
from bench.checks import RULES
from bench.reference.metrics import validity

PAGE = (PROJECT_ROOT / "docs/troubleshooting.md").read_text()
#: What the page writes for what differs from time to time.
HOLE = "<...>"
QUOTED = re.findall(r"^\| `(.+?)` \|", PAGE, re.MULTILINE)


@functools.cache
def printed() -> list[str]:
    """Every text in the code, with holes where values go; the set-up script as it stands."""
    texts = [re.sub(r"\$\(\(.*?\)\)", HOLE, (PROJECT_ROOT / "setup.sh").read_text())]
    for room in ("base", "bench", "pipeline", "sim"):
        for file in sorted((PROJECT_ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.JoinedStr):
                    texts.append("".join(one.value if isinstance(one, ast.Constant) else HOLE for one in node.values))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    texts.append(node.value)
    return texts


@pytest.mark.parametrize("quoted", QUOTED)
def test_a_quoted_line_is_printed(quoted):
    """Who searches the page for what the terminal said finds it."""
    assert len(QUOTED) > 15
    assert any(quoted in text for text in printed())


def test_every_rule_of_validity_has_a_remedy_there():
    """The third table names them all, but for the mock that no reader can start."""
    table = PAGE.split("## Cells that are not valid")[1].split("## ")[0]
    named = {name for row in re.findall(r"^\| ([a-z ,]+) \|", table, re.MULTILINE) for name in row.split(", ")}
    assert {name for name, *_ in map(validity, RULES)} - named == {"broker"}
