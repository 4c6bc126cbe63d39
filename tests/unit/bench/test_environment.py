"""What a result says of its making."""

import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from bench.environment import git_facts, typed


def test_a_file_of_the_users_own_does_not_make_a_checkout_dirty_but_an_edit_does(tmp_path: Path):
    """As git describe tells it: rules.toml beside the project changes nothing of what ran under its commit."""

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=T", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    assert git_facts(tmp_path).sha is None
    git("init")
    (tmp_path / "code.py").write_text("1")
    git("add", "code.py")
    git("commit", "-m", "one")
    (tmp_path / "rules.toml").write_text("mine")
    facts = git_facts(tmp_path)
    assert facts.sha is not None
    assert facts.dirty is False
    (tmp_path / "code.py").write_text("2")
    assert git_facts(tmp_path).dirty is True


def test_what_was_typed_names_no_folder_of_the_machine(monkeypatch: pytest.MonkeyPatch):
    """Results are passed on: they hold what a reader can type, not where its writer's checkout stood."""
    monkeypatch.setattr(sys, "argv", ["/home/somebody/alertbench/bench/trust/__main__.py", "--seed", "1"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", ModuleSpec("bench.trust.__main__", None))
    assert typed() == ["python", "-m", "bench.trust", "--seed", "1"]
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    assert typed() == ["python", "__main__.py", "--seed", "1"]
