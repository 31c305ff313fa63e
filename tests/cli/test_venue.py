"""`msb venue` as a user asks for it: it serves, says where, stops when its time is over, and refuses what it cannot do."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from metastackerbandit.cli.main import app
from metastackerbandit.domain.quality import time_text
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.practice.server import HOST
from tests.cli.test_venue_candles import kept, minutes
from tests.exchanges.binance.venue import Venue, written
from tests.practice.test_candle_source import BEGUN_NS


def asked(*words: str) -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(app, ["venue", *words, "--json"])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_it_serves_for_as_long_as_it_is_told_and_says_where() -> None:
    words = ("--port", "0", "--for", "0.1s", "--market", "spot", "--symbols", "btcusdt", "--days", "3", "--fault", "skew=500")
    code, (told, ended) = asked(*words)
    assert code == 0 and told["faults"] == ["skew"] and told["symbols"] == ["BTCUSDT"] and told["markets"] == ["spot"]
    assert told["lineage"] == "simulated" and told["tls_url"] is None and ended["requests"] == 0


def test_candles_and_captures_are_served_as_what_they_are_and_their_end_is_told(tmp_path: Path) -> None:
    folder = kept(tmp_path, minutes(10))
    words = ("--port", "0", "--for", "1.2s", "--source", "candles", "--data", str(folder), "--since", time_text(BEGUN_NS)[:-1], "--speed", "900")
    code, (told, ended) = asked(*words)
    assert code == 0 and (told["lineage"], told["source"], told["markets"]) == ("replayed candles", "candles", ["spot"])
    assert ended["over"] == {"spot": {"BTCUSDT": time_text(BEGUN_NS + 10 * MINUTE_NS)}} and "foreseeable" not in told
    capture = tmp_path / "capture.log"
    capture.write_bytes(written(Venue(1, is_perp=True).frames(120, 3)))
    shown = CliRunner().invoke(app, ["venue", "--port", "0", "--for", "0.5s", "--source", "captures", "--data", str(capture), "--speed", "100"])
    assert shown.exit_code == 0 and shown.stdout.startswith("REPLAYED RECORDING, not live: BTCUSDT, perp")
    assert "it does not trade any more" in shown.stdout


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("--market", "moon"), "--market"),
        (("--source", "moon"), "--source"),
        (("--since", "2025-01-01"), "--since"),
        (("--data", "here"), "--data"),
        (("--source", "captures"), "--data"),
        (("--flow", "wild"), "--flow"),
        (("--fault", "nope"), "--fault"),
        (("--fault", "skew=much"), "--fault skew"),
    ],
)
def test_what_cannot_be_done_is_refused(words: tuple[str, ...], where: str) -> None:
    code, (told,) = asked("--port", "0", "--days", "2", *words)
    assert code == 2 and told["error"]["where"] == where


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        code, (told,) = asked("--port", str(taken.getsockname()[1]), "--symbols", "BTCUSDT", "--days", "2")
    assert code == 4 and told["error"]["where"] == "--port"
