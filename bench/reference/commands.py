"""docs/reference/commands.md: every command with its options, from the typer apps themselves."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from typing import Any, Final

import typer
from typer.main import get_command

from bench.reference.markdown import code, listing, paragraphs, prose, table, whole_page

#: What people start, in the order in which they come to want it. By name: this room imports no report, and reads of
#: its command nothing but the options.
COMMANDS: Final = (
    "bench.run",
    "bench.live",
    "bench.list",
    "bench.compare",
    "bench.doctor",
    "bench.noise",
    "bench.trust",
    "bench.score",
    "bench.crossings",
    "bench.perf",
    "reports.render",
    "reports.dashboard",
    "sim.generate",
    "sim.publish",
    "sim.resend",
    "sim.digest",
    "sim.plot",
    "sim.realism",
    "sim.golden",
    "pipeline.run",
    "pipeline.plain",
)

#: What only other commands start.
STARTED_BY_OTHERS: Final = (
    "bench.collector",
    "bench.hostmeter",
    "bench.perf.drains",
    "bench.perf.stages",
    "bench.trust.relay",
)


def app_of(module: str) -> typer.Typer:
    """The typer app that ``python -m module`` starts."""
    package = import_module(module)
    # A package's own `app` may be a module of that name.
    app = found if isinstance(found := getattr(package, "app", None), typer.Typer) else None
    app = app or import_module(f"{module}.__main__").app
    assert isinstance(app, typer.Typer)
    return app


def parsers(module: str) -> Iterator[tuple[str, Any]]:
    """The command of ``module``, or each of its subcommands, with the words that name it on a command line."""
    command: Any = get_command(app_of(module))
    below = getattr(command, "commands", None)
    if below is None:
        yield module, command
    else:
        for name, one in below.items():
            yield f"{module} {name}", one


def page() -> str:
    """The page's text."""
    parts = [section(name, command) for module in COMMANDS for name, command in parsers(module)]
    opening = (
        "Each is started as `python -m NAME`, from any folder, and tells the same with `--help`. Progress goes to "
        "stderr, results to stdout. [Exit codes and environment variables](configuration.md)."
    )
    return whole_page("Commands", opening, *parts)


def section(name: str, command: Any) -> str:
    """One command: what it does, its options, its example."""
    context = typer.Context(command)
    rows = [row(parameter, context) for parameter in command.params if not parameter.hidden]
    parts = [f"## {name}", paragraphs(command.help or ""), table(["option", "default", "what it is"], rows)]
    if command.epilog:
        parts.append(listing(command.epilog.removeprefix("Example: ")))
    return "\n\n".join(part for part in parts if part)


def row(parameter: Any, context: typer.Context) -> list[str]:
    """One option or argument, as a line of the table."""
    kind = parameter.display_type(context).strip("<>")
    # What can be chosen from is shown as it is typed.
    value = parameter.metavar or (kind if "|" in kind else kind.upper())
    if parameter.param_type_name == "option":
        names = "/".join([*parameter.opts, *parameter.secondary_opts])
        value = names if parameter.is_flag else f"{names} {value}"
    return [code(value), "needed" if parameter.required else code(default(parameter)), prose(parameter.help or "")]


def default(parameter: Any) -> str:
    """What holds without the option; nothing where nothing does, or where the help says it."""
    value = parameter.default
    if isinstance(value, bool) and parameter.secondary_opts:
        return str((parameter.opts if value else parameter.secondary_opts)[0])
    if value is None or value is False:
        return ""
    if isinstance(value, Enum):
        return str(value.value)
    return f"{value:g}" if isinstance(value, float) else str(value)
