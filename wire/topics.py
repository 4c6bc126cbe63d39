"""Topic names: fresh for every cell of every run, so that nothing is ever read twice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """The three topics of one pipeline: readings in, alerts out, rejects out."""

    readings: str
    alerts: str
    rejects: str


def cell_topics(run_id: str, cell_id: str) -> Topics:
    """The topics of one cell; both ids are plain (letters, digits, ``-``, ``_`` and ``.``)."""
    readings = f"sensor-{run_id}-{cell_id}"
    return Topics(readings=readings, alerts=f"alerts-{run_id}-{cell_id}", rejects=f"{readings}-rejected")


#: Sensor number of the bench's readiness probes: no simulated sensor has it, no score counts it.
PROBE_SENSOR_ID = 0


def dashboard_group(readings_topic: str) -> str:
    """The consumer group in whose name a dashboard reads a pipeline's topics.

    It commits one offset, and so leaves its name at the cluster: the bench looks there whether a cell was watched.
    """
    return f"alertbench-dashboard-{readings_topic}"
