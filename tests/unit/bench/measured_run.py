"""A whole stored run without Kafka or Spark: a simulated stream, the alerts it calls for, and the bench's own scoring.

What a broker, a publisher and a collector would have noted is made up; every number in its
result.json comes out of `bench.measure`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
from unit.bench.builders import a_config, a_result

from bench.campaign import scenario_record
from bench.cell_parts import Bench, tail_s
from bench.judge import Judge
from bench.matrix import plan
from bench.measure import measure
from bench.messages import SCHEMA
from bench.phases import RawCell, ReadBack
from bench.stamps import judged_source
from bench.store import RunStore
from bench.stream import PreparedStream, prepare_stream, resolve
from pipeline.rules import load_rules
from sim.deliveries import read_deliveries
from sim.delivery_log import DeliveryLog
from sim.scenario import SCENARIOS_DIR
from wire.topics import Topics, cell_topics

ZERO_NS = 1_795_479_820_000_000_000
_MS = 1_000_000


class _Broker:
    bootstrap = "nowhere:1"
    pause_log = None

    def describe(self) -> dict[str, Any]:
        return {"kind": "embedded"}


def scenario(folder: Path) -> Path:
    """The hot, dry scenario with half of its sensors beacons, biased sensors, and a copy of every tenth reading."""
    text = (SCENARIOS_DIR / "hot-dry.toml").read_text().replace("share = 0.02\n", "share = 0.5\n")
    file = folder / "scenario.toml"
    file.write_text(
        text + "\n[delivery]\nduplicates = 0.1\n[faults.bias]\nper_sensor_day = 1.0\nfields = ['humidity']\n"
    )
    return file


def stored(folder: Path) -> Path:
    """A run of one 1 s cell below ``folder``/results, ``latest`` beside it: 44 sensors, some 1,584 beacon alerts.

    Of its alerts, some never came, some came twice, and one had nothing to call for it.
    """
    config = a_config(sensors=44, scenario=str(scenario(folder)), triggers=("1s",), partitions=(1,))
    (spec,) = plan(config)
    store = RunStore(folder / "results", "run")
    stream = prepare_stream(resolve(config), config, tail_s=tail_s(spec), folder=store.folder / "stream")
    rules = load_rules(None)
    stream.write(rules)
    bench = Bench(
        run_id="run",
        config=config,
        broker=_Broker(),  # type: ignore[arg-type]
        settings={},
        rules=rules,
        judge=Judge(rules),
        stream=stream,
        backlogs={},
        view=None,  # type: ignore[arg-type]
    )
    home = store.cell_folder(spec.id)
    topics = cell_topics("run", spec.id)
    source = _source(stream, home / "deliveries.bin")
    collected = _collected(source, bench.judge, topics)
    collected.write_parquet(home / "collected.parquet")
    idle = {"drain_per_s": 90_000.0, "passes": [], "seconds": 0.0}
    raw = RawCell(
        spec=spec,
        topics=topics,
        zero_ns=ZERO_NS,
        window_end_ns=ZERO_NS + round(config.window_s * 1e9),
        drained_ns=0,
        warmed=idle,
        drained=idle,
        published={"planned": len(source), "sent": len(source), "acked": len(source), "unacked": []},
        delivery_log=home / "deliveries.bin",
        progress=home / "progress.jsonl",
        host=home / "host.jsonl",
        collected=home / "collected.parquet",
        before={},
        after={},
        phases_s={},
    )
    cell = measure(raw, ReadBack(judged=judged_source(source, bench.judge), collected=collected), bench, home)
    store.save(a_result(config=config.stored(), scenario=scenario_record(stream), cells=[cell]))
    return store.folder


def _source(stream: PreparedStream, log: Path) -> pl.DataFrame:
    """The source topic: one partition, each reading appended within 1 ms of its due; writes the publisher's log."""
    columns: dict[str, list[Any]] = {"due_ns": [], "value": []}
    with DeliveryLog(log) as file:
        for stretch in read_deliveries(stream.deliveries):
            due_ns = stretch.due_ns + ZERO_NS
            named = {"sensor_id": stretch.sensor_id, "seq": stretch.seq, "copy": stretch.copy}
            file.write(**named, due_ns=due_ns, sent_ns=due_ns + 200_000)
            columns["due_ns"] += due_ns.tolist()
            columns["value"] += list(stretch.values)
    return pl.DataFrame(columns).select(
        partition=pl.lit(0, dtype=pl.Int32),
        offset=pl.int_range(pl.len()),
        appended_ms=pl.col("due_ns") // _MS + 1,
        value="value",
    )


def _collected(source: pl.DataFrame, judge: Judge, topics: Topics) -> pl.DataFrame:
    """What the collector noted: alerts, every 200th missing, every 70th twice, and one that is made up."""
    rng = np.random.default_rng(7)
    judged = source.hstack(judge(source["value"].to_list())).filter(pl.col("alert_id").is_not_null())
    rows = []
    for number, alert in enumerate(judged.iter_rows(named=True)):
        wait_ms = int(rng.exponential(400)) + 5
        value = {name: alert[name] for name in ("sensor_id", "seq", "rule", "fired", "alert_id")}
        copies = [] if number % 200 == 199 else [value] * (2 if number % 70 == 69 else 1)
        if number == 0:
            copies.append({**value, "seq": -1, "alert_id": "made up"})
        rows += [
            (alert["appended_ms"] + wait_ms, orjson.dumps({**one, "timestamp": 0.0, "alert": "x"})) for one in copies
        ]
    rows.sort()
    fields = [
        {
            "topic": topics.alerts,
            "partition": 0,
            "offset": n,
            "appended_ms": ms,
            "seen_ns": ms * _MS + 800_000,
            "value": v,
        }
        for n, (ms, v) in enumerate(rows)
    ]
    return pl.DataFrame([{"key": b"", **one} for one in fields], schema=SCHEMA)
