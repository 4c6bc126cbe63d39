"""What is left of a stored run, and when it may not be gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from unit.bench.builders import a_config, a_result
from unit.reports.stored_runs import broken, cell

from base.errors import UsageError
from bench.matrix import plan
from bench.resume import done_first, require_same, stored_run
from bench.store import RunStore, dump


def stored(tmp_path: Path, status: Literal["running", "complete", "partial"]) -> Path:
    """A result in a folder of its own below ``tmp_path``."""
    result = a_result()
    result.run.status = status
    result.config = a_config(kafka_config="cloud.toml", metrics_port=0).stored()
    folder = tmp_path / result.run.id
    folder.mkdir()
    (folder / "result.json").write_bytes(dump(result))
    return folder


def test_a_cut_off_run_is_found_with_its_configuration(tmp_path: Path):
    """By its folder or by its id; the configuration is the one that was stored, but for where results go."""
    folder = stored(tmp_path, "partial")
    for text in (str(folder), folder.name):
        result, config, found = stored_run(text, tmp_path)
        assert found == folder.resolve()
        assert result.run.status == "partial"
        assert config == a_config(kafka_config="cloud.toml", metrics_port=0, out=str(tmp_path.resolve()))


def test_a_key_that_was_not_known_then_has_its_default(tmp_path: Path):
    """A run of an earlier version is read, so that it can be refused for being one."""
    folder = stored(tmp_path, "partial")
    result = a_result(config={key: value for key, value in a_config().stored().items() if key != "search_rate"})
    (folder / "result.json").write_bytes(dump(result))
    assert stored_run(folder.name, tmp_path)[1].search_rate is False


def test_nothing_to_go_on_with(tmp_path: Path):
    """A whole run, and one that is not there, are one line."""
    with pytest.raises(UsageError, match="start another one"):
        stored_run(str(stored(tmp_path, "complete")), tmp_path)
    with pytest.raises(UsageError, match=r"--resume .*nothing: no result there"):
        stored_run("nothing", tmp_path)


def test_done_cells_come_first():
    """Measured ones in front; a broken one is measured again."""
    cells = plan(a_config())
    result = a_result()
    result.cells = [cell(trigger="1s", partitions=4), broken(trigger="5s", partitions=1)]
    done, left = done_first(cells, result)
    assert [one.id for one in done] == ["1s-p4-tuned-r1"]
    assert sorted(one.id for one in [*done, *left]) == sorted(one.id for one in cells)


@pytest.mark.parametrize(
    ("what", "message"),
    [("git", "begun by version"), ("env", "begun with cores 2"), ("digest", "other readings now")],
)
def test_cells_that_would_not_belong_together(what: str, message: str):
    """Another version, machine or stream is refused; the same is not."""
    result = a_result()
    here = {"git": result.git, "env": result.env, "digest": result.scenario.stream_digest}
    require_same(result, **here)
    other = {
        "git": result.git.model_copy(update={"sha": "f" * 40}),
        "env": result.env.model_copy(update={"cores": 64}),
        "digest": "other",
    }
    with pytest.raises(UsageError, match=message):
        require_same(result, **{**here, what: other[what]})


def test_the_folder_keeps_finished_cells_only(tmp_path: Path):
    """What a killed cell left behind would be appended to."""
    store = RunStore(tmp_path, "run")
    for name in ("whole", "half"):
        (store.cell_folder(name) / "progress.jsonl").touch()
    again = RunStore(tmp_path, "run", resumed=True, kept=["whole"])
    assert [path.name for path in (again.folder / "cells").iterdir()] == ["whole"]
