"""Kafka's own performance tools, run on the broker's class path: what our parts are measured beside."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
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
    arguments: list[str | Path] = ["org.apache.kafka.tools.ProducerPerformance", "--topic", topic]
    arguments += ["--num-records", str(readings), "--throughput", "-1", "--payload-file", payloads]
    return reported_rate(_run([*arguments, "--producer-props", *properties], log), readings)


def reported_rate(output: str, readings: int) -> float:
    """The messages/s of the last line in which ProducerPerformance tells of all ``readings``."""
    found = re.findall(rf"^{readings} records sent, ([\d.]+) records/sec", output, flags=re.MULTILINE)
    if not found:
        raise ComponentFailed(f"ProducerPerformance told no rate for {readings} records; its output:\n{output[-500:]}")
    return float(found[-1])


def consumer_performance(*, bootstrap: str, topic: str, readings: int, log: Path) -> float:
    """Messages/s of ``ConsumerPerformance``, which fetches all ``readings`` of a topic and looks at none of them.

    Of its whole run, in which it also joins its consumer group. Raises `ComponentFailed`.
    """
    arguments = ["org.apache.kafka.tools.ConsumerPerformance", "--bootstrap-server", bootstrap, "--topic", topic]
    return consumed_rate(_run([*arguments, "--num-records", str(readings), "--timeout", "60000"], log))


def consumed_rate(output: str) -> float:
    """The messages/s that ConsumerPerformance tells, by the name of its column."""
    lines = [[cell.strip() for cell in line.split(",")] for line in output.splitlines()]
    for names, values in itertools.pairwise(lines):
        if "nMsg.sec" in names and len(values) == len(names):
            return float(values[names.index("nMsg.sec")])
    raise ComponentFailed(f"ConsumerPerformance told no rate; its output:\n{output[-500:]}")


def _run(arguments: Sequence[str | Path], log: Path) -> str:
    """Run a tool to its end; its output."""
    name = str(arguments[0]).rpartition(".")[2]
    with Child(name, [find_java().executable, _HEAP, "-cp", tools_classpath(), *arguments], log=log) as tool:
        if tool.wait(LONGEST_S) != 0:
            raise ComponentFailed(f"{name} failed; the end of its log:\n{tail(log)}")
    return log.read_text()
