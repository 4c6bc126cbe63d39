"""One stage of the simulator by itself, in a process of its own: ``python -m bench.perf.stages STAGE``.

Started by `bench.perf.publisher`. Times are of the steady state: the first chunk, which pays for imports,
weather tables and cold caches, is left out and told apart as ``start_s``.
"""

from __future__ import annotations

import gc
import resource
import sys
import time
import tracemalloc
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

import numpy as np
import typer

from base.errors import one_line_errors
from base.jsonl import emit
from sim.batch import ReadingBatch
from sim.encode import encode, ready_to_send
from sim.observe import Observer
from sim.scenario import load_scenario
from sim.simulate import simulate, source_of
from sim.stream import StreamSpec, resolve_stream

#: Readings in a chunk, as the publisher asks for them.
CHUNK = 100_000


class Stage(StrEnum):
    """What is timed."""

    GENERATE = "generate"
    ENCODE = "encode"
    BOTH = "both"
    STATE = "state"


def batches(stream: StreamSpec) -> Iterator[ReadingBatch]:
    """The stream's deliveries for ever, from event time zero on."""
    return (chunk.readings for chunk in simulate(stream, start_s=0.0, end_s=None, chunk_readings=CHUNK))


def generated(stream: StreamSpec) -> Iterator[int]:
    """Simulate: how many deliveries each chunk has."""
    return map(len, batches(stream))


def encoded(stream: StreamSpec) -> Iterator[int]:
    """Encode the same readings again and again: how many each time."""
    batch = next(batches(stream)).take(slice(0, CHUNK))
    while True:
        yield len(encode(batch))


def both(stream: StreamSpec) -> Iterator[int]:
    """Simulate and encode, as the publisher does, on as many threads."""
    return map(len, ready_to_send(batches(stream)))


_STAGES = {Stage.GENERATE: generated, Stage.ENCODE: encoded, Stage.BOTH: both}


def timed(counts: Iterator[int], readings: int) -> dict[str, Any]:
    """Take ``readings`` from a stage after its first chunk; seconds of wall and of CPU they took."""
    began = time.perf_counter()
    next(counts)
    start_s, made = time.perf_counter() - began, 0
    wall, cpu = time.perf_counter(), time.process_time()
    for count in counts:
        made += count
        if made >= readings:
            break
    return {
        "readings": made,
        "seconds": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "start_s": start_s,
        "rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }


def state_bytes(scenario: str, seed: int, sensors: int) -> int:
    """What a running simulator keeps between two chunks, as the allocators of Python and NumPy count it.

    Deliveries that wait to be late are not state: they are as many as the network delays.
    """
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    stream = resolve_stream(load_scenario(scenario), seed=seed, sensors=sensors)
    source = source_of(stream)
    observer = Observer(stream, source, 0)
    stretches = source.stretches(0, None, CHUNK)
    for stretch in islice(stretches, 2):
        observer.observe(stretch, np.ones(len(stretch), dtype=np.bool_))
    del stretch
    # What is left in the generator is the last stretch, not state.
    del stretches
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return after - before


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@one_line_errors
def main(
    stage: Annotated[Stage, typer.Argument(help="What to time.")],
    scenario: Annotated[str, typer.Option(help="A scenario's name, or a .toml file.")],
    seed: Annotated[int, typer.Option(help="Same seed, same readings.")],
    sensors: Annotated[int, typer.Option(help="How many sensors report.")],
    readings: Annotated[int, typer.Option(help="How many readings to time.")],
) -> None:
    """Time one stage of the simulator; started by bench.perf."""
    if stage is Stage.STATE:
        # The machinery itself (imported modules, the sun's tables) is there before it is counted.
        next(batches(resolve_stream(load_scenario(scenario), seed=seed, sensors=1)))
        emit("done", state_bytes=state_bytes(scenario, seed, sensors))
        return
    stream = resolve_stream(load_scenario(scenario), seed=seed, sensors=sensors)
    emit("done", **timed(_STAGES[stage](stream), readings))


if __name__ == "__main__":
    app()
