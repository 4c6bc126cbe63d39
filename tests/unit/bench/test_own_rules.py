"""``bench.run --rules``: what is run, what is judged and what is kept follow from the user's file."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.bench.builders import a_config, a_result

from base.errors import UsageError
from bench.advice import parse_goal
from bench.compare.comparable import workload_differences
from bench.matrix import plan
from bench.resume import stored_run
from bench.store import RunStore, dump
from bench.stream import require_beacons_alert, resolve
from bench.thresholds import parse_thresholds
from pipeline.rules import SEED_RULES, load_rules

FROST = '[[rule]]\nid = "frost"\nfield = "temperature"\ncomparison = "<"\nthreshold = 0.0\nlabel = "Frost"\n'


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A file with a rule of its own after the seed's."""
    path = tmp_path / "mine.toml"
    path.write_text(SEED_RULES.read_text() + FROST)
    return path


def test_the_pipelines_are_told_only_of_rules_that_they_do_not_have_themselves(rules: Path):
    """A flag with the file, or none; the command that repeats the run names it as well."""
    config = a_config(rules=str(rules))
    assert config.rules_flag() == ["--rules", str(rules)]
    assert f"--rules {rules}" in config.rerun_command()
    assert [rule.id for rule in config.alert_rules()][-1] == "frost"
    assert a_config().rules_flag() == []
    assert "--rules" not in a_config().rerun_command()
    assert a_config().alert_rules() == load_rules()


def test_the_copy_is_the_same_rules_and_what_a_resumed_run_goes_on_with(rules: Path, tmp_path: Path):
    """Whatever became of the user's file, and from whichever folder the run is resumed."""
    result = a_result()
    store = RunStore(tmp_path / "out", result.run.id)
    store.write_rules(load_rules(rules))
    result.run.status = "partial"
    result.config = a_config(rules=str(Path("out") / result.run.id / store.rules_file.name)).stored()
    (store.folder / "result.json").write_bytes(dump(result))
    before = load_rules(rules)
    rules.unlink()
    _, config, _ = stored_run(result.run.id, tmp_path / "out")
    assert config.alert_rules() == before


def test_a_condition_may_be_about_a_rule_of_the_run(rules: Path):
    """And about no other: the seed's rules are not there if the file has none of them."""
    cells, own = plan(a_config()), load_rules(rules)
    (threshold,) = parse_thresholds(["quality.by_rule.frost.recall >= 0.9"], cells, own)
    assert threshold.path.steps == ("quality", "by_rule", "frost", "recall")
    assert parse_goal("quality.by_rule.frost.recall >= 0.9", None, cells, own) is not None
    with pytest.raises(UsageError, match=r"unknown path 'quality\.by_rule\.frost\.recall'"):
        parse_thresholds(["quality.by_rule.frost.recall >= 0.9"], cells)
    with pytest.raises(UsageError, match=r"unknown path 'quality\.by_rule\.low_humidity\.recall'"):
        parse_thresholds(["quality.by_rule.low_humidity.recall >= 0.9"], cells, own[-1:])


def test_some_rule_has_to_hold_on_beacons(rules: Path):
    """Else no latency would be measured, and one line says so; a scenario without beacons times every alert."""
    spec = resolve(a_config())
    require_beacons_alert(spec, load_rules(rules), field="--rules x")
    with pytest.raises(UsageError, match=r"--rules x: no rule holds on the beacons.*temperature is 20 and 45 in turn"):
        require_beacons_alert(spec, load_rules(rules)[-1:], field="--rules x")
    require_beacons_alert(resolve(a_config(scenario="scenarios/calm.toml")), load_rules(), field="--rules x")


def test_results_of_other_rules_are_not_comparable(rules: Path):
    """The difference is told; a result that kept none was judged by those that come along."""
    ours, own = a_result(rules=load_rules()), a_result(rules=load_rules(rules))
    names, frost = workload_differences(ours, own)
    assert names.startswith("rules high_temperature, low_humidity, ")
    assert names.endswith("high_wind_speed, frost")
    assert frost == "rule frost unknown and temperature < 0 (Frost)"
    assert workload_differences(ours, a_result()) == []
