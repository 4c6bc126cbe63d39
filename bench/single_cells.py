"""Cells by themselves, outside any run: a bench opened and fed on a broker that is there, one cell after the other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bench import stream as streams
from bench.broker.api import Broker
from bench.cell_parts import Bench, bench_for, tail_s
from bench.config import RunConfig
from bench.jobs import Feed
from bench.matrix import plan
from bench.view import View


@contextlib.contextmanager
def open_bench(
    run_id: str, config: RunConfig, broker: Broker, settings: dict[str, str], folder: Path, view: View
) -> Iterator[Bench]:
    """A bench for the cells of ``config``, its stream written below ``folder`` and its backlogs filled."""
    cells = plan(config)
    for name in ("stream", "logs", "cells"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    view.phase("simulating the stream")
    spec = streams.resolve(config)
    stream = streams.prepare_stream(spec, config, tail_s=max(map(tail_s, cells)), folder=folder / "stream")
    bench = bench_for(run_id, config, cells, stream, broker, settings, view)
    feed = Feed(bench, folder / "logs")
    try:
        feed.start()
        feed.finish()
        yield bench
    finally:
        feed.stop()
