"""An account at the USD-M side: its sums agree, and its settings can be changed where nothing stands in the way."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.practice.binance.perp_account import cross_wallet, liquidation_ticks
from tests.practice.binance.perp_walking import BTC, ETH, Usdm


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(["BTCUSDT", "ETHUSDT"]), st.sampled_from(["BUY", "SELL"]), st.integers(1, 40)), max_size=5), st.booleans())
def test_what_an_account_has_adds_up(trades: list[tuple[str, str, int]], is_isolated: bool) -> None:
    usdm = Usdm()
    if is_isolated:
        usdm.ask("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    for symbol, side, size in trades:
        usdm.ask("POST", "/fapi/v1/order", symbol=symbol, side=side, type="MARKET", quantity=f"{size / 10}")
    usdm.order()
    told, (balance,) = usdm.ask("GET", "/fapi/v3/account"), usdm.ask("GET", "/fapi/v3/balance")
    risks = {one["symbol"]: one for one in usdm.ask("GET", "/fapi/v3/positionRisk")}
    number = {name: Decimal(told[name]) for name in told if name not in ("assets", "positions")}
    assert number["totalMarginBalance"] == number["totalWalletBalance"] + number["totalUnrealizedProfit"]
    assert number["totalInitialMargin"] == number["totalPositionInitialMargin"] + number["totalOpenOrderInitialMargin"]
    assert told["assets"][0]["walletBalance"] == balance["balance"] == told["totalWalletBalance"]
    assert balance["availableBalance"] == told["availableBalance"]
    assert set(risks) == {one["symbol"] for one in told["positions"]} >= {"BTCUSDT"}
    assert sum(Decimal(one["unrealizedProfit"]) for one in told["positions"]) == number["totalUnrealizedProfit"]
    for one in risks.values():
        unrealized = Decimal(one["positionAmt"]) * (Decimal(one["markPrice"]) - Decimal(one["entryPrice"]))
        assert abs(unrealized - Decimal(one["unRealizedProfit"])) <= Decimal("1e-6")
    isolated = sum(Decimal(one["isolatedWallet"]) for one in risks.values())
    assert Decimal(balance["crossWalletBalance"]) == Decimal(balance["balance"]) - isolated


@settings(max_examples=40)
@given(st.integers(1, 400), st.booleans(), st.booleans(), st.integers(0, 50))
def test_at_the_liquidation_price_what_backs_a_position_is_its_maintenance_margin(size: int, sells: bool, is_isolated: bool, other: int) -> None:
    usdm = Usdm()
    if is_isolated:
        usdm.ask("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    usdm.order(type="MARKET", side="SELL" if sells else "BUY", quantity=f"{size / 10}")
    if other:
        usdm.order(type="MARKET", symbol="ETHUSDT", quantity=f"{other / 10}")
    ticks, exchange = liquidation_ticks(usdm.exchange, 1, BTC), usdm.exchange
    if not ticks:
        return
    exchange.marks[BTC] = ticks
    money, held = exchange.perp, exchange.perp.held[1][BTC]
    backing = held.set_aside if is_isolated else cross_wallet(money, 1) + money.unrealized(1, ETH) - money.maintenance(1, ETH)
    left = backing + money.unrealized(1, BTC) - money.maintenance(1, BTC)
    assert abs(left) <= 2 * abs(held.lots) * exchange.sizes[BTC].unit + 2
    assert (ticks > 6_000_000) == sells


def test_leverage_is_set_within_bounds_and_where_the_margin_is_there() -> None:
    usdm = Usdm()
    assert usdm.ask("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=5)["leverage"] == 5
    assert [one["leverage"] for one in usdm.ask("GET", "/fapi/v1/symbolConfig")] == [5, 20]
    for leverage in (0, 21, 126):
        assert usdm.code("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=leverage) == -4028
    usdm.order(type="MARKET", quantity="30")
    assert usdm.code("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=1) == -2028


def test_what_is_so_already_and_what_stands_in_the_way_is_told_apart() -> None:
    usdm = Usdm()
    margin = {"symbol": "BTCUSDT", "marginType": "ISOLATED"}
    assert usdm.code("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="CROSSED") == -4046
    placed = usdm.order()
    assert usdm.code("POST", "/fapi/v1/marginType", **margin) == -4047
    usdm.ask("DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=placed["orderId"])
    usdm.order(type="MARKET")
    assert usdm.code("POST", "/fapi/v1/marginType", **margin) == -4048
    usdm.order(type="MARKET", side="SELL")
    assert usdm.ask("POST", "/fapi/v1/marginType", **margin) == {"code": 200, "msg": "success"}
    assert usdm.ask("GET", "/fapi/v1/symbolConfig", symbol="BTCUSDT")[0]["marginType"] == "ISOLATED"


def test_hedge_mode_is_refused_clearly() -> None:
    usdm = Usdm()
    assert usdm.ask("GET", "/fapi/v1/positionSide/dual") == {"dualSidePosition": False}
    assert usdm.code("POST", "/fapi/v1/positionSide/dual", dualSidePosition="false") == -4059
    answer = usdm.answer("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
    assert answer.body["code"] == -4531 and "hedge mode" in answer.body["msg"]


def test_the_older_forms_tell_all_symbols_with_their_settings() -> None:
    usdm = Usdm()
    assert usdm.ask("GET", "/fapi/v3/positionRisk") == [] and usdm.ask("GET", "/fapi/v3/account")["positions"] == []
    assert [(one["symbol"], one["leverage"], one["marginType"]) for one in usdm.ask("GET", "/fapi/v2/positionRisk")] == [
        ("BTCUSDT", "20", "cross"),
        ("ETHUSDT", "20", "cross"),
    ]
    told = usdm.ask("GET", "/fapi/v2/account")
    assert told["canTrade"] and [one["leverage"] for one in told["positions"]] == ["20", "20"]


def test_fees_and_brackets_are_the_listings() -> None:
    usdm = Usdm(maker=10_000, taker=40_000, most_leverage=50, maintenance=1_000_000)
    fees = usdm.ask("GET", "/fapi/v1/commissionRate", symbol="BTCUSDT")
    assert (fees["makerCommissionRate"], fees["takerCommissionRate"]) == ("0.0001", "0.0004")
    (bracket,) = usdm.ask("GET", "/fapi/v1/leverageBracket", symbol="BTCUSDT")
    assert (bracket["brackets"][0]["initialLeverage"], bracket["brackets"][0]["maintMarginRatio"]) == (50, 0.01)
