"""Public answers of the USD-M side: filters as the venue writes them, limits that are refused, marks, and snapshots that can be old."""

from __future__ import annotations

import pytest

from tests.practice.binance.perp_walking import BTC, Usdm


@pytest.fixture(scope="module")
def usdm() -> Usdm:
    return Usdm(market_max_lots=1_000_000, max_orders=150)


def test_filters_are_written_as_usdm_writes_them(usdm: Usdm) -> None:
    info = usdm.ask("GET", "/fapi/v1/exchangeInfo", None)
    one = info["symbols"][0]
    filters = {row["filterType"]: row for row in one["filters"]}
    assert one["filters"][0]["filterType"] == "PRICE_FILTER" and filters["PRICE_FILTER"]["tickSize"] == "0.01"
    assert filters["MIN_NOTIONAL"] == {"filterType": "MIN_NOTIONAL", "notional": "5.00000000"}
    assert filters["MAX_NUM_ORDERS"] == {"filterType": "MAX_NUM_ORDERS", "limit": 150}
    assert (filters["LOT_SIZE"]["stepSize"], filters["MARKET_LOT_SIZE"]["maxQty"]) == ("0.00001", "10.00000")
    assert (filters["PERCENT_PRICE"]["multiplierUp"], filters["PERCENT_PRICE"]["multiplierDown"]) == ("1.2", "0.8")
    assert (one["contractType"], one["status"], one["marginAsset"], one["deliveryDate"]) == ("PERPETUAL", "TRADING", "USDT", 4_133_404_800_000)
    assert {"LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"} == set(one["orderTypes"]) and "GTX" in one["timeInForce"]
    assert [(row.rate_limit_type, row.limit) for row in info["rateLimits"]] == [("REQUEST_WEIGHT", 2_400), ("ORDERS", 1_200), ("ORDERS", 300)]


@pytest.mark.parametrize("limit", [5, 10, 20, 50, 100, 500, 1_000])
def test_a_listed_depth_is_answered(usdm: Usdm, limit: int) -> None:
    book = usdm.ask("GET", "/fapi/v1/depth", None, symbol="BTCUSDT", limit=limit)
    assert len(book["bids"]) == min(limit, len(book["bids"])) and float(book["bids"][0][0]) < float(book["asks"][0][0])
    assert [float(one[0]) for one in book["bids"]] == sorted((float(one[0]) for one in book["bids"]), reverse=True)


@pytest.mark.parametrize("limit", [0, 1, 7, 5_000])
def test_any_other_depth_is_refused(usdm: Usdm, limit: int) -> None:
    assert usdm.code("GET", "/fapi/v1/depth", None, symbol="BTCUSDT", limit=limit) == -4021


@pytest.mark.parametrize(
    ("path", "given", "code"),
    [
        ("klines", {"symbol": "BTCUSDT", "interval": "1s"}, -1120),
        ("klines", {"symbol": "BTCUSDT"}, -1102),
        ("klines", {"symbol": "X", "interval": "1m"}, -1121),
        ("trades", {}, -1102),
        ("ticker/24hr", {"symbol": "btcusdt"}, -1121),
        ("aggTrades", {"symbol": "BTCUSDT", "startTime": 5, "endTime": 4}, -4166),
        ("depth", {"symbol": "BTCUSDT", "limit": "x"}, -1100),
    ],
)
def test_what_cannot_be_answered_is_refused(usdm: Usdm, path: str, given: dict[str, object], code: int) -> None:
    assert usdm.code("GET", f"/fapi/v1/{path}", None, **given) == code


@pytest.mark.parametrize("path", ["v1/ticker/24hr", "v1/ticker/price", "v2/ticker/price", "v1/ticker/bookTicker", "v1/premiumIndex"])
def test_one_symbol_is_an_object_and_all_of_them_are_a_list(usdm: Usdm, path: str) -> None:
    every = usdm.ask("GET", f"/fapi/{path}", None)
    assert [one["symbol"] for one in every] == ["BTCUSDT", "ETHUSDT"]
    assert usdm.ask("GET", f"/fapi/{path}", None, symbol="ETHUSDT") == every[1]


def test_the_clock_says_how_fast_it_goes() -> None:
    usdm = Usdm(speed=60.0)
    first = usdm.ask("GET", "/fapi/v1/time", None)
    usdm.ground.clock.turn(2.0)
    assert usdm.ask("GET", "/fapi/v1/time", None) == {"serverTime": first["serverTime"] + 120_000, "rate": 60.0}


