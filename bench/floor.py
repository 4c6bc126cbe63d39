"""The Kafka floor: our publisher to our collector through the broker, with no pipeline between.

Whatever a pipeline's latency is, this much of it is Kafka's and ours.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import polars as pl

from base.kafka import Admin
from base.process import Child, python_module
from bench.latency import quantiles
from bench.records import Quantiles
from bench.stamps import deliveries_frame, latency_ms
from sim.delivery_log import read_delivery_log

#: About the rate at which alerts leave the pipeline in the default scenario (11,000 in 30 s), for so
#: many seconds: enough for a p99. The first second is left out: connections open and caches fill.
RATE_PER_S = 400
SECONDS = 4
SKIPPED_S = 1


def kafka_floor(
    *, run_id: str, scenario: str, seed: int, bootstrap: str, settings: dict[str, str], folder: Path
) -> Quantiles:
    """Due to seen, in ms, of plain readings sent straight to a topic that the collector reads."""
    topic = f"floor-{run_id}"
    admin = Admin(bootstrap, settings)
    admin.create(topic, partitions=1)
    folder.mkdir(exist_ok=True)
    out, log = folder / "collected.parquet", folder / "deliveries.bin"
    command = python_module("bench.collector", "--bootstrap", bootstrap, "--topic", topic, "--out", str(out))
    publish = python_module("sim.publish", "--bootstrap", bootstrap, "--topic", topic, "--scenario", scenario)
    publish += ["--seed", str(seed), "--sensors", "50", "--rate", str(RATE_PER_S), "--start", "scenario"]
    publish += ["--for", f"{SECONDS}s", "--log", str(log), "--json-events"]
    try:
        with Child("collector", command, log=folder / "collector.log", events=True) as collector:
            collector.wait_for("ready", timeout_s=30)
            with Child("publisher", publish, log=folder / "publisher.log", events=True) as publisher:
                publisher.wait_for("done", timeout_s=SECONDS + 30)
            collector.send("stop")
            collector.wait_for("done", timeout_s=30)
    finally:
        admin.delete([topic])
    sent = deliveries_frame(read_delivery_log(log))
    values = [orjson.loads(value) for value in pl.read_parquet(out)["value"]]
    seen = (
        pl.read_parquet(out)
        .select("seen_ns")
        .hstack(
            pl.DataFrame(
                {name: np.array([value[name] for value in values], dtype=np.int64) for name in ("sensor_id", "seq")}
            )
        )
    )
    first_due = sent["due_ns"].min()
    assert isinstance(first_due, int)
    kept = sent.filter(pl.col("due_ns") >= first_due + SKIPPED_S * 1_000_000_000)
    return quantiles(latency_ms(kept.join(seen, on=["sensor_id", "seq"], how="left"), "due_ns", "seen_ns"))
