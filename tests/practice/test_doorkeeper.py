"""The doorkeeper lets in what was signed as it was received, just now, by a key that may: with the venue's own published vectors."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.doorkeeper import EARLY, LATE, Doorkeeper, signed_text, sorted_text
from metastackerbandit.practice.keys import Key, KeyRing
from metastackerbandit.practice.replies import Security, WireRefusal
from metastackerbandit.practice.rest import call_of
from metastackerbandit.practice.venue_time import VenueTime
from tests.practice.walking import KEY, READER, Clock

PUBLISHED = Key(
    "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A", "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j", 3
)
ORDER = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
VECTORS = [
    (ORDER, "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
    (
        ORDER.replace("LTCBTC", "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96"),
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
    ),
]


def keeper(at_ms: int) -> Doorkeeper:
    return Doorkeeper(KeyRing([KEY, READER, PUBLISHED]), VenueTime(at_ms * MILLI_NS, 1.0, Clock()))


def code_of(door: Doorkeeper, security: Security, api_key: str, query: str, body: str = "") -> tuple[int, int, str]:
    call = call_of("POST", query, body, api_key, "")
    with pytest.raises(WireRefusal) as refusal:
        door.admit(security, call.api_key, call.given, call.signed)
    return refusal.value.http, refusal.value.code, refusal.value.msg


def signed(text: str, key: Key = KEY) -> str:
    return f"{text}&signature={hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"


@pytest.mark.parametrize(("text", "signature"), VECTORS)
@pytest.mark.parametrize("cut", [0, 13, 40, None])
def test_published_vectors_pass_wherever_query_ends_and_body_begins(text: str, signature: str, cut: int | None) -> None:
    if cut:
        cut = text.index("&", cut)
        query, body = text[:cut], text[cut:]  # the ampersand goes with the body, so that nothing is between them
    else:
        query, body = (text, "") if cut is None else ("", text)
    call = call_of("POST", query, f"{body}&signature={signature}" if body else body, PUBLISHED.api_key, "")
    if not body:
        call = call_of("POST", f"{query}&signature={signature.upper()}", "", PUBLISHED.api_key, "")
    assert keeper(1_499_827_319_559).admit("trade", call.api_key, call.given, call.signed) == PUBLISHED


def test_the_websocket_vector_passes() -> None:
    text = (
        f"apiKey={PUBLISHED.api_key}&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC"
        "&timestamp=1645423376532&type=LIMIT"
    )
    params = dict(item.split("=") for item in reversed(text.split("&")))
    params["signature"] = "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"
    assert sorted_text(params) == text
    assert keeper(1_645_423_376_632).admit("trade", PUBLISHED.api_key, params, sorted_text(params)) == PUBLISHED


def test_a_signature_may_stand_anywhere_and_is_of_the_rest() -> None:
    assert signed_text(("a=1&signature=x&b=2", "c=3&signature=y")) == "a=1&b=2c=3"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (signed("a=1&timestamp=1000000"), None),
        (signed("a=1&timestamp=1000000").replace("a=1", "a=2"), -1022),
        (signed("a=é&timestamp=1000000"), -1022),
        ("timestamp=1000000", -1102),
        ("timestamp=&signature=ab", -1102),
        ("timestamp=soon&signature=ab", -1102),
        ("timestamp=1000000&signature=é", -1022),
        (signed("timestamp=1000999"), None),
        (signed("timestamp=1001000"), EARLY),
        (signed("timestamp=995000"), None),
        (signed("timestamp=994999"), LATE),
        (signed("timestamp=994999&recvWindow=5001"), None),
        (signed("timestamp=999999&recvWindow=0.5"), LATE),
        (signed("timestamp=1000000&recvWindow=60001"), -1131),
        (signed("timestamp=1000000&recvWindow=long"), -1102),
    ],
)
def test_what_is_refused_and_why(query: str, expected: int | str | None) -> None:
    if expected is None:
        call = call_of("GET", query, "", KEY.api_key, "")
        assert keeper(1_000_000).admit("trade", call.api_key, call.given, call.signed) == KEY
    else:
        _, code, msg = code_of(keeper(1_000_000), "trade", KEY.api_key, query)
        assert expected in (code, msg)
        assert code == -1021 or isinstance(expected, int)


@pytest.mark.parametrize(("api_key", "code"), [("", -2014), ("ä" * 64, -2014), ("x" * 65, -2014), ("x" * 64, -2015)])
def test_keys_that_nobody_knows_stay_outside(api_key: str, code: int) -> None:
    assert code_of(keeper(0), "key", api_key, "")[:2] == (401, code)


def test_a_key_to_read_may_not_trade() -> None:
    call = call_of("GET", signed("timestamp=1000000", READER), "", READER.api_key, "")
    assert keeper(1_000_000).admit("user", call.api_key, call.given, call.signed) == READER
    assert code_of(keeper(1_000_000), "trade", READER.api_key, signed("timestamp=1000000", READER))[:2] == (401, -2015)


def test_a_body_of_a_get_is_not_read() -> None:
    assert call_of("GET", "a=1", "b=2", "", "") == call_of("GET", "a=1", "", "", "")
