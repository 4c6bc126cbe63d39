"""Scenarios are found, checked whole, and hashed."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from base.errors import UsageError
from sim.scenario import SCENARIOS_DIR, list_scenarios, load_scenario, parse_scenario, scenario_hash


def table(**changes: Any) -> dict[str, Any]:
    """The default scenario's table; ``a__b=1`` changes key ``a.b``."""
    whole = tomllib.loads((SCENARIOS_DIR / "temperate-day.toml").read_text())
    for dotted, value in changes.items():
        *path, key = dotted.split("__")
        inner = whole
        for part in path:
            inner = inner.setdefault(part, {})
        inner[key] = value
    return whole


def refusal(**changes: Any) -> str:
    """The one line that a changed table is refused with."""
    with pytest.raises(UsageError) as caught:
        parse_scenario(table(**changes), source="mine.toml")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", list_scenarios())
def test_shipped_scenarios_load_under_their_name(name: str):
    """Every file in scenarios/ is valid and is called what its file is called."""
    assert load_scenario(name).name == name


def test_shipped_scenarios_are_listed():
    """The default and the calm scenario are there."""
    assert {"calm", "temperate-day"} <= set(list_scenarios())


def test_units_of_the_default():
    """Durations come out in seconds, the start in epoch microseconds."""
    scenario = load_scenario("temperate-day")
    assert (scenario.interval_s, scenario.lead_s, scenario.speedup) == (600.0, 86400.0, 2880.0)
    assert scenario.start_us == datetime(2026, 6, 21, tzinfo=UTC).timestamp() * 1e6


def test_unknown_name_suggests_the_nearest():
    """A misspelt name is a usage error that offers the right one."""
    with pytest.raises(UsageError, match="did you mean 'temperate-day'"):
        load_scenario("temprate-day")


def test_own_file(tmp_path: Path):
    """A path that ends in .toml is read as it is; a missing one is a usage error."""
    mine = tmp_path / "mine.toml"
    mine.write_text((SCENARIOS_DIR / "calm.toml").read_text().replace('"calm"', '"mine"'))
    assert load_scenario(str(mine)).name == "mine"
    with pytest.raises(UsageError, match="name a readable file"):
        load_scenario(str(tmp_path / "other.toml"))


def test_no_toml(tmp_path: Path):
    """A file that is no TOML is a usage error that says where."""
    broken = tmp_path / "broken.toml"
    broken.write_text("name = \n")
    with pytest.raises(UsageError, match=r"no TOML.*line 1"):
        load_scenario(str(broken))


def test_unknown_key_names_its_path_and_the_nearest():
    """A misspelt key is refused with its dotted path and the key that was meant."""
    message = refusal(temperature__mean=3.0)
    assert message == "mine.toml: unknown key 'temperature.mean'; did you mean 'temperature.mean_c'?"


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"wind__mean_ms": -1.0}, ("wind.mean_ms = -1.0", "greater than 0")),
        ({"rain__mean_mm_per_h": "much"}, ("rain.mean_mm_per_h = 'much'", "valid number")),
        ({"interval": "10 minutes"}, ("interval = '10 minutes'", "write a number and a unit")),
        ({"interval": "0s"}, ("interval = '0s'", "longer than 0")),
        ({"start": datetime(2026, 6, 21)}, ("start", "UTC")),
        ({"faults__spike__fields": ["pressure"]}, ("faults.spike.fields.0 = 'pressure'", "'temperature'")),
        (
            {"faults__stuck_at__duration": "7d", "faults__stuck_at__per_sensor_day": 0.1},
            ("faults.stuck_at", "overlap", "up to 0.0714"),
        ),
        ({"faults__bias__per_sensor_day": -0.1}, ("faults.bias.per_sensor_day = -0.1", "greater than or equal to 0")),
        ({"faults__bias__levels": ["huge"]}, ("faults.bias.levels.0 = 'huge'", "'low', 'medium' or 'high'")),
        ({"faults__bias__fields": []}, ("faults.bias", "name at least one")),
        ({"faults__cross_field__fields": ["humidity"]}, ("faults.cross_field.fields", "at most 0")),
        ({"faults__sentinel__codes": []}, ("faults.sentinel.codes", "at least 1")),
        ({"faults__drit__per_sensor_day": 0.1}, ("unknown key 'faults.drit'", "did you mean 'faults.drift'?")),
        ({"beacons__share": 0.9}, ("beacons.share = 0.9", "less than or equal to 0.5")),
        ({"latitude": float("nan")}, ("latitude",)),
    ],
)
def test_wrong_values_name_key_value_and_remedy(changes: dict[str, Any], parts: tuple[str, ...]):
    """A wrong type or range is one line with the key's path, its value and what would be right."""
    message = refusal(**changes)
    assert message.startswith("mine.toml: ")
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_missing_key():
    """A key without a default that is left out is named."""
    whole = table()
    del whole["temperature"]["mean_c"]
    with pytest.raises(UsageError, match=r"mine.toml: the key 'temperature.mean_c' is missing"):
        parse_scenario(whole, source="mine.toml")


def test_hash_follows_content_only():
    """The same content in another order has the same hash; any changed number another one."""
    scenario = parse_scenario(table(), source="a")
    turned = parse_scenario(dict(reversed(table().items())), source="b")
    assert scenario_hash(scenario) == scenario_hash(turned)
    assert scenario_hash(scenario) != scenario_hash(parse_scenario(table(uv__ozone_du=351.0), source="c"))
