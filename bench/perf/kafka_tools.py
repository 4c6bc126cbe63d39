"""Kafka's own performance tools, run on the broker's class path: what our parts are measured beside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from base.errors import ComponentFailed
from base.jars import tools_classpath
from base.java import find_java
from base.process import Child, tail

#: How long a tool may take, s.
LONGEST_S = 600.0
#: The heap that Kafka's scripts give these tools.
_HEAP = "-Xmx512m"


def producer_performance(
    *, bootstrap: str, topic: str, readings: int, payloads: Path, settings: Mapping[str, object], log: Path
) -> float:
    """Messages/s of ``ProducerPerformance``, which sends lines of ``payloads`` drawn by lot as fast as it goes.

    From its first send to its last acknowledgement, as it reports itself. Raises `ComponentFailed`.
    """
    properties = [f"{key}={value}" for key, value in {"bootstrap.servers": bootstrap, **settings}.items()]
    command: list[str | Path] = [find_java().executable, _HEAP, "-cp", tools_classpath()]
    command += ["org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", str(readings)]
    command += ["--throughput", "-1", "--payload-file", payloads, "--producer-props", *properties]
    with Child("ProducerPerformance", command, log=log) as tool:
        if tool.wait(LONGEST_S) != 0:
            raise ComponentFailed(f"ProducerPerformance failed; the end of its log:\n{tail(log)}")
    return reported_rate(log.read_text(), readings)


def reported_rate(output: str, readings: int) -> float:
    """The messages/s of the last line in which ProducerPerformance tells of all ``readings``."""
    found = re.findall(rf"^{readings} records sent, ([\d.]+) records/sec", output, flags=re.MULTILINE)
    if not found:
        raise ComponentFailed(f"ProducerPerformance told no rate for {readings} records; its output:\n{output[-500:]}")
    return float(found[-1])