def test_weights_follow_from_what_is_asked_for() -> None:
    usdm = Usdm()
    used = [0]
    for path, given, weight in (
        ("depth", {"symbol": "BTCUSDT", "limit": 1_000}, 20),
        ("depth", {"symbol": "BTCUSDT", "limit": 5}, 2),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1_500}, 10),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 99}, 1),
        ("ticker/24hr", {}, 40),
        ("ticker/24hr", {"symbol": "BTCUSDT"}, 1),
    ):
        used.append(int(usdm.answer("GET", f"/fapi/v1/{path}", None, **given).headers["X-MBX-USED-WEIGHT-1M"]))
        assert used[-1] - used[-2] == weight


def test_trades_are_told_from_a_number_on(usdm: Usdm) -> None:
    newest = usdm.ask("GET", "/fapi/v1/trades", None, symbol="BTCUSDT", limit=4)
    assert len(newest) == 4 and newest[-1]["id"] == int(usdm.exchange.queues.row[BTC]["trade"])
    assert usdm.ask("GET", "/fapi/v1/historicalTrades", symbol="BTCUSDT", fromId=newest[1]["id"], limit=2) == newest[1:3]
    assert usdm.ask("GET", "/fapi/v1/historicalTrades", symbol="BTCUSDT", limit=4) == newest


def test_a_day_agrees_with_its_candles(usdm: Usdm) -> None:
    day = usdm.ask("GET", "/fapi/v1/ticker/24hr", None, symbol="BTCUSDT")
    candles = usdm.ask("GET", "/fapi/v1/klines", None, symbol="BTCUSDT", interval="5m")
    assert float(day["volume"]) == pytest.approx(sum(float(one[5]) for one in candles))
    assert float(day["quoteVolume"]) == pytest.approx(sum(float(one[7]) for one in candles))
    assert (day["lastPrice"], day["openPrice"], day["count"]) == (candles[-1][4], candles[0][1], sum(one[8] for one in candles))
    paired = usdm.ask("GET", "/fapi/v1/continuousKlines", None, pair="BTCUSDT", contractType="PERPETUAL", interval="5m")
    assert paired == candles


def test_open_interest_is_what_owners_hold_long() -> None:
    usdm = Usdm()
    usdm.order(type="MARKET", quantity="0.5")
    assert usdm.ask("GET", "/fapi/v1/openInterest", None, symbol="BTCUSDT")["openInterest"] == "0.50000"
    assert usdm.ask("GET", "/fapi/v1/openInterest", None, symbol="ETHUSDT")["openInterest"] == "0.0000"


def test_an_old_snapshot_is_that_of_when_the_fault_was_switched_on() -> None:
    usdm = Usdm()
    before = usdm.ask("GET", "/fapi/v1/depth", None, symbol="BTCUSDT", limit=20)
    usdm.fault("stale_snapshot")
    usdm.turn(5.0)
    old = usdm.ask("GET", "/fapi/v1/depth", None, symbol="BTCUSDT", limit=20)
    assert (old["lastUpdateId"], old["bids"], old["asks"]) == (before["lastUpdateId"], before["bids"], before["asks"])
    usdm.fault("stale_snapshot", is_on=False)
    assert usdm.ask("GET", "/fapi/v1/depth", None, symbol="BTCUSDT", limit=20)["lastUpdateId"] > old["lastUpdateId"]


def test_a_symbol_that_does_not_trade_is_told_as_such() -> None:
    usdm = Usdm(is_trading=False)
    assert usdm.ask("GET", "/fapi/v1/exchangeInfo", None)["symbols"][0]["status"] == "SETTLING"
    assert usdm.refusal() == -4140


def test_too_much_is_answered_in_usdms_words_and_then_banned() -> None:
    usdm = Usdm()
    answers = [usdm.answer("GET", "/fapi/v1/depth", None, symbol="BTCUSDT", limit=1_000) for _ in range(150)]
    assert answers[119].http == 200 and int(answers[119].headers["X-MBX-USED-WEIGHT-1M"]) == 2_400
    assert (answers[120].http, answers[120].body["code"]) == (429, -1003) and "2400 requests per minute" in answers[120].body["msg"]
    assert int(answers[120].headers["Retry-After"]) >= 1
    assert answers[149].http == 418 and "IP banned until" in answers[149].body["msg"]
