"""librdkafka's batch producer: a whole column of messages in one call, no Python object for each.

confluent-kafka has no call that takes columns: its ``produce_batch`` wants a dict for each message, and
reading those costs more CPU than all that librdkafka does with them. So ``rd_kafka_produce_batch`` is
called itself, with ctypes, in the very library that confluent-kafka is linked with. It belongs to
librdkafka's documented C API (``rdkafka.h``), whose binary interface is kept stable.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from ctypes import POINTER, c_char_p, c_int, c_int32, c_int64, c_size_t, c_void_p
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import numpy as np
from confluent_kafka import KafkaError, cimpl
from numpy.typing import NDArray

from base.errors import ComponentFailed, EnvironmentMissing, UsageError
from base.kafka_security import HIDDEN, is_secret

#: Failures are counted all, and kept only so many.
MOST_FAILURES: Final = 1_000


class _Message(ctypes.Structure):
    """``rd_kafka_message_t``."""

    _fields_ = (
        ("err", c_int),
        ("rkt", c_void_p),
        ("partition", c_int32),
        ("payload", c_void_p),
        ("len", c_size_t),
        ("key", c_void_p),
        ("key_len", c_size_t),
        ("offset", c_int64),
        ("_private", c_void_p),
    )


#: A message as librdkafka takes it: addresses and lengths of ``payload`` and ``key`` are to be set.
MESSAGE: Final = np.dtype(_Message)

Messages: TypeAlias = NDArray[Any]

_OnDelivery = ctypes.CFUNCTYPE(None, c_void_p, POINTER(_Message), c_void_p)

# Constants of rdkafka.h.
_PRODUCER: Final = 0
_UNASSIGNED: Final = -1
_COPY: Final = 0x2
_PURGE_ALL: Final = 0x1 | 0x2

_SIGNATURES: Final[Mapping[str, tuple[Any, ...]]] = {
    "rd_kafka_conf_new": (c_void_p,),
    "rd_kafka_conf_set": (c_int, c_void_p, c_char_p, c_char_p, c_char_p, c_size_t),
    "rd_kafka_conf_set_dr_msg_cb": (None, c_void_p, _OnDelivery),
    "rd_kafka_conf_destroy": (None, c_void_p),
    "rd_kafka_new": (c_void_p, c_int, c_void_p, c_char_p, c_size_t),
    "rd_kafka_topic_new": (c_void_p, c_void_p, c_char_p, c_void_p),
    "rd_kafka_produce_batch": (c_int, c_void_p, c_int32, c_int, c_void_p, c_int),
    "rd_kafka_poll": (c_int, c_void_p, c_int),
    "rd_kafka_flush": (c_int, c_void_p, c_int),
    "rd_kafka_outq_len": (c_int, c_void_p),
    "rd_kafka_purge": (c_int, c_void_p, c_int),
    "rd_kafka_fatal_error": (c_int, c_void_p, c_char_p, c_size_t),
    "rd_kafka_err2str": (c_char_p, c_int),
    "rd_kafka_topic_destroy": (None, c_void_p),
    "rd_kafka_destroy": (None, c_void_p),
}


def _library() -> ctypes.CDLL:
    # A symbol is looked up in the extension and in all that it is linked with.
    library = ctypes.CDLL(cimpl.__file__)
    for name, (result, *arguments) in _SIGNATURES.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise EnvironmentMissing(
                f"librdkafka's {name} cannot be called in {cimpl.__file__}; install confluent-kafka from its wheel"
            ) from None
        function.restype, function.argtypes = result, arguments
    return library


@dataclass(frozen=True, slots=True)
class Failure:
    """A message that was not delivered, and why, in librdkafka's words."""

    reason: str
    value: bytes


