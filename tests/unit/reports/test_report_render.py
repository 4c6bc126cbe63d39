"""The page and the files of a report."""

import subprocess
import sys

import pytest
from unit.reports.pages import Page
from unit.reports.stored_runs import (
    MANY_TRIGGERS,
    REASON,
    broken,
    cell,
    many,
    matrix,
    quality,
    quality_cell,
    result,
    score,
    store,
)

from base.errors import UsageError
from bench import records
from bench.records import Advice, ThresholdVerdict
from reports.render import render
from reports.summary import markdown


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """The folder of a rendered run with every verdict in it."""
    folder = store(tmp_path_factory.mktemp("render") / "run", result(cells=[*matrix(), broken("0s")]))
    render(folder)
    return folder


@pytest.fixture(scope="module")
def page(rendered):
    """Its page."""
    return Page((rendered / "report.html").read_text())


def page_of(tmp_path, built):
    """The page of another result, without its streams."""
    (tmp_path / "result.json").write_bytes(built.model_dump_json().encode())
    return Page(render(tmp_path).read_text())


def test_the_page_is_well_formed(page):
    """Every tag is closed in its place, ids are unique, and every local anchor leads somewhere."""
    assert page.wrong == []
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.attributes("href") if link.startswith("#")} <= set(ids)


def test_the_page_needs_nothing_from_anywhere(rendered, page):
    """No script, no style sheet, no font and no image comes from outside; links lead into the run's folder."""
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "object"}
    assert all(source.startswith("data:image/png;base64,") for source in page.attributes("src"))
    links = [link for link in page.attributes("href") if not link.startswith(("#", "data:,"))]
    assert links
    assert all((rendered / link).exists() for link in links)
    html = (rendered / "report.html").read_text()
    assert not any(outside in html for outside in ("http://", "https://", "//cdn", "@import", "url("))
    assert len(html) < 5_000_000


def test_a_page_of_24_cells_is_still_one_that_can_be_sent(tmp_path):
    """Under 5 MB with every figure and its data, whatever the cells are called."""
    page = render(store(tmp_path / "run", result(cells=many(long_names=True), config={"triggers": MANY_TRIGGERS[::2]})))
    assert page.stat().st_size < 5_000_000
    assert page.read_text().count("data:image/png;base64,") >= 10


def test_what_matters_stands_on_top_in_order(page):
    """Verdict, finding, limits, command, and then the sections as the reader needs them."""
    order = ["PARTLY VALID", "Real-time mode (realtime:30s", "Noise unknown", "python -m bench.run --sensors 1000"]
    places = [page.words.find(text) for text in [*order, "May these numbers be believed?"]]
    assert -1 not in places
    assert places == sorted(places)
    sections = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    expected = (
        "validity matrix maps latency time budget throughput resources trade quality delay day field repeats "
        "method environment files"
    )
    assert sections == expected.split()


def test_every_figure_has_words_and_data(rendered, page):
    """Alt text for those who do not see it, and a table of its data below; each is a file as well."""
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == len(list((rendered / "figures").iterdir())) >= 10
    assert all(len(attrs["alt"]) > 40 and int(attrs["width"]) > 300 for attrs in images)
    assert page.words.count("Data of this figure") == len(images)


def test_reasons_come_with_remedies(page):
    """Everything against a cell, and what to try."""
    for text in (REASON.message, REASON.remedy, "the pipeline died: OutOfMemoryError"):
        assert text in page.words


def test_a_number_that_is_missing_is_a_dash_with_its_reason(tmp_path):
    """An unsupported p99 shows as a dash, its reason in the title and in a note, and 0 nowhere."""
    one = cell(p99=None)
    one.latency_ms.due_to_seen.reasons["p99"] = "needs 1000 samples, has 200"
    shown = page_of(tmp_path, result(cells=[one]))
    assert "needs 1000 samples, has 200" in shown.attributes("title")
    assert "needs 1000 samples, has 200" in shown.words


def test_what_comes_from_the_run_cannot_break_the_page(tmp_path):
    """Text of a result is text: no markup gets through."""
    nasty = "<script>alert(1)</script>"
    shown = page_of(tmp_path, result(cells=[broken(error=nasty)], warnings=[nasty]))
    assert shown.wrong == []
    assert nasty in shown.words
    assert "script" not in {tag for tag, _ in shown.tags}


def test_light_dark_print_and_phones_are_provided_for(rendered):
    """The style has rules for each of them."""
    html = (rendered / "report.html").read_text()
    for rule in ("prefers-color-scheme: dark", "@media print", "max-width: 720px", 'name="viewport"'):
        assert rule in html


def test_a_partial_run_is_marked_on_top(tmp_path):
    """Before the first section a reader learns that the run was interrupted."""
    words = page_of(tmp_path, result(status="partial", warnings=["interrupted after 6 of 12 cells"])).words
    head = words[: words.find("May these numbers be believed?")]
    assert "Partial: the run was interrupted" in head
    assert "interrupted after 6 of 12 cells" in head


@pytest.mark.parametrize("cells", [[], [broken()], [cell(quality=None, host=None, resources={})]])
def test_a_result_with_little_in_it_still_renders(tmp_path, cells):
    """No cell, a broken cell, a cell without quality: the page says what is not there."""
    shown = page_of(tmp_path, result(cells=cells, calibration={"kafka_floor_ms": None, "reason": "it was cut short"}))
    assert shown.wrong == []
    assert "Nothing was scored." in shown.words
    assert "The Kafka floor is not known: it was cut short." in shown.words


