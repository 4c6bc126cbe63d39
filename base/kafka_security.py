"""Who we are to a Kafka cluster, said once and rendered for both kinds of client.

Our own clients are librdkafka's, Spark's are Java's, and the two name the same things differently:
https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md and
https://kafka.apache.org/documentation/#security. `base.kafka_config` reads the file that a user writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

_CONFIG: Final = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

#: What stands in a text where a secret stood.
HIDDEN: Final = "***"

#: Names of client settings, in either dialect, whose values are secrets.
_SECRET_SETTING: Final = re.compile(r"(?i)password|secret|jaas|\.pem$|keystore\.key$|oauthbearer\.config")

_LOGIN_MODULES: Final[Mapping[Mechanism, str]] = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}


class Pem(BaseModel):
    """A PEM file. librdkafka is given its path; Java its text, so that Spark's executors need no such file."""

    model_config = _CONFIG

    path: Path
    text: SecretStr


class KafkaSecurity(BaseModel):
    """How every client connects. As `base.kafka_config` makes it, its parts fit together.

    ``secret`` is the SASL password, ``key_secret`` that of the private ``key``; ``librdkafka`` holds
    further settings of our own clients, without secrets. Neither repr nor JSON shows a secret.
    """

    model_config = _CONFIG

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism | None = None
    user: str | None = None
    secret: SecretStr | None = None
    ca: Pem | None = None
    certificate: Pem | None = None
    key: Pem | None = None
    key_secret: SecretStr | None = None
    verify_host: bool = True
    librdkafka: Mapping[str, str] = Field(default_factory=dict)


#: A cluster without security: what is meant where no file is given.
PLAINTEXT: Final = KafkaSecurity()


def librdkafka_settings(config: KafkaSecurity) -> dict[str, str]:
    """The settings of a librdkafka client, secrets among them."""
    settings: dict[str, str] = {"security.protocol": config.protocol}
    if config.mechanism is not None and config.user is not None and config.secret is not None:
        settings |= {
            "sasl.mechanisms": config.mechanism,
            "sasl.username": config.user,
            "sasl.password": config.secret.get_secret_value(),
        }
    for name, pem in (("ca", config.ca), ("certificate", config.certificate), ("key", config.key)):
        if pem is not None:
            settings[f"ssl.{name}.location"] = str(pem.path)
    if config.key_secret is not None:
        settings["ssl.key.password"] = config.key_secret.get_secret_value()
    if not config.verify_host:
        settings["ssl.endpoint.identification.algorithm"] = "none"
    return {**settings, **config.librdkafka}


def java_settings(config: KafkaSecurity) -> dict[str, str]:
    """The settings of a Java client, secrets among them."""
    settings: dict[str, str] = {"security.protocol": config.protocol}
    if config.mechanism is not None and config.user is not None and config.secret is not None:
        login = f"username={_quoted(config.user)} password={_quoted(config.secret.get_secret_value())}"
        settings |= {
            "sasl.mechanism": config.mechanism,
            "sasl.jaas.config": f"{_LOGIN_MODULES[config.mechanism]} required {login};",
        }
    if config.ca is not None:
        settings |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": config.ca.text.get_secret_value()}
    if config.certificate is not None and config.key is not None:
        settings |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.certificate.chain": config.certificate.text.get_secret_value(),
            "ssl.keystore.key": config.key.text.get_secret_value(),
        }
    if config.key_secret is not None:
        settings["ssl.key.password"] = config.key_secret.get_secret_value()
    if not config.verify_host:
        settings["ssl.endpoint.identification.algorithm"] = ""
    return settings


def spark_options(config: KafkaSecurity) -> dict[str, str]:
    """`java_settings` as options of Spark's Kafka source and sink."""
    return {f"kafka.{key}": value for key, value in java_settings(config).items()}


def _quoted(text: str) -> str:
    # JAAS is read by Java's StreamTokenizer: C's escapes within double quotes.
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def secrets_of(config: KafkaSecurity) -> tuple[str, ...]:
    """All that must not be shown, as it is and as JAAS escapes it; of a private key every line by itself."""
    passwords = [one.get_secret_value() for one in (config.secret, config.key_secret) if one is not None]
    key = config.key.text.get_secret_value().splitlines() if config.key is not None else []
    lines = [line.strip() for line in key if line.strip() and not line.startswith("-----")]
    return tuple(dict.fromkeys([*passwords, *(_quoted(one)[1:-1] for one in passwords), *lines]))


def redact(text: str, secrets: Iterable[str]) -> str:
    """``text`` with `HIDDEN` in the place of every secret."""
    # The longest first: one secret may be part of another.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def is_secret(setting: str) -> bool:
    """Whether the value of a client's ``setting`` must not be shown."""
    return _SECRET_SETTING.search(setting) is not None
