"""What is put under test: engines as an axis, command templates, alerts without an id."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from unit.bench.builders import a_config

from base.errors import ComponentFailed, UsageError
from bench.collector import LIVE_SAMPLES, Samples, _notice
from bench.config import parse_engines
from bench.engines import START_S, AnyCommand, SparkJob, command_of, heeds_trigger, plain_command, require_template
from bench.matrix import plan
from bench.probes import Prober
from bench.stamps import named_alerts, parsed_alerts
from pipeline.rules import load_rules
from wire.topics import Topics

TEMPLATE = "python job.py --kafka {bootstrap} --from {topic} --to {alerts_topic}"
TOPICS = Topics(readings="sensor", alerts="alerts", rejects="sensor-rejected")


def test_engines_of_a_run():
    """Spark unless something else is asked for; a command of the user's own is tested alone unless Spark is named."""
    assert parse_engines(None, None) == ("spark",)
    assert parse_engines(None, TEMPLATE) == ("command",)
    assert parse_engines("spark,plain", None) == ("spark", "plain")
    with pytest.raises(UsageError, match=r"--engine plane: no such engine; did you mean 'plain'\?"):
        parse_engines("plane", None)
    for text, command in (("command", None), ("spark", TEMPLATE)):
        with pytest.raises(UsageError, match="go together"):
            parse_engines(text, command)


def test_cells_of_engines_that_know_no_trigger():
    """They have one cell for each number of partitions, named by the engine; Spark has them all."""
    cells = plan(a_config(engines=("spark", "plain", "command"), pipeline_command=TEMPLATE, triggers=("1s", "5s")))
    assert {(c.engine, c.trigger.name, c.partitions, c.profile) for c in cells if c.engine != "spark"} == {
        (engine, "0s", partitions, engine) for engine in ("plain", "command") for partitions in (1, 4)
    }
    assert sum(c.engine == "spark" for c in cells) == 4
    told = plan(a_config(engines=("command",), pipeline_command=TEMPLATE + " --every {trigger}"))
    assert {c.params.trigger for c in told} == set(a_config().triggers)
    assert {c.params.engine for c in told} == {"command"}


def test_a_command_is_filled_in():
    """Every place has its value, which stays one word whatever stands in it."""
    template = (
        TEMPLATE + " --every {trigger} --state '{checkpoint}' --parts {partitions} --rules '{rules}' --json '{{}}'"
    )
    assert heeds_trigger(template)
    assert not heeds_trigger(TEMPLATE)
    words = command_of(
        require_template(template, field="--pipeline-command"),
        bootstrap="127.0.0.1:9092",
        topics=TOPICS,
        trigger="realtime:30s",
        partitions=4,
        checkpoint=Path("/my results/c p"),
        rules=Path("/my rules.toml"),
    )
    assert words[2:] == [
        *("--kafka", "127.0.0.1:9092", "--from", "sensor", "--to", "alerts", "--every", "realtime:30s"),
        *("--state", "/my results/c p", "--parts", "4", "--rules", "/my rules.toml", "--json", "{}"),
    ]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("python job.py {bootstrap} {topic}", r"\{alerts_topic\} is missing"),
        ("", r"\{bootstrap\} and \{topic\} and \{alerts_topic\} is missing"),
        (TEMPLATE + " {alert_topic}", r"\{alert_topic\} is no place; did you mean 'alerts_topic'\?"),
        (TEMPLATE + " {", "write it as for a shell"),
        (TEMPLATE + " 'x", "write it as for a shell"),
    ],
)
def test_a_template_that_cannot_work(template: str, message: str):
    """One line names what is wrong with it."""
    with pytest.raises(UsageError, match=message) as caught:
        require_template(template, field="--pipeline-command")
    assert "\n" not in str(caught.value)


def test_the_rerun_command_names_them():
    """Whoever runs it again tests the same pipelines."""
    command = a_config(engines=("plain", "command"), pipeline_command=TEMPLATE).rerun_command()
    assert "--engine plain,command" in command
    assert f"--pipeline-command '{TEMPLATE}'" in command
    assert "--engine" not in a_config().rerun_command()


def test_alerts_without_an_id_are_known_again():
    """By sensor, event time in either unit, and label; what is not expected keeps no id and will count as extra."""
    judged = pl.DataFrame(
        {
            "sensor_id": [7, 7, 8],
            "seq": [1, 2, 1],
            "event_us": [1732879703887464, 1732879763000000, 1732879703000000],
            "rule": ["high_temperature", "high_temperature", None],
            "fired": [["high_temperature", "low_humidity"], ["high_temperature"], []],
            "alert_id": ["7-1-high_temperature", "7-2-high_temperature", None],
        }
    )
    sent = {
        "alert_id": [None, None, None, None, "9-9-x"],
        "sensor_id": [7, 7, 7, 8, 9],
        "seq": [None, None, None, None, 9],
        "timestamp": [1732879703.8874645, 1732879763000.0, 1732879763.0, 1732879703.0, None],
        "alert": ["High Temperature", "High Temperature", "Low Humidity", "High Temperature", None],
        "rule": [None, None, None, None, "x"],
        "fired": [None, None, None, None, ["x"]],
    }
    alerts = pl.DataFrame(sent, schema_overrides={"fired": pl.List(pl.String), "seq": pl.Int64, "rule": pl.String})
    labels = {"High Temperature": "high_temperature", "Low Humidity": "low_humidity"}
    named = named_alerts(alerts, judged, labels)
    assert named.columns == alerts.columns
    assert named["alert_id"].to_list() == ["7-1-high_temperature", "7-2-high_temperature", None, None, "9-9-x"]
    assert named["seq"].to_list() == [1, 2, None, None, 9]
    assert named["fired"].to_list()[0] == ["high_temperature"]


