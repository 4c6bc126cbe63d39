"""The Kafka floor: our publisher to our collector through the broker, with no pipeline between.

Whatever a pipeline's latency is, this much of it is Kafka's and ours.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

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


class Floor:
    """Publisher and collector, coming up since this was made; `measure` uses them once."""

    def __init__(
        self,
        *,
        run_id: str,
        scenario: str,
        seed: int,
        bootstrap: str,
        settings: dict[str, str],
        kafka_config_flag: list[str],
        folder: Path,
    ) -> None:
        topic = f"floor-{run_id}"
        self._collected, self._log = folder / "collected.parquet", folder / "deliveries.bin"
        collect = python_module("bench.collector", "--bootstrap", bootstrap, "--topic", topic)
        collect += ["--out", str(self._collected), *kafka_config_flag]
        publish = python_module("sim.publish", "--bootstrap", bootstrap, "--topic", topic, "--scenario", scenario)
        publish += ["--seed", str(seed), "--sensors", "50", "--rate", str(RATE_PER_S), "--start", "scenario"]
        publish += ["--for", f"{SECONDS}s", "--log", str(self._log), "--json-events", "--wait-for-go"]
        publish += kafka_config_flag
        with contextlib.ExitStack() as stack:
            folder.mkdir()
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            admin = Admin(bootstrap, settings)
            admin.create(topic, partitions=1)
            stack.callback(admin.delete, [topic])
            self._collector = stack.enter_context(
                Child("collector", collect, log=folder / "collector.log", events=True)
            )
            self._publisher = stack.enter_context(
                Child("publisher", publish, log=folder / "publisher.log", events=True)
            )
            self._stack = stack.pop_all()

    def measure(self) -> Quantiles:
        """Due to seen, in ms, of plain readings sent straight to a topic that the collector reads."""
        with self._stack:
            self._collector.wait_for("ready", timeout_s=30)
            self._publisher.wait_for("prepared", timeout_s=30)
            self._publisher.send("go")
            self._publisher.wait_for("done", timeout_s=SECONDS + 30)
            self._collector.send("stop")
            self._collector.wait_for("done", timeout_s=30)
            sent = deliveries_frame(read_delivery_log(self._log))
            collected = pl.read_parquet(self._collected)
        values = [orjson.loads(value) for value in collected["value"]]
        ids = pl.DataFrame(values, schema={"sensor_id": pl.Int64, "seq": pl.Int64})
        first_due = sent["due_ns"].min()
        assert isinstance(first_due, int)
        kept = sent.filter(pl.col("due_ns") >= first_due + SKIPPED_S * 1_000_000_000)
        seen = collected.select("seen_ns").hstack(ids)
        return quantiles(latency_ms(kept.join(seen, on=["sensor_id", "seq"], how="left"), "due_ns", "seen_ns"))

    def stop(self) -> None:
        """End what runs and remove what was written. Safe to call twice."""
        self._stack.close()
