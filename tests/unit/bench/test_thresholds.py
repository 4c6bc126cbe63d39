"""Every threshold is judged at every planned cell it is for; what cannot be judged has not passed."""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from unit.bench.builders import a_config
from unit.reports.stored_runs import DOUBT, REASON, broken, cell, latency, result

from base.errors import ExitCode, UsageError
from bench.campaign import conclude
from bench.junit import junit_xml
from bench.matrix import plan
from bench.records import Reason, Result
from bench.run import exit_code
from bench.store import RunStore, dump
from bench.summary import print_summary
from bench.thresholds import judge_thresholds, parse_thresholds, split_env

P99 = "latency_ms.due_to_seen.p99"


def concluded(*thresholds, cells, triggers=("1s",), status="complete", **config):
    """A run of one partition whose cells have ended as ``cells``, judged."""
    config = a_config(triggers=triggers, partitions=(1,), thresholds=thresholds, **config)
    built = result(cells=cells, status=status)
    conclude(config, plan(config), built)
    return built


def verdicts(built):
    """Verdict and reason of each check, in order."""
    return [(one.verdict, one.reason) for one in built.thresholds]


def test_a_threshold_is_judged_at_every_cell_with_that_cells_trigger():
    """p99 may be 200 ms above the trigger: the 1 s cell is, the 5 s cell is not; real-time mode adds nothing."""
    cells = [cell("1s", 1, p99=1150.0), cell("5s", 1, p99=5300.0), cell("realtime:30s", 1, p99=9.8)]
    triggers = ("1s", "5s", "realtime:30s")
    built = concluded(f"{P99} < trigger + 200ms", cells=cells, triggers=triggers)
    told = {one.cell: (one.verdict, one.value, one.limit, one.unit) for one in built.thresholds}
    assert told == {
        "1s-p1-tuned-r1": ("passed", 1150.0, 1200.0, "ms"),
        "5s-p1-tuned-r1": ("failed", 5300.0, 5200.0, "ms"),
        "realtime-30s-p1-tuned-r1": ("passed", 9.8, 200.0, "ms"),
    }
    assert built.failed_checks == 1


def test_a_selector_leaves_the_other_cells_alone():
    """Only the repeats of the cell that is named."""
    cells = [cell(trigger, 1, repeat=repeat) for trigger in ("1s", "5s") for repeat in (1, 2)]
    built = concluded("fidelity.missing == 0 {trigger=5s}", cells=cells, triggers=("1s", "5s"), repeats=2)
    assert {one.cell for one in built.thresholds} == {"5s-p1-tuned-r1", "5s-p1-tuned-r2"}


def test_no_value_is_not_a_pass():
    """With the reason that the cell gives."""
    short = latency(p99=None)
    short.due_to_seen.reasons["p99"] = "needs 1000 samples, has 200"
    built = concluded(f"{P99} < 3s", f"{P99} > 0", cells=[cell("1s", latency_ms=short)])
    assert verdicts(built) == [("no value", "needs 1000 samples, has 200")] * 2
    assert built.failed_checks == 2


def test_an_invalid_cell_fails_even_what_it_would_hold():
    """Its number is shown, and the reasons against the cell beside it."""
    built = concluded(f"{P99} < 3s", cells=[cell("1s", verdict="invalid", reasons=[REASON, REASON])])
    assert verdicts(built) == [("cell invalid", f"{REASON.message}; {REASON.message}")]
    assert built.thresholds[0].value == 9.8
    assert verdicts(concluded(f"{P99} < 3s", cells=[broken()])) == [
        ("cell invalid", "the pipeline died: OutOfMemoryError")
    ]


@pytest.mark.parametrize(("limit", "verdict"), [("3s", "passed"), ("1ms", "failed")])
def test_an_inconclusive_cell_is_judged_and_its_doubt_told(limit, verdict):
    """The machine was noisy: the number is there all the same."""
    built = concluded(f"{P99} < {limit}", cells=[cell("1s", verdict="inconclusive", reasons=[DOUBT])])
    assert verdicts(built) == [(verdict, f"cell inconclusive: {DOUBT.message}")]


