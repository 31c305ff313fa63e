"""`msb venue` as a user asks for it: it serves, says where, stops when its time is over, and refuses what it cannot do."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from typer.testing import CliRunner

from metastackerbandit.cli.main import app
from metastackerbandit.cli.venue_asked import Served, generator_of
from metastackerbandit.cli.venue_made import made_markets
from metastackerbandit.cli.venue_process import venue_of
from metastackerbandit.domain.quality import time_text
from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS
from metastackerbandit.practice.server import HOST
from metastackerbandit.practice.tape import newest_update
from metastackerbandit.simulation.settings import MARKETS, GeneratorSettings
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


@given(preset=st.sampled_from(sorted(MARKETS)), volatility=st.floats(0.1, 10.0), volume=st.floats(0.1, 100.0))
def test_any_market_that_can_be_asked_for_is_one_that_can_be_made(preset: str, volatility: float, volume: float) -> None:
    usual, made = MARKETS[preset], generator_of(served(preset=preset, volatility=volatility, volume=volume))
    assert msgspec.convert(msgspec.to_builtins(made), GeneratorSettings) == made
    assert (made.annual_volatility, made.trades_a_second) == (usual.annual_volatility * volatility, usual.trades_a_second * volume)
    changed = {"annual_volatility": usual.annual_volatility, "trades_a_second": usual.trades_a_second, "quotes_a_second": usual.quotes_a_second}
    assert structs.replace(made, seed=usual.seed, **changed) == usual


@pytest.mark.parametrize(("step_s", "moves"), [(0.1, True), (1.0, False)])
def test_the_market_moves_as_often_as_it_is_asked_to(step_s: float, moves: bool) -> None:
    venue, _ = venue_of(made_markets(served(step_s=step_s)))
    floor = venue.sides[0].desk.floor
    floor.advance(floor.now_ns + SECOND_NS)  # a whole step of either
    before = newest_update(floor.exchange.queues, 0)
    floor.advance(floor.now_ns + SECOND_NS // 2)
    assert (newest_update(floor.exchange.queues, 0) > before) == moves


def served(**changes: Any) -> Served:
    """An exchange of one spot symbol as it is asked for by default."""
    usual = Served(0, None, 1.0, ("spot",), "normal", ("BTCUSDT",), 1, 2, None, ())
    return structs.replace(usual, **changes)


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        code, (told,) = asked("--port", str(taken.getsockname()[1]), "--symbols", "BTCUSDT", "--days", "2")
    assert code == 4 and told["error"]["where"] == "--port"
