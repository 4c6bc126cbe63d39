"""A secret that Spark's Kafka clients are given is seen nowhere: plan, UI, logs, checkpoint, error."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from pydantic import SecretStr
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from spark.rows import reading

from base.errors import ComponentFailed
from base.kafka import Admin
from base.kafka_security import KafkaSecurity, Pem, java_settings, secrets_of, spark_options
from pipeline.failures import root_cause, spark_failures
from pipeline.job import job, kafka_rows
from pipeline.profiles import TUNED, Profile
from pipeline.rules import load_rules
from pipeline.session import LOG_NAME
from wire.topics import Topics

pytestmark = [pytest.mark.spark, pytest.mark.broker]

SECURITY = KafkaSecurity(
    protocol="SASL_SSL",
    mechanism="SCRAM-SHA-256",
    user="someone",
    secret=SecretStr('tr0ub4dor"\\3'),
    ca=Pem(path=Path("ca.pem"), text=SecretStr("no certificate at all")),
    certificate=Pem(path=Path("me.pem"), text=SecretStr("no certificate either")),
    key=Pem(
        path=Path("me.key"), text=SecretStr("-----BEGIN PRIVATE KEY-----\nkeyline1keyline1\n-----END PRIVATE KEY-----")
    ),
    key_secret=SecretStr("correct-horse"),
)

#: Clients that speak to a broker without security have their secrets all the same, and heed none.
OPEN = {"kafka.security.protocol": "PLAINTEXT"}
PROFILE = Profile(name="open", source={**TUNED.source, **OPEN}, sink={**TUNED.sink, **OPEN})


@pytest.fixture
def log(spark: SparkSession) -> Iterator[Path]:
    """The driver's log, in which Kafka's clients print their settings for the length of a test."""
    jvm: Any = spark._jvm
    level, configurator = jvm.org.apache.logging.log4j.Level, jvm.org.apache.logging.log4j.core.config.Configurator
    configurator.setLevel("org.apache.kafka", level.INFO)
    yield Path(spark.sparkContext.getConf().get("spark.local.dir") or "").with_name(LOG_NAME)
    configurator.setLevel("org.apache.kafka", level.WARN)


@pytest.fixture
def topics(broker) -> Topics:
    """Fresh topics of one partition, three hot readings in the first."""
    made = Topics(**{name: f"{name}-{uuid.uuid4()}" for name in ("readings", "alerts", "rejects")})
    admin, producer = Admin(broker.bootstrap), Producer({"bootstrap.servers": broker.bootstrap})
    for name in (made.readings, made.alerts, made.rejects):
        admin.create(name, partitions=1)
    for number in range(3):
        producer.produce(made.readings, reading(temperature=40, seq=number))
    assert producer.flush(15) == 0
    return made


def shown(text: str) -> list[str]:
    """The secrets that stand in ``text``."""
    return [secret for secret in secrets_of(SECURITY) if secret in text]


def start(spark: SparkSession, bootstrap: str, topics: Topics, profile: Profile, folder: Path) -> StreamingQuery:
    """The job with our secrets in the options of its source and of its sink."""
    return job(
        spark,
        bootstrap=bootstrap,
        topics=topics,
        rules=load_rules(),
        profile=profile,
        checkpoint=folder / "checkpoint",
        trigger={"availableNow": True},
        name=f"secrets-{uuid.uuid4().hex}",
        kafka=SECURITY,
    ).start()


class EventLog:
    """Spark's event log of what happens in the block, as text."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        jvm: Any = spark._jvm
        self._context = spark.sparkContext._jsc.sc()
        conf = self._context.getConf()
        for key in ("compress", "rolling.enabled"):
            conf.set(f"spark.eventLog.{key}", "false")
        hadoop = self._context.hadoopConfiguration()
        nothing = jvm.scala.Option.empty()
        make = jvm.org.apache.spark.scheduler.EventLoggingListener
        self._listener = make("events", nothing, jvm.java.net.URI(folder.as_uri()), conf, hadoop)
        self._folder = folder

    def __enter__(self) -> EventLog:
        self._listener.start()
        self._context.addSparkListener(self._listener)
        return self

    def __exit__(self, *_: object) -> None:
        self._context.listenerBus().waitUntilEmpty()
        self._context.removeSparkListener(self._listener)
        self._listener.stop()

    def text(self) -> str:
        """All of it."""
        return "".join(path.read_text() for path in sorted(self._folder.iterdir()) if path.is_file())


@contextlib.contextmanager
def most_talkative(spark: SparkSession) -> Iterator[None]:
    """Plans put in words as Spark does by default, options and all; our profile keeps them short."""
    spark.conf.set("spark.sql.ui.explainMode", "formatted")
    yield
    spark.conf.unset("spark.sql.ui.explainMode")


