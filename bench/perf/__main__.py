"""``python -m bench.perf``: how fast are the parts, and do they hold out?"""

from __future__ import annotations

import typer

from bench.perf.pipeline import pipeline
from bench.perf.publisher import publisher
from bench.perf.soak import soak

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False, no_args_is_help=True)
app.command(epilog="Example: python -m bench.perf publisher --sensors 1000,100000")(publisher)
app.command(epilog="Example: python -m bench.perf pipeline --part drain --rounds 5")(pipeline)
app.command(epilog="Example: python -m bench.perf soak --for 10min --triggers realtime:10s,1s")(soak)


@app.callback()
def perf() -> None:
    """Benchmarks of the parts: side by side with Kafka's own tools (quote the ratios: machines drift); for hours."""


if __name__ == "__main__":
    app()
