"""Publishing: paced by an absolute schedule, every delivery accounted for, clean ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from ctypes import string_at
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from base.batch_producer import Failure, Messages
from sim import publish
from sim.arrays import Longs
from sim.control import parse_go
from sim.delivery_log import DeliveryLog, read_delivery_log
from sim.encode import ready_to_send
from sim.pacing import LARGEST_BURST, LONGEST_SLEEP_NS, TICK_NS, Burst, due_burst, pace, sleep_for
from sim.prepare import Prepared, Preparer, keys_of
from sim.scenario import load_scenario
from sim.sender import Sender
from sim.simulate import simulate
from sim.stream import resolve_stream
from sim.texts import Texts

MS = 1_000_000


@dataclass
class FakeClock:
    """A clock that moves only when it is slept on, and then comes back late."""

    now_ns: int = 0
    overshoot_ns: int = 100_000
    wakes: int = 0

    def monotonic_ns(self) -> int:
        """The time."""
        return self.now_ns

    def sleep_ns(self, duration_ns: int) -> None:
        """Let time pass."""
        self.now_ns += duration_ns + self.overshoot_ns
        self.wakes += 1


@dataclass(frozen=True)
class Stretch:
    """A bare schedule."""

    due_ns: Longs


@dataclass
class Run:
    """Paces a schedule on a fake clock and notes when each delivery was sent."""

    clock: FakeClock = field(default_factory=FakeClock)
    sent_ns: list[int] = field(default_factory=list)
    bursts: list[int] = field(default_factory=list)
    stop_at_ns: int = 2**62
    cost_ns: int = 0

    def of(self, *due_ns: Longs, zero_ns: int = 0, unpaced: bool = False, tick_ns: int = TICK_NS) -> bool:
        """Whether everything was sent."""

        def send(stretch: Stretch, burst: Burst) -> None:
            for _ in range(burst.low, burst.high):
                self.sent_ns.append(self.clock.now_ns - zero_ns)
                self.clock.now_ns += self.cost_ns
            self.bursts.append(burst.high - burst.low)

        return pace(
            [Stretch(due) for due in due_ns],
            zero_ns=zero_ns,
            clock=self.clock,
            send=send,
            woken=lambda now_ns: None,
            stopped=lambda: self.clock.now_ns >= self.stop_at_ns,
            unpaced=unpaced,
            tick_ns=tick_ns,
        )


def every(step_ns: int, count: int, first_ns: int = 0) -> Longs:
    """An even schedule."""
    return np.arange(count, dtype=np.int64) * step_ns + first_ns


def test_nothing_is_sent_early_nor_later_than_a_tick():
    """At 20,000/s each delivery leaves at or after its due instant, at most a tick plus overshoot late."""
    due_ns = every(50_000, 4000, first_ns=3 * MS)
    run = Run()
    assert run.of(due_ns)
    late = np.array(run.sent_ns) - due_ns
    assert late.min() >= 0
    assert late.max() <= TICK_NS + 100_000


def test_wake_ups_are_bounded_and_none_is_idle_for_long():
    """A dense second takes at most 2,000 wake-ups; a sparse one sleeps in steps of 20 ms."""
    dense, sparse = Run(), Run()
    dense.of(every(1000, 1_000_000))
    assert dense.clock.wakes <= 2001
    sparse.of(every(1000 * MS, 2))
    assert 50 <= sparse.clock.wakes <= 55


def test_a_longer_tick_gathers_more():
    """At 20,000/s and 2 ms: nothing early, at most the tick and its overshoot late, and hardly 500 sends a second."""
    due_ns = every(50_000, 20_000, first_ns=3 * MS)
    run = Run()
    assert run.of(due_ns, tick_ns=2 * MS)
    late = np.array(run.sent_ns) - due_ns
    assert late.min() >= 0
    assert late.max() <= 2 * MS + 100_000
    assert len(run.bursts) <= 500


def test_a_stall_shifts_nothing_that_follows():
    """After a stall of 100 ms the backlog goes out at once, and the schedule is met again."""
    due_ns = every(MS, 400)
    run = Run()
    run.clock.now_ns = 100 * MS
    assert run.of(due_ns)
    late = np.array(run.sent_ns) - due_ns
    assert late[0] == 100 * MS
    assert late[150:].max() <= TICK_NS + 100_000


def test_a_long_backlog_goes_out_in_bounded_bursts_without_rest():
    """Far behind, bursts are capped so that a stop is noticed, and no time is slept away between them."""
    run = Run(clock=FakeClock(now_ns=10_000 * MS))
    assert run.of(every(1000, 10 * LARGEST_BURST))
    assert max(run.bursts) == LARGEST_BURST
    assert run.clock.wakes <= 1


def test_stretches_follow_each_other_on_one_clock():
    """A schedule in pieces is sent at the same instants as the schedule in one."""
    due_ns, whole, parts = every(300_000, 900), Run(), Run()
    whole.of(due_ns, zero_ns=-5 * MS)
    parts.of(due_ns[:1], due_ns[1:500], due_ns[500:], zero_ns=-5 * MS)
    assert np.abs(np.array(whole.sent_ns) - np.array(parts.sent_ns)).max() <= TICK_NS + 100_000


def test_stop_ends_between_bursts():
    """Once stopped nothing more is sent, and the caller learns that something is missing."""
    run = Run(stop_at_ns=50 * MS)
    assert not run.of(every(MS, 200))
    assert 45 <= len(run.sent_ns) <= 51


def test_unpaced_does_not_wait():
    """Unpaced, everything goes out without a single sleep, due or not."""
    run = Run()
    assert run.of(every(1000 * MS, 5000), unpaced=True)
    assert len(run.sent_ns) == 5000
    assert run.clock.wakes == 0


def test_burst_and_sleep():
    """The due instant itself is due; a sleep is a tick at least and 20 ms at most."""
    due_ns = np.array([10, 20, 20, 30])
    assert due_burst(due_ns, 0, 9) == Burst(0, 0)
    assert due_burst(due_ns, 0, 20) == Burst(0, 3)
    assert due_burst(due_ns, 3, 40) == Burst(3, 4)
    assert sleep_for(0, 10) == TICK_NS
    assert sleep_for(0, 5 * MS) == 5 * MS
    assert sleep_for(0, 900 * MS) == LONGEST_SLEEP_NS


@pytest.mark.parametrize(
    ("line", "meant"), [(b"go", 0), (b"go 1795479578236500650", 1795479578236500650), (b"", None), (b"stop now", None)]
)
def test_the_word_to_start(line: bytes, meant: int | None):
    """`go`, with or without an instant, is understood; anything else is not."""
    assert parse_go(line) == meant


@dataclass
class FakeProducer:
    """A queue of ``room`` messages that empties when polled; every ``lossy``-th one fails."""

    room: int = 10**9
    lossy: int = 0
    silent: bool = False
    taken: list[tuple[bytes, bytes]] = field(default_factory=list)
    waiting: list[bytes] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many failed."""
        return len(self.failures)

    def __len__(self) -> int:
        return len(self.waiting)

    def produce(self, messages: Messages) -> int:
        """Copy what there is room for, as librdkafka does: by address and length."""
        room = self.room - len(self.waiting)
        for one in messages[:room]:
            key, value = (
                string_at(int(one["key"]), int(one["key_len"])),
                string_at(int(one["payload"]), int(one["len"])),
            )
            self.taken.append((key, value))
            self.waiting.append(value)
        return min(room, len(messages))

    def poll(self, timeout_s: float) -> None:
        """Answer for all that waits."""
        if not self.silent:
            lost = self.waiting[self.lossy - 1 :: self.lossy] if self.lossy else []
            self.failures += [Failure("lost", value) for value in lost]
            self.waiting.clear()

    def flush(self, timeout_s: float) -> None:
        """As `poll`."""
        self.poll(timeout_s)

    def give_up(self) -> None:
        """All that waits fails."""
        self.failures += [Failure("purged", value) for value in self.waiting]
        self.waiting.clear()


