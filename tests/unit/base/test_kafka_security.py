"""One security configuration in both dialects, to the letter; and no secret where it can be read."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from base.batch_producer import BatchProducer
from base.errors import UsageError
from base.kafka import Admin
from base.kafka_config import read_kafka_config
from base.kafka_security import (
    PLAINTEXT,
    KafkaSecurity,
    java_settings,
    librdkafka_settings,
    redact,
    secrets_of,
    spark_options,
)

#: No parts of these stand anywhere by chance.
SECRET = 'tr0ub4dor"&\\3=;'
KEY_SECRET = "correct-horse"

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIBowner\n-----END CERTIFICATE-----\n"
AUTHORITY = "-----BEGIN CERTIFICATE-----\nMIIBauthority\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEkeyline1\nkeyline2==\n-----END PRIVATE KEY-----\n"
ENCRYPTED_KEY = KEY.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
OLD_KEY = KEY.replace("PRIVATE KEY", "RSA PRIVATE KEY")

CLOUD = 'protocol = "SASL_SSL"\nmechanism = "PLAIN"\nuser = "KEY-NAME"\nsecret_env = "KAFKA_SECRET"\n'
MTLS = 'protocol = "SSL"\nca = "ca.pem"\ncertificate = "me.pem"\nkey = "me.key"\n'


@pytest.fixture(autouse=True)
def secret_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that the files of these tests name."""
    monkeypatch.setenv("KAFKA_SECRET", SECRET)
    monkeypatch.setenv("KEY_SECRET", KEY_SECRET)
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("LINES", f"{SECRET}\nmore")
    monkeypatch.delenv("UNSET", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with every file that the texts of these tests name."""
    texts = {
        "ca.pem": AUTHORITY,
        "me.pem": CERTIFICATE,
        "me.key": KEY,
        "me.enc": ENCRYPTED_KEY,
        "me.rsa": OLD_KEY,
    }
    for name, text in {**texts, "secret": f"{SECRET}\n", "open": f"{SECRET}\n", "nothing": "\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644 if name == "open" else 0o600)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    return tmp_path


def read(folder: Path, text: str) -> KafkaSecurity:
    """``text`` as the file kafka.toml of ``folder``, read."""
    (folder / "kafka.toml").write_text(text)
    return read_kafka_config(folder / "kafka.toml")


def test_confluent_cloud(folder: Path):
    """SASL_SSL with PLAIN: all that Confluent Cloud asks for, in both dialects."""
    config = read(folder, CLOUD)
    assert librdkafka_settings(config) == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "PLAIN",
        "sasl.username": "KEY-NAME",
        "sasl.password": SECRET,
    }
    assert java_settings(config) == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": (
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            r'username="KEY-NAME" password="tr0ub4dor\"&\\3=;";'
        ),
    }


def test_scram_with_an_authority_of_ones_own(folder: Path):
    """SASL_SSL with SCRAM-SHA-512, the secret in a file, our own CA: a path for us, its text for Java."""
    text = 'protocol = "SASL_SSL"\nmechanism = "SCRAM-SHA-512"\nuser = "bench"\nsecret_file = "secret"\nca = "ca.pem"\n'
    config = read(folder, text)
    assert librdkafka_settings(config) == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "SCRAM-SHA-512",
        "sasl.username": "bench",
        "sasl.password": SECRET,
        "ssl.ca.location": str(folder / "ca.pem"),
    }
    assert java_settings(config) == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required "
            r'username="bench" password="tr0ub4dor\"&\\3=;";'
        ),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": AUTHORITY,
    }


def test_mtls(folder: Path):
    """SSL with a certificate and a key of our own, and the name of the host not looked at."""
    config = read(folder, MTLS + "verify_host = false\n")
    assert librdkafka_settings(config) == {
        "security.protocol": "SSL",
        "ssl.ca.location": str(folder / "ca.pem"),
        "ssl.certificate.location": str(folder / "me.pem"),
        "ssl.key.location": str(folder / "me.key"),
        "ssl.endpoint.identification.algorithm": "none",
    }
    assert java_settings(config) == {
        "security.protocol": "SSL",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": AUTHORITY,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": CERTIFICATE,
        "ssl.keystore.key": KEY,
        "ssl.endpoint.identification.algorithm": "",
    }


def test_mtls_with_an_encrypted_key(folder: Path):
    """The key's own secret reaches both dialects."""
    config = read(folder, MTLS.replace("me.key", "me.enc") + 'key_secret_env = "KEY_SECRET"\n')
    assert librdkafka_settings(config)["ssl.key.password"] == KEY_SECRET
    assert java_settings(config)["ssl.key.password"] == KEY_SECRET
    assert java_settings(config)["ssl.keystore.key"] == ENCRYPTED_KEY


def test_plaintext(folder: Path):
    """No file, and a file that says so, mean the same: no security in either dialect."""
    assert read(folder, 'protocol = "PLAINTEXT"\n') == read_kafka_config(None) == PLAINTEXT
    assert librdkafka_settings(PLAINTEXT) == java_settings(PLAINTEXT) == {"security.protocol": "PLAINTEXT"}


def test_spark_options_are_javas_with_a_prefix(folder: Path):
    """Each of Java's settings, called ``kafka.`` and its name."""
    config = read(folder, CLOUD)
    assert spark_options(config) == {f"kafka.{key}": value for key, value in java_settings(config).items()}


def test_settings_of_our_own_clients(folder: Path):
    """The table [librdkafka] takes dotted and quoted names, and reaches our clients only."""
    table = '[librdkafka]\nsocket.timeout.ms = 9000\n"client.id" = "us"\nenable.idempotence = true\n'
    config = read(folder, f'protocol = "PLAINTEXT"\n{table}')
    assert librdkafka_settings(config) == {
        "security.protocol": "PLAINTEXT",
        "socket.timeout.ms": "9000",
        "client.id": "us",
        "enable.idempotence": "true",
    }
    assert java_settings(config) == {"security.protocol": "PLAINTEXT"}


@pytest.mark.parametrize(
    ("user", "secret", "login"),
    [
        ("u", "p", r'username="u" password="p"'),
        ("u", 'a"b', r'username="u" password="a\"b"'),
        ("u", "a\\b", r'username="u" password="a\\b"'),
        ("u", 'a\\"b', r'username="u" password="a\\\"b"'),
        ("u", "ends in \\", r'username="u" password="ends in \\"'),
        ('d\\"n', "' ; = $ ü 한", r"""username="d\\\"n" password="' ; = $ ü 한" """.strip()),
        ("u", '" required; //', r'username="u" password="\" required; //"'),
    ],
)
def test_jaas_quoting(user: str, secret: str, login: str):
    """Quotes and backslashes are escaped; nothing in user or secret can end its quotes."""
    config = KafkaSecurity(protocol="SASL_SSL", mechanism="PLAIN", user=user, secret=SecretStr(secret))
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    assert java_settings(config)["sasl.jaas.config"] == f"{module} required {login};"


def without(text: str, key: str) -> str:
    """``text`` less the line of a key."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(f"{key} "))


SSL = 'protocol = "SSL"\n'
TABLE = 'protocol = "SSL"\n[librdkafka]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # The form of old, with and without what TOML can read.
        ("security.protocol=SASL_SSL\nsasl.password=x\n", ["no TOML", 'secret_env = "VARIABLE"', "[librdkafka]"]),
        ("test.mock.num.brokers=1\n", ["unknown key 'test.mock.num.brokers'", "a table [librdkafka]"]),
        ('security.protocol="SSL"\n', ["'security.protocol' is a client's name", "write protocol"]),
        # Keys and values.
        ("", ["key 'protocol' is missing", "PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"]),
        ('protocoll = "SSL"\n', ["unknown key 'protocoll'; did you mean 'protocol'?"]),
        ('protocol = "sasl_ssl"\n', ["protocol = 'sasl_ssl' is unknown; did you mean 'SASL_SSL'?"]),
        (CLOUD.replace('"PLAIN"', '"SCRAM-SHA-521"'), ["mechanism = 'SCRAM-SHA-521' is", "mean 'SCRAM-SHA-512'?"]),
        (CLOUD.replace('"KEY-NAME"', '""'), ["user: empty"]),
        (CLOUD.replace('"KEY-NAME"', '"a\\nb"'), ["user: empty, or more than one line"]),
        (CLOUD.replace('"KAFKA_SECRET"', '""'), ["secret_env: empty; write a name"]),
        (CLOUD.replace('"KEY-NAME"', "7"), ["user: input should be a valid string"]),
        (SSL + 'verify_host = "no"\n', ["verify_host: input should be a valid boolean"]),
        # What does not fit together.
        (SSL + 'mechanism = "PLAIN"\n', ["mechanism means nothing with protocol = 'SSL'", "SASL_SSL"]),
        (SSL + 'user = "u"\n', ["user means nothing with protocol = 'SSL'"]),
        (SSL + 'secret_env = "KAFKA_SECRET"\n', ["secret_env means nothing with protocol = 'SSL'"]),
        (
            'protocol = "PLAINTEXT"\nca = "ca.pem"\n',
            ["ca means nothing with protocol = 'PLAINTEXT'", "SSL or SASL_SSL"],
        ),
        ('protocol = "PLAINTEXT"\nverify_host = false\n', ["verify_host means nothing with protocol = 'PLAINTEXT'"]),
        (without(CLOUD, "mechanism"), ["protocol = 'SASL_SSL' needs a mechanism", "SCRAM-SHA-256"]),
        (without(CLOUD, "user"), ["protocol = 'SASL_SSL' needs a user"]),
        (without(CLOUD, "secret_env"), ["protocol = 'SASL_SSL' needs a secret", "secret_env", "secret_file"]),
        (CLOUD + 'secret_file = "secret"\n', ["secret_env and secret_file are both there"]),
        (without(MTLS, "key"), ['certificate needs its key; write key = "FILE"']),
        (without(MTLS, "certificate"), ["key needs its certificate"]),
        (SSL + 'key_secret_env = "KEY_SECRET"\n', ["key_secret_env is a key's, and there is no key"]),
        (MTLS + 'key_secret_env = "A"\nkey_secret_file = "b"\n', ["key_secret_env and key_secret_file are both there"]),
        # Secrets.
        (CLOUD.replace("KAFKA_SECRET", "UNSET"), ["secret_env = 'UNSET': no such variable", "export it"]),
        (CLOUD.replace("KAFKA_SECRET", "EMPTY"), ["secret_env = 'EMPTY': no such variable", "or an empty one"]),
        (CLOUD.replace("KAFKA_SECRET", "LINES"), ["secret_env: the secret is empty or has several lines"]),
        (CLOUD.replace('secret_env = "KAFKA_SECRET"', 'secret_file = "open"'), ["(mode 0644); run: chmod 600 "]),
        (
            CLOUD.replace('secret_env = "KAFKA_SECRET"', 'secret_file = "none"'),
            ["none': No such file", "readable file"],
        ),
        (CLOUD.replace('secret_env = "KAFKA_SECRET"', 'secret_file = "nothing"'), ["secret_file: the secret is empty"]),
        (CLOUD.replace('secret_env = "KAFKA_SECRET"', 'secret_file = "binary"'), ["binary': no UTF-8 text"]),
        # PEM files.
        (SSL + 'ca = "me.key"\n', ["ca = '", "me.key': no certificate in PEM form"]),
        (SSL + 'ca = "none.pem"\n', ["none.pem': No such file"]),
        (MTLS.replace("me.pem", "me.key"), ["certificate = '", "no certificate in PEM form"]),
        (MTLS.replace("me.key", "me.rsa"), ["no key in PKCS#8 form", "openssl pkcs8 -topk8 -nocrypt -in "]),
        (MTLS.replace("me.key", "me.enc"), ["the key is encrypted; name its secret with key_secret_env"]),
        (MTLS + 'key_secret_env = "KEY_SECRET"\n', ["the key is not encrypted; leave key_secret_env"]),
        # The table [librdkafka].
        (TABLE + 'sasl.password = "x"\n', ["[librdkafka] sasl.password: write secret_env or secret_file instead"]),
        (TABLE + '"ssl.ca.location" = "x"\n', ["[librdkafka] ssl.ca.location: write ca instead"]),
        (TABLE + 'ssl.keystore.password = "x"\n', ["[librdkafka] ssl.keystore.password: a secret has no place"]),
        (TABLE + 'ca = "ca.pem"\n', ["[librdkafka] ca: this key belongs above the line [librdkafka]"]),
        (TABLE + "debug = []\n", ["[librdkafka] debug: neither text nor number nor true or false"]),
        ('protocol = "SSL"\nlibrdkafka = 1\n', ["librdkafka: input should be a valid dictionary"]),
    ],
)
def test_a_mistake_is_one_line(folder: Path, text: str, words: list[str]):
    """It names the file, the key, the value unless that could be a secret, and what to write."""
    with pytest.raises(UsageError) as raised:
        read(folder, text)
    message = str(raised.value)
    assert message.startswith(f"--kafka-config {folder / 'kafka.toml'}: ")
    assert "\n" not in message
    assert [word for word in words if word not in message] == []


def test_a_file_that_is_not_there(tmp_path: Path):
    """The flag, the file, and what the system says."""
    with pytest.raises(UsageError, match=r"^--kafka-config .*/none\.toml: No such file or directory; name a readable"):
        read_kafka_config(tmp_path / "none.toml")


def test_a_stricter_secret_file_is_fine(folder: Path):
    """Mode 0400 is as good as 0600; the line's end is no part of the secret."""
    (folder / "secret").chmod(0o400)
    config = read(folder, CLOUD.replace('secret_env = "KAFKA_SECRET"', 'secret_file = "secret"'))
    assert config.secret is not None
    assert config.secret.get_secret_value() == SECRET


def everything(folder: Path) -> KafkaSecurity:
    """A configuration with every kind of secret."""
    text = CLOUD + MTLS.replace("me.key", "me.enc").removeprefix(SSL) + 'key_secret_env = "KEY_SECRET"\n'
    return read(folder, text)


def hidden(text: str) -> bool:
    """Whether ``text`` holds no secret of `everything`, as it is or escaped."""
    return not any(one in text for one in ("tr0ub4dor", KEY_SECRET, "keyline1", "keyline2"))


def test_no_secret_in_what_is_printed_or_stored(folder: Path):
    """repr, str and JSON of the whole configuration show that there are secrets, and none of them."""
    config = everything(folder)
    for text in (repr(config), str(config), config.model_dump_json(), str(config.model_dump())):
        assert "KEY-NAME" in text
        assert "**********" in text
        assert hidden(text)


@pytest.mark.parametrize(
    "text",
    [
        # A secret where the name of a variable or a file belongs, under a name of the user's own, in a type
        # that TOML makes of it, behind a sign that TOML does not know.
        CLOUD.replace("KAFKA_SECRET", "tr0ub4dor"),
        CLOUD + 'password = "tr0ub4dor"\n',
        CLOUD + 'secret = "tr0ub4dor"\n',
        CLOUD.replace('"KAFKA_SECRET"', '["tr0ub4dor"]'),
        CLOUD.replace('"KAFKA_SECRET"', "tr0ub4dor"),
        TABLE + 'sasl.password = "tr0ub4dor"\n',
        TABLE + 'ssl.truststore.password = "tr0ub4dor"\n',
        CLOUD.replace("KAFKA_SECRET", "LINES"),
    ],
)
def test_no_secret_in_an_error(folder: Path, text: str):
    """Neither the message nor the whole traceback quotes what stands in a secret's place."""
    with pytest.raises(UsageError) as raised:
        read(folder, text)
    assert hidden("".join(traceback.format_exception(raised.value)))


def test_no_secret_in_pydantics_own_error():
    """A configuration that is built by hand, and wrongly, does not tell its values either."""
    wrong: dict[str, Any] = {"protocol": "SASL_SSL", "secret": ["tr0ub4dor"], "user": 7}
    with pytest.raises(ValidationError) as raised:
        KafkaSecurity(**wrong)
    assert hidden(str(raised.value))


def test_what_clients_refuse_is_told_without_the_secret():
    """librdkafka's refusals become one line: of a secret setting the value is not shown, of another it is."""
    with pytest.raises(
        UsageError, match=r"^librdkafka refuses sasl\.passwort\.password=\*\*\*: No such config"
    ) as raised:
        BatchProducer({"sasl.passwort.password": "tr0ub4dor"}, "topic")
    assert hidden(str(raised.value))
    with pytest.raises(UsageError, match=r"^--kafka-config: librdkafka refuses it: .*no\.such\.setting.*correct the"):
        Admin("127.0.0.1:1", {"no.such.setting": "1"})


def test_redaction_covers_every_form(folder: Path):
    """Of JAAS and of PEM, with all that a client is given, nothing is left after redaction."""
    config = everything(folder)
    values = [*librdkafka_settings(config).values(), *java_settings(config).values()]
    told = " ".join([*values, repr(ENCRYPTED_KEY)])
    assert not hidden(told)
    redacted = redact(told, secrets_of(config))
    assert hidden(redacted)
    assert "KEY-NAME" in redacted


def test_a_secret_within_a_secret():
    """The longer one goes first, so that no rest of it stays."""
    assert redact("abcdef abc", ["abc", "abcdef"]) == "*** ***"
    assert secrets_of(PLAINTEXT) == ()
