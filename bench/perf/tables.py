"""Tables of figures, for a terminal and for a page."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

#: Columns of a table that goes to a pipe or a file.
WIDE = 160


def print_table(columns: list[str], rows: list[list[str]], *, markdown: bool, numbers: bool = True) -> None:
    """Print on stdout, for a person or as Markdown; with ``numbers`` all columns but the first to the right."""
    if markdown:
        for row in (columns, ["---", *["---:"] * (len(columns) - 1)], *rows):
            print(f"| {' | '.join(row)} |")
        return
    table = Table(columns[0], box=None, pad_edge=False, header_style="bold")
    for column in columns[1:]:
        table.add_column(column, justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*row)
    console = Console()
    # Whoever reads from a pipe has room, though rich takes it for a terminal of 80 columns.
    (console if console.is_terminal else Console(width=WIDE)).print(table)


def thousands(per_s: float) -> str:
    """A rate, with as many digits as it deserves: ``712 k``."""
    return f"{per_s / 1000:,.0f} k"


def share(ratio: float) -> str:
    """A ratio with two digits."""
    return f"{ratio:.2f}"