def stretch(count: int) -> Prepared:
    """``count`` deliveries of sensors 1, 2, 3, 1, ..."""
    sensor_id = np.array([1 + number % 3 for number in range(count)], dtype=np.int32)
    values = [b'{"sensor_id":%d,"seq":%d}' % (sensor, number) for number, sensor in enumerate(sensor_id.tolist())]
    return Prepared(
        sensor_id=sensor_id,
        seq=np.arange(count, dtype=np.int64),
        copy=np.zeros(count, dtype=np.uint8),
        due_ns=np.arange(count, dtype=np.int64),
        keys=keys_of(sensor_id),
        values=Texts.of_lines(b"".join(value + b"\n" for value in values)),
    )


def test_sender_keys_counts_and_logs(tmp_path: Path):
    """Each delivery carries its sensor's key, is acknowledged once, and stands in the log with its due."""
    producer = FakeProducer()
    with DeliveryLog(tmp_path / "sent.log") as log:
        sender = Sender(producer, zero_wall_ns=10**18, log=log)
        for part in (stretch(5), stretch(4)):
            sender.send(part, Burst(0, 2))
            sender.woken(0)
            sender.send(part, Burst(2, len(part)))
        sender.flush(1.0)
    totals = sender.totals()
    assert (totals["sent"], totals["acked"], totals["failed"], totals["unacked"]) == (9, 9, 0, [])
    assert producer.taken[4] == (b"2", b'{"sensor_id":2,"seq":4}')
    records = read_delivery_log(tmp_path / "sent.log")
    assert records["seq"].tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3]
    assert records["due_ns"].tolist() == [10**18 + number for number in (0, 1, 2, 3, 4, 0, 1, 2, 3)]
    assert (np.diff(records["sent_ns"]) >= 0).all()


