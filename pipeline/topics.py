"""A job's topics: each its own, what is read there already, what is written made if it is missing."""

from __future__ import annotations

from collections.abc import Iterable

from base.errors import EnvironmentMissing, UsageError
from base.kafka import Admin
from wire.topics import Topics


def job_topics(topic: str, alerts_topic: str, rejects_topic: str | None) -> Topics:
    """The topics of a command line, rejects by default beside the readings; `UsageError` if it reads what it writes."""
    topics = Topics(readings=topic, alerts=alerts_topic, rejects=rejects_topic or f"{topic}-rejected")
    if topic in (topics.alerts, topics.rejects):
        raise UsageError(f"--topic {topic}: the job would read what it writes; give each topic its own name")
    return topics


def warm_topics(backlog: str, alerts_topic: str) -> Topics:
    """Those of a warm-up, which reads ``backlog``.

    Alerts and rejects have a topic each: with one for both, Spark leaves the choice out of the code it generates, and
    what would be warm then is not the code that is measured.
    """
    return Topics(readings=backlog, alerts=alerts_topic, rejects=f"{alerts_topic}-rejected")


def require_topic(admin: Admin, topic: str, *, flag: str) -> int:
    """Its number of partitions; `EnvironmentMissing`, naming ``flag``, if it does not exist."""
    partitions = admin.partitions(topic)
    if partitions is None:
        raise EnvironmentMissing(
            f"topic {topic} does not exist at {admin.bootstrap}; create it, or name another with {flag}"
        )
    return partitions


def create_missing(admin: Admin, topics: Iterable[str]) -> None:
    """Create those that do not exist, with one partition each."""
    for topic in sorted(set(topics)):
        if admin.partitions(topic) is None:
            admin.create(topic, partitions=1)
