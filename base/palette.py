"""The colours of every figure and page; what one means is the business of the room that draws."""

from __future__ import annotations

from typing import Final

INK: Final = "#1f2933"
MUTED: Final = "#66727f"
GRID: Final = "#e4e8ec"
PAPER: Final = "#ffffff"

# Okabe and Ito (2008), Color Universal Design.
BLUE: Final = "#0072b2"
ORANGE: Final = "#e69f00"
GREEN: Final = "#009e73"
VERMILION: Final = "#d55e00"
PURPLE: Final = "#cc79a7"
SKY: Final = "#56b4e9"
BLACK: Final = "#000000"
