"""A prepared stream survives its file, byte for byte."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from base.errors import UsageError
from sim.deliveries import read_deliveries, write_deliveries
from sim.encode import ready_to_send
from sim.scenario import load_scenario
from sim.simulate import simulate
from sim.stream import resolve_stream
from sim.transmit import Transmission

SPEC = resolve_stream(load_scenario("temperate-day"), seed=42, sensors=20, speedup=2880.0)


def made():
    """Half a day of 20 sensors, in several stretches."""
    return list(
        ready_to_send(chunk.readings for chunk in simulate(SPEC, start_s=0.0, end_s=43200.0, chunk_readings=300))
    )


def flat(stretches):
    """All deliveries as tuples."""
    return [
        row
        for one in stretches
        for row in zip(one.sensor_id, one.seq, one.copy.tolist(), one.due_ns.tolist(), one.values, strict=True)
    ]


def test_what_was_written_is_read(tmp_path):
    """Ids, due instants and bytes are the same."""
    path = tmp_path / "deliveries.parquet"
    stretches = made()
    assert len(stretches) > 1
    assert write_deliveries(path, stretches) == len(flat(stretches))
    assert flat(read_deliveries(path)) == flat(stretches)


def test_up_to_an_instant(tmp_path):
    """``until_ns`` leaves out what is due then or later, and nothing else."""
    path = tmp_path / "deliveries.parquet"
    stretches = made()
    write_deliveries(path, stretches)
    until_ns = int(stretches[1].due_ns[7])
    wanted = [row for row in flat(stretches) if row[3] < until_ns]
    assert flat(read_deliveries(path, until_ns=until_ns)) == wanted


@pytest.mark.parametrize(("stretch", "row"), [(0, 0), (0, 5), (1, 0), (1, 7), (-1, -1)])
def test_from_an_instant(tmp_path, stretch, row):
    """``since_ns`` leaves out what is due before it, and nothing else, and leaves no empty stretch."""
    path = tmp_path / "deliveries.parquet"
    stretches = made()
    write_deliveries(path, stretches)
    since_ns = int(stretches[stretch].due_ns[row])
    wanted = [line for line in flat(stretches) if line[3] >= since_ns]
    read = list(read_deliveries(path, since_ns=since_ns))
    assert flat(read) == wanted
    assert all(len(one) for one in read)
    assert flat(read_deliveries(path, since_ns=since_ns, until_ns=since_ns)) == []


def test_the_first_sensors(tmp_path):
    """``sensors`` gives what a stream of so many would have had, byte for byte, and no empty stretch."""
    path = tmp_path / "deliveries.parquet"
    write_deliveries(path, made())
    few = replace(SPEC, sensors=7)
    alone = ready_to_send(chunk.readings for chunk in simulate(few, start_s=0.0, end_s=43200.0))
    stretches = list(read_deliveries(path, sensors=7))
    assert flat(stretches) == flat(alone)
    assert all(len(one) for one in stretches)


def test_another_file_is_one_line(tmp_path):
    """No Parquet, and Parquet with other columns: the error names the file."""
    import polars as pl

    text, other = tmp_path / "a.txt", tmp_path / "b.parquet"
    text.write_text("no")
    pl.DataFrame({"x": [1]}).write_parquet(other)
    for path in (text, other, tmp_path / "none"):
        with pytest.raises(UsageError, match=f"FILE {path}"):
            read_deliveries(path)


def test_resend_repeats_a_backlog(tmp_path):
    """With --repeat a short stream fills a larger backlog; without --unpaced that is refused."""
    path = tmp_path / "deliveries.parquet"
    count = write_deliveries(path, made())
    mock = tmp_path / "mock.toml"
    mock.write_text('protocol = "PLAINTEXT"\n[librdkafka]\ntest.mock.num.brokers = 1\n')
    command = [sys.executable, "-m", "sim.resend", str(path), "--kafka-config", str(mock), "--json-events", "--repeat"]
    command += ["--readings", str(2 * count + 1)]
    done = subprocess.run([*command, "--unpaced"], capture_output=True, text=True, check=True)
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["event"], last["planned"], last["acked"]) == ("done", 2 * count + 1, 2 * count + 1)
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: --repeat: ")


def test_a_tick_is_short():
    """What would never be slept is refused, and not cut off in silence."""
    where = {"bootstrap": "127.0.0.1:9092", "topic": "readings"}
    assert Transmission(**where, tick_ns=20_000_000).tick_ns == 20_000_000
    with pytest.raises(UsageError, match="--tick 21ms: acknowledgements"):
        Transmission(**where, tick_ns=21_000_000)