def test_a_percentile_of_few_batches_is_judged_and_told():
    """Six batches of 5 s: their alerts are late together. Counts, shares and real-time percentiles are firm."""
    few = "rests on 6 batches, and a percentile wants 20"
    thresholds = (f"{P99} < 30s", "fidelity.missing == 0")
    assert verdicts(concluded(*thresholds, cells=[cell("1s", batches=6)])) == [("passed", few), ("passed", "")]
    assert verdicts(concluded(*thresholds, cells=[cell("1s", batches=20)])) == [("passed", "")] * 2
    realtime = concluded(*thresholds, cells=[cell("realtime:30s", batches=1)], triggers=("realtime:30s",))
    assert verdicts(realtime) == [("passed", "")] * 2


def test_a_cell_that_did_not_run_has_not_passed():
    """An interrupted run has a verdict for every planned cell all the same."""
    built = concluded(f"{P99} < 30s", cells=[cell("1s")], triggers=("1s", "5s"), status="partial")
    assert sorted(verdicts(built)) == [("no value", "the cell has not run"), ("passed", "")]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["fidelity.missing == 0", "fidelity.missing  == 0"], "it is given twice"),
        (["fidelity.missing == 0 {partitions=8}"], "it has partitions 1, 4"),
        (["fidelity.missing == 0", "fidelity.mising == 0"], "did you mean 'fidelity.missing'?"),
    ],
)
def test_what_could_never_be_judged_is_told_before_the_run(texts, words):
    """One line that names the flag."""
    with pytest.raises(UsageError, match=r"^--threshold '") as caught:
        parse_thresholds(texts, plan(a_config()))
    assert words in str(caught.value)


def test_the_environment_holds_thresholds_between_semicolons():
    """Spaces and commas are parts of them."""
    text = f"{P99} < trigger + 2s {{trigger=1s, partitions=1}}; fidelity.missing == 0;"
    planned = plan(a_config())
    assert [len(one.only) for one in parse_thresholds(split_env(text), planned)] == [2, 0]
    assert split_env("") == split_env(" ; ") == []


def test_exit_codes_in_their_order():
    """Interrupted, no valid cell, threshold, ok: the first that holds."""
    fails, holds = f"{P99} < 1ms", f"{P99} < 3s"
    assert exit_code(concluded(holds, cells=[cell("1s")])) == ExitCode.OK
    assert exit_code(concluded(cells=[cell("1s")])) == ExitCode.OK
    assert exit_code(concluded(holds, fails, cells=[cell("1s")])) == ExitCode.THRESHOLD
    assert exit_code(concluded(fails, cells=[broken()])) == ExitCode.NO_VALID_CELL
    assert exit_code(concluded(fails, cells=[cell("1s")], status="partial")) == ExitCode.INTERRUPTED


def test_a_result_with_verdicts_comes_back_and_one_without_still_does():
    """The file keeps them; files from before thresholds were judged stay readable."""
    built = concluded(f"{P99} < 1ms", cells=[cell("1s")], objective="fidelity.missing == 0")
    assert Result.model_validate_json(dump(built)) == built
    old = result(cells=[cell("1s")]).model_dump(mode="json")
    assert old.pop("advice") is None
    assert old.pop("thresholds") == []
    assert Result.model_validate(old) == result(cells=[cell("1s")])


def test_thresholds_are_part_of_the_rerun_command():
    """Quoted for a shell, so that what is judged again is the same."""
    config = a_config(thresholds=("fidelity.missing == 0",), objective="batch_ms.p50 < 1s", minimise="cpu")
    command = config.rerun_command()
    assert "--threshold 'fidelity.missing == 0'" in command
    assert command.endswith("--objective 'batch_ms.p50 < 1s' --minimise cpu")


