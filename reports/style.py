"""How every figure looks: one palette, one font, one grid. A colour means the same thing in all of them.

Figures are white cards: the page around them may be dark.
"""

from __future__ import annotations

import io
from typing import Any, Final

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

#: Figures are laid out at this many dots per inch, one for each CSS pixel, and stored at twice as many.
DPI: Final = 100
SCALE: Final = 2
#: The width of a full figure, in inches.
WIDTH: Final = 10.6

INK: Final = "#1f2933"
MUTED: Final = "#66727f"
GRID: Final = "#e4e8ec"
PAPER: Final = "#ffffff"
#: Ground of matrix points that may not be read as numbers.
DOUBT: Final = "#eef0f2"

# Okabe and Ito (2008), Color Universal Design.
BLUE: Final = "#0072b2"
ORANGE: Final = "#e69f00"
GREEN: Final = "#009e73"
VERMILION: Final = "#d55e00"
PURPLE: Final = "#cc79a7"
SKY: Final = "#56b4e9"
BLACK: Final = "#000000"
_CYCLE: Final = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)

#: Number of partitions -> colour and marker, the same in every figure of every run.
_PARTITIONS: Final = {
    1: (BLUE, "o"),
    2: (ORANGE, "s"),
    4: (VERMILION, "^"),
    8: (GREEN, "D"),
    16: (PURPLE, "v"),
    32: (SKY, "P"),
    64: (BLACK, "X"),
}

#: Stage of the latency budget -> colour and name.
STAGES: Final = {
    "due_to_sent": (MUTED, "due → sent (publisher)"),
    "sent_to_appended": (SKY, "sent → in the source topic"),
    "appended_to_picked": (ORANGE, "waiting for the trigger"),
    "picked_to_alert_appended": (BLUE, "read, judge, write the alert"),
    "appended_to_alert_appended": (BLUE, "read, judge, write the alert"),
    "alert_appended_to_seen": (GREEN, "in the alerts topic → seen"),
}

#: Process -> colour.
PROCESSES: Final = {
    "pipeline": BLUE,
    "broker": ORANGE,
    "publisher": GREEN,
    "collector": PURPLE,
    "harness": MUTED,
    "meter": SKY,
}

#: Sensor's day: what was true, what was reported, what was alerted, where a fault was injected.
TRUE_LINE: Final = MUTED
OBSERVED: Final = BLUE
ALERTED: Final = VERMILION
FAULTY: Final = ORANGE

#: Heat maps: one hue, and light is good; a share runs the other way than a time.
HEAT_MAP: Final = LinearSegmentedColormap.from_list("heat", ["#e6f1f9", "#8cc3e6", BLUE, "#08335c"])
HEAT_MAP_REVERSED: Final = HEAT_MAP.reversed()

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
    "ytick.minor.size": 0,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "hatch.linewidth": 0.6,
    "hatch.color": "#aeb6be",
}


def of_partitions(count: int) -> tuple[str, str]:
    """Colour and marker of a number of partitions; powers of two have theirs, others share the cycle."""
    return _PARTITIONS.get(count, (_CYCLE[count % len(_CYCLE)], "o"))


def of_process(name: str) -> str:
    """The colour of a process; the same for every one that is not known."""
    return PROCESSES.get(name, PURPLE)


def of_stage(name: str) -> tuple[str, str]:
    """Colour and name of a stage of the budget."""
    return STAGES.get(name, (PURPLE, name.replace("_", " ")))


def stage_order(name: str) -> int:
    """Where a stage comes in the life of an alert; unknown ones come last."""
    return list(STAGES).index(name) if name in STAGES else len(STAGES)


def faded(colour: str) -> tuple[float, float, float]:
    """The colour as it would look under thin paper: for cells that are not valid."""
    red, green, blue = to_rgb(colour)
    return (0.6 + 0.4 * red, 0.6 + 0.4 * green, 0.6 + 0.4 * blue)


def styled() -> Any:
    """A context in which figures must be both made and drawn, whatever the user's own settings are."""
    return matplotlib.style.context(["default", RC])


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches, laid out by itself; call it inside `styled`."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as PNG at twice its layout's resolution; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with styled():
        figure.savefig(buffer, format="png", dpi=DPI * SCALE, metadata={"Software": None})
    return buffer.getvalue()
