"""``bench.run --metrics-port``: while a run goes on, ``/metrics`` tells what is known of it. Off unless asked for.

Nothing is computed before somebody asks, and then little: the cells that have ended are told as they stand
in metrics.prom, rendered when they ended; only the snapshot of the view is rendered for the question.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Self

from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST

from base.errors import UsageError
from bench.openmetrics import EOF, Point, cell_labels, exposition, labelled, quantiles, run_labels, seconds
from bench.records import Result
from bench.view import Snapshot, View

#: Who may ask: this machine alone.
HOST = "127.0.0.1"
PATH = "/metrics"


class MetricsServer:
    """Serves while its context is open; ``port`` 0 is any that is free, ``snapshot`` what goes on at an instant.

    Raises `UsageError` if the port cannot be had.
    """

    def __init__(self, port: int, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._labels: dict[str, str] = {}
        self._stored: Path | None = None
        try:
            self._server = _Server((HOST, port), _handler(self.answer))
        except OSError as error:
            raise UsageError(
                f"--metrics-port {port}: cannot listen on {HOST} ({error.strerror}); "
                "give another port, or 0 for any that is free"
            ) from error
        self.url = f"http://{HOST}:{self._server.server_port}{PATH}"
        self._thread = Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def follow(self, result: Result, stored: Path) -> None:
        """From now on, tell of the run of ``result`` as well, what stands in its file ``stored``."""
        self._labels, self._stored = run_labels(result), stored

    def answer(self) -> bytes:
        """What is known now, in OpenMetrics' text format."""
        stored = self._stored.read_bytes() if self._stored is not None else EOF
        return exposition(labelled(running_points(self._snapshot()), self._labels)).removesuffix(EOF) + stored

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    # A port that is taken shall be told; some Pythons would share it.
    allow_reuse_port = False


def _handler(answer: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.partition("?")[0] != PATH:
                self.send_error(404, f"only {PATH} is served")
                return
            body = answer()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            # A scrape is no news, and stderr is the view's.
            pass

    return Handler


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
    yield Point("alertbench_running_steal_ratio", now.steal)
