"""Named sets of settings. Profiles differ in settings only: the query is the same, key for key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from base.errors import UsageError, did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Settings of the session, and options of the Kafka source, of the Kafka sink (over them, those of its
    real-time queries), and of how a query that runs micro-batch after micro-batch keeps track of itself."""

    name: str
    session: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, str] = field(default_factory=dict)
    sink: Mapping[str, str] = field(default_factory=dict)
    realtime_sink: Mapping[str, str] = field(default_factory=dict)
    tracking: Mapping[str, str] = field(default_factory=dict)


#: Spark and its Kafka connector as they come.
STOCK: Final = Profile(name="stock")

#: What was seen to help and not to hurt, on one machine with a local disk.
TUNED: Final = Profile(
    name="tuned",
    session=MappingProxyType(
        {
            # The two file keys. Spark's local file system sets permissions by starting `chmod` in a
            # child process, some 19 times a batch; these two write the logs without it and more
            # than halve the latency at trigger 0 s. Price: no .crc side files, and a rename that
            # is atomic only where the file system's is, as on any one machine's POSIX disk.
            "spark.sql.streaming.checkpointFileManagerClass": (
                "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
            ),
            "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
            # The log folders are listed in every batch; a hundred old batches in them serve no one.
            "spark.sql.streaming.minBatchesToRetain": "10",
            # Planning a batch again and starting it is most of its time.
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.lightweightPlanChangeValidation": "false",
            # Every batch's plan is put in words for a UI, whether there is one or not.
            "spark.sql.ui.explainMode": "simple",
            # Nobody looks at past batches either, and by default a thousand of each are kept in the heap.
            "spark.ui.retainedJobs": "20",
            "spark.ui.retainedStages": "20",
            "spark.ui.retainedTasks": "100",
            "spark.sql.ui.retainedExecutions": "5",
            # A second file beside each file of the log.
            "spark.sql.streaming.checkpoint.fileChecksum.enabled": "false",
            # How long an idle query waits before it looks again.
            "spark.sql.streaming.pollingDelay": "1ms",
            # There is one host: waiting for a better-placed executor is waiting for nothing.
            "spark.locality.wait": "0s",
        }
    ),
    source=MappingProxyType(
        {
            # An idle partition's fetch would wait 500 ms in the broker before it answers.
            "kafka.fetch.max.wait.ms": "10",
            # After every poll Spark asks for both ends of the partition. The consumer's 500 records
            # a poll make that the larger part of reading a backlog: a scan ran three times as fast.
            "kafka.max.poll.records": "20000",
            "kafka.max.partition.fetch.bytes": str(8 * 2**20),
        }
    ),
    # A task ends by sending all that it still holds: until then its alerts can wait for company.
    sink=MappingProxyType({"kafka.batch.size": str(256 * 2**10)}),
    # A real-time task ends with its batch: an alert leaves at once, where the client would wait 5 ms.
    realtime_sink=MappingProxyType({"kafka.linger.ms": "0"}),
)

#: For the shortest micro-batches. Offsets and commits are written beside the batches, once a second. Price: after
#: a crash up to a second of batches runs again, with other limits, so there are copies, which carry the same
#: ids. Micro-batch only. And expressions are interpreted: a task otherwise begins by writing their code, which
#: takes longer than a hundred rows do. Price: half the rate of a drain.
TUNED_ASYNC: Final = replace(
    TUNED,
    name="tuned-async",
    session=MappingProxyType({**TUNED.session, "spark.sql.codegen.factoryMode": "NO_CODEGEN"}),
    tracking=MappingProxyType(
        {"asyncProgressTrackingEnabled": "true", "asyncProgressTrackingCheckpointIntervalMs": "1000"}
    ),
)

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {profile.name: profile for profile in (TUNED, TUNED_ASYNC, STOCK)}
)


def profile_named(name: str, *, field: str) -> Profile:
    """The profile called ``name``; ``field`` names the flag in the `UsageError` for an unknown one."""
    if name not in PROFILES:
        raise UsageError(f"{field} {name}: no such profile{did_you_mean(name, PROFILES)}")
    return PROFILES[name]
