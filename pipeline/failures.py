"""Spark's failures in one line: the root cause's first line, without the JVM's stack."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql.streaming.query import StreamingQuery

from base.errors import ComponentFailed
from base.kafka_security import redact


def root_cause(query: StreamingQuery) -> str | None:
    """Why ``query`` died, as ``Class: first line``; None if it runs, or was stopped."""
    failure: Any = query._jsq.exception()
    return _innermost(failure.get()) if failure.isDefined() else None


def _innermost(error: Any) -> str:
    while error.getCause() is not None:
        error = error.getCause()
    return f"{error.getClass().getSimpleName()}: {first_line(str(error.getMessage()))}"


def first_line(text: str) -> str:
    """The first line of an error's ``text`` that says anything."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "no message")


@contextlib.contextmanager
def spark_failures(log: Path, secrets: Sequence[str] = (), about: str = "") -> Iterator[None]:
    """Turn what PySpark raises within the block into a `ComponentFailed` of one line that names ``log``.

    ``secrets`` stand in no `ComponentFailed` that leaves the block, whoever raised it. ``about`` opens the
    line, such as ``the parquet sink: ``.
    """
    try:
        yield
    except PySparkException as error:
        told = f"{about}Spark refused: {first_line(str(error))} (log: {log})"
    except Py4JJavaError as error:
        told = f"{about}Spark failed: {_innermost(error.java_exception)} (log: {log})"
    except (Py4JError, ConnectionError):
        told = f"the Spark driver's JVM is gone (log: {log})"
    except ComponentFailed as error:
        told = str(error)
    else:
        return
    # Without the cause: the secrets would stand in its words.
    raise ComponentFailed(redact(told, secrets)) from None
