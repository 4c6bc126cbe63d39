"""Every shipped scenario makes the committed bytes, and where it does not, the message says what may be why."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from sim import golden
from sim.scenario import list_scenarios


@pytest.mark.parametrize("name", list_scenarios())
def test_scenarios_make_the_committed_bytes(name: str):
    """The digest of a day of 200 sensors is the one in the repository."""
    ((_, difference),) = golden.differences([name])
    assert difference is None


def test_a_difference_names_versions_and_processor(monkeypatch: pytest.MonkeyPatch):
    """The message tells what is unlike the machine that made the committed digest."""
    committed = golden.golden_digests()
    committed["made_with"] |= {"numpy": "0.0.1", "cpu_features": "ABACUS"}
    committed["scenarios"]["seed"]["stream_digest"] = "0" * 64
    monkeypatch.setattr(golden, "golden_digests", lambda: committed)
    ((_, difference),) = golden.differences(["seed"])
    assert difference is not None
    assert "committed 000000000000" in difference
    assert "(committed with 0.0.1)" in difference
    assert "(committed with ABACUS)" in difference


def test_a_changed_scenario_and_a_new_one_are_told_apart(monkeypatch: pytest.MonkeyPatch):
    """Neither is taken for a machine that computes otherwise."""
    committed = golden.golden_digests()
    committed["scenarios"]["seed"]["scenario_hash"] = "0" * 64
    del committed["scenarios"]["calm"]
    monkeypatch.setattr(golden, "golden_digests", lambda: committed)
    (_, changed), (_, new) = golden.differences(["seed", "calm"])
    assert changed is not None
    assert "was changed" in changed
    assert new is not None
    assert "no digest is committed" in new


def test_the_command_tells_and_fails(monkeypatch: pytest.MonkeyPatch):
    """A line per scenario, and exit code 1 where one differs."""
    monkeypatch.setattr(golden, "list_scenarios", lambda: ["seed"])
    result = CliRunner().invoke(golden.app)
    assert (result.exit_code, result.stdout) == (0, "seed: as committed\n")
    monkeypatch.setattr(golden, "golden_digests", dict)
    assert CliRunner().invoke(golden.app).exit_code == 1
