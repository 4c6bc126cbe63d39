"""One generator for the settings of every broker we start, here or in a container."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

#: The settings that do not depend on where the broker runs. Kafka's defaults are made for a data
#: centre: 50 offset partitions, 3 s of rebalance delay, 18 background threads.
COMMON: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "CLIENT",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # Topics are made explicitly; a typing mistake must not make one.
    "auto.create.topics.enable": "false",
    "log.cleaner.dedupe.buffer.size": "2097152",
    "log.segment.delete.delay.ms": "1000",
    # Nothing needs to survive a crash. By default the controller writes an empty record down to the disk twice a
    # second, and the broker its watermarks every 5 s: on a journaling file system appends wait for that, and for the
    # disk to take what was appended before.
    "metadata.max.idle.interval.ms": "0",
    "replica.high.watermark.checkpoint.interval.ms": "2147483647",
    "log.flush.offset.checkpoint.interval.ms": "2147483647",
    "log.flush.start.offset.checkpoint.interval.ms": "2147483647",
    # Simulated time may lie in the future (Kafka 4 rejects more than an hour by default).
    "log.message.timestamp.after.max.ms": "9223372036854775807",
    # A record of 1 MB must reach the pipeline, which is what decides about it.
    "message.max.bytes": "2097152",
}


def server_properties(*, host: str, port: int, controller_port: int, data_dir: Path | str) -> dict[str, str]:
    """A combined broker and controller on ``host``, clients on ``port``.

    The quorum is static (`controller.quorum.voters`): a dynamic one writes the controller's port into
    the formatted folder and so ties the folder to it.
    """
    return {
        **COMMON,
        "controller.quorum.voters": f"1@{host}:{controller_port}",
        "listeners": f"CLIENT://{host}:{port},CONTROLLER://{host}:{controller_port}",
        "advertised.listeners": f"CLIENT://{host}:{port}",
        "log.dirs": str(data_dir),
    }


def to_text(properties: Mapping[str, str]) -> str:
    """The Java properties file that holds ``properties``."""
    return "".join(f"{key}={value}\n" for key, value in properties.items())
