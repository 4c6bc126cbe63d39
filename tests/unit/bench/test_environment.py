"""The commit that a result names."""

import subprocess
from pathlib import Path

from bench.environment import git_facts


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