def test_sender_waits_out_a_full_queue():
    """A full queue delays, counts as a stall, and loses nothing."""
    producer = FakeProducer(room=2)
    sender = Sender(producer, zero_wall_ns=0, log=None)
    sender.send(stretch(7), Burst(0, 7))
    sender.flush(1.0)
    assert sender.totals()["acked"] == 7
    assert sender.stall_ns > 0


def test_sender_names_what_was_not_acknowledged():
    """Failed and unanswered deliveries are counted apart and listed by (sensor, seq)."""
    failing = Sender(FakeProducer(lossy=3), zero_wall_ns=0, log=None)
    failing.send(stretch(6), Burst(0, 6))
    failing.flush(1.0)
    assert failing.totals() | {"queue_full_stall_s": 0} == {
        "sent": 6, "acked": 4, "failed": 2, "unacked": [(3, 2), (3, 5)], "queue_full_stall_s": 0,
    }  # fmt: skip
    silent = Sender(FakeProducer(silent=True), zero_wall_ns=0, log=None)
    silent.send(stretch(2), Burst(0, 2))
    silent.flush(0.0)
    totals = silent.totals()
    assert (totals["acked"], totals["failed"], totals["unacked"]) == (0, 0, [(1, 0), (2, 1)])


def test_sender_leaves_a_full_queue_when_stopped():
    """Ctrl-C does not wait for a broker that takes nothing any more."""
    sender = Sender(FakeProducer(room=3, silent=True), zero_wall_ns=0, log=None, stopped=lambda: True)
    sender.send(stretch(7), Burst(0, 7))
    assert sender.sent == 3


def test_sender_gives_up_on_a_dead_broker_when_stopped(monkeypatch: pytest.MonkeyPatch):
    """A stop during the wait for acknowledgements shortens it, and what was not acknowledged is told."""
    monkeypatch.setattr("sim.sender.STOPPED_FLUSH_S", 0.0)
    asked = iter([False])
    sender = Sender(FakeProducer(silent=True), zero_wall_ns=0, log=None, stopped=lambda: next(asked, True))
    sender.send(stretch(2), Burst(0, 2))
    sender.flush(1e9)
    totals = sender.totals()
    assert (totals["acked"], totals["unacked"]) == (0, [(1, 0), (2, 1)])


SPEC = resolve_stream(load_scenario("temperate-day"), seed=42, sensors=20)


def source(**stretch):
    """Deliveries of the stream, encoded."""
    return ready_to_send(chunk.readings for chunk in simulate(SPEC, **stretch))


def test_preparer_makes_a_bounded_run_whole():
    """A run with an end is prepared to its end before it starts, and its number is known."""
    preparer = Preparer(source(start_s=-3600.0, end_s=7200.0))
    ready = preparer.wait_ready()
    taken = list(preparer)
    assert preparer.planned == ready == sum(map(len, taken))
    assert ready == pytest.approx(20 * 18, abs=20)
    assert json.loads(taken[0].values[0])["sensor_id"] == taken[0].sensor_id[0]


def test_preparer_keeps_to_a_limit():
    """A number of readings ends an otherwise endless run, to the reading."""
    preparer = Preparer(source(start_s=0.0, end_s=None), limit=333)
    assert preparer.wait_ready() == 333
    assert sum(map(len, preparer)) == preparer.planned == 333


def test_preparer_stays_a_little_ahead_of_an_endless_run():
    """An endless run is prepared as it is used up, and stops when told."""
    preparer = Preparer(source(start_s=0.0, end_s=None, chunk_readings=100), ahead=1_000)
    assert preparer.wait_ready() < 5000
    assert preparer.planned is None
    first = [len(part) for part, _ in zip(preparer, range(20), strict=False)]
    assert len(first) == 20
    preparer.stop()
    assert list(preparer) == []


@pytest.fixture
def mock_cluster(tmp_path: Path) -> list[str]:
    """The command line of a publisher into librdkafka's own mock broker, with all its traffic inside."""
    settings = tmp_path / "mock.toml"
    settings.write_text('protocol = "PLAINTEXT"\n[librdkafka]\ntest.mock.num.brokers = 1\n')
    return [sys.executable, "-m", "sim.publish", "--sensors", "50", "--kafka-config", str(settings), "--json-events"]


