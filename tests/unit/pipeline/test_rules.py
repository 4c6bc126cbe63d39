"""Rules are read whole, in their order, or refused in one line that says what to change."""

from __future__ import annotations

import pytest

from base.errors import UsageError
from pipeline.rules import AlertRule, load_rules

GOOD = {"id": '"hot"', "field": '"temperature"', "comparison": '">"', "threshold": "35.0", "label": '"Hot"'}


def table(**changes: str | None) -> str:
    """A rule in TOML; a key changed to None is left out."""
    keys = {key: value for key, value in (GOOD | changes).items() if value is not None}
    return "[[rule]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def test_seed_rules():
    """Without a file there are the seed's five rules, in the order of their labels."""
    assert [(rule.id, rule.field, rule.comparison, rule.threshold, rule.label) for rule in load_rules()] == [
        ("high_temperature", "temperature", ">", 35.0, "High Temperature"),
        ("low_humidity", "humidity", "<", 20.0, "Low Humidity"),
        ("high_uv_index", "UV_index", ">", 8.0, "High UV Index"),
        ("heavy_rainfall", "rainfall", ">", 50.0, "Heavy Rainfall"),
        ("high_wind_speed", "wind_speed", ">", 20.0, "High Wind Speed"),
    ]


def test_own_rules_keep_their_order(tmp_path):
    """A file's rules come in the file's order; a whole number will do as a threshold."""
    path = tmp_path / "rules.toml"
    path.write_text(table(threshold="30") + table(id='"warm"', label='"Warm"', comparison='">="'), encoding="utf-8")
    first, second = load_rules(path)
    assert first == AlertRule(id="hot", field="temperature", comparison=">", threshold=30.0, label="Hot")
    assert (second.id, second.comparison) == ("warm", ">=")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (table(field='"temprature"'), ["rule 1 ('hot')", "temprature", "did you mean 'temperature'?"]),
        (table(treshold="1.0"), ["unknown key 'treshold'", "did you mean 'threshold'?"]),
        (table(label=None), ["rule 1 ('hot')", "'label' is missing"]),
        (table(comparison='"=>"'), ["comparison", "=>", ">=, <, <="]),
        (table(threshold="nan"), ["threshold", "nan", "not finite"]),
        (table(threshold="-inf"), ["threshold", "-inf", "not finite"]),
        (table(threshold='"35"'), ["threshold", "'35'", "number"]),
        (table(threshold="true"), ["threshold", "True", "number"]),
        (table(id='"Hot one"'), ["id", "Hot one", "lower-case"]),
        (table(id="7"), ["rule 1", "id", "7"]),
        (table(label='""'), ["label", "''"]),
        (table() + table(label='"Other"'), ["id 'hot'", "2 rules"]),
        (table() + table(id='"other"'), ["label 'Hot'", "2 rules"]),
        (table(label='"No Alert"'), ["'hot'", "No Alert"]),
        (table().replace("[[rule]]", "[[rules]]"), ["unknown key 'rules'", "did you mean 'rule'?"]),
        ("", ["no rules"]),
        ("rule = 3", ["no rules"]),
        ("rule = [3]", ["no rules"]),
        ("[[rule]", ["no TOML"]),
    ],
)
def test_mistakes_are_one_line(tmp_path, text, words):
    """The line names the flag, the file, the rule, the key and the value."""
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_rules(path)
    message = str(caught.value)
    assert message.startswith(f"--rules {path}: ")
    assert "\n" not in message
    for word in words:
        assert word in message


def test_absent_and_unreadable_files(tmp_path):
    """A file that is not there or is no text is a usage error too."""
    with pytest.raises(UsageError, match="No such file"):
        load_rules(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no TOML"):
        load_rules(tmp_path / "binary.toml")
