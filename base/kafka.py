"""A Kafka cluster as our processes see it: reachable or not, topics made and removed."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec  # type: ignore[attr-defined]

from base.errors import EnvironmentMissing, UsageError

#: librdkafka's own log lines would land in the middle of our output; errors reach us as exceptions.
QUIET = {"log_level": 0}


def free_ports(count: int) -> list[int]:
    """``count`` different TCP ports of 127.0.0.1 that were free a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Admin:
    """Topics of one cluster. ``settings`` are librdkafka's, beside the bootstrap address.

    Raises `UsageError` for settings that librdkafka refuses.
    """

    def __init__(self, bootstrap: str, settings: Mapping[str, str] | None = None) -> None:
        self.bootstrap = bootstrap
        # A refused password is told here alone: to callers it is a broker that does not answer.
        self._heard = heard = [""]
        configured: dict[str, Any] = {"bootstrap.servers": bootstrap, **QUIET, **(settings or {})}
        configured["error_cb"] = lambda error: heard.append(error.str())
        try:
            self._client = AdminClient(configured)
        except KafkaException as error:
            reason = error.args[0].str()
            raise UsageError(f"--kafka-config: librdkafka refuses it: {reason}; correct the file") from None

    def require_reachable(self, timeout_s: float = 5.0) -> int:
        """The number of brokers; raises `EnvironmentMissing` if none answers in time."""
        try:
            return len(self._client.list_topics(timeout=timeout_s).brokers)
        except KafkaException as error:
            self._client.poll(0)
            reason = self._heard[-1] or error.args[0].str()
            raise EnvironmentMissing(
                f"no Kafka broker answers at {self.bootstrap} within {timeout_s:g} s "
                f"({reason}); start one there, or give another address or --kafka-config"
            ) from None

    def partitions(self, topic: str, timeout_s: float = 5.0) -> int | None:
        """How many partitions ``topic`` has, or None if it does not exist."""
        self.require_reachable(timeout_s)
        metadata = self._client.list_topics(timeout=timeout_s).topics.get(topic)
        return len(metadata.partitions) if metadata is not None and metadata.error is None else None

    def create(
        self, topic: str, *, partitions: int, config: Mapping[str, str] | None = None, timeout_s: float = 15.0
    ) -> None:
        """Make ``topic`` (LogAppendTime unless ``config`` says otherwise) and wait for its leaders."""
        new = NewTopic(
            topic,
            num_partitions=partitions,
            # The cluster's own default: managed clusters refuse any other.
            replication_factor=-1,
            config={"message.timestamp.type": "LogAppendTime", **(config or {})},
        )
        try:
            self._client.create_topics([new], request_timeout=timeout_s)[topic].result(timeout_s)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise EnvironmentMissing(
                    f"topic {topic} cannot be created at {self.bootstrap}: {error.args[0].str()}"
                ) from None
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            metadata = self._client.list_topics(topic, timeout=timeout_s).topics.get(topic)
            if (
                metadata is not None
                and len(metadata.partitions) >= partitions
                and all(part.leader >= 0 for part in metadata.partitions.values())
            ):
                return
            time.sleep(0.05)
        raise EnvironmentMissing(f"topic {topic} has no leader at {self.bootstrap} after {timeout_s:g} s")

    def end_offsets(self, topic: str, timeout_s: float = 10.0) -> dict[int, int]:
        """One past the last offset of every partition of ``topic``; empty if it does not exist."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        wanted = {TopicPartition(topic, part): latest for part in range(self.partitions(topic, timeout_s) or 0)}
        try:
            found = self._client.list_offsets(wanted, request_timeout=timeout_s) if wanted else {}
            return {where.partition: future.result(timeout_s).offset for where, future in found.items()}
        except KafkaException as error:
            raise EnvironmentMissing(
                f"{self.bootstrap} does not tell how far topic {topic} reaches: {error.args[0].str()}"
            ) from None

    def groups(self, timeout_s: float = 10.0) -> set[str]:
        """The names of the consumer groups that the cluster knows, those without a member included."""
        try:
            listed = self._client.list_consumer_groups(request_timeout=timeout_s).result(timeout_s)
        except KafkaException as error:
            raise EnvironmentMissing(
                f"{self.bootstrap} does not tell its consumer groups: {error.args[0].str()}"
            ) from None
        return {group.group_id for group in listed.valid}

    def delete(self, topics: Iterable[str], timeout_s: float = 15.0) -> None:
        """Remove ``topics``; those that are gone already are no error."""
        names = list(topics)
        if not names:
            return
        for future in self._client.delete_topics(names, request_timeout=timeout_s).values():
            with contextlib.suppress(KafkaException):
                future.result(timeout_s)
