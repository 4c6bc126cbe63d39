"""Threshold rules as data: read from a file, checked whole, then compiled for Spark and for the reference."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from base.errors import UsageError, did_you_mean
from base.toml_file import read_toml
from wire.alert import NO_ALERT
from wire.reading import CHANNELS

Comparison = Literal[">", ">=", "<", "<="]

#: The five rules that are used when no file is named.
SEED_RULES: Final = Path(__file__).with_name("seed_rules.toml")


class AlertRule(BaseModel):
    """``field comparison threshold`` raises ``label``; the threshold is in the field's own unit.

    The ``id`` stands in alert ids and in `fired`. A null field fires no rule.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    field: Literal["temperature", "humidity", "rainfall", "wind_speed", "UV_index"]
    comparison: Comparison
    threshold: Annotated[float, Field(allow_inf_nan=False)]
    label: Annotated[str, StringConstraints(min_length=1)]


def load_rules(path: Path | None = None) -> tuple[AlertRule, ...]:
    """The rules of a TOML file (a ``[[rule]]`` table each) in the file's order, which is the labels'.

    Without ``path``, the five seed rules. Raises `UsageError`, one line naming file, rule, key and
    value, for anything that is no list of distinct, finite rules.
    """
    path = SEED_RULES if path is None else path
    document = read_toml(path, field="--rules", form=f"see {SEED_RULES.name} for the form")
    for key in document:
        if key != "rule":
            raise UsageError(f"--rules {path}: unknown key '{key}'{did_you_mean(key, ['rule'])}")
    tables = document.get("rule")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"--rules {path}: no rules; write at least one [[rule]] table")
    rules = tuple(_checked(table, f"--rules {path}: rule {n}") for n, table in enumerate(tables, 1))
    for key in ("id", "label"):
        for value, count in Counter(getattr(rule, key) for rule in rules).items():
            if count > 1:
                raise UsageError(f"--rules {path}: {key} '{value}' stands in {count} rules; make each one differ")
    for rule in rules:
        if rule.label == NO_ALERT:
            raise UsageError(f"--rules {path}: rule '{rule.id}': label '{NO_ALERT}' means that no rule holds")
    return rules


def _checked(table: dict[str, Any], where: str) -> AlertRule:
    if isinstance(table.get("id"), str):
        where += f" ('{table['id']}')"
    try:
        return AlertRule.model_validate(table)
    except ValidationError as error:
        # The first complaint only: one line, and the next run shows the next one.
        raise UsageError(f"{where}: {_in_words(error.errors()[0])}") from None


def _in_words(complaint: Any) -> str:
    key, value = str(complaint["loc"][0]), complaint["input"]
    match complaint["type"]:
        case "extra_forbidden":
            return f"unknown key '{key}'{did_you_mean(key, AlertRule.model_fields)}"
        case "missing":
            return f"key '{key}' is missing; add it"
        case "literal_error" if key == "field":
            return f"unknown field '{value}'{did_you_mean(str(value), CHANNELS)}"
        case "literal_error":
            return f"{key} = '{value}' is unknown; write one of {', '.join(get_args(Comparison))}"
        case "finite_number":
            return f"{key} = {value} is not finite; write a number"
        case "string_pattern_mismatch":
            return f"{key} = '{value}' is no id; write lower-case letters, digits and _, a letter first"
        case _:
            return f"{key} = {value!r}: {complaint['msg'][0].lower()}{complaint['msg'][1:]}"
