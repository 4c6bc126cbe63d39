"""The report in a browser: figures drawn and in reach, words in contrast, whatever the window and the scheme."""

from __future__ import annotations

import pytest
from browser.looking import contrast, overflow_px
from unit.reports import stored_runs

from reports.render import render

pytestmark = pytest.mark.browser

#: Of each figure: its pixels, its size as drawn, and whether its card is in the window and shows or scrolls to all.
_IMAGES = """() => [...document.querySelectorAll('figure')].map((one) => {
  const image = one.querySelector('img'), card = one.querySelector('.card');
  const box = image.getBoundingClientRect();
  return {
    name: card.getAttribute('aria-label'), pixels: image.naturalWidth, width: box.width, height: box.height,
    alt: image.alt, left: card.getBoundingClientRect().left, right: card.getBoundingClientRect().right,
    reach: card.scrollWidth - box.width,
  };
})"""

#: The ink of each text that is shown, and the ground that it stands on.
_INKS = """() => {
  const ground = (one) => {
    while (one) {
      const colour = getComputedStyle(one).backgroundColor;
      if (colour !== 'rgba(0, 0, 0, 0)') return colour;
      one = one.parentElement;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('h1, h2, p, li, th, td, dt, dd, summary, figcaption, a, .badge')];
  return [...new Set(texts.filter((one) => one.getClientRects().length).map(
    (one) => JSON.stringify([one.tagName, getComputedStyle(one).color, ground(one)])))].map((one) => JSON.parse(one));
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of a stored run; its URL."""
    folder = stored_runs.store(tmp_path_factory.mktemp("report") / "run", stored_runs.result())
    return render(folder).as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_figure_is_there_and_legible(opened, report, width, scheme):
    """Each image is drawn with its text, in a card inside the window; no word is hard to read."""
    with opened(report, width=width, scheme=scheme) as page:
        page.wait_for_load_state("load")
        assert overflow_px(page) <= 0
        images = page.evaluate(_IMAGES)
        assert len(images) >= 5
        for image in images:
            assert image["pixels"] > 1000, image
            assert image["width"] > 300, image
            assert image["height"] > 100, image
            assert image["alt"], image
            assert image["left"] >= 0, image
            assert image["right"] <= width, image
            assert image["reach"] >= 0, image
        for tag, ink, ground in page.evaluate(_INKS):
            assert contrast(ink, ground) >= 4.5, (tag, ink, ground)
