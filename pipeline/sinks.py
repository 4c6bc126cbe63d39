"""``--sink NAME[:TRIGGER]``: where results go and how often, checked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from base.errors import UsageError, did_you_mean
from base.jars import SPARK_VERSION
from base.paths import writable_dir
from pipeline.capabilities import Combination, Mode, Progress, Writer, refusal
from pipeline.profiles import Profile
from pipeline.triggers import Trigger

#: The name of the memory sink's query, and so of its table.
MEMORY_TABLE: Final = "raw_stream"

#: Spark's writer option for asynchronous progress tracking; a profile that sets it is tied to some sinks.
ASYNC_OPTION: Final = "asyncProgressTrackingEnabled"


class SinkName(StrEnum):
    """Alerts and rejects to topics; readings to a table in memory; alerts to our stdout; alerts to files."""

    KAFKA = "kafka"
    MEMORY = "memory"
    CONSOLE = "console"
    PARQUET = "parquet"


#: What a sink's trigger is if the user names none.
DEFAULT_TRIGGERS: Final[Mapping[SinkName, str]] = MappingProxyType(
    {SinkName.KAFKA: "30s", SinkName.MEMORY: "2s", SinkName.CONSOLE: "30s", SinkName.PARQUET: "30s"}
)

#: What each is made of in Spark. Spark's own console sink prints in the JVM, whose stdout is a log file here.
WRITERS: Final[Mapping[SinkName, Writer]] = MappingProxyType(
    {
        SinkName.KAFKA: Writer.KAFKA,
        SinkName.MEMORY: Writer.MEMORY,
        SinkName.CONSOLE: Writer.FOREACH_BATCH,
        SinkName.PARQUET: Writer.PARQUET,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """One query's end. ``flag``: what the user wrote for it, for messages."""

    name: SinkName
    trigger: Trigger
    flag: str


def parse_sinks(texts: Sequence[str], *, trigger: str | None) -> tuple[Sink, ...]:
    """The sinks of all ``--sink`` flags; without any, Kafka's. ``trigger``: the value of ``--trigger``, if given.

    Raises `UsageError` for an unknown or repeated sink, a bad trigger, and a ``--trigger`` that no
    sink would heed.
    """
    sinks: list[Sink] = []
    for text in texts or [SinkName.KAFKA.value]:
        name_text, colon, own = text.partition(":")
        if name_text not in set(SinkName):
            raise UsageError(f"--sink {text}: no such sink{did_you_mean(name_text, SinkName)}")
        name = SinkName(name_text)
        if any(sink.name == name for sink in sinks):
            raise UsageError(f"--sink {text}: there is a {name} sink already; give each once")
        if colon:
            sinks.append(
                Sink(name=name, trigger=Trigger.parse(own, field=f"--sink {name}: trigger"), flag=f"--sink {text}")
            )
        elif name == SinkName.KAFKA and trigger is not None:
            sinks.append(
                Sink(name=name, trigger=Trigger.parse(trigger, field="--trigger"), flag=f"--trigger {trigger}")
            )
        else:
            default = Trigger.parse(DEFAULT_TRIGGERS[name], field=f"--sink {name}")
            sinks.append(Sink(name=name, trigger=default, flag=f"--sink {text}"))
    if trigger is not None and not any(sink.flag == f"--trigger {trigger}" for sink in sinks):
        example = f"--sink {sinks[0].name}:{trigger}"
        raise UsageError(f"--trigger {trigger}: it is the kafka sink's, when --sink kafka names none; write {example}")
    return tuple(sinks)


def require_possible(sinks: Sequence[Sink], profile: Profile) -> None:
    """Raise `UsageError` for the first sink that Spark cannot run in its mode, or with ``profile``."""
    major, minor = map(int, SPARK_VERSION.split(".")[:2])
    tracking = Progress.ASYNC if profile.tracking.get(ASYNC_OPTION) == "true" else Progress.SYNC
    for sink in sinks:
        wanted = Combination(
            mode=Mode.REAL_TIME if sink.trigger.is_realtime else Mode.MICRO_BATCH,
            writer=WRITERS[sink.name],
            progress=tracking,
            spark=(major, minor),
        )
        refused = refusal(wanted)
        if refused is None:
            continue
        made_of = " (the console sink here is made of foreachBatch)" if sink.name == SinkName.CONSOLE else ""
        if refused.limit.axis == "progress":
            flag, remedy = f"--profile {profile.name}", f"give --profile tuned, or leave {sink.flag} out"
        else:
            flag, remedy = (
                sink.flag,
                f"write --sink {sink.name}:{DEFAULT_TRIGGERS[sink.name]}, or --sink kafka:realtime",
            )
        raise UsageError(f"{flag}: {refused.reason}{made_of}; {remedy}")


def parquet_checkpoint(folder: Path) -> Path:
    """The checkpoint that belongs to the Parquet sink's ``folder``: ``alerts_parquet`` has ``alerts_checkpoint``.

    It stands beside the folder and is named after it, because neither is of use with another.
    """
    return folder.with_name(f"{folder.name.removesuffix('_parquet')}_checkpoint")


def require_parquet_folder(folder: Path) -> None:
    """Make ``folder``; raise `UsageError` if it cannot be written, or if it and its checkpoint do not belong together.

    Spark numbers its batches. With a checkpoint made anew it would count from 0 again and take the
    new batches for ones that the folder has, dropping their rows without a word.
    """
    checkpoint = parquet_checkpoint(folder)
    writable_dir(folder, field="--parquet-dir")
    in_folder, in_checkpoint = _numbered(folder / "_spark_metadata"), _numbered(checkpoint / "commits")
    if in_folder and not (checkpoint / "metadata").exists():
        raise UsageError(
            f"--parquet-dir {folder}: it holds alerts, but its checkpoint {checkpoint} is gone, and Spark would drop "
            "new alerts as already written; put the checkpoint back, or name another folder"
        )
    if in_checkpoint and not in_folder:
        raise UsageError(
            f"--parquet-dir {folder}: its checkpoint {checkpoint} tells of alerts that are not in it; put them back, "
            "or remove the checkpoint to read the topic anew"
        )


def _numbered(log: Path) -> bool:
    """Whether one of Spark's log folders has a batch in it."""
    return any(entry.name.split(".")[0].isdigit() for entry in log.glob("*"))
