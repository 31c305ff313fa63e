"""`msb venue` as a user asks for it: it serves both markets, says where, stops when its time is over, and refuses what it cannot do."""

from __future__ import annotations

import asyncio
import json
import socket
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from metastackerbandit.cli.main import app
from metastackerbandit.cli.venue import fault_of, made_of, started, told_of
from metastackerbandit.domain.errors import UsageError
from metastackerbandit.practice.server import HOST


def asked(*words: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, ["venue", *words, "--json"])
    told = json.loads(result.stdout)
    assert isinstance(told, dict)
    return result.exit_code, told


def test_it_serves_for_as_long_as_it_is_told_and_says_where() -> None:
    code, told = asked("--port", "0", "--for", "0.1s", "--market", "spot", "--symbols", "BTCUSDT", "--speed", "1", "--fault", "skew=500")
    assert code == 0 and told["faults"] == ["skew"] and told["symbols"] == ["BTCUSDT"] and list(told["markets"]) == ["spot"]
    assert str(told["port"]) in told["switchboard"] and told["lineage"] == "simulated" and told["tls_port"] is None


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("--symbols", "NOPE"), "--symbols"),
        (("--fault", "nope"), "--fault"),
        (("--fault", "skew=much"), "--fault skew"),
        (("--for", "soon"), "--for"),
    ],
)
def test_what_cannot_be_done_is_refused(words: tuple[str, ...], where: str) -> None:
    code, told = asked("--port", "0", *words)
    assert code == 2 and told["error"]["where"] == where


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        code, told = asked("--port", str(taken.getsockname()[1]), "--symbols", "BTCUSDT", "--for", "1s")
    assert code == 2 and told["error"]["where"] == "--port"


def test_both_markets_stand_at_the_same_price_and_answer_on_one_port() -> None:
    async def run() -> None:
        made = made_of(("spot", "usdm"), ["BTCUSDT", "ETHUSDT"], 60.0, 7)
        made.faults.switch_on(fault_of("no_pings"))
        port, _ = await started(made, 0, None, 0)
        try:
            told = told_of(made, port, 0, None)
            assert told["faults"] == ["no_pings"]
            async with aiohttp.ClientSession() as session:
                prices = []
                for name, path in (("spot", "ticker/price"), ("usdm", "ticker/price")):
                    async with session.get(f"{told['markets'][name]['rest']}/{path}?symbol=BTCUSDT") as answer:
                        prices.append(Decimal((await answer.json())["price"]))
                assert abs(prices[0] / prices[1] - 1) < Decimal("0.002")
                async with session.get(f"{told['markets']['spot']['rest']}/klines?symbol=BTCUSDT&interval=1h&limit=1000") as answer:
                    assert len(await answer.json()) == 1_000, "the past is deep enough to learn from"
                for name in ("spot", "usdm"):
                    async with session.ws_connect(f"{told['markets'][name]['streams']}/btcusdt@depth@100ms") as ws:
                        assert (await ws.receive_json(timeout=10))["s"] == "BTCUSDT"
        finally:
            await made.stop()

    asyncio.run(run())


def test_a_fault_without_a_value_has_the_usual_one() -> None:
    assert (fault_of("skew").amount, fault_of("skew=-5").amount, fault_of("drop").value) == (2_000.0, -5.0, None)
    with pytest.raises(UsageError):
        fault_of("=1")
