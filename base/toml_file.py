"""Read a TOML file that a user names with a flag."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from base.errors import UsageError


def read_toml(path: Path, *, field: str, form: str) -> dict[str, Any]:
    """The file's table. Raises `UsageError` if it cannot be read, or is no TOML; ``form`` says how it should look."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{field} {path}: {error.strerror}; name a readable file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{field} {path}: no TOML ({error}); {form}") from None
