"""Java's class archives: a JVM maps the classes it will need instead of loading and verifying them.

Half of a broker's and a driver's start is spent on that. An archive is recorded once for each Java
and each set of jars, and kept in the user's cache, which holds the last few; Java checks by itself
that it still fits the class path, and goes on without it if not. It changes how soon a JVM is up,
not how fast it runs.

Java's own name for it is Class Data Sharing (JEP 310, JEP 350).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from base.java import Java
from base.paths import cache_dir

#: So many archives of a name are kept, those used last: a driver's has 170 MB, and every environment has its own.
KEPT: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassArchive:
    """The archive of one kind of JVM: ``name`` says what runs in it, ``jars`` where its classes are from."""

    name: str
    jars: Path
    java: Java

    @property
    def path(self) -> Path:
        """Its file, which need not exist."""
        executable = self.java.executable.stat()
        parts = (str(self.jars), str(self.java.home), str(self.java.version), str(executable.st_mtime_ns))
        key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
        return cache_dir() / "classes" / f"{self.name}-{key}.jsa"

    def options(self) -> list[str]:
        """JVM options that use it; none if it was not recorded."""
        if not self.path.exists():
            return []
        with contextlib.suppress(OSError):  # Only so that `keep` knows which are in use.
            os.utime(self.path)
        return [f"-XX:SharedArchiveFile={self.path}"]

    def record_options(self) -> list[str]:
        """JVM options that record it: it is written when the JVM ends in peace, which takes some 10 s."""
        self.path.parent.mkdir(exist_ok=True)
        options = [f"-XX:ArchiveClassesAtExit={self._fresh}"]
        if not _has_base(self.java):
            base = self.path.with_name(f"java-{self.path.stem.rpartition('-')[2]}.jsa")
            _dump_base(self.java, base)
            options.append(f"-XX:SharedArchiveFile={base}")
        return options

    def keep(self) -> bool:
        """Take what was recorded into use, and remove those of its name not used for longest; whether it was there."""
        try:
            self._fresh.replace(self.path)
        except FileNotFoundError:
            return False
        of_this_name = sorted(self.path.parent.glob(f"{self.name}-*.jsa"), key=lambda file: -file.stat().st_mtime_ns)
        for unused in of_this_name[KEPT:]:
            unused.unlink()
        return True

    @property
    def _fresh(self) -> Path:
        return self.path.with_suffix(".recorded")


def _has_base(java: Java) -> bool:
    """Whether this Java comes with an archive of its own classes, on which ours are built."""
    return (java.home / "lib" / "server" / "classes.jsa").exists()


def _dump_base(java: Java, path: Path) -> None:
    # A second's work; a wheel's runtime is shipped without it.
    subprocess.run([java.executable, "-Xshare:dump", f"-XX:SharedArchiveFile={path}"], capture_output=True, check=False)
