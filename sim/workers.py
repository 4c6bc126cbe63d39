"""One stream sent by several processes, each of which simulates, encodes and sends its own sensors.

They start at one instant and keep to one schedule, so a topic gets the same readings as from one process.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from base.errors import ComponentFailed
from base.jsonl import emit
from base.process import Child
from sim.control import Control
from sim.delivery_log import DeliveryLog, merge_delivery_logs
from sim.sender import tell_progress
from sim.transmit import HEAD_START_NS, Transmission, announce, finish, require_cluster, start_instant_ns

#: How often the workers are looked after, s.
_LOOK_S: Final = 0.05
#: From the word to start to event time zero less the lead: the word has to reach them all.
_MARGIN_NS: Final = 4 * HEAD_START_NS
_SUMMED: Final = ("due", "sent", "acked", "offered_per_s", "sent_per_s")


class _Crew:
    """The workers and the latest that each one told, by event."""

    def __init__(self, how: Transmission, commands: Sequence[Sequence[str]], stack: ExitStack, folder: Path) -> None:
        self.heard: list[dict[str, dict[str, Any]]] = [{} for _ in commands]

        def hear(heard: dict[str, dict[str, Any]]) -> Callable[[dict[str, Any]], None]:
            return lambda event: heard.update({event["event"]: event})

        self.children = [
            stack.enter_context(
                Child(f"worker {k}", command, log=folder / f"worker-{k}.log", events=True, on_event=hear(heard))
            )
            for k, (command, heard) in enumerate(zip(commands, self.heard, strict=True), 1)
        ]

    def all(self, event: str) -> list[dict[str, Any]]:
        """What every worker told in its latest such event; empty while one of them has told none."""
        told = [heard[event] for heard in self.heard if event in heard]
        return told if len(told) == len(self.heard) else []

    def check(self) -> None:
        """Raise `ComponentFailed` if one has ended without its account."""
        for child, heard in zip(self.children, self.heard, strict=True):
            if not child.alive and "done" not in heard:
                # What it told last may not have been read yet.
                child.stop()
                if "done" not in heard:
                    child.require_alive()

    def tell(self, line: str) -> None:
        """Say one line to all of them."""
        for child in self.children:
            child.send(line)


def transmit_by_workers(how: Transmission, command: Sequence[str], *, workers: int, named: str) -> None:
    """Send a stream by ``workers`` processes that run ``command``, each with a shard of it.

    Behaves as `sim.transmit.transmit` does: same events, same report, same account, same exit codes.
    """
    control = Control(listen=how.wait_for_go)
    require_cluster(how)
    if how.log is not None:
        # That it cannot be written is told now, not when all is sent.
        DeliveryLog(how.log).close()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertbench-workers-")))
        logs = [folder / f"deliveries-{k}.bin" for k in range(1, workers + 1)] if how.log is not None else []
        commands = [
            [*command, "--shard", f"{k}/{workers}", "--json-events", "--wait-for-go"] for k in range(1, workers + 1)
        ]
        for words, log in zip(commands, logs, strict=False):
            words += ["--log", str(log)]
        crew = _Crew(how, commands, stack, folder)
        _watch(crew, control, lambda: bool(crew.all("prepared")))
        announce(how, named, ready=sum(told["readings"] for told in crew.all("prepared")))
        zero_wall_ns = start_instant_ns(how, control, margin_ns=_MARGIN_NS)
        if not control.stopped():
            crew.tell(f"go {zero_wall_ns}")
            _watch(crew, control, lambda: bool(crew.all("started")))
            _tell_start(how, crew, zero_wall_ns)
            _watch(crew, control, lambda: bool(crew.all("done")), report_to=how)
        if not crew.all("done"):
            crew.tell("stop")
            _watch(crew, control, lambda: bool(crew.all("done")), whatever=True)
        if how.log is not None:
            merge_delivery_logs(logs, how.log)
        planned = [told["planned"] for told in crew.all("done")]
        finish(how, _totals(crew.all("done")), planned=None if None in planned else sum(planned))
    control.leave()


def _watch(
    crew: _Crew,
    control: Control,
    until: Callable[[], bool],
    report_to: Transmission | None = None,
    whatever: bool = False,
) -> None:
    """Look after the workers until something is so or, unless ``whatever``, we are to stop."""
    report_at = time.monotonic() + 1.0
    while not until() and (whatever or not control.stopped()):
        crew.check()
        time.sleep(_LOOK_S)
        if report_to is not None and time.monotonic() >= report_at:
            report_at += 1.0
            told = crew.all("progress")
            if told:
                tell_progress(json_events=report_to.json_events, **_progress(told))


def _tell_start(how: Transmission, crew: _Crew, zero_wall_ns: int) -> None:
    if how.json_events:
        first = [told["first_due_ns"] for told in crew.all("started") if told["first_due_ns"] is not None]
        emit("started", zero_wall_ns=zero_wall_ns, first_due_ns=min(first, default=None))


def _progress(told: list[dict[str, Any]]) -> dict[str, Any]:
    """One progress report for all: counts and rates add up, of the lags the longest counts."""
    sums = {key: sum(one[key] or 0 for one in told) for key in _SUMMED}
    return {
        **sums,
        "lag_ms": max(one["lag_ms"] for one in told),
        "wall_minus_monotonic_ns": told[-1]["wall_minus_monotonic_ns"],
    }


def _totals(told: list[dict[str, Any]]) -> dict[str, Any]:
    if not told:
        raise ComponentFailed("the workers ended without an account; nothing is known of what was sent")
    sums = {key: sum(one[key] for one in told) for key in ("sent", "acked", "failed", "queue_full_stall_s")}
    return {**sums, "unacked": [name for one in told for name in one["unacked"]]}