def test_cells_that_differ_in_quality_have_tables_of_their_own(tmp_path):
    """The heading of each table names its cells."""
    odd = cell("1s", quality=quality(all=score(50, 50)))
    words = page_of(tmp_path, result(cells=[cell(), odd])).words
    assert "Realtime-30s-p1-tuned-r1" in words
    assert "1s-p1-tuned-r1" in words


def test_the_quality_cell_has_tables_of_its_own(tmp_path):
    """What was judged, on how much, what it could not have; and why there is none."""
    words = page_of(tmp_path, result(cells=[cell()], quality_cell=quality_cell())).words
    assert "2 streams of 24 h of 1,000 sensors, 288,000 readings" in words
    assert "to be judged by: heavy_rainfall 57." in words
    assert words.count("By other metrics, beside detectors that know nothing") == 2
    assert "always on" in words
    reason = records.QualityCell(reason="--quick goes without")
    assert "There is none: --quick goes without." in page_of(tmp_path, result(quality_cell=reason)).words


THRESHOLDS = [
    ThresholdVerdict(expression="batch_ms.p50 < 1s", cell="a", verdict="passed", value=812.5, limit=1000, unit="ms"),
    ThresholdVerdict(
        expression="fidelity.missing == 0",
        cell="b",
        verdict="no value",
        value=None,
        limit=0,
        unit=None,
        reason="<gone>",
    ),
]
ADVICE = Advice(
    objective="o", minimise="m", verdict="holds", points=[], alike=[], sentences=["Cheapest: <trigger 1s>."]
)


def test_thresholds_and_advice_are_shown_as_they_were_judged(tmp_path):
    """Every check with value, limit and reason, and the advice's own words; the badge counts what failed."""
    shown = page_of(tmp_path, result(cells=[cell()], thresholds=THRESHOLDS, advice=ADVICE))
    assert shown.wrong == []
    for text in (
        "THRESHOLD FAILED 1 of 1 cell valid, 1 of 2 checks of thresholds failed",
        "passed batch_ms.p50 < 1s a 812.5 ms 1,000 ms",
        "no value fidelity.missing == 0 b – 0 <gone>",
        "Which cell to choose Cheapest: <trigger 1s>.",
    ):
        assert text in shown.words


def test_the_summary_has_thresholds_and_advice():
    """As a table and as lines, whatever signs are in them."""
    text = markdown(result(cells=[cell()], thresholds=THRESHOLDS, advice=ADVICE))
    assert text.startswith("## alertbench: THRESHOLD FAILED\n")
    assert "| passed | batch\\_ms.p50 &lt; 1s | a | 812.5 ms | 1,000 ms |  |" in text
    assert "| **no value** | fidelity.missing == 0 | b | – | 0 | &lt;gone&gt; |" in text
    assert "- Cheapest: &lt;trigger 1s&gt;." in text


def test_without_thresholds_there_is_no_table_of_them(tmp_path):
    """Nor an advice that nobody asked for."""
    words = page_of(tmp_path, result(cells=[cell()])).words
    assert "Thresholds" not in words
    assert "Which cell to choose" not in words


def test_rendering_again_gives_the_same_bytes(rendered):
    """The report is a pure function of the stored files: nothing of now gets in."""

    def written():
        files = [rendered / "report.html", rendered / "summary.md", *sorted((rendered / "figures").iterdir())]
        return {path.name: path.read_bytes() for path in files}

    first = written()
    render(rendered)
    assert written() == first
    assert {"report.html", "summary.md", "heat-maps.png", "trade-off.png"} <= set(first)


def test_no_half_written_file_is_left(rendered):
    """Files appear whole under their name; no temporary one stays behind."""
    assert [path for path in rendered.rglob(".*") if path.is_file()] == []


def test_the_summary_fits_a_pull_request():
    """Verdict, finding, matrix and command, in Markdown that no value can break."""
    text = markdown(result(cells=[*matrix(), broken("0s", error="a | b")]))
    assert text.startswith("## alertbench: PARTLY VALID\n")
    table = [line for line in text.splitlines() if line.startswith("| ")]
    widths = {line.replace("\\|", "").count("|") for line in table[:9]}
    assert len(widths) == 1
    assert "1. a \\| b" in text
    assert "```sh\npython -m bench.run --sensors 1000 --seed 42\n```" in text
    assert "Some CPU &lt;1&gt;" in text


def test_a_folder_without_a_result_is_a_usage_error(tmp_path):
    """The message names the folder and what to give instead."""
    with pytest.raises(UsageError, match="no result there"):
        render(tmp_path)


def test_the_command_prints_the_path_of_the_report(rendered, tmp_path):
    """`python -m reports.render`: the path on stdout and 0; a wrong folder is one line and 2."""
    command = [sys.executable, "-m", "reports.render"]
    done = subprocess.run([*command, str(rendered)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{rendered / 'report.html'}\n")
    failed = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: RUN ")
    assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize(("schema", "age"), [(0, "an older"), (2, "a newer")])
def test_another_schema_is_one_line_that_names_the_version_needed(tmp_path, schema, age):
    """Older or newer: what it is, what this version reads, and the commit that wrote it; exit 2."""
    written = result().model_copy(update={"schema_version": schema})
    (tmp_path / "result.json").write_bytes(written.model_dump_json().encode())
    done = subprocess.run(
        [sys.executable, "-m", "reports.render", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"error: RUN {tmp_path}: result.json is of schema {schema}, and this version of the project reads schema 1; "
        f"it needs {age} version, one that reads schema {schema}, such as commit 0123456, which wrote it\n"
    )