class BatchProducer:
    """A producer for one topic; a context manager. ``settings`` are librdkafka's.

    A message is in flight until it is acknowledged or has failed for good; ``len`` tells how many are.
    Failures are noticed by `poll` and `flush`: ``failed`` counts them, ``failures`` holds the first.
    Raises `UsageError` for settings that librdkafka refuses.
    """

    def __init__(self, settings: Mapping[str, object], topic: str) -> None:
        self._library = _library()
        self._reason = ctypes.create_string_buffer(512)
        self.failed = 0
        self.failures: list[Failure] = []
        # What is called from C must live as long as what calls it.
        self._on_delivery = _OnDelivery(self._delivered)
        conf = self._library.rd_kafka_conf_new()
        # Else every message would come back to be told that all is well.
        for key, value in {**settings, "delivery.report.only.error": True}.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if self._library.rd_kafka_conf_set(conf, key.encode(), text.encode(), *self._reason_buffer()):
                self._library.rd_kafka_conf_destroy(conf)
                shown = HIDDEN if is_secret(key) else text
                raise UsageError(f"librdkafka refuses {key}={shown}: {self._reason.value.decode()}")
        self._library.rd_kafka_conf_set_dr_msg_cb(conf, self._on_delivery)
        self._client = self._library.rd_kafka_new(_PRODUCER, conf, *self._reason_buffer())
        if not self._client:
            self._library.rd_kafka_conf_destroy(conf)
            raise UsageError(f"librdkafka refuses its settings: {self._reason.value.decode()}")
        self._topic = self._library.rd_kafka_topic_new(self._client, topic.encode(), None)
        if not self._topic:
            self._library.rd_kafka_destroy(self._client)
            raise UsageError(f"'{topic}' is no name for a topic; use letters, digits, '.', '_' and '-'")

    def _reason_buffer(self) -> tuple[ctypes.Array[ctypes.c_char], int]:
        return self._reason, len(self._reason)

    def __len__(self) -> int:
        count: int = self._library.rd_kafka_outq_len(self._client)
        return count

    def produce(self, messages: Messages) -> int:
        """Queue as many of ``messages`` (M,) of `MESSAGE` as there is room for; returns how many, from the first on.

        Keys and values are copied. Raises `ComponentFailed` if the producer can do no more.
        """
        address, count = messages.__array_interface__["data"][0], len(messages)
        queued = self._library.rd_kafka_produce_batch(self._topic, _UNASSIGNED, _COPY, address, count)
        if queued == count:
            return count
        # Once the queue is full, all that follow are refused for that; others may be refused by themselves.
        full = np.flatnonzero(messages["err"] == KafkaError._QUEUE_FULL)
        taken = int(full[0]) if len(full) else count
        for row in np.flatnonzero(messages["err"][:taken]):
            self._fail(_Message.from_address(address + int(row) * MESSAGE.itemsize))
        if taken and messages["err"][0] == KafkaError._FATAL:
            self._library.rd_kafka_fatal_error(self._client, *self._reason_buffer())
            raise ComponentFailed(f"Kafka's producer gave up: {self._reason.value.decode()}")
        return taken

    def poll(self, timeout_s: float) -> None:
        """Notice failures; wait for one at most ``timeout_s``."""
        self._library.rd_kafka_poll(self._client, round(timeout_s * 1000))

    def flush(self, timeout_s: float) -> None:
        """Send what waits, and wait for acknowledgements at most ``timeout_s``."""
        self._library.rd_kafka_flush(self._client, round(timeout_s * 1000))

    def give_up(self) -> None:
        """Let all that is in flight fail."""
        self._library.rd_kafka_purge(self._client, _PURGE_ALL)
        self.flush(1.0)

    def close(self) -> None:
        """Leave the cluster; what is in flight is lost. Safe to call twice."""
        if self._client:
            self._library.rd_kafka_topic_destroy(self._topic)
            self._library.rd_kafka_destroy(self._client)
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _delivered(self, client: int, message: Any, opaque: int) -> None:
        self._fail(message.contents)

    def _fail(self, message: _Message) -> None:
        self.failed += 1
        if len(self.failures) < MOST_FAILURES:
            reason = self._library.rd_kafka_err2str(message.err).decode()
            self.failures.append(Failure(reason, ctypes.string_at(message.payload, message.len)))
