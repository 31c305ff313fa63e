"""`python -m conformance`: independent clients trade on the loopback exchange, and what they understood is held to what it has; a JSON line each."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from conformance.compare import checked
from conformance.served import KEY, Served
from metastackerbandit.bench.peers import Playing
from metastackerbandit.practice.tls import made_certificate, serving_context

CLIENTS = ("ccxt", "python_binance", "cryptofeed")
SECURE = ("cryptofeed",)  # speak wss alone
SCRIPT = "conform.py"


def held(client: str, seconds: float) -> dict[str, Any]:
    """One client for so long, in an environment that is made where there is none: versions, how much was compared, and every difference."""
    with TemporaryDirectory() as folder:
        certificate = made_certificate(Path(folder)) if client in SECURE else None
        return _held(client, seconds, certificate)


def _held(client: str, seconds: float, certificate: Path | None) -> dict[str, Any]:
    with Served(None if certificate is None else serving_context(certificate)) as served, Playing(client, SCRIPT) as playing:
        job = {"port": served.port, "key": KEY.api_key, "secret": KEY.secret, "seconds": seconds}
        job |= {"tls_port": served.tls_port, "certificate": str(certificate)}
        versions = playing.prepare("spot", job)
        told = playing.run()["answer"]
    compared, differences = checked(served, told)
    return {"client": client, "versions": versions, "compared": compared, "differences": differences}


def main(arguments: list[str]) -> int:
    """0 where no client differs; else 1."""
    asked = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    asked.add_argument("--client", action="append", choices=CLIENTS, help="only this client; may be repeated")
    asked.add_argument("--seconds", type=float, default=60.0, help="how long books and trades are followed (default: %(default)s)")
    given = asked.parse_args(arguments)
    results = [held(client, given.seconds) for client in given.client or CLIENTS]
    for result in results:
        print(json.dumps(result), flush=True)
    return 1 if any(result["differences"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
