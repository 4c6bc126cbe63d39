"""``python -m bench.perf``: how fast are the parts, beside what Kafka's own tools do on the same machine?"""

from __future__ import annotations

import typer

from bench.perf.pipeline import pipeline
from bench.perf.publisher import publisher

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False, no_args_is_help=True)
app.command(epilog="Example: python -m bench.perf publisher --sensors 1000,100000")(publisher)
app.command(epilog="Example: python -m bench.perf pipeline --part drain --rounds 5")(pipeline)


@app.callback()
def perf() -> None:
    """Benchmarks of the parts, side by side with Kafka's own tools: quote the ratios, machines drift."""


if __name__ == "__main__":
    app()
