"""``--kafka-config FILE``: a TOML file that says how to connect, and where the secrets are, checked whole.

No message here quotes a secret, nor a value that stands where only a mistake can have put it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from base.errors import UsageError, did_you_mean
from base.kafka_security import PLAINTEXT, KafkaSecurity, Mechanism, Pem, Protocol, is_secret
from base.toml_file import read_toml

_FORM: Final = (
    'write TOML: protocol = "SASL_SSL", mechanism = "PLAIN", user = "NAME", secret_env = "VARIABLE"; '
    "librdkafka's own settings go into a table [librdkafka] (docs/secured-clusters.md)"
)

#: Settings of Kafka's clients that have a key of their own here, for both dialects at once.
_OURS: Final[Mapping[str, str]] = {
    "bootstrap.servers": "the flag --bootstrap or --broker",
    "security.protocol": "protocol",
    "sasl.mechanism": "mechanism",
    "sasl.mechanisms": "mechanism",
    "sasl.username": "user",
    "sasl.password": "secret_env or secret_file",
    "sasl.jaas.config": "user, and secret_env or secret_file",
    "ssl.ca.location": "ca",
    "ssl.ca.pem": "ca",
    "ssl.certificate.location": "certificate",
    "ssl.certificate.pem": "certificate",
    "ssl.key.location": "key",
    "ssl.key.pem": "key",
    "ssl.key.password": "key_secret_env or key_secret_file",
    "ssl.endpoint.identification.algorithm": "verify_host",
}

_SASL_KEYS: Final = ("mechanism", "user", "secret_env", "secret_file")
_SSL_KEYS: Final = ("ca", "certificate", "key", "key_secret_env", "key_secret_file", "verify_host")

_Text = Annotated[str, StringConstraints(min_length=1)]


class _File(BaseModel):
    """The keys of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    protocol: Protocol
    mechanism: Mechanism | None = None
    user: Annotated[str, StringConstraints(pattern=r"^[^\r\n\x00]+$")] | None = None
    secret_env: _Text | None = None
    secret_file: _Text | None = None
    ca: _Text | None = None
    certificate: _Text | None = None
    key: _Text | None = None
    key_secret_env: _Text | None = None
    key_secret_file: _Text | None = None
    verify_host: bool = True
    librdkafka: dict[str, Any] = Field(default_factory=dict)


def read_kafka_config(path: Path | None) -> KafkaSecurity:
    """What the file says, with its secrets and PEM files read; without ``path``, a cluster without security.

    Paths in the file count from its folder. Raises `UsageError`, one line naming file, key and remedy.
    """
    if path is None:
        return PLAINTEXT
    document = read_toml(path, field="--kafka-config", form=_FORM)
    try:
        return _resolved(_checked(document), path.parent)
    except _Mistake as mistake:
        raise UsageError(f"--kafka-config {path}: {mistake}") from None


class _Mistake(Exception):
    """What is wrong with the file, without its name."""


def _checked(document: dict[str, Any]) -> _File:
    try:
        file = _File.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_url=False)
        # A misspelt key is also a missing one: its own name explains both.
        raise _Mistake(_in_words(next((one for one in found if one["type"] == "extra_forbidden"), found[0]))) from None
    complaint = next(_contradictions(file), None)
    if complaint is not None:
        raise _Mistake(complaint)
    return file


def _in_words(complaint: Any) -> str:
    key, value = str(complaint["loc"][0]), complaint["input"]
    match complaint["type"]:
        case "extra_forbidden":
            name, _ = next(_flat({key: value}))
            if name in _OURS:
                return f"'{name}' is a client's name for it; write {_OURS[name]}"
            if name != key:
                return f"unknown key '{name}'; librdkafka's own settings go into a table [librdkafka]"
            return f"unknown key '{key}'{did_you_mean(key, _File.model_fields)}"
        case "missing":
            return f"key '{key}' is missing; write one of {', '.join(get_args(Protocol))}"
        case "literal_error":
            choices = get_args(Protocol if key == "protocol" else Mechanism)
            return f"{key} = {value!r} is unknown{did_you_mean(str(value).upper(), choices)}"
        case "string_pattern_mismatch":
            return f"{key}: empty, or more than one line; write the name alone"
        case "string_too_short":
            return f"{key}: empty; write a name, or leave the key out"
        case _:
            return f"{key}: {complaint['msg'][0].lower()}{complaint['msg'][1:]}"