@pytest.mark.parametrize("terminal", [True, False])
def test_the_summary_shows_every_check_whole(terminal):
    """Verdict, cell, value, threshold; how many failed stands in the last lines."""
    why = "needs 10000 samples, has 1440"
    thresholds = (f"{P99} < 1ms", "latency_ms.due_to_seen.p999 < 3s", "fidelity.missing == 0")
    built = concluded(*thresholds, cells=[cell("1s")], objective="fidelity.missing == 0")
    out = io.StringIO()
    print_summary(Console(file=out, width=80, force_terminal=terminal, color_system=None), built, None)
    words = " ".join(out.getvalue().split())
    for text in ("failed 1s-p1-tuned-r1 9.8 ms", "no value 1s-p1-tuned-r1", "passed 1s-p1-tuned-r1 0"):
        assert text in words
    assert terminal or all(text in words for text in (*thresholds, why))
    assert "THRESHOLD FAILED 1 of 1 cells valid; 2 of 3 checks of thresholds failed" in words
    assert f"advice {built.advice.sentences[0]}" in words


def test_a_run_without_a_valid_cell_says_that_first():
    """Its failed thresholds are counted beside it."""
    out = io.StringIO()
    print_summary(Console(file=out, width=140), concluded(f"{P99} < 3s", cells=[broken()]), None)
    assert "NO VALID CELL    0 of 1 cells valid; 1 invalid; 1 of 1 checks of thresholds failed" in out.getvalue()


def test_junit_has_a_case_for_each_check():
    """Names are distinct; a failure tells verdict, value and limit."""
    built = concluded(f"{P99} < 1ms", "fidelity.missing == 0", cells=[cell("1s"), cell("5s")], triggers=("1s", "5s"))
    suite = ET.fromstring(junit_xml(built)).find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "2", "0")
    cases = suite.findall("testcase")
    assert {case.get("name") for case in cases} == {
        f"{threshold} at {trigger}-p1-tuned-r1"
        for threshold in (f"{P99} < 1ms", "fidelity.missing == 0")
        for trigger in ("1s", "5s")
    }
    failures = [case.find("failure") for case in cases if case.find("failure") is not None]
    assert [one.get("message") for one in failures] == ["failed: 9.8 ms"] * 2
    assert all("limit 1 ms" in one.text and built.run.rerun in one.text for one in failures)


@pytest.mark.parametrize(
    "hostile", ["]]></failure><x>&amp;\"'", "\x1b[31mred\x00\x08", "\ud800\udc00 \uffff", "ü 漢 😀 عربي", "<script>"]
)
def test_junit_is_xml_whatever_a_dead_child_wrote(hostile):
    """What XML can hold comes back as it was; what it cannot is replaced."""
    reason = Reason(rule="broken", verdict="invalid", message=hostile, remedy="none")
    built = concluded(f"{P99} < 1ms", cells=[cell("1s", verdict="invalid", reasons=[reason])])
    built.run.rerun = hostile
    failure = ET.fromstring(junit_xml(built)).find("testsuite/testcase/failure")
    kept = "".join(sign if sign.isprintable() and sign not in "\ud800\udc00\uffff" else "\ufffd" for sign in hostile)
    assert kept in failure.text
    assert failure.get("message") == f"cell invalid: 9.8 ms; {kept}"


def test_junit_is_written_with_the_result_if_there_are_thresholds(tmp_path):
    """Beside result.json, as a whole file; a run without thresholds has none."""
    for name, thresholds in (("with", [f"{P99} < 1ms"]), ("without", [])):
        store = RunStore(tmp_path, name)
        store.save(concluded(*thresholds, cells=[cell("1s")]))
        assert (store.folder / "junit.xml").exists() == bool(thresholds)
    assert ET.parse(tmp_path / "with/junit.xml").getroot().get("failures") == "1"


def test_judging_needs_no_run():
    """Pure: the same cells give the same verdicts, and nothing of them is changed."""
    planned = plan(a_config(triggers=("1s",), partitions=(1,)))
    cells = [cell("1s")]
    before = cells[0].model_copy(deep=True)
    thresholds = parse_thresholds([f"{P99} < 3s"], planned)
    assert judge_thresholds(thresholds, planned, cells) == judge_thresholds(thresholds, planned, cells)
    assert cells == [before]