BOUNDED = ["--rate", "500", "--speedup", "2880", "--lead", "200ms", "--for", "500ms", "--start", "scenario"]


def test_a_bounded_run_is_published_logged_and_accounted_for(mock_cluster: list[str], tmp_path: Path):
    """Prepared, go, started, done: every planned reading is sent on time, acknowledged and logged."""
    log = tmp_path / "sent.log"
    command = [*mock_cluster, *BOUNDED, "--wait-for-go", "--log", str(log)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as publisher:
        assert publisher.stdin is not None
        assert publisher.stdout is not None
        prepared = json.loads(publisher.stdout.readline())
        zero_wall_ns = time.time_ns() + 300 * MS
        publisher.stdin.write(b"go %d\n" % zero_wall_ns)
        publisher.stdin.flush()
        started, *_, done = map(json.loads, publisher.stdout)
        assert publisher.wait(20) == 0
    assert (prepared["event"], started["event"], done["event"]) == ("prepared", "started", "done")
    assert done["planned"] == done["sent"] == done["acked"] == prepared["readings"]
    assert done["planned"] == pytest.approx(350, abs=40)
    records = read_delivery_log(log)
    assert len(records) == done["sent"]
    assert records["due_ns"][0] == started["first_due_ns"] < started["zero_wall_ns"] == zero_wall_ns
    assert (records["sent_ns"] - records["due_ns"]).min() > -MS


def test_a_parent_that_leaves_ends_the_publisher(mock_cluster: list[str]):
    """The end of stdin, before or after the start, is a stop: totals are told, and nobody hangs."""
    done = subprocess.run(
        [*mock_cluster, *BOUNDED, "--wait-for-go"], stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    prepared, last = map(json.loads, done.stdout.splitlines())
    assert (prepared["event"], last["event"], last["sent"]) == ("prepared", "done", 0)


def interrupted(command: list[str]) -> dict[str, Any]:
    """The totals of an endless run that is interrupted while it sends: it must exit with 130."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as publisher:
        assert publisher.stdout is not None
        while json.loads(publisher.stdout.readline())["event"] != "progress":
            pass
        publisher.send_signal(signal.SIGINT)
        *_, last = map(json.loads, publisher.stdout)
        assert publisher.wait(20) == 130
    assert (last["event"], last["planned"]) == ("done", None)
    return last


def test_ctrl_c_ends_an_endless_run_cleanly(mock_cluster: list[str]):
    """An endless run stops at Ctrl-C with its totals, and exits with 130."""
    last = interrupted([*mock_cluster, "--rate", "200"])
    assert last["sent"] == last["acked"]


def test_workers_give_one_account(mock_cluster: list[str], tmp_path: Path):
    """Two workers start at one instant; their events, totals and logs come out as those of one process."""
    log = tmp_path / "sent.log"
    command = [*mock_cluster, *BOUNDED, "--workers", "2", "--log", str(log)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    prepared, started, *_, last = map(json.loads, done.stdout.splitlines())
    assert last["event"] == "done"
    assert last["planned"] == last["sent"] == last["acked"] == prepared["readings"]
    records = read_delivery_log(log)
    assert len(records) == last["sent"] == pytest.approx(350, abs=40)
    assert records["due_ns"].min() == started["first_due_ns"] < started["zero_wall_ns"]
    assert {sensor % 2 for sensor in records["sensor_id"].tolist()} == {0, 1}
    assert (np.diff(records["sent_ns"]) >= 0).all()
    assert (records["sent_ns"] - records["due_ns"]).min() > -MS


def test_ctrl_c_ends_workers_cleanly(mock_cluster: list[str]):
    """Ctrl-C reaches every worker: each accounts for what it sent, and the command exits with 130."""
    last = interrupted([*mock_cluster, "--rate", "200", "--workers", "2"])
    assert last["sent"] == last["acked"] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "0"], "--workers 0: give from 1 up to the 50 sensors"),
        (["--workers", "51"], "--workers 51: give from 1 up to the 50 sensors"),
        (["--workers", "2", "--readings", "9"], "--workers 2: --readings cannot be shared out"),
        (["--workers", "2", "--shard", "1/2"], "--workers 2: --shard is the work of one process"),
        (["--workers", "2", "--verbose"], "--workers 2: --verbose shows what one process sends"),
        (["--shard", "2"], "--shard 2: write K/N"),
        (["--shard", "3/2"], "--shard 3/2: give K/N with K from 1 to N"),
    ],
)
def test_work_that_cannot_be_shared(options: list[str], message: str):
    """What workers and shards cannot do is refused in one line that names the flag."""
    result = CliRunner().invoke(publish.app, ["--sensors", "50", *options])
    assert result.exit_code == 2
    assert message in result.stderr
