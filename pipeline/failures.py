"""Spark's failures in one line: the root cause's first line, without the JVM's stack."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql.streaming.query import StreamingQuery

from base.errors import ComponentFailed


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
def spark_failures(log: Path, about: str = "") -> Iterator[None]:
    """Turn what PySpark raises within the block into a `ComponentFailed` of one line that names ``log``.

    ``about`` opens the line, such as ``the parquet sink: ``.
    """
    try:
        yield
    except PySparkException as error:
        raise ComponentFailed(f"{about}Spark refused: {first_line(str(error))} (log: {log})") from error
    except Py4JJavaError as error:
        raise ComponentFailed(f"{about}Spark failed: {_innermost(error.java_exception)} (log: {log})") from error
    except (Py4JError, ConnectionError) as error:
        raise ComponentFailed(f"the Spark driver's JVM is gone (log: {log})") from error
