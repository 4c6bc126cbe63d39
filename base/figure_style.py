"""How every figure looks, whichever room draws it: one palette, one font, one grid, one way to PNG.

What a colour means is the business of the room that draws. No pyplot: a `Figure` made here belongs
to its maker alone, so there is no global list of figures from which it would have to be closed.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image  # matplotlib writes its PNGs with it

from base.palette import GRID, INK, MUTED, PAPER

#: Figures are laid out at this many dots per inch, one for each CSS pixel, and stored at twice as many.
DPI: Final = 100
SCALE: Final = 2
#: The width of a full figure, in inches.
WIDTH: Final = 10.6

RC: Final[dict[str, Any]] = {
    "figure.dpi": DPI,
    "figure.facecolor": PAPER,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
    "savefig.facecolor": PAPER,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelsize": 9.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#b8c0c8",
    "axes.facecolor": PAPER,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    # A name with dollars in it is a name, no formula.
    "text.parse_math": False,
    "hatch.linewidth": 0.6,
    "hatch.color": "#aeb6be",
}


@contextmanager
def styled() -> Iterator[None]:
    """A context in which figures must be both made and drawn, whatever the user's own settings are."""
    with matplotlib.style.context(["default", RC]), warnings.catch_warnings():
        # A sign that the font lacks becomes a box: names come from files, and the data beside a figure has them whole.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font|Matplotlib currently does not support")
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches, laid out by itself; call it inside `styled`."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as PNG at twice its layout's resolution; the same figure gives the same bytes.

    In the 256 colours that suit it best: a third of the bytes, and no difference that an eye could see.
    """
    drawn, small = io.BytesIO(), io.BytesIO()
    with styled():
        # Aligned labels and equal aspects are known after a layout only, and fit from the second one on.
        layout = figure.get_layout_engine()
        assert layout is not None
        layout.execute(figure)
        figure.savefig(drawn, format="png", dpi=DPI * SCALE, pil_kwargs={"compress_level": 1})
    image = Image.open(drawn).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()
