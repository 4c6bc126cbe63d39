"""The dashboard as a user starts it, beside a live pipeline: growing traces, an outage, memory that holds."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from contextlib import ExitStack

import psutil
import pytest
from browser.looking import figure, wait_for_data
from spark.traffic import fresh_topics

from base.paths import PROJECT_ROOT
from base.process import Child, python_module
from bench.broker.embedded import EmbeddedBroker

pytestmark = pytest.mark.browser

TICKS = 1000
MOST_BYTES = 300e6


@pytest.fixture
def live(tmp_path):
    """Broker, simulator, the pipeline without Spark and the dashboard: the broker, the dashboard and its URL."""
    with ExitStack() as stack:
        broker = stack.enter_context(EmbeddedBroker())
        topics = fresh_topics(broker.bootstrap, partitions=2)
        where = ["--bootstrap", broker.bootstrap, "--topic", topics.readings]
        out = ["--alerts-topic", topics.alerts, "--rejects-topic", topics.rejects]
        page = [*where, *out, "--port", "0", "--refresh", "1s", "--json-events"]
        dashboard = Child(
            "dashboard", python_module("reports.dashboard", *page), log=tmp_path / "page.log", events=True
        )
        stack.enter_context(dashboard)
        sent = [*where, "--sensors", "200", "--speedup", "600"]
        stack.enter_context(Child("simulator", python_module("sim.publish", *sent), log=tmp_path / "simulator.log"))
        stack.enter_context(
            Child("pipeline", python_module("pipeline.plain", *where, *out), log=tmp_path / "pipeline.log")
        )
        url = dashboard.wait_for("ready", timeout_s=30)["url"]
        dashboard.wait_for("reading", timeout_s=30)
        dashboard.wait_for("alert", timeout_s=30)
        yield broker, dashboard, url


def count(text: str) -> int:
    """The readings that the status tells."""
    found = re.search(r"([\d,]+) readings", text)
    assert found, text
    return int(found[1].replace(",", ""))


def more_than(page, seen: int) -> int:
    """The readings of the status once there are more than ``seen``."""
    page.wait_for_function(
        "(seen) => Number(document.getElementById('status').innerText.match(/([\\d,]+) readings/)?.[1]"
        ".replaceAll(',', '')) > seen && !document.getElementById('status').className.includes('trouble')",
        arg=seen,
        timeout=40_000,
    )
    return count(page.locator("#status").inner_text())


def test_beside_a_live_pipeline(live, opened):
    """Readings and alerts come and grow; a broker that dies is told and, once it is back, read on."""
    broker, _, url = live
    with opened(url) as page:
        wait_for_data(page, "latency-trend")
        wait_for_data(page, "backlog-trend")
        seen = more_than(page, 0)
        seen = more_than(page, seen)
        assert min(figure(page, "latency-trend")["data"][0]["y"]) >= 0

        (jvm,) = broker.processes()
        command = jvm.cmdline()
        jvm.kill()
        jvm.wait(10)
        page.wait_for_selector("#status.trouble", timeout=30_000)
        assert page.locator("#status").inner_text().startswith("No Kafka answers")
        again = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            more_than(page, seen)
        finally:
            again.kill()
            again.wait(10)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_memory_holds(live, opened):
    """After 1,000 ticks, with readings coming all the while, it has less than 300 MB."""
    _, dashboard, url = live
    with opened(url) as page:
        wait_for_data(page)
        tick_often(page)
    (process,) = [one for one in dashboard.processes() if "reports.dashboard" in one.cmdline()]
    assert process.memory_info().rss < MOST_BYTES


def tick_often(page) -> None:
    """Ask `TICKS` times for what the page asks for at each tick."""
    with page.expect_request(lambda request: "/_dash-update-component" in request.url) as asked:
        pass
    body = asked.value.post_data.encode()
    request = urllib.request.Request(asked.value.url, body, {"Content-Type": "application/json"})
    for _ in range(TICKS):
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200
            answer.read()


def test_ctrl_c_ends_it_at_once(live):
    """SIGINT ends the dashboard with 130 and one word, and its port is free."""
    broker, _, _ = live
    command = [sys.executable, "-m", "reports.dashboard", "--bootstrap", broker.bootstrap, "--port", "0"]
    started = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    url = started.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:")
    listening = {one.laddr.ip for one in psutil.Process(started.pid).net_connections() if one.status == "LISTEN"}
    assert listening == {"127.0.0.1"}
    started.send_signal(2)
    _, told = started.communicate(timeout=20)
    assert (started.returncode, told.splitlines()[-1]) == (130, "interrupted")