def _contradictions(file: _File) -> Iterator[str]:
    """What does not fit together, in the order of the file's keys."""
    given, protocol = file.model_fields_set, f"protocol = '{file.protocol}'"
    sasl, ssl = file.protocol.startswith("SASL_"), file.protocol.endswith("SSL")
    for keys, fits, others in ((_SASL_KEYS, sasl, "SASL_SSL or SASL_PLAINTEXT"), (_SSL_KEYS, ssl, "SSL or SASL_SSL")):
        for key in keys:
            if key in given and not fits:
                yield f"{key} means nothing with {protocol}; leave it out, or write protocol {others}"
    if sasl and file.mechanism is None:
        yield f"{protocol} needs a mechanism; write one of {', '.join(get_args(Mechanism))}"
    if sasl and file.user is None:
        yield f'{protocol} needs a user; write user = "NAME"'
    for key in ("secret", "key_secret"):
        if {f"{key}_env", f"{key}_file"} <= given:
            yield f"{key}_env and {key}_file are both there; leave one of them out"
    if sasl and not {"secret_env", "secret_file"} & given:
        yield f'{protocol} needs a secret; write secret_env = "VARIABLE" or secret_file = "FILE"'
    for key, other in (("certificate", "key"), ("key", "certificate")):
        if key in given and other not in given:
            yield f'{key} needs its {other}; write {other} = "FILE"'
    for key in ("key_secret_env", "key_secret_file"):
        if key in given and "key" not in given:
            yield f'{key} is a key\'s, and there is no key; write key = "FILE", or leave it out'
    yield from _refused(file.librdkafka)


def _refused(table: Mapping[str, Any]) -> Iterator[str]:
    """What has no place in the table [librdkafka]."""
    for name, value in _flat(table):
        if name in _OURS:
            yield f"[librdkafka] {name}: write {_OURS[name]} instead, which Spark's clients heed too"
        elif name in _File.model_fields:
            yield f"[librdkafka] {name}: this key belongs above the line [librdkafka]; move it there"
        elif is_secret(name):
            yield f"[librdkafka] {name}: a secret has no place in this file; leave it out"
        elif not isinstance(value, str | int | float):
            yield f"[librdkafka] {name}: neither text nor number nor true or false; write one value"


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    # TOML reads a.b = 1 as a table in a table; librdkafka's names have dots.
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _resolved(file: _File, folder: Path) -> KafkaSecurity:
    """The file with all that it refers to."""

    def found(name: str) -> Path:
        return (folder / Path(name).expanduser()).absolute()

    def secret(key: str) -> SecretStr | None:
        variable, kept = getattr(file, f"{key}_env"), getattr(file, f"{key}_file")
        if variable is not None:
            return _one_line(_variable(f"{key}_env", variable), f"{key}_env")
        return None if kept is None else _one_line(_secret_file(f"{key}_file", found(kept)), f"{key}_file")

    key_secret = secret("key_secret")
    return KafkaSecurity(
        protocol=file.protocol,
        mechanism=file.mechanism,
        user=file.user,
        secret=secret("secret"),
        ca=None if file.ca is None else _certificates("ca", found(file.ca)),
        certificate=None if file.certificate is None else _certificates("certificate", found(file.certificate)),
        key=None if file.key is None else _private_key(found(file.key), has_secret=key_secret is not None),
        key_secret=key_secret,
        verify_host=file.verify_host,
        librdkafka={
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in _flat(file.librdkafka)
        },
    )


def _variable(key: str, name: str) -> str:
    value = os.environ.get(name)
    if not value:
        # Whoever wrote the secret itself here would see it again in every log.
        shown = f"{key} = '{name}'" if name.isupper() else key
        raise _Mistake(f"{shown}: no such variable in the environment, or an empty one; export it first")
    return value


def _secret_file(key: str, path: Path) -> str:
    text = _read(key, path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise _Mistake(f"{key} = '{path}': others may read it (mode {mode:04o}); run: chmod 600 {path}")
    return text.removesuffix("\n").removesuffix("\r")


def _one_line(text: str, key: str) -> SecretStr:
    if not text or any(character in text for character in "\r\n\0"):
        raise _Mistake(f"{key}: the secret is empty or has several lines; keep there the secret alone")
    return SecretStr(text)


def _certificates(key: str, path: Path) -> Pem:
    text = _read(key, path)
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise _Mistake(f"{key} = '{path}': no certificate in PEM form in it (-----BEGIN CERTIFICATE-----)")
    return Pem(path=path, text=SecretStr(text))


def _private_key(path: Path, *, has_secret: bool) -> Pem:
    text = _read("key", path)
    encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----" in text
    if not encrypted and "-----BEGIN PRIVATE KEY-----" not in text:
        # The older forms (BEGIN RSA PRIVATE KEY) are read by librdkafka, and by no Java client.
        raise _Mistake(
            f"key = '{path}': no key in PKCS#8 form, as Java needs it; run: openssl pkcs8 -topk8 -nocrypt -in {path}"
        )
    if encrypted and not has_secret:
        raise _Mistake(f"key = '{path}': the key is encrypted; name its secret with key_secret_env or key_secret_file")
    if has_secret and not encrypted:
        raise _Mistake(f"key = '{path}': the key is not encrypted; leave key_secret_env and key_secret_file out")
    return Pem(path=path, text=SecretStr(text))


def _read(key: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise _Mistake(f"{key} = '{path}': {error.strerror}; name a readable file") from None
    except UnicodeDecodeError:
        raise _Mistake(f"{key} = '{path}': no UTF-8 text; name a text file") from None
