"""Whoever names a scenario, a rule, a file or a machine decides about its letters, and about nothing else."""

import re

import polars as pl
import pytest
from unit.reports.legible import drawn_texts, figures_of
from unit.reports.pages import Page
from unit.reports.stored_runs import REASON, broken, cell, quality, quality_cell, result, score, store

from base.plain_text import printable
from reports.render import render
from reports.stored import open_run
from reports.summary import markdown

#: A run takes seconds to be drawn, so that each of the two texts has much of what can go wrong in it.
HOSTILE = {
    "one line": "<script>alert(1)</script><img src=x onerror=y> \"'`>--}}{{ 7*7 }} 😀👩‍🚀 漢字 عربي $\\frac{ _^ 100 $",
    "terminal and Markdown": "\u202egnihtyna\u202c\x1b[31m\x07\r\n| a | [b](http://x) @everyone ``` *c* [bold]d[/bold]",
}


def everywhere(text):
    """A result with ``text`` wherever text can come from outside."""
    rules = {text: score(), "high_temperature": score(30, 2, 1)}
    reason = REASON.model_copy(update={"message": text, "remedy": text, "rule": text})
    cells = [
        cell("1s", repeat=1, profile=text, quality=quality(by_rule=rules)),
        cell("1s", repeat=2, profile=text, quality=quality(by_rule=rules)),
        cell("5s", verdict="invalid", reasons=[reason]),
        broken("0s", error=text),
    ]
    for number, one in enumerate(cells):
        # What folders are called the tests of the store decide; here it is about what is shown.
        one.id = f"cell-{number}"
    cells[0].files = [f"cells/cell-0/{_file_name(text)}"]
    threshold = {"expression": text, "cell": text, "verdict": "no value", "value": None, "limit": 0.0, "unit": None}
    built = result(
        cells=cells,
        warnings=[text],
        quality_cell=quality_cell(quality=quality(by_rule=rules), short={text: 3}),
        thresholds=[threshold | {"reason": text}],
        config={"triggers": ["0s", "1s", "5s"], text: [text]},
    )
    built.scenario.name = built.env.cpu = built.run.rerun = text
    built.run.id = f"run {text}"
    return built


def _file_name(text):
    return text.replace("/", "∕") + ".parquet"


@pytest.fixture(scope="module", params=HOSTILE)
def hostile(request, tmp_path_factory):
    """The text, and the folder of a rendered run that is full of it."""
    text = HOSTILE[request.param]
    folder = store(tmp_path_factory.mktemp("hostile") / "run", everywhere(text))
    (folder / "cells/cell-0" / _file_name(text)).write_bytes(b"")
    intervals = pl.read_parquet(folder / "stream/intervals.parquet")
    intervals.with_columns(kind=pl.lit(text)).write_parquet(folder / "stream/intervals.parquet")
    render(folder)
    return text, folder


def test_the_page_shows_it_and_takes_nothing_of_it_for_its_own(hostile):
    """Well-formed, without script or a foreign image, without signs that turn the text around; all of it readable."""
    text, folder = hostile
    html = (folder / "report.html").read_text()
    page = Page(html)
    assert page.wrong == []
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "object"}
    assert all(source.startswith("data:image/png;base64,") for source in page.attributes("src"))
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert all(sign.isprintable() or sign in "\n\u00ad\u00a0" for sign in html)
    assert page.words.count(" ".join(printable(text).split())) > 10


def test_links_to_its_files_lead_there(hostile):
    """Whatever a file is called, its link stays inside the run's folder and names no other scheme."""
    _, folder = hostile
    links = Page((folder / "report.html").read_text()).attributes("href")
    assert not any(":" in link.split("/")[0] for link in links if link != "data:,")
    assert any("cell-0/" in link for link in links)


def test_the_summary_shows_it_and_stays_a_table(hostile):
    """Every row of the matrix has as many columns, nothing of it is markup, a link, a mention or the end of a fence."""
    text, folder = hostile
    summary = (folder / "summary.md").read_text()
    assert summary == markdown(open_run(folder).result)
    assert all(sign.isprintable() or sign == "\n" for sign in summary)
    fenced = summary[summary.rindex("```sh\n") :]
    assert fenced.splitlines()[1:] == [printable(text), "```"]
    prose = summary[: summary.rindex("```sh\n")]
    for sign in ("<script", "<img", "@everyone", "http://"):
        assert sign not in prose
    assert not re.search(r"(?<!\\)\](?=\()", prose)
    lines = [line for line in prose.splitlines() if line.startswith("| ")]
    matrix = lines[: 2 + 4]
    assert len({line.replace("\\|", "").count("|") for line in matrix}) == 1


def test_figures_show_it_as_it_is(hostile):
    """No formula is made of it and nothing fails; a sign that the font lacks is a box."""
    text, folder = hostile
    shown = {name: {one for one, _ in drawn_texts(figure)} for name, figure in figures_of(open_run(folder)).items()}
    assert text in shown["quality"]
    assert text in shown["detection-delay"]
