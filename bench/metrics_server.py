"""``bench.run --metrics-port``: while a run goes on, ``/metrics`` tells what is known of it. Off unless asked for.

Nothing is computed before somebody asks, and then in a thread of its own from what lies ready: the cells
that have ended, and a snapshot of the view. The CPU that this takes shows in ``resources.harness``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Self

from prometheus_client import start_http_server

from base.errors import UsageError
from bench.openmetrics import Point, cell_labels, labelled, quantiles, registry_of, result_points, run_labels, seconds
from bench.records import Result
from bench.view import Snapshot, View

#: Who may ask: this machine alone.
HOST = "127.0.0.1"


class MetricsServer:
    """Serves while its context is open; ``port`` 0 is any that is free, ``snapshot`` what goes on at an instant.

    Raises `UsageError` if the port cannot be had.
    """

    def __init__(self, port: int, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._result: Result | None = None
        try:
            self._server, self._thread = start_http_server(port, addr=HOST, registry=registry_of(self._points))
        except OSError as error:
            raise UsageError(
                f"--metrics-port {port}: cannot listen on {HOST} ({error.strerror}); "
                "give another port, or 0 for any that is free"
            ) from error
        self.url = f"http://{HOST}:{self._server.server_port}/metrics"

    def follow(self, result: Result) -> None:
        """From now on, tell of ``result`` as well, as far as it has come."""
        self._result = result

    def _points(self) -> Iterator[Point]:
        result = self._result
        yield from labelled(running_points(self._snapshot()), run_labels(result) if result is not None else {})
        if result is not None:
            yield from result_points(result)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serving(port: int | None, view: View) -> contextlib.AbstractContextManager[MetricsServer | None]:
    """The server at ``port``, of what ``view`` knows, which shows its address; without a port, None."""
    if port is None:
        return contextlib.nullcontext()
    server = MetricsServer(port, view.snapshot)
    view.note(f"metrics  {server.url}")
    return server


def running_points(now: Snapshot) -> Iterator[Point]:
    """What goes on now: of the cell under way, or before the first cell of the run."""
    of_cell = {} if now.cell is None else cell_labels(now.cell.id, now.cell.params)
    yield Point("alertbench_running", 1.0, {**of_cell, "phase": now.phase})
    yield Point("alertbench_running_cells", now.total)
    if now.cell is not None:
        yield Point("alertbench_running_cell", now.number)
        yield from labelled(_cell_under_way(now), of_cell)


def _cell_under_way(now: Snapshot) -> Iterator[Point]:
    yield Point("alertbench_running_offered_readings_per_second", now.offered_per_s)
    yield Point("alertbench_running_sent_readings_per_second", now.sent_per_s)
    yield Point("alertbench_running_alerts", now.alerts)
    yield from quantiles("alertbench_running_latency_seconds", {0.5: now.p50_ms, 0.99: now.p99_ms}, {})
    yield Point("alertbench_running_batch_seconds", seconds(now.batch_ms))
