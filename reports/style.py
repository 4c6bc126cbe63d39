"""What the reports' figures say with colour: a colour means the same thing in all of them.

How figures look at all (palette, font, grid) stands in `base.figure_style`, which the simulator's
pictures share. Figures are white cards: the page around them may be dark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from matplotlib.colors import LinearSegmentedColormap, to_rgb

from base.figure_style import DPI, SCALE, WIDTH, new_figure, png, styled
from base.palette import BLACK, BLUE, GREEN, INK, MUTED, ORANGE, PAPER, PURPLE, SKY, VERMILION

# What the reports draw with, whether its home is here or there.
__all__ = [
    "BLACK", "BLUE", "DETECTORS", "DOUBT", "DPI", "FAULTY", "GREEN", "HAZARD", "HEAT_MAP", "HEAT_MAP_REVERSED", "INK",
    "MARGINAL", "MUTED", "OBSERVED", "ORANGE", "OUTCOMES", "PAPER", "PROCESSES", "PURPLE", "SCALE", "SKY", "STAGES",
    "TRUE_LINE", "VERMILION", "WIDTH", "Mark", "faded", "new_figure", "of_outcome", "of_partitions", "of_process",
    "of_stage", "png", "stage_order", "styled",
]  # fmt: skip

#: Ground of matrix points that may not be read as numbers.
DOUBT: Final = "#eef0f2"

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

#: Sensor's day: what was true, what was reported, where a fault was injected, where a rule holds for the truth.
TRUE_LINE: Final = MUTED
OBSERVED: Final = BLUE
FAULTY: Final = ORANGE

HAZARD: Final = INK
MARGINAL: Final = "#b8c0c8"


@dataclass(frozen=True)
class Mark:
    """How a thing that is counted is marked, and what it is called."""

    colour: str
    marker: str
    label: str


#: What became of an alert, or of a hazard -> its mark, the same in every figure.
OUTCOMES: Final = {
    "hit": Mark(GREEN, "o", "alert: hit"),
    "false": Mark(VERMILION, "s", "alert: false"),
    "neither": Mark(MUTED, "D", "alert: neither (noise or fault)"),
    "unjudged": Mark(PURPLE, "^", "alert: not judged"),
    "missed": Mark(BLACK, "X", "missed hazard"),
}

#: Detector -> its mark; the rules' own first, then those that know nothing.
DETECTORS: Final = {
    "alerts": Mark(BLUE, "o", "the rules"),
    "random": Mark(ORANGE, "D", "at random"),
    "always_on": Mark(VERMILION, "^", "always on"),
    "never": Mark(MUTED, "X", "never"),
}

#: Heat maps: one hue, and light is good; a share runs the other way than a time.
HEAT_MAP: Final = LinearSegmentedColormap.from_list("heat", ["#e6f1f9", "#8cc3e6", BLUE, "#08335c"])
HEAT_MAP_REVERSED: Final = HEAT_MAP.reversed()


def of_partitions(count: int) -> tuple[str, str]:
    """Colour and marker of a number of partitions; powers of two have theirs, others share the cycle."""
    return _PARTITIONS.get(count, (_CYCLE[count % len(_CYCLE)], "o"))


def of_outcome(outcome: str) -> dict[str, Any]:
    """How Matplotlib draws the mark of an outcome: hollow around a reading, filled where nothing was alerted."""
    mark = OUTCOMES[outcome]
    fill, edge = (mark.colour, PAPER) if outcome == "missed" else ("none", mark.colour)
    colours = {"markerfacecolor": fill, "markeredgecolor": edge}
    return {"marker": mark.marker, "linestyle": "", "markersize": 7, "markeredgewidth": 1.3, **colours}


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
