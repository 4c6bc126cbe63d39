"""What can go wrong, and the exit code each kind leaves behind.

AlertbenchError
 |- UsageError            2  a flag, a file or a value the user gave
 |- EnvironmentMissing    5  something this machine lacks: Java, jars, disk, a broker
 `- ComponentFailed       1  a child process ended badly; one cell fails, the matrix goes on

Every message is one line that says what to change. Anything else that escapes is a bug and shows
its traceback.
"""

from __future__ import annotations

import difflib
import errno
import sys
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import wraps
from typing import ParamSpec, TypeVar

from base.terminal import write_legibly

P = ParamSpec("P")
R = TypeVar("R")


class ExitCode(IntEnum):
    """What a command's exit status means."""

    OK = 0
    BUG = 1
    USAGE = 2
    THRESHOLD = 3
    REGRESSION = 4
    ENVIRONMENT = 5
    NO_VALID_CELL = 6
    INCONCLUSIVE = 7
    INTERRUPTED = 130


class AlertbenchError(Exception):
    """The root of the tree above; ``exit_code`` is what a command ends with."""

    exit_code = ExitCode.BUG


class UsageError(AlertbenchError):
    """The user's input: the message names the field, the value and the remedy."""

    exit_code = ExitCode.USAGE


class EnvironmentMissing(AlertbenchError):
    """The machine lacks something: the message names what, and the command that mends it."""

    exit_code = ExitCode.ENVIRONMENT


class ComponentFailed(AlertbenchError):
    """A child process died or never became ready: the message quotes the end of its log."""


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """The nearest known name as ``; did you mean 'x'?``, else the list of all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(names)}"


def one_line_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Decorate a command's ``main``: our errors become one line on stderr and their exit code, in any encoding."""

    @wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        write_legibly()
        try:
            return command(*args, **kwargs)
        except AlertbenchError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(int(error.exit_code)) from None
        except BrokenPipeError:
            # The reader of our output left (`| head`): nobody is there to be told.
            sys.stderr.close()
            raise SystemExit(int(ExitCode.OK)) from None
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            print(f"error: the disk is full ({error.filename or 'while writing'}); free some room", file=sys.stderr)
            raise SystemExit(int(ExitCode.ENVIRONMENT)) from None
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise SystemExit(int(ExitCode.INTERRUPTED)) from None

    return guarded
