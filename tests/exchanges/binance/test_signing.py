"""Signatures: every vector that the venue publishes, and that a secret stays one."""

from __future__ import annotations

import pickle
from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.exchanges.binance.signing import query_text, signed_params, signed_query
from metastackerbandit.exchanges.credentials import Credentials, Secret
from tests.covering import covers

SPOT = Credentials(
    "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A", Secret("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")
)
PERP = Credentials(
    "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83", Secret("2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9")
)
LIMIT = (
    ("side", "BUY"),
    ("type", "LIMIT"),
    ("timeInForce", "GTC"),
    ("quantity", "1"),
    ("price", "0.1"),
    ("recvWindow", "5000"),
    ("timestamp", "1499827319559"),
)
VECTORS = [
    (SPOT, (("symbol", "LTCBTC"), *LIMIT), "", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
    (SPOT, (("symbol", "１２３４５６"), *LIMIT), "", "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"),
    (
        PERP,
        (
            ("symbol", "BTCUSDT"),
            ("side", "BUY"),
            ("type", "LIMIT"),
            ("quantity", "1"),
            ("price", "9000"),
            ("timeInForce", "GTC"),
            ("recvWindow", "5000"),
            ("timestamp", "1591702613943"),
        ),
        "",
        "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
    ),
    (
        PERP,
        (("symbol", "BTCUSDT"), ("side", "BUY"), ("type", "LIMIT"), ("timeInForce", "GTC")),
        "quantity=1&price=9000&recvWindow=5000&timestamp=1591702613943",
        "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
    ),
]


@covers("2.123")
@pytest.mark.parametrize(("credentials", "params", "body", "signature"), VECTORS, ids=["spot", "not ascii", "perp", "query and body"])
def test_requests_are_signed_as_published(credentials: Credentials, params: tuple[tuple[str, str], ...], body: str, signature: str) -> None:
    query = query_text(params)
    assert signed_query(credentials, query, body) == f"{query}&signature={signature}"
    assert query.isascii()


def test_messages_are_signed_over_sorted_names_unencoded() -> None:
    params = (
        ("symbol", "BTCUSDT"),
        ("side", "SELL"),
        ("type", "LIMIT"),
        ("timeInForce", "GTC"),
        ("quantity", "0.01000000"),
        ("price", "52000.00"),
        ("recvWindow", "100"),
        ("timestamp", "1645423376532"),
    )
    made = signed_params(SPOT, params)
    assert made["signature"] == "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"
    assert made["apiKey"] == SPOT.key and set(made) == {name for name, _ in params} | {"apiKey", "signature"}


@given(st.lists(st.tuples(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=8)), min_size=1, max_size=5))
def test_what_is_encoded_is_read_back(params: list[tuple[str, str]]) -> None:
    assert parse_qsl(query_text(params), keep_blank_values=True) == params


def test_a_secret_is_never_shown() -> None:
    text = "NhqPtmdSJYdKjVHj"
    assert text not in repr(SPOT) + str(SPOT) + f"{SPOT.secret!r}{SPOT.secret}{[SPOT]}"
    assert SPOT.key not in repr(SPOT) and repr(SPOT).startswith("Credentials(vmPU")
    with pytest.raises(TypeError):
        msgspec.json.encode(SPOT)
    with pytest.raises(TypeError):
        pickle.dumps(SPOT)
