"""TLS on this machine: a certificate that the openssl command makes for 127.0.0.1, and that clients are told to trust."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from metastackerbandit.domain.errors import ConfigRefused

_DAYS = 30  # of the certificate: it is made anew for each run
_DUE_S = 30  # for openssl


def made_certificate(folder: Path) -> Path:
    """A new certificate and its key in a folder; the file that clients trust (and give to `ssl.create_default_context(cafile=...)`).

    Raises:
        ConfigRefused: there is no openssl command, or it refuses.
    """
    certificate, key = folder / "venue.pem", folder / "venue.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(_DAYS)]
    command += ["-subj", "/CN=msb venue", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command += ["-addext", "keyUsage=critical,digitalSignature,keyCertSign", "-keyout", str(key), "-out", str(certificate)]
    try:
        made = subprocess.run(command, capture_output=True, text=True, timeout=_DUE_S)
    except FileNotFoundError:
        raise ConfigRefused("https needs the openssl command, which is not here", where="the venue", mend="install it, or serve plain") from None
    if made.returncode:
        raise ConfigRefused(f"openssl made no certificate: {made.stderr.strip()[-300:]}", where=str(folder), mend="serve without TLS")
    key.chmod(0o600)
    return certificate


def serving_context(certificate: Path) -> ssl.SSLContext:
    """What the venue serves with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context
