"""`msb venue` as a user asks for it: it serves, says where, stops when its time is over, and refuses what it cannot do."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from typer.testing import CliRunner

from metastackerbandit.cli.main import app
from metastackerbandit.practice.server import HOST


def asked(*words: str) -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(app, ["venue", *words, "--json"])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_it_serves_for_as_long_as_it_is_told_and_says_where() -> None:
    words = ("--port", "0", "--for", "0.1s", "--market", "spot", "--symbols", "btcusdt", "--days", "3", "--fault", "skew=500")
    code, (told, ended) = asked(*words)
    assert code == 0 and told["faults"] == ["skew"] and told["symbols"] == ["BTCUSDT"] and told["markets"] == ["spot"]
    assert told["lineage"] == "simulated" and told["tls_url"] is None and ended["requests"] == 0


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("--market", "moon"), "--market"),
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
