"""What a reader of a page would see of its figures."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page

#: Of each Plotly figure: where it is, what it was given, and how much of it is drawn.
_LOOK = """(name) => {
  const graph = document.getElementById(name), plot = graph.querySelector('.js-plotly-plot');
  const box = (one) => { const r = one.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom] };
  const some = (query) => [...plot.querySelectorAll(query)].map(box);
  const words = '.gtitle, .gtitle-subtitle, .xtitle, .ytitle, .xtick text, .ytick text, .legendtext';
  const shown = [...plot.querySelectorAll(words)];
  return {
    box: box(plot), card: box(graph),
    data: plot.data.map((trace) => ({name: trace.name, x: trace.x, y: trace.y})),
    marks: plot.querySelectorAll('.scatterlayer .trace path, .barlayer .point path').length,
    empty: [...plot.querySelectorAll('.annotation-text')].map((one) => one.textContent),
    title: some('.gtitle, .gtitle-subtitle'), legend: some('.legend'),
    inks: [...new Set(shown.map((one) => getComputedStyle(one).fill))],
    ground: getComputedStyle(graph).backgroundColor,
    texts: shown.filter((one) => one.textContent && one.getClientRects().length).map(box),
  };
}"""


def figure(page: Page, name: str) -> dict[str, Any]:
    """The figure with the id ``name``, as it stands on the page."""
    return page.evaluate(_LOOK, name)


def wait_for_data(page: Page, name: str = "temperature-trend") -> None:
    """Until the figure is drawn, with at least one mark."""
    page.locator(f"#{name}").locator(".scatterlayer .trace path, .barlayer .point path").first.wait_for(
        state="attached"
    )


def overflow_px(page: Page) -> int:
    """By how much the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours ``rgb(r, g, b)``."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def overlap(one: list[float], other: list[float]) -> bool:
    """Whether two boxes (left, top, right, bottom) share more than their edges."""
    return one[0] < other[2] - 1 and other[0] < one[2] - 1 and one[1] < other[3] - 1 and other[1] < one[3] - 1
