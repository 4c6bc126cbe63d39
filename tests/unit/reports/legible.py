"""What the text of a figure takes up, as it is really drawn: for tests that none overlaps and none is cut off."""

from __future__ import annotations

from itertools import combinations
from typing import Any
from unittest import mock

from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from reports import style
from reports.drawn import Drawn
from reports.figures import draw_all
from reports.stored import StoredRun

#: Boxes around text are a little larger than its letters; so many pixels of a layout may be shared.
TOUCH_PX = 1.0


def figures_of(run: StoredRun) -> dict[str, Figure]:
    """Every figure of the report that can be drawn, by name, before it becomes pixels."""
    kept: list[Figure] = []

    def keep(figure: Figure) -> bytes:
        kept.append(figure)
        return b"pixels"

    with mock.patch.object(style, "png", keep):
        drawn: list[Drawn] = list(draw_all(run).values())
    return dict(zip((one.name for one in drawn if one.png is not None), kept, strict=True))


def drawn_texts(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every text that drawing ``figure`` draws, with the box around it in pixels; labels of unused ticks are none."""
    found: list[tuple[str, Bbox]] = []
    draw = Text.draw

    def noted(text: Text, renderer: Any, *rest: Any, **more: Any) -> None:
        draw(text, renderer, *rest, **more)
        if text.get_visible() and text.get_text().strip():
            found.append((text.get_text(), text.get_window_extent(renderer)))

    with style.styled():
        # The layout is settled from the second drawing on, as in `style.png`.
        figure.draw_without_rendering()
        with mock.patch.object(Text, "draw", noted):
            figure.draw_without_rendering()
    return found


def overlapping(texts: list[tuple[str, Bbox]]) -> list[tuple[str, str]]:
    """Every two texts whose boxes share more than `TOUCH_PX` in both directions."""
    return [(one, other) for (one, a), (other, b) in combinations(texts, 2) if _share_px(a, b) > TOUCH_PX]


def _share_px(a: Bbox, b: Bbox) -> float:
    return min(min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0))


def cut_off(figure: Figure, texts: list[tuple[str, Bbox]]) -> list[str]:
    """Every text that reaches beyond an edge of ``figure``."""
    paper = figure.bbox
    return [
        text
        for text, box in texts
        if box.x0 < paper.x0 - TOUCH_PX
        or box.y0 < paper.y0 - TOUCH_PX
        or box.x1 > paper.x1 + TOUCH_PX
        or box.y1 > paper.y1 + TOUCH_PX
    ]
