"""Links between pages lead somewhere, and every page can be reached."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.docs.pages import PAGES, anchors_of, links_in

from base.paths import PROJECT_ROOT


def resolved(page: Path, link: str) -> tuple[Path, str]:
    """The file that a link of a page leads to, and the anchor in it."""
    name, _, anchor = link.partition("#")
    return (page.parent / name).resolve() if name else page, anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT_ROOT)))
def test_every_link_leads_somewhere(page):
    """Files exist, and headings that are pointed at."""
    for link in links_in(page):
        if "://" not in link:
            target, anchor = resolved(page, link)
            assert target.exists(), link
            assert not anchor or anchor in anchors_of(target), link


def test_every_page_is_reached_from_the_readme():
    """Following links from README.md, a reader comes to every page."""
    seen = {PROJECT_ROOT / "README.md"}
    todo = list(seen)
    while todo:
        page = todo.pop()
        found = {resolved(page, link)[0] for link in links_in(page) if "://" not in link}
        new = {one for one in found if one.suffix == ".md"} - seen
        seen |= new
        todo += new
    assert set(PAGES) <= seen


def test_the_index_names_every_page_of_docs():
    """docs/README.md has them all: nobody has to list the folder. (Scenarios' pages stand on docs/scenarios.md.)"""
    index = PROJECT_ROOT / "docs" / "README.md"
    named = {resolved(index, link)[0] for link in links_in(index)}
    docs = PROJECT_ROOT / "docs"
    assert {*docs.glob("*.md"), *docs.glob("reference/*.md")} - {index} <= named
