"""Record the class archives of broker and driver, once for each Java: later runs start sooner."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from base.class_archive import ClassArchive
from base.errors import AlertbenchError
from base.java import find_java
from base.kafka import Admin
from base.paths import cache_dir
from base.process import Child, python_module
from bench.broker.embedded import EmbeddedBroker, broker_archive
from pipeline.archive import driver_archive

#: Of a driver's life the archive shall hold: start, batches, real-time mode, end.
_SERVE_S = 3


def ready_class_archives(report: Callable[[str], None]) -> None:
    """Record what is missing. A Java that cannot do it costs time at every start, and nothing else."""
    java = find_java()
    archives = [broker_archive(java), driver_archive(java)]
    if all(archive.path.exists() for archive in archives):
        return
    with FileLock(cache_dir() / "classes.lock"), contextlib.suppress(AlertbenchError):
        if not all(archive.path.exists() for archive in archives):
            report("recording Java's class archives, once for this machine (about 40 s)")
            _record(*archives)


def _record(broker_classes: ClassArchive, driver_classes: ClassArchive) -> None:
    with tempfile.TemporaryDirectory(prefix="alertbench-classes-") as temp:
        with EmbeddedBroker(record=True) as broker:
            admin = Admin(broker.bootstrap)
            for topic in ("readings", "alerts", "rejects"):
                admin.create(topic, partitions=1)
            command = python_module("sim.publish", "--bootstrap", broker.bootstrap, "--topic", "readings")
            command += ["--unpaced", "--readings", "20000", "--json-events"]
            with Child("publisher", command, log=Path(temp) / "publisher.log", events=True) as publisher:
                publisher.wait_for("done", timeout_s=60)
            command = python_module("pipeline.run", "--bootstrap", broker.bootstrap, "--topic", "readings")
            command += ["--alerts-topic", "alerts", "--rejects-topic", "rejects", "--trigger", "realtime:5s"]
            command += ["--warm-topic", "readings", "--warm-alerts-topic", "alerts", "--warm-limit", "8s"]
            command += ["--for", f"{_SERVE_S}s", "--record-classes", "--json-events"]
            with Child("driver", command, log=Path(temp) / "driver.log", events=True) as driver:
                driver.wait_for("stopped", timeout_s=90)
                driver.wait(90)
        broker_classes.keep()
        driver_classes.keep()