def test_alerts_of_any_shape_are_read():
    """What is no alert, or has other types than one, has nulls there and ends nothing: it will count as extra."""
    values = [b"[1]", b"\xff", b"null", None, b'{"sensor_id": {"a": 1}, "seq": "x", "timestamp": "noon", "fired": 3}']
    values.append(b'{"sensor_id": "7", "timestamp": 1e300, "alert": 5, "rule": ["r"], "fired": ["r", 1]}')
    values.append(b'{"sensor_id": 0}')
    messages = pl.DataFrame({"offset": range(7), "appended_ms": range(7), "seen_ns": range(7), "value": values})
    alerts = parsed_alerts(messages)
    assert alerts["offset"].to_list() == [0, 1, 2, 3, 4, 5], "the last one speaks of a probe"
    none = pl.DataFrame(schema={"sensor_id": pl.Int64, "seq": pl.Int64, "event_us": pl.Int64, "rule": pl.String})
    named = named_alerts(alerts, none.with_columns(alert_id=pl.lit(None, pl.String)), {"High Temperature": "r"})
    assert named["alert_id"].to_list() == [None] * 6


def test_an_alert_of_a_probe_needs_numbers(capsys):
    """Text for a time is shown to nobody while the cell runs, and answers no probe."""
    samples = Samples()
    for sensor_id in (0, 7):
        _notice(b'{"sensor_id": %d, "timestamp": "noon"}' % sensor_id, 5, samples)
    assert (samples.pairs, capsys.readouterr().out) == ([], "")
    _notice(b'{"sensor_id": 0, "timestamp": 1.5}', 5, samples)
    assert '"probe"' in capsys.readouterr().out


@pytest.mark.parametrize("alerts", [0, 1, LIVE_SAMPLES, LIVE_SAMPLES + 1, 5_000, 100_000])
def test_samples_are_spread_over_all_of_a_second(alerts):
    """However many alerts come, no more than so many are kept, as many of the first ones as of the last."""
    samples = Samples()
    for n in range(alerts):
        samples.add(float(n), n)
    kept = [seen for _, seen in samples.pairs]
    assert min(alerts, LIVE_SAMPLES / 2) <= len(kept) <= LIVE_SAMPLES
    gaps = {after - before for before, after in itertools.pairwise(kept)}
    assert len(gaps) <= 1
    if gaps:
        assert kept[0] < max(gaps)
        assert alerts - kept[-1] <= max(gaps)


def test_a_probe_is_known_again_in_either_unit():
    """Who sends milliseconds has answered as well."""
    prober = Prober("127.0.0.1:9", "sensor", 1, load_rules()[0], {})
    for timestamp in (1732879703.887, 1732879703888):
        prober.returned.put({"timestamp": timestamp, "seen_ns": 5})
    assert prober._await({1732879703.887, 1732879703.888}, timeout_s=0, check=lambda: None) == 5


def test_no_probe_waits_for_the_one_before(monkeypatch):
    """A batch that takes all three makes a pipeline ready: three triggers are not waited for."""
    prober = Prober("127.0.0.1:9", "sensor", 2, load_rules()[0], {})
    sent: list[int] = []

    def send(partition: int) -> float:
        sent.append(partition)
        if len(sent) == 3:
            for number in (1, 2, 3):
                prober.returned.put({"timestamp": float(number), "seen_ns": 5})
        return float(len(sent))

    monkeypatch.setattr(prober, "_send", send)
    prober.until_ready(timeout_s=0, check=lambda: None)
    assert sent == [0, 1, 0]
    with pytest.raises(ComponentFailed, match="3 probe readings raised no alert"):
        prober.until_ready(timeout_s=0, check=lambda: None)


def test_our_spark_job_is_asked_before_its_query_starts(monkeypatch):
    """Its first batch answers; who has been asked is not asked again."""
    prober = Prober("127.0.0.1:9", "sensor", 2, load_rules()[0], {})
    said: list[object] = []
    monkeypatch.setattr(prober, "_send", lambda partition: said.append(partition) or float(len(said)))
    child = SimpleNamespace(send=said.append, wait_for=lambda event, timeout_s: said.append(event) or {"passes": []})
    SparkJob(child, warmup_s=0.0).warm_up(lambda _: None, prober)
    assert said == ["go", "session_ready", "warmed", 0, 1, 0, "started"]
    for number in (4, 5, 6):
        prober.returned.put({"timestamp": float(number), "seen_ns": 5})
    prober.until_ready(timeout_s=0, check=lambda: None)
    assert said[-1] == "started"


def test_a_long_trigger_is_waited_for():
    """A pipeline that looks for readings every two minutes has those, and the time to start."""
    asked = {}
    prober = SimpleNamespace(until_answered=lambda **kwargs: asked.update(kwargs))
    AnyCommand(SimpleNamespace(require_alive=None), trigger_s=120.0).warm_up(lambda _: None, prober)
    assert asked["timeout_s"] == START_S + 120


def test_the_plain_engine_is_this_interpreters():
    """It runs with the same Python and the same packages as the bench itself."""
    command = plain_command(bootstrap="b:1", topics=TOPICS, more=["--kafka-config", "cloud.toml"])
    assert command[:3] == [sys.executable, "-m", "pipeline.plain"]
    assert command.count("cloud.toml") == 1
