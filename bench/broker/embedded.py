"""A throw-away Kafka broker: one JVM, one KRaft node, loopback only, free ports, its own folder."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from base.class_archive import ClassArchive
from base.errors import ComponentFailed, EnvironmentMissing
from base.jars import BROKER, KAFKA_VERSION, Report, broker_classpath
from base.java import Java, find_java
from base.kafka import Admin, free_ports
from base.paths import require_free_disk
from base.process import GRACE_S, Child, tail
from bench.broker.properties import server_properties, to_text
from bench.pauses import log_option

#: A day's run of a full matrix stays far below this; Kafka itself wants room for its segments.
NEEDED_DISK_BYTES = 2 * 2**30

_JVM = (
    # All of the heap from the start: its first hour would else be seen as memory that grows, and as page faults.
    "-Xms512m",
    "-Xmx512m",
    "-XX:+AlwaysPreTouch",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
)

_LOG4J = """
rootLogger.level = WARN
rootLogger.appenderRef.file.ref = file
appender.file.type = File
appender.file.name = file
appender.file.fileName = {file}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %c: %m%n
logger.server.name = kafka.server
logger.server.level = INFO
"""


#: A JVM that records its classes writes them down as it ends.
_RECORDING_GRACE_S = 90.0

#: How long the broker's folder may take to be formatted, s: it takes one.
_FORMAT_S = 60.0


def broker_archive(java: Java) -> ClassArchive:
    """The class archive of the broker, and of the tool that formats its folder."""
    return ClassArchive(name=BROKER.name, jars=BROKER.folder, java=java)


class EmbeddedBroker:
    """A broker that lives as long as this object; use it as a context manager.

    With ``record`` its class archive is recorded, written when it stops.

    Raises `EnvironmentMissing` if Java, the jars or the disk are not there, `ComponentFailed` (with
    the end of the broker's log) if it does not come up.
    """

    def __init__(
        self, *, report: Report | None = None, tries: int = 3, ready_s: float = 30.0, record: bool = False
    ) -> None:
        java = find_java()
        archive = broker_archive(java)
        self._recording = record
        self._classes = archive.record_options() if record else archive.options()
        classpath = broker_classpath(report)
        self._folder = Path(tempfile.mkdtemp(prefix="alertbench-broker-"))
        self._child: Child | None = None
        try:
            require_free_disk(self._folder, NEEDED_DISK_BYTES)
            for attempt in range(tries):
                try:
                    self._start(java, classpath, ready_s)
                    return
                except _PortTaken:
                    # Someone took a port between our look and the broker's bind.
                    if attempt == tries - 1:
                        raise ComponentFailed(
                            f"the broker found its ports taken {tries} times; the end of its log:\n{tail(self.log)}"
                        ) from None
        except BaseException:
            self.stop()
            raise

    @property
    def log(self) -> Path:
        """The broker's log file."""
        return self._folder / "broker.log"

    @property
    def pause_log(self) -> Path:
        """The log of its JVM's safepoints."""
        return self._folder / "safepoints.log"

    def _start(self, java: Java, classpath: str, ready_s: float) -> None:
        port, controller_port = free_ports(2)
        self.bootstrap = f"127.0.0.1:{port}"
        data = self._folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        self._properties = server_properties(
            host="127.0.0.1", port=port, controller_port=controller_port, data_dir=data
        )
        properties = self._folder / "server.properties"
        properties.write_text(to_text(self._properties))
        log4j = self._folder / "log4j2.properties"
        log4j.write_text(_LOG4J.format(file=self.log))
        jvm = [
            os.fspath(java.executable),
            *_JVM,
            *self._classes,
            f"-Dlog4j2.configurationFile={log4j}",
            "-cp",
            classpath,
        ]
        cluster_id = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        format_log = self._folder / "format.log"
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", os.fspath(properties)]
        with Child("broker format", [*jvm, *tool], log=format_log, scratch=self._folder) as formatting:
            status = formatting.wait(_FORMAT_S)
        if status != 0:
            raise EnvironmentMissing(f"Kafka cannot format {data}: {_cause(format_log.read_text())}")
        grace_s = _RECORDING_GRACE_S if self._recording else GRACE_S
        command = [jvm[0], log_option(os.fspath(self.pause_log)), *jvm[1:], "kafka.Kafka", os.fspath(properties)]
        self._child = Child("broker", command, log=self._folder / "broker.out", grace_s=grace_s, scratch=self._folder)
        self._wait_ready(port, ready_s)

    def _wait_ready(self, port: int, ready_s: float) -> None:
        assert self._child is not None
        deadline = time.monotonic() + ready_s
        while time.monotonic() < deadline:
            if not self._child.alive:
                text = tail(self.log, 40) + tail(self._folder / "broker.out", 40)
                self._child.stop()
                if "Address already in use" in text or "BindException" in text:
                    raise _PortTaken
                raise ComponentFailed(f"the broker ended while starting; the end of its log:\n{tail(self.log)}")
            # The client listener opens last in start-up: once it accepts, the broker serves.
            # A short question: on a port clash it is someone else who accepts, and our broker dies meanwhile.
            with contextlib.suppress(OSError, EnvironmentMissing):
                with socket.create_connection(("127.0.0.1", port), timeout=0.2):
                    Admin(self.bootstrap).require_reachable(timeout_s=1.0)
                return
            time.sleep(0.05)
        raise ComponentFailed(f"the broker was not ready after {ready_s:g} s; the end of its log:\n{tail(self.log)}")

    def describe(self) -> dict[str, Any]:
        """Kind, version, JVM options and every property."""
        shown = {key: value for key, value in self._properties.items() if key != "log.dirs"}
        return {"kind": "embedded", "version": KAFKA_VERSION, "jvm": list(_JVM), "properties": shown}

    def processes(self) -> list[psutil.Process]:
        """The broker's JVM."""
        return self._child.processes() if self._child is not None else []

    def stop(self) -> None:
        """End the JVM at once (its data are thrown away) and remove its folder."""
        if self._child is not None and self._recording:
            self._child.stop()
        elif self._child is not None:
            self._child.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> EmbeddedBroker:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _cause(output: str) -> str:
    """The line of a JVM's output that tells what went wrong: the last exception named, else the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    named = [line for line in lines if "Exception" in line and not line.startswith("at ")]
    return (named or lines or ["no output"])[-1]


class _PortTaken(Exception):
    """A port was free when we looked and taken when the broker bound it."""