def pages_of_the_ui(spark: SparkSession) -> str:
    """What Spark keeps for the SQL and the environment page of its UI."""
    store = spark._jsparkSession.sharedState().statusStore()
    executions = store.executionsList()
    kept = [executions.apply(number) for number in range(executions.size())]
    sql = "".join(f"{one.physicalPlanDescription()} {one.details()} {one.modifiedConfigs()}" for one in kept)
    return f"{sql} {spark.sparkContext._jsc.sc().statusStore().environmentInfo().sparkProperties()}"


def test_a_query_at_work_shows_no_secret(spark, broker, topics, log, tmp_path):
    """Its plans, its progress, the UI, the event log, its checkpoint and the driver's log hold none."""
    events = tmp_path / "events"
    events.mkdir()
    with EventLog(spark, events) as recorded, most_talkative(spark):
        query = start(spark, broker.bootstrap, topics, PROFILE, tmp_path)
        query.awaitTermination()
        # A stream's plan names no options at all. A batch's does, and is where Spark alone hides passwords only.
        options = {"kafka.bootstrap.servers": broker.bootstrap, "topic": topics.alerts, **spark_options(SECURITY)}
        one = spark.createDataFrame([("value",)], "value string")
        one.write.format("kafka").options(**{**options, **OPEN}).save()
    assert sum(progress["numInputRows"] for progress in query.recentProgress) == 3
    seen = {
        "plan": query._jsq.explainInternal(True),
        "progress": str(query.recentProgress),
        "UI": pages_of_the_ui(spark),
        "event log": recorded.text(),
        "log": log.read_text(errors="replace"),
        "checkpoint": "".join(path.read_text() for path in (tmp_path / "checkpoint").rglob("*") if path.is_file()),
    }
    assert {where: shown(text) for where, text in seen.items() if shown(text)} == {}
    # Each of them is what it is taken for.
    assert "sasl.jaas.config = [hidden]" in seen["log"]
    assert "ssl.keystore.key = [hidden]" in seen["log"]
    assert "SparkListenerSQLExecutionStart" in seen["event log"]
    assert "WriteToMicroBatchDataSource" in seen["plan"]
    for where in ("UI", "event log"):
        for option in ("sasl.jaas.config", "ssl.key.password", "ssl.keystore.key", "ssl.truststore.certificates"):
            assert f"kafka.{option}=*********(redacted)" in seen[where], (where, option)
    assert topics.readings in seen["checkpoint"]


@pytest.mark.parametrize("text", ["plain", 'a"b', "a\\b", 'ends in \\"', "\\", '" required; //', "\\101 \\n ü 한 '#/*"])
def test_java_reads_the_login_that_was_meant(spark, text):
    """Kafka's own parser of JAAS gives back user and secret, whatever quotes and backslashes are in them."""
    config = SECURITY.model_copy(update={"user": text, "secret": SecretStr(text)})
    jvm = spark._jvm
    login = jvm.org.apache.kafka.common.config.types.Password(java_settings(config)["sasl.jaas.config"])
    settings = jvm.java.util.HashMap()
    settings.put("sasl.jaas.config", login)
    context = jvm.org.apache.kafka.common.security.JaasContext.loadClientContext(settings)
    (entry,) = context.configurationEntries()
    assert entry.getLoginModuleName().endswith("ScramLoginModule")
    assert dict(entry.getOptions()) == {"username": text, "password": text}


def test_a_plan_that_is_printed_shows_no_secret(spark, broker, topics, capfd):
    """`explain` of the source alone, and what its query execution says of itself."""
    options = spark_options(SECURITY)
    rows = kafka_rows(spark, bootstrap=broker.bootstrap, topic=topics.readings, profile=TUNED, source=options)
    rows.explain(extended=True)
    printed = capfd.readouterr().out
    assert "Parsed Logical Plan" in printed
    assert shown(printed + rows._jdf.queryExecution().toString()) == []


def test_a_query_that_cannot_connect_tells_no_secret(spark, broker, topics, log, tmp_path):
    """Certificates that are none end it with Kafka's own reason, in which no secret stands, nor in the log."""
    query = start(spark, broker.bootstrap, topics, TUNED, tmp_path)
    with pytest.raises(ComponentFailed) as raised, spark_failures(log, secrets_of(SECURITY)):
        query.awaitTermination()
    cause = root_cause(query)
    assert cause is not None
    assert shown(f"{cause} {raised.value} {log.read_text(errors='replace')}") == []
