"""Children speak in JSON lines, are ended with all they started, and never outlive us."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from functools import partial

import psutil
import pytest

from base.errors import ComponentFailed
from base.process import Child


def _python(code):
    return [sys.executable, "-c", code]


def _gone(pid, within_s=5.0):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_events_come_in_order_and_chatter_goes_to_the_log(tmp_path):
    """JSON objects on stdout are events; every other line stands in the log."""
    code = 'print(\'hello\'); print(\'{"event":"a","n":1}\'); print(\'{"event":"b"}\')'
    seen = []
    with Child("child", _python(code), log=tmp_path / "log", events=True, on_event=seen.append) as child:
        assert child.wait_for("b", timeout_s=10) == {"event": "b"}
        assert child.wait(5) == 0
    assert seen == [{"event": "a", "n": 1}, {"event": "b"}]
    assert "hello" in (tmp_path / "log").read_text()


def test_events_that_pass_are_told_and_not_kept(tmp_path):
    """A child that reports every second for hours fills no memory of ours."""
    code = 'for n in range(1000): print(\'{"event":"progress"}\')\nprint(\'{"event":"done"}\')'
    seen = []
    with Child(
        "child", _python(code), log=tmp_path / "log", events=True, on_event=seen.append, passing=("progress",)
    ) as child:
        assert child.wait(5) == 0
        assert child._events.get(timeout=5) == {"event": "done"}
        assert child._events.get(timeout=5) is None
    assert len(seen) == 1001


def test_stdin_reaches_the_child(tmp_path):
    """What is sent arrives as a line on the child's stdin."""
    code = 'import sys; print(\'{"event":"got","line":"%s"}\' % sys.stdin.readline().strip())'
    with Child("child", _python(code), log=tmp_path / "log", events=True) as child:
        child.send("go 42")
        assert child.wait_for("got", timeout_s=10)["line"] == "go 42"


def test_an_early_end_quotes_the_log(tmp_path):
    """A child that dies before its event is a `ComponentFailed` with its status and last words."""
    code = "import sys; print('no room left', file=sys.stderr); sys.exit(3)"
    with (
        Child("worker", _python(code), log=tmp_path / "log", events=True) as child,
        pytest.raises(ComponentFailed, match=r"worker ended with status 3 before 'ready'[\s\S]*no room left"),
    ):
        child.wait_for("ready", timeout_s=10)


def test_silence_is_a_failure(tmp_path):
    """A child that says nothing is given up after the time allowed."""
    with (
        Child("worker", _python("import time; time.sleep(60)"), log=tmp_path / "log", events=True) as child,
        pytest.raises(ComponentFailed, match=r"sent no 'ready' within 0\.3 s"),
    ):
        child.wait_for("ready", timeout_s=0.3)


_GRANDCHILD = """
import subprocess, sys, time
one = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print('{"event":"pids","pids":[%d,%d]}' % (__import__("os").getpid(), one.pid), flush=True)
time.sleep(60)
"""


def test_stop_ends_the_grandchildren_too(tmp_path):
    """Stopping a child ends everything it started."""
    child = Child("parent", _python(_GRANDCHILD), log=tmp_path / "log", events=True)
    pids = child.wait_for("pids", timeout_s=10)["pids"]
    assert {process.pid for process in child.processes()} == set(pids)
    started = time.monotonic()
    child.stop()
    assert all(_gone(pid) for pid in pids)
    assert time.monotonic() - started < 5


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells zombies, and adopts to order")
def test_stop_does_not_wait_for_zombies(tmp_path):
    """A grandchild that has ended counts as ended, although its parent was gone and nobody waits for it."""
    # As in a container whose first process waits for no one, orphans become this process's children.
    adopt = partial(ctypes.CDLL(None).prctl, 36)
    adopt(1, 0, 0, 0)
    try:
        child = Child("script", _python(_GRANDCHILD), log=tmp_path / "log", events=True, grace_s=30)
        _, orphan = child.wait_for("pids", timeout_s=10)["pids"]
        started = time.monotonic()
        child.stop()
        assert time.monotonic() - started < 15
        assert psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE
        os.waitpid(orphan, 0)
    finally:
        adopt(0, 0, 0, 0)


def test_stop_outlasts_a_child_that_ignores_the_signal(tmp_path):
    """SIGKILL follows SIGTERM after the grace that was given."""
    code = (
        'import signal,time; signal.signal(15, signal.SIG_IGN); print(\'{"event":"up"}\', flush=True); time.sleep(60)'
    )
    child = Child("stubborn", _python(code), log=tmp_path / "log", events=True, grace_s=0.3)
    child.wait_for("up", timeout_s=10)
    (process,) = child.processes()
    child.stop()
    assert _gone(process.pid)


def test_nothing_outlives_a_killed_parent(tmp_path):
    """kill -9 of the process that started a child ends the child and its descendants, and its scratch, in seconds."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "data").touch()
    parent = f"""
import sys, time
from pathlib import Path
from base.process import Child
log, scratch = Path({str(tmp_path / "log")!r}), Path({str(scratch)!r})
child = Child("parent", [sys.executable, "-c", {_GRANDCHILD!r}], log=log, events=True, scratch=scratch)
print(*child.wait_for("pids", timeout_s=10)["pids"], flush=True)
time.sleep(60)
"""
    process = subprocess.Popen(_python(parent), stdout=subprocess.PIPE, text=True)
    try:
        pids = [int(word) for word in process.stdout.readline().split()]
        assert len(pids) == 2
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert all(_gone(pid) for pid in pids)
    deadline = time.monotonic() + 5.0
    while scratch.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not scratch.exists()


def test_a_killed_parent_s_child_is_given_little_time(tmp_path):
    """A child that ignores SIGTERM has its whole grace while its parent lives, and seconds when that is gone."""
    stubborn = (
        "import os, json, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print(json.dumps({'event': 'pid', 'pid': os.getpid()}), flush=True); time.sleep(60)"
    )
    parent = f"""
import sys, time
from pathlib import Path
from base.process import Child
log = Path({str(tmp_path / "log")!r})
child = Child("parent", [sys.executable, "-c", {stubborn!r}], log=log, events=True, grace_s=60)
print(child.wait_for("pid", timeout_s=10)["pid"], flush=True)
time.sleep(60)
"""
    process = subprocess.Popen(_python(parent), stdout=subprocess.PIPE, text=True)
    pid = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    assert _gone(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_sigterm_ends_what_was_started_in_the_background(number: signal.Signals):
    """A shell has its background commands ignore SIGINT; `kill` still gets the tidy end, and only `kill`."""
    code = (
        "import time; from base.process import interrupt_on_sigterm; interrupt_on_sigterm()\n"
        "try: print(1, flush=True); time.sleep(1)\nexcept KeyboardInterrupt: print('tidy')"
    )
    ignoring = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(_python(code), stdout=subprocess.PIPE, text=True, preexec_fn=ignoring)
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(number)
    said, _ = child.communicate(timeout=20)
    assert said == ("tidy\n" if number == signal.SIGTERM else "")
