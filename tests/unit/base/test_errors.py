"""Errors end commands in one line and with the right status."""

from __future__ import annotations

import errno
import os

import pytest

from base.errors import EnvironmentMissing, UsageError, did_you_mean, one_line_errors


@pytest.mark.parametrize(("error", "status"), [(UsageError("a"), 2), (EnvironmentMissing("b"), 5)])
def test_our_errors_become_one_line(error, status, capsys):
    """The message alone is printed, on stderr, and the status is the kind's."""

    @one_line_errors
    def command() -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        command()
    assert ended.value.code == status
    assert capsys.readouterr().err == f"error: {error}\n"


def test_interrupt_ends_with_130(capsys):
    """Ctrl-C is no traceback."""

    @one_line_errors
    def command() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        command()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_full_disk_is_one_line(capsys):
    """ENOSPC from anywhere names the file and ends with 5; other OS errors are bugs."""

    @one_line_errors
    def command(number: int) -> None:
        raise OSError(number, os.strerror(number), "result.json")

    with pytest.raises(SystemExit) as ended:
        command(errno.ENOSPC)
    assert ended.value.code == 5
    assert "result.json" in capsys.readouterr().err
    with pytest.raises(PermissionError):
        command(errno.EACCES)


def test_a_bug_keeps_its_traceback():
    """What is not ours is not hidden."""

    @one_line_errors
    def command() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command()


def test_nearest_name_else_all():
    """A near miss is named; otherwise the known names are listed."""
    assert did_you_mean("temprature", ["temperature", "humidity"]) == "; did you mean 'temperature'?"
    assert did_you_mean("xyzzy", ["b", "a"]) == "; known: a, b"
