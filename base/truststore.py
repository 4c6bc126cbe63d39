"""Let a bundled Java trust the certificate authorities that this machine trusts.

The Java that comes as a wheel brings its own list. Behind a company's proxy the machine's list has
one more, which pip and git use and that Java would refuse.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path

#: The password of every Java's own list: it guards nothing, the list is public.
_PASSWORD = "changeit"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def machine_bundle(environ: Mapping[str, str] | None = None) -> Path | None:
    """The file of certificate authorities that other programs here use, or None if none is known."""
    environ = os.environ if environ is None else environ
    named = [environ.get(key) for key in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")]
    candidates = [*named, ssl.get_default_verify_paths().cafile]
    return next((Path(one) for one in candidates if one and Path(one).is_file()), None)


def _by_fingerprint(text: str) -> dict[str, str]:
    blocks = _PEM.findall(text)
    return {hashlib.sha256(ssl.PEM_cert_to_DER_cert(block)).hexdigest(): block for block in blocks}


def extended_truststore(java_home: Path, bundle: Path, folder: Path) -> Path:
    """A copy of Java's own list in ``folder``, with every authority of ``bundle`` that it lacks.

    ``java_home`` needs ``bin/keytool`` and ``lib/security/cacerts``. Raises `OSError` or
    `subprocess.CalledProcessError` if one of them is missing or fails.
    """
    store = folder / "truststore"
    shutil.copyfile(java_home / "lib" / "security" / "cacerts", store)
    keytool: list[str | Path] = [java_home / "bin" / "keytool", "-keystore", store, "-storepass", _PASSWORD]
    listed = subprocess.run([*keytool, "-list", "-rfc"], capture_output=True, text=True, check=True)
    known = _by_fingerprint(listed.stdout)
    for fingerprint, block in _by_fingerprint(bundle.read_text(errors="replace")).items():
        if fingerprint not in known:
            command = [*keytool, "-importcert", "-noprompt", "-alias", fingerprint]
            subprocess.run(command, input=block, capture_output=True, text=True, check=True)
    return store
