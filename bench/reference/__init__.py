"""docs/reference/, read off the code: what each page says follows from the types and commands that it is about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from base.paths import PROJECT_ROOT
from bench.reference import commands, configuration, metrics, results, scenarios, thresholds

#: Where the committed pages are.
FOLDER: Final[Path] = PROJECT_ROOT / "docs" / "reference"

#: Each page by its file's name.
PAGES: Final[dict[str, Callable[[], str]]] = {
    "commands.md": commands.page,
    "configuration.md": configuration.page,
    "results.md": results.page,
    "scenarios.md": scenarios.page,
    "metrics.md": metrics.page,
    "thresholds.md": thresholds.page,
}
