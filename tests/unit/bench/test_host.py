"""What the machine did inside the window, and nothing of what it did outside."""

from __future__ import annotations

import orjson
import pytest

from bench.host import host_record, read_seconds

S = 1_000_000_000


def _second(at_s, *, hiccup=0.1, drift_ns=0, steal_s=0.0):
    return {
        "wall_ns": at_s * S + drift_ns,
        "mono_ns": at_s * S,
        "cpu_s": at_s * 2.0,
        "busy_s": at_s * 1.5,
        "steal_s": steal_s,
        "pressure_us": at_s * 500_000,
        "hiccups_ms": [hiccup] * 900,
    }


def test_only_the_window_counts():
    """A hiccup of 80 ms before the window is not in it."""
    seconds = [_second(at, hiccup=80.0 if at < 10 else 0.1) for at in range(1, 30)]
    host = host_record(seconds, 11 * S, 20 * S, ours_cores=1.0)
    assert (host.hiccup_p99_ms, host.hiccup_max_ms) == (0.1, 0.1)
    assert host.cpu_pressure == pytest.approx(0.5)


def test_a_clock_step_is_seen():
    """The wall clock jumps by 2 ms against the monotonic one."""
    seconds = [_second(at, drift_ns=2_000_000 if at > 15 else 0) for at in range(1, 30)]
    assert host_record(seconds, 11 * S, 20 * S, ours_cores=1.0).clock_step_ms == 2.0


def test_what_others_used_is_what_is_left():
    """One and a half cores were busy, and one of them was ours; never less than nothing."""
    seconds = [_second(at) for at in range(1, 30)]
    assert host_record(seconds, 11 * S, 20 * S, ours_cores=1.0).others_cores == pytest.approx(0.5)
    assert host_record(seconds, 11 * S, 20 * S, ours_cores=1.6).others_cores == 0.0


def test_steal_is_a_share_of_cpu_time():
    """One second stolen of twenty."""
    seconds = [_second(at, steal_s=0.0 if at < 16 else 1.0) for at in range(1, 30)]
    assert host_record(seconds, 11 * S, 20 * S, ours_cores=1.0).steal == pytest.approx(1 / 20, abs=1e-3)


def test_the_worst_minute_is_not_hidden_by_the_hour():
    """Twelve CPU seconds were stolen, all in one minute; of a shorter window the worst minute is all of it."""
    seconds = [_second(at, steal_s=min(max(at - 1000, 0), 60) / 5) for at in range(1, 3602)]
    host = host_record(seconds, 1 * S, 3600 * S, ours_cores=1.0)
    assert host.steal == pytest.approx(12 / 7200, abs=1e-4)
    assert host.steal_worst_minute == pytest.approx(12 / 120, abs=1e-3)
    short = host_record(seconds, 1001 * S, 1010 * S, ours_cores=1.0)
    assert short.steal_worst_minute == pytest.approx(short.steal, abs=1e-4)


def test_where_the_kernel_tells_no_steal_there_is_none():
    """Neither a share nor a worst minute."""
    seconds = [_second(at) | {"steal_s": None} for at in range(1, 30)]
    host = host_record(seconds, 1 * S, 20 * S, ours_cores=1.0)
    assert (host.steal, host.steal_worst_minute) == (None, None)


def test_no_data_is_none_not_zero():
    """A meter that wrote nothing leaves every number open."""
    assert host_record([], 0, S, ours_cores=0.0).hiccup_p99_ms is None


def test_a_line_cut_short_is_left_out(tmp_path):
    """A kill in the middle of a write loses that line only."""
    path = tmp_path / "host.jsonl"
    path.write_bytes(orjson.dumps({"a": 1}) + b"\n" + b'{"a": 2')
    assert read_seconds(path) == [{"a": 1}]
