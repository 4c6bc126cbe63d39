"""Start Spark, and end it: one driver in a JVM of its own, with its files and its chatter kept together."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from base.errors import UsageError
from base.jars import spark_connector_jars
from base.java import find_java
from pipeline.archive import driver_archive
from pipeline.parser import parser_jar, register_parser
from pipeline.profiles import Profile
from pipeline.triggers import Trigger

_LOG4J = Path(__file__).with_name("log4j2.properties")

#: Name of the driver's log in the work folder.
LOG_NAME: Final = "spark.log"

#: Settings and options of these names are hidden in the UI, in event logs and in plans, and so is every
#: other text of a plan that holds a login or a private key. Spark's own names are kept: it has one
#: pattern, which ours takes the place of.
_SECRET_NAMES: Final = r"(?i)secret|password|token|access[.]?key|jaas|(trust|key)store[.](certificate|key)"
_SECRET_TEXTS: Final = (
    r'(?i)password\s*=\s*"(?:[^"\\]|\\.)*+"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*+-----END [A-Z ]*PRIVATE KEY-----'
)
REDACTION: Final[Mapping[str, str]] = {
    "spark.redaction.regex": _SECRET_NAMES,
    "spark.redaction.string.regex": _SECRET_TEXTS,
    "spark.sql.redaction.options.regex": rf"{_SECRET_NAMES}|url",
    "spark.sql.redaction.string.regex": _SECRET_TEXTS,
}

_CLOSE_S = 10.0
#: A JVM that records its classes writes them down as it ends.
_CLOSE_RECORDING_S = 90.0


def choose_master(triggers: Sequence[Trigger], partitions: int, given: str | None) -> str:
    """``given``, or a local master with enough slots for the queries' triggers and the source's partitions.

    A real-time task holds its slot for the whole batch, one per partition, so a local master with
    fewer slots would leave partitions unread, and one without a slot more would leave none to the
    other queries: `UsageError`. Micro-batches would come through with fewer, but the partitions that wait for a slot
    hold the oldest readings, and keep them for as long as the others take.
    """
    is_realtime = any(trigger.is_realtime for trigger in triggers)
    if given is None:
        slots = max(4, partitions + 2) if is_realtime else max(2, partitions, os.cpu_count() or 2)
        return f"local[{slots}]"
    local = re.fullmatch(r"local(?:\[(\d+|\*)[^\]]*\])?", given)
    if is_realtime and local is not None:
        slots = (os.cpu_count() or 1) if local[1] == "*" else int(local[1] or 1)
        if slots < partitions + (len(triggers) > 1):
            more = ", and the other sinks need one" if len(triggers) > 1 else ""
            raise UsageError(
                f"--spark-master {given}: a real-time query holds one slot per partition and the topic has "
                f"{partitions}{more}; write local[{partitions + 2}] or leave the flag out"
            )
    return given


def session_settings(master: str, profile: Profile, work_dir: Path, jvm_options: Sequence[str] = ()) -> dict[str, str]:
    """Everything the session is started with; the profile's settings win."""
    options = [f"-Dlog4j2.configurationFile={_LOG4J.as_uri()}", "-Duser.timezone=UTC", *jvm_options]
    return {
        "spark.app.name": "alertbench",
        "spark.master": master,
        "spark.jars": ",".join(map(str, [*spark_connector_jars(), parser_jar()])),
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": " ".join(options),
        "spark.sql.session.timeZone": "UTC",
        # No query of ours shuffles much; 200 tasks for a thousand rows would be all overhead.
        "spark.sql.shuffle.partitions": "2",
        # A cell at trigger 0 s has some 20 batches a second; the default keeps 5 s of them.
        "spark.sql.streaming.numRecentProgressUpdates": "2000",
        # Without it a query that cannot be interrupted is waited for without end.
        "spark.sql.streaming.stopTimeout": "10s",
        **REDACTION,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(work_dir / "local"),
        "spark.sql.warehouse.dir": str(work_dir / "warehouse"),
        **profile.session,
    }


@contextlib.contextmanager
def spark_session(
    master: str, profile: Profile, work_dir: Path, *, record_classes: bool = False
) -> Iterator[SparkSession]:
    """A session whose JVM, files and log (`LOG_NAME`) live in ``work_dir``; all ends with the block.

    Nothing of the JVM's reaches our stdout or stderr. One at a time per process.
    """
    java = find_java()
    archive = driver_archive(java)
    jvm_options = archive.record_options() if record_classes else archive.options()
    os.environ["JAVA_HOME"] = str(java.home)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    # The caller's own Spark, with another version's jars, is not the one that these settings fit.
    os.environ.pop("SPARK_HOME", None)
    conf = SparkConf(loadDefaults=False)
    conf.setAll(list(session_settings(master, profile, work_dir, jvm_options).items()))
    with (work_dir / LOG_NAME).open("ab") as log:
        gateway = launch_gateway(conf, {"stdout": log, "stderr": log})  # type: ignore[no-untyped-call]
    try:
        spark = SparkSession(SparkContext(conf=conf, gateway=gateway))
        register_parser(spark)
        yield spark
    finally:
        _close(gateway.proc, _CLOSE_RECORDING_S if record_classes else _CLOSE_S)
        for name in ("local", "warehouse"):
            shutil.rmtree(work_dir / name, ignore_errors=True)


def _close(driver: subprocess.Popen[bytes], patience_s: float) -> None:
    """Stop Spark, then the JVM, which leaves when its stdin ends."""
    with contextlib.suppress(Exception):
        # The JVM may be gone already: then there is nothing left to stop.
        if SparkContext._active_spark_context is not None:
            SparkContext._active_spark_context.stop()
        if SparkContext._gateway is not None:
            SparkContext._gateway.shutdown()
    SparkContext._gateway = SparkContext._jvm = None
    if driver.stdin is not None:
        driver.stdin.close()
    try:
        driver.wait(patience_s)
    except subprocess.TimeoutExpired:
        driver.kill()
        driver.wait()
