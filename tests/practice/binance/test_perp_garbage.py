"""Whatever is asked of the USD-M side, it answers with JSON of its own words; nothing that is sent can break it, nor move money that is not there."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.practice.binance.perp_walking import Usdm

SENSIBLE = [
    "BTCUSDT",
    "ETHUSDT",
    "BUY",
    "SELL",
    "LIMIT",
    "MARKET",
    "STOP",
    "STOP_MARKET",
    "TAKE_PROFIT",
    "GTC",
    "GTX",
    "IOC",
    "FOK",
    "true",
    "false",
    "0",
    "1",
    "0.01",
    "5",
    "7",
    "55000",
    "59999.99",
    "61000",
    "1m",
    "1M",
    "CONDITIONAL",
    "MARK_PRICE",
    "CROSSED",
    "ISOLATED",
    "RESULT",
    "PERPETUAL",
    "EXPIRE_TAKER",
    "BOTH",
    "LONG",
    "NONE",
]
ODD = ["-1", "1e9", "9" * 30, "٣", "[]", "[{}]", '[{"a":1}]', "\x00", "ä", ""]
WORDS = st.one_of(st.sampled_from(SENSIBLE), st.sampled_from(ODD), st.text(max_size=8))
NAMES = [
    "symbol",
    "side",
    "type",
    "timeInForce",
    "quantity",
    "price",
    "triggerPrice",
    "algoType",
    "closePosition",
    "reduceOnly",
    "workingType",
    "orderId",
    "origClientOrderId",
    "newClientOrderId",
    "algoId",
    "clientAlgoId",
    "limit",
    "startTime",
    "endTime",
    "fromId",
    "interval",
    "leverage",
    "marginType",
    "dualSidePosition",
    "countdownTime",
    "batchOrders",
    "orderIdList",
    "positionSide",
    "pair",
    "contractType",
    "selfTradePreventionMode",
    "newOrderRespType",
    "incomeType",
    "priceMatch",
]
PARAMETERS = st.dictionaries(st.sampled_from(NAMES), WORDS, max_size=9)
LIKELY = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["BTCUSDT", "ETHUSDT"]),
        "side": st.sampled_from(["BUY", "SELL"]),
        "quantity": st.sampled_from(["0.01", "3", "40"]),
        "price": st.sampled_from(["55000", "60000", "61000", "3000"]),
        "triggerPrice": st.sampled_from(["59900", "60100", "2990"]),
        "type": st.sampled_from(["LIMIT", "MARKET", "STOP_MARKET", "TAKE_PROFIT"]),
        "timeInForce": st.sampled_from(["GTC", "GTX", "IOC", "FOK"]),
        "algoType": st.just("CONDITIONAL"),
    }
)
ROUTES = sorted(Usdm().side.routes)
ASKED = st.lists(st.tuples(st.sampled_from(ROUTES), st.one_of(PARAMETERS, st.builds(lambda a, b: {**a, **b}, LIKELY, PARAMETERS))), max_size=12)


@settings(max_examples=150)
@given(ASKED)
def test_every_request_is_answered_in_the_venues_words(asked: list[tuple[tuple[str, str], dict[str, str]]]) -> None:
    usdm = Usdm()
    stream = usdm.private()
    for (method, path), given_parameters in asked:
        answer = usdm.answer(method, path, **given_parameters)
        body: Any = msgspec.json.decode(msgspec.json.encode(answer.body))
        if answer.http != 200:
            assert answer.http in (400, 401, 429, 503) and body["code"] < 0 and body["msg"]
    usdm.turn(1.0)
    msgspec.json.encode(usdm.told(stream))
    money = usdm.exchange.perp
    assert money.wallets[2] == 1_000_000 * 10**8 and all(one.lots == 0 for one in money.held[2])


@settings(max_examples=200)
@given(st.sampled_from(["", "/public", "/market", "/private"]), st.text(max_size=40) | st.from_regex(r"[a-z]{0,8}@[a-zA-Z0-9_@]{0,12}\Z"))
def test_any_name_of_a_stream_means_something_or_nothing(base: str, name: str) -> None:
    usdm = _STANDING
    stream = usdm.side.families[base].opened(name)
    if stream is not None:
        msgspec.json.encode(list(stream.told(usdm.ground.time.now_ns())))


_STANDING = Usdm(stands=True)
