"""Looking at the processes of a program under test, which come and go while one looks."""

from __future__ import annotations

import contextlib
import time

import psutil


def descendants(pid):
    """Every process below ``pid`` now."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def wait_for(condition, within_s):
    """Poll until ``condition`` gives something true."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {within_s} s")


def alive(processes):
    """Those that still run."""
    return [one for one in processes if seen(one, psutil.Process.status) not in (None, psutil.STATUS_ZOMBIE)]


def seen(process, look):
    """What ``look`` tells of a process; None if it has ended, as a short-lived one may between listing and looking."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return look(process) if process.is_running() else None
    return None
