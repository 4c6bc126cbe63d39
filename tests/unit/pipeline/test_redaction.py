"""No secret in what Spark's session shows, and none in the failures that we pass on."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

import pytest
from pyspark.errors import PySparkException

from base.errors import ComponentFailed
from base.kafka_security import KafkaSecurity, Pem, spark_options
from pipeline.failures import spark_failures
from pipeline.profiles import TUNED
from pipeline.session import REDACTION, session_settings

SECRET = "hunter2"
KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\nBBBB\n-----END PRIVATE KEY-----"
PEM = Pem.model_validate({"path": Path("a.pem"), "text": KEY})
SECURITY = KafkaSecurity.model_validate(
    {
        "protocol": "SASL_SSL",
        "mechanism": "PLAIN",
        "user": "u",
        "secret": 'a"b\\',
        "ca": PEM,
        "certificate": PEM,
        "key": PEM,
        "key_secret": "s",
    }
)


def test_every_secret_option_is_redacted_by_its_name(monkeypatch, tmp_path):
    """The session's patterns hit all of our options that hold a secret, and leave the others to be read."""
    monkeypatch.setattr("pipeline.session.spark_connector_jars", lambda: [tmp_path / "a.jar"])
    monkeypatch.setattr("pipeline.session.parser_jar", lambda: tmp_path / "parser.jar")
    settings = session_settings("local[2]", TUNED, tmp_path)
    assert settings.items() >= REDACTION.items()
    for pattern in (settings["spark.redaction.regex"], settings["spark.sql.redaction.options.regex"]):
        redacted = {key for key in spark_options(SECURITY) if re.search(pattern, key)}
        assert redacted == {
            "kafka.sasl.jaas.config",
            "kafka.ssl.truststore.certificates",
            "kafka.ssl.keystore.certificate.chain",
            "kafka.ssl.keystore.key",
            "kafka.ssl.key.password",
        }
        assert not any(re.search(pattern, key) for key in (*TUNED.source, *TUNED.sink, "subscribe", "topic"))


@pytest.mark.parametrize("setting", ["spark.redaction.string.regex", "spark.sql.redaction.string.regex"])
def test_secrets_in_a_text_are_redacted(setting):
    """A login and a private key go from a plan's text, to their ends and no further."""
    options = spark_options(SECURITY)
    text = f'[jaas={options["kafka.sasl.jaas.config"]}, key={options["kafka.ssl.keystore.key"]}, topic="t"]'
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    left = re.sub(REDACTION[setting], "*", text)
    assert left == f'[jaas={module} required username="u" *;, key=*, topic="t"]'


@pytest.mark.parametrize(
    "error", [PySparkException(f"no login with {SECRET}\nstack"), ComponentFailed(f"the query died: {SECRET} is wrong")]
)
def test_failures_are_passed_on_without_secrets(error, tmp_path):
    """Whoever raised it: neither the message nor the traceback holds the secret."""
    with pytest.raises(ComponentFailed, match=r"\*\*\*") as raised, spark_failures(tmp_path, [SECRET]):
        raise error
    assert "\n" not in str(raised.value)
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_what_is_no_failure_passes():
    """Without a failure nothing is raised; what is a bug stays one."""
    with spark_failures(Path("log"), ["x"]):
        pass
    with pytest.raises(ZeroDivisionError), spark_failures(Path("log"), ["x"]):
        _ = 1 // 0
