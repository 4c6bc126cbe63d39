"""Where things live on the user's machine, and whether there is room for them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from base.errors import EnvironmentMissing, UsageError

#: The checkout: the packages are installed from it in place, so scenarios/ and docs/ stand beside them.
PROJECT_ROOT = Path(__file__).resolve().parent.parent


def cache_dir() -> Path:
    """The user's cache of jars: ``ALERTBENCH_CACHE``, else ``~/.cache/alertbench``; made if absent."""
    folder = Path(os.environ.get("ALERTBENCH_CACHE") or Path.home() / ".cache" / "alertbench")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentMissing(
            f"cannot make the cache folder {folder}: {error.strerror}; set ALERTBENCH_CACHE to a writable folder"
        ) from error
    return folder


def writable_dir(folder: Path, *, field: str) -> Path:
    """``folder``, made if absent and proved writable; else a `UsageError` naming ``field``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".write-probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(f"{field} {folder}: {error.strerror}; name a folder you may write to") from error
    return folder


def require_free_disk(folder: Path, needed_bytes: int) -> None:
    """Raise `EnvironmentMissing` unless the disk below ``folder`` has ``needed_bytes`` free."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise EnvironmentMissing(
            f"{folder} has {free / 2**20:.0f} MiB free and this needs about {needed_bytes / 2**20:.0f} MiB; "
            "free some room or choose another disk with --out (results) and TMPDIR (broker, Spark)"
        )
