"""docs/reference/scenarios.md: the scenarios that come along, and every key of a scenario's file with its default."""

from __future__ import annotations

from typing import Any, Final, get_args

from pydantic import BaseModel

from bench.reference.annotations import Named, default_of, described, hints, in_words, models_in
from bench.reference.markdown import code, table, whole_page
from sim import scenario_fields as fields
from sim.scenario import ReplayScenario, Scenario, UniformScenario, WeatherScenario, list_scenarios, load_scenario

#: What is checked as a file: all scenarios, and what each kind has beyond them.
FILES: Final[tuple[type[Scenario], ...]] = (Scenario, WeatherScenario, UniformScenario, ReplayScenario)

_NAMED: Final[Named] = (
    (fields.Duration, "duration"),
    (fields.ShortDuration, "duration below 1d"),
    (fields.Spread, "duration below 1d, or `0s`"),
    (fields.Positive, "number above 0"),
    (fields.NotNegative, "number, 0 or more"),
    (fields.Share, "number from 0 to 1"),
    (fields.Celsius, "number from -90 to 70"),
    (fields.Range, "[low, high]"),
    (fields.Instant, "instant in UTC"),
    (fields.Channel, "channel"),
)


def page() -> str:
    """The page's text."""
    shipped = [[link(name), load_scenario(name).title] for name in list_scenarios()]
    return whole_page(
        "Scenarios",
        "`--scenario` takes a name from this table, or the path of a `.toml` file. [Scenarios](../scenarios.md) tells "
        "what the keys mean, with typical values; [your own](../own-scenario.md), how to make one.",
        table(["scenario", "what it is"], shipped),
        "A key without a default has to be there. The default of a key holds where its table is there and the key is "
        "not. Durations are texts such as `10min`, channels `temperature`, `humidity`, `rainfall`, `wind_speed`, "
        "`UV_index`.",
        *(section(model, paths) for model, paths in tables().items()),
    )


def link(name: str) -> str:
    """The scenario's name, leading to its own page."""
    return f"[`{name}`](../scenarios/{name}.md)"


def tables() -> dict[type[BaseModel], list[str]]:
    """Every table of a scenario's file by the model that checks it; kinds of scenario are the file itself."""
    found: dict[type[BaseModel], list[str]] = {kind: [] for kind in FILES}
    for kind in FILES:
        _collect(kind, "", found)
    return found


def section(model: type[BaseModel], paths: list[str]) -> str:
    """One table, or several that are checked alike."""
    heading = ", ".join(f"`[{path}]`" for path in paths) or f"A file: {model.__name__}"
    keys = rows(model)
    parts = [f"## {heading}", described(model), table(["key", "value", "default"], keys) if keys else ""]
    return "\n\n".join(part for part in parts if part)


def rows(model: type[BaseModel]) -> list[list[str]]:
    """The keys that a table has of its own; tables in it have a section each."""
    own = {name: kind for name, kind in hints(model).items() if not models_in(kind)}
    if model in FILES[1:]:
        own = {name: kind for name, kind in own.items() if name not in Scenario.model_fields}
    return [[code(name), in_words(_given(kind), _NAMED), _default(model, name)] for name, kind in own.items()]


def _given(kind: Any) -> Any:
    """Without its None: TOML has none."""
    args = get_args(kind)
    return args[0] if len(args) == 2 and args[1] is type(None) else kind


def _default(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    return "" if field.is_required() else default_of(field) or "none"


def _collect(model: type[BaseModel], prefix: str, found: dict[type[BaseModel], list[str]]) -> None:
    for name, kind in hints(model).items():
        for inside in models_in(kind):
            paths = found.setdefault(inside, [])
            if prefix + name not in paths:
                paths.append(prefix + name)
                _collect(inside, f"{prefix}{name}.", found)
