"""https and wss on this machine: trusted by who is told to, refused by everybody else."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from pathlib import Path

import aiohttp
import pytest

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.practice.server import HOST, Venue
from metastackerbandit.practice.tls import made_certificate, serving_context
from tests.practice.small import small_side
from tests.practice.walking import Ground


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl command")
def test_who_trusts_the_certificate_speaks_https_and_wss(tmp_path: Path) -> None:
    certificate = made_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))

    async def run() -> None:
        ground = Ground("spot")
        venue = Venue([small_side(ground)], ground.time, ground.faults, ground.hub, ground.settings)
        plain, port = await venue.start(tls=serving_context(certificate))
        try:
            async with aiohttp.ClientSession() as session:
                assert plain != port
                async with session.get(f"https://{HOST}:{port}/echo", ssl=trusting) as told:
                    assert told.status == 200
                async with session.ws_connect(f"wss://{HOST}:{port}/ws/quick", ssl=trusting) as ws:
                    await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
                    assert (await ws.receive_json(timeout=5))["result"] == ["quick"]
                with pytest.raises(aiohttp.ClientConnectorCertificateError):
                    await session.get(f"https://{HOST}:{port}/echo")
        finally:
            await venue.stop()

    asyncio.run(run())
    assert certificate.with_suffix(".key").stat().st_mode & 0o077 == 0


def test_a_machine_without_openssl_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigRefused, match="openssl"):
        made_certificate(tmp_path)
