"""``python -m sim.golden``: does this machine make the readings that the project committed to?

Every shipped scenario has a committed digest. Where another machine makes another one, versions and
processor features that differ are named.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from platform import machine, python_version
from typing import Annotated, Any, Final

import numpy as np
import orjson
import typer
from rich.console import Console
from rich.progress import track

from base.errors import one_line_errors
from sim.digest import stream_digest
from sim.scenario import list_scenarios, load_scenario, scenario_hash
from sim.stream import resolve_stream

#: Scenario -> its hash, the digest of its stretch below, and the versions that made it.
GOLDEN_FILE: Final = Path(__file__).with_name("golden_digests.json")

#: The stretch that is hashed, of every scenario: enough sensors and hours for every kind of fault.
SEED: Final = 42
SENSORS: Final = 200
FOR_S: Final = 86400.0

#: The packages that a reading's last bit may depend on.
PACKAGES: Final = ("numpy", "scipy", "pvlib", "pandas")


def golden_digests() -> dict[str, Any]:
    """What is committed; empty if nothing is."""
    return dict(orjson.loads(GOLDEN_FILE.read_bytes())) if GOLDEN_FILE.exists() else {}


def digest_of_scenario(name: str) -> dict[str, str]:
    """The scenario's hash, and its stream's digest as this machine makes it."""
    scenario = load_scenario(name)
    stream = resolve_stream(scenario, seed=SEED, sensors=SENSORS)
    return {"scenario_hash": scenario_hash(scenario), "stream_digest": stream_digest(stream, 0.0, FOR_S)}


def differences(names: list[str]) -> Iterator[tuple[str, str | None]]:
    """For each scenario, as it is found out, what differs from what is committed; None: nothing."""
    golden = golden_digests()
    committed = golden.get("scenarios", {})
    for name in names:
        found = digest_of_scenario(name)
        yield name, _difference(name, found, committed.get(name), golden.get("made_with", {}))


def write_golden() -> None:
    """Commit to what this machine makes of every shipped scenario."""
    names = list_scenarios()
    scenarios = {name: digest_of_scenario(name) for name in track(names, "hashing", console=Console(stderr=True))}
    table = {"made_with": made_with(), "scenarios": scenarios}
    GOLDEN_FILE.write_bytes(orjson.dumps(table, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def made_with() -> dict[str, str]:
    """Versions, and the processor's features that NumPy found: what a last bit may depend on."""
    config: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]
    simd = config["SIMD Extensions"]
    return {
        "python": python_version(),
        **{package: version(package) for package in PACKAGES},
        "machine": machine(),
        "cpu_features": " ".join([*simd["baseline"], *simd.get("found", [])]),
    }


def _difference(
    name: str, found: dict[str, str], committed: dict[str, str] | None, theirs: dict[str, str]
) -> str | None:
    if committed is None:
        return f"{name}: no digest is committed; write it with python -m sim.golden --write"
    if found["scenario_hash"] != committed["scenario_hash"]:
        return f"{name}: the scenario was changed; if that was meant, python -m sim.golden --write"
    if found["stream_digest"] == committed["stream_digest"]:
        return None
    ours = made_with()
    unlike = [f"{key} {ours[key]} (committed with {theirs.get(key)})" for key in ours if ours[key] != theirs.get(key)]
    reason = "; ".join(unlike) or "the same versions and processor features: the simulator itself has changed"
    return f"{name}: digest {found['stream_digest'][:12]}, committed {committed['stream_digest'][:12]}. Here: {reason}"


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command(epilog="Example: python -m sim.golden")
@one_line_errors
def golden(
    write: Annotated[bool, typer.Option("--write", help="Commit to the digests that this machine makes.")] = False,
) -> None:
    """Compare what this machine makes of every shipped scenario with the committed digests.

    Exit code 1 if one differs; it is told which versions and processor features do.
    """
    if write:
        write_golden()
        return
    failed = False
    for name, difference in differences(list_scenarios()):
        print(difference or f"{name}: as committed")
        failed = failed or difference is not None
    if failed:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
