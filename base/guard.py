"""Run one command and end it, with all its descendants, when the parent goes away.

``python -m base.guard PIPE_FD GRACE_S SCRATCH COMMAND...`` starts COMMAND in a process group of its own and
reads from PIPE_FD, a pipe whose write end only the parent holds. The pipe ends when the parent
closes it, exits, or is killed with -9. The guard then sends the group SIGTERM and, GRACE_S seconds
later, SIGKILL. A parent that waits for a tidy end says so with a byte before it closes; one that is gone
waits for nobody: the patience is then `ORPHANED_S` at most, and SCRATCH, a folder that the parent would have removed
(empty: none), is removed here. A pipe works on Linux and macOS alike; Linux's parent-death signal would follow the
thread that forked, not the process.

`base.process` is its one caller.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time

#: What a child whose parent is gone may take to leave, s: its broker is likely gone as well.
ORPHANED_S = 2.0


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _all_zombies(group)


def _all_zombies(group: int) -> bool:
    """Whether all that is left of ``group`` has ended (told on Linux only).

    A JVM whose script was faster is the first process's to wait for, and in a container that may never do it.
    """
    from pathlib import Path  # some milliseconds that no start of a child shall pay

    stats = list(Path("/proc").glob("[0-9]*/stat"))
    for stat in stats:
        # A process may end between listing and looking.
        with contextlib.suppress(OSError):
            # PID (NAME) STATE PARENT GROUP ..., where the name may hold anything.
            state, _, found = stat.read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(found) == group and state != "Z":
                return False
    return bool(stats)


def main(argv: list[str]) -> int:
    """Guard the command of ``argv`` (see the module's docstring); its exit status is returned."""
    pipe_fd, grace_s, scratch, command = int(argv[0]), float(argv[1]), argv[2], argv[3:]
    orphaned = False
    # The terminal's Ctrl-C and a careless `kill` reach the parent too; it decides what happens next.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    wake_r, wake_w = os.pipe()
    os.set_blocking(wake_w, False)
    signal.set_wakeup_fd(wake_w)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    try:
        child = subprocess.Popen(
            command,
            process_group=0,
            preexec_fn=_restore_signals,
        )
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    while child.poll() is None:
        ready, _, _ = select.select([pipe_fd, wake_r], [], [])
        if pipe_fd in ready:
            orphaned = not os.read(pipe_fd, 1)
            break
        os.read(wake_r, 64)
    # The child may have left grandchildren in its group (a JVM behind a script): they end with it.
    _signal_group(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + (min(grace_s, ORPHANED_S) if orphaned else grace_s)
    while time.monotonic() < deadline and (child.poll() is None or _group_alive(child.pid)):
        time.sleep(0.02)
    _signal_group(child.pid, signal.SIGKILL)
    code = child.wait()
    if orphaned and scratch:
        import shutil  # no start of a child shall pay for it either

        shutil.rmtree(scratch, ignore_errors=True)
    return code if code >= 0 else 128 - code


def _restore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
