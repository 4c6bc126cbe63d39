"""``/metrics`` over HTTP: what is known, asked for and told; who may ask; and a port that is taken."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from urllib.error import HTTPError

import pytest
from unit.bench.builders import a_config
from unit.bench.scraped import a_snapshot, read, value, values
from unit.reports import stored_runs

from base.errors import UsageError
from base.kafka import free_ports
from bench.matrix import plan
from bench.metrics_server import HOST, MetricsServer, serving
from bench.store import RunStore
from bench.view import Snapshot, View

OPENMETRICS = "application/openmetrics-text"


class FakeView:
    """Knows one snapshot, and how often it was asked for it."""

    def __init__(self, now: Snapshot) -> None:
        self.now = now
        self.asked = 0

    def snapshot(self) -> Snapshot:
        """The snapshot."""
        self.asked += 1
        return self.now


def under_way() -> Snapshot:
    """The second cell of six in the middle of its window."""
    figures = {"offered_per_s": 4800.0, "sent_per_s": 4797.0, "alerts": 812, "p50_ms": 2.5, "p99_ms": 62.0}
    figures |= {"batch_ms": 95.0, "steal": 0.021}
    return a_snapshot(phase="measuring", cell=plan(a_config())[1], number=2, **figures)


@pytest.fixture
def view() -> FakeView:
    """What the server asks."""
    return FakeView(under_way())


@pytest.fixture
def server(view: FakeView) -> Iterator[MetricsServer]:
    """A server at any free port."""
    with MetricsServer(0, view.snapshot) as running:
        yield running


def scrape(server: MetricsServer) -> tuple[str, bytes]:
    """Content type and body, as Prometheus would get them."""
    with urllib.request.urlopen(server.url, timeout=10) as answer:
        assert answer.status == 200
        return answer.headers["Content-Type"], answer.read()


def test_the_cell_under_way_and_those_that_ended_are_told(server, tmp_path):
    """Both over HTTP, in OpenMetrics, the first with its labels."""
    store, result = RunStore(tmp_path, "run"), stored_runs.result(status="running")
    store.save(result)
    server.follow(result, store.metrics_file)
    kind, body = scrape(server)
    assert kind.startswith(f"{OPENMETRICS};")
    series = read(body)
    spec = plan(a_config())[1]
    labels = {"run": "20261124T002239Z-0123456-temperate-day", "cell": spec.id, "trigger": spec.trigger.name}
    assert value(series, "alertbench_running_info", phase="measuring", **labels) == 1
    assert (value(series, "alertbench_running_cell"), value(series, "alertbench_running_cells")) == (2, 6)
    assert value(series, "alertbench_running_offered_readings_per_second", **labels) == 4800
    assert value(series, "alertbench_running_sent_readings_per_second", **labels) == 4797
    assert value(series, "alertbench_running_alerts_total", **labels) == 812
    assert value(series, "alertbench_running_latency_seconds", quantile="0.5", **labels) == pytest.approx(0.0025)
    assert value(series, "alertbench_running_latency_seconds", quantile="0.99", **labels) == pytest.approx(0.062)
    assert value(series, "alertbench_running_batch_seconds", **labels) == pytest.approx(0.095)
    assert value(series, "alertbench_running_steal_ratio", **labels) == pytest.approx(0.021)
    assert len(values(series, "alertbench_cell_window_seconds")) == 6


def test_a_cell_that_ends_is_told_at_the_next_question(server, tmp_path):
    """As soon as its row is stored."""
    store, result = RunStore(tmp_path, "run"), stored_runs.result(cells=[], status="running")
    store.save(result)
    server.follow(result, store.metrics_file)
    assert values(read(scrape(server)[1]), "alertbench_cell_window_seconds") == []
    result.cells.append(stored_runs.cell())
    store.save(result)
    assert values(read(scrape(server)[1]), "alertbench_cell_window_seconds") == [30.0]


def test_before_there_is_a_result(server, view):
    """The phase and how many cells there will be; what nobody knows yet is absent."""
    view.now = a_snapshot(phase="starting the broker")
    series = read(scrape(server)[1])
    assert {name for name, _ in series} == {"alertbench_running_info", "alertbench_running_cells"}
    assert value(series, "alertbench_running_info", phase="starting the broker") == 1
    view.now = a_snapshot(cell=plan(a_config())[0], number=1)
    assert {name for name, _ in read(scrape(server)[1])} == {
        *("alertbench_running_info", "alertbench_running_cells", "alertbench_running_cell"),
        "alertbench_running_alerts_total",
    }


def test_nothing_is_computed_unasked(server, view):
    """One question, one snapshot."""
    assert view.asked == 0
    scrape(server)
    assert view.asked == 1


def test_another_path_is_not_found(server, view):
    """And nothing is computed for it."""
    with pytest.raises(HTTPError, match="404") as refused:
        urllib.request.urlopen(server.url.replace("/metrics", "/"), timeout=10)
    refused.value.close()
    assert view.asked == 0


def test_only_this_machines_loopback_is_served(server):
    """Another of its own addresses is refused, as one from outside would be."""
    port = int(server.url.split(":")[2].split("/")[0])
    with socket.create_connection((HOST, port), timeout=5):
        pass
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", port), timeout=1).close()


def test_it_ends_with_its_context(view):
    """And its port is free again."""
    (port,) = free_ports(1)
    for _ in range(2):
        with MetricsServer(port, view.snapshot) as server:
            scrape(server)
        with pytest.raises(OSError):
            socket.create_connection((HOST, port), timeout=1).close()


def test_a_port_that_is_taken_is_a_mistake_of_the_users(server, view):
    """The flag, the value, and what to write instead."""
    port = server.url.split(":")[2].split("/")[0]
    with pytest.raises(UsageError, match=f"--metrics-port {port}: .*another port, or 0"):
        MetricsServer(int(port), view.snapshot)


def test_off_unless_asked_for(capsys):
    """Without a port nothing listens; with one, the address is shown."""
    view = View(total=1, cell_estimate_s=lambda _: 0.0)
    with serving(None, view) as nothing:
        assert nothing is None
    assert capsys.readouterr().err == ""
    with serving(0, view) as server:
        assert capsys.readouterr().err == f"metrics  {server.url}\n"
        assert value(read(scrape(server)[1]), "alertbench_running_info", phase="preparing") == 1


def test_it_is_no_axis():
    """The stored configuration tells that it was on; the command that repeats the run does not ask for it."""
    watched = a_config(metrics_port=0)
    assert watched.stored()["metrics_port"] == 0
    assert watched.rerun_command() == a_config().rerun_command()
    assert "metrics_port" not in a_config().stored()
