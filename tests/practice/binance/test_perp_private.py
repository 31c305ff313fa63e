"""The private stream says what the exchange has: whoever reads it by our own reader knows orders, wallet and positions without asking."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.user_events import BalanceUpdate, FillUpdate, OrderUpdate, PositionUpdate, SettingUpdate, StreamEnded
from metastackerbandit.exchanges.account import grids_of
from metastackerbandit.exchanges.binance.user import read_user
from tests.practice.binance.perp_walking import BTC, HOUR_S, Usdm
from tests.practice.walking import READER, instruments

GRIDS = grids_of(instruments("perp"))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("market"), st.sampled_from(["BUY", "SELL"]), st.integers(1, 50)),
        st.tuples(st.just("limit"), st.sampled_from(["BUY", "SELL"]), st.integers(-30, 30)),
        st.tuples(st.just("stop"), st.sampled_from(["BUY", "SELL"]), st.integers(1, 20)),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("turn"), st.integers(1, 20)),
        st.tuples(st.just("leverage"), st.integers(1, 20)),
    ),
    min_size=1,
    max_size=12,
)


def acted(usdm: Usdm, step: Any) -> None:
    """One step of an owner, who may be refused."""
    near = usdm.exchange.marks[BTC]
    if step[0] == "market":
        usdm.answer("POST", "/fapi/v1/order", symbol="BTCUSDT", side=step[1], type="MARKET", quantity=f"{step[2] / 100}")
    elif step[0] == "limit":
        wish = {"type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": usdm.floor.instruments[BTC].price_text(near + step[2])}
        usdm.answer("POST", "/fapi/v1/order", symbol="BTCUSDT", side=step[1], **wish)
    elif step[0] == "stop":
        trigger = usdm.floor.instruments[BTC].price_text(near + step[2] * (1 if step[1] == "BUY" else -1))
        wish = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "quantity": "0.02", "triggerPrice": trigger, "workingType": "MARK_PRICE"}
        usdm.answer("POST", "/fapi/v1/algoOrder", symbol="BTCUSDT", side=step[1], **wish)
    elif step[0] == "cancel":
        mine = usdm.exchange.orders.open(1)
        if mine:
            order = mine[step[1] % len(mine)]
            where, name = ("algoOrder", "algoId") if order.waits else ("order", "orderId")
            usdm.answer("DELETE", f"/fapi/v1/{where}", symbol="BTCUSDT", **{name: order.number})
    elif step[0] == "leverage":
        usdm.answer("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=step[1])
    else:
        usdm.turn(float(step[1]))


@settings(max_examples=40)
@given(STEPS)
def test_who_reads_the_stream_knows_orders_wallet_and_position(steps: list[Any]) -> None:
    usdm = Usdm()
    stream = usdm.private()
    orders: dict[str, OrderUpdate] = {}
    wallet, lots, paid = Decimal(usdm.exchange.perp.wallets[1]).scaleb(-8), 0, Decimal(0)
    fills: list[str] = []
    leverage = 20
    for step in steps:
        acted(usdm, step)
        for event in usdm.told(stream):
            for told in read_user(msgspec.json.encode(event), GRIDS):
                if isinstance(told, OrderUpdate):
                    assert told.order_id not in orders or told.filled_lots >= orders[told.order_id].filled_lots
                    orders[told.order_id] = told
                    if told.fill is not None:
                        fills.append(told.fill.trade_id)
                        assert told.fill.fee is not None and told.fill.realized is not None
                        paid += told.fill.fee - told.fill.realized
                elif isinstance(told, BalanceUpdate) and told.wallet is not None:
                    wallet = told.wallet
                elif isinstance(told, PositionUpdate):
                    lots = told.lots
                elif isinstance(told, SettingUpdate) and told.leverage is not None:
                    leverage = told.leverage
    held = usdm.exchange.perp.held[1][BTC]
    assert (wallet, lots, leverage) == (Decimal(usdm.exchange.perp.wallets[1]).scaleb(-8), held.lots, held.leverage)
    assert wallet == Decimal(1_000_000) - paid
    assert fills == [str(one.fill.trade) for one in usdm.floor.fills_of(1, BTC)]
    known = {str(one.number): one for one in usdm.exchange.orders.of(1, BTC) if not one.waits and (not one.wish.trigger or one.worked_ns)}
    assert set(orders) == set(known)
    for number, told in orders.items():
        assert (told.status, told.filled_lots, told.lots) == (known[number].status, known[number].filled, known[number].lots)


def test_the_sum_of_income_is_what_the_wallet_gained() -> None:
    usdm = Usdm(speed=3_600.0, hours=1, stands=True)
    before = usdm.exchange.perp.wallets[1]
    usdm.order(type="MARKET", quantity="1")
    usdm.turn(2.5)
    usdm.order(type="MARKET", side="SELL", quantity="0.4")
    rows = usdm.ask("GET", "/fapi/v1/income")
    assert sum(Decimal(one["income"]) for one in rows) == Decimal(usdm.exchange.perp.wallets[1] - before).scaleb(-8)
    assert {one["incomeType"] for one in rows} == {"REALIZED_PNL", "COMMISSION", "FUNDING_FEE"}
    funding = usdm.ask("GET", "/fapi/v1/income", incomeType="FUNDING_FEE", symbol="BTCUSDT")
    assert len(funding) >= 2 and all(Decimal(one["income"]) < 0 for one in funding)
    assert usdm.ask("GET", "/fapi/v1/income", symbol="ETHUSDT") == [] and len(usdm.ask("GET", "/fapi/v1/income", limit=1)) == 1
    assert len({one["tranId"] for one in rows}) == len(rows)


def test_funding_is_settled_on_the_hour_and_told_without_a_position_where_that_is_cross() -> None:
    usdm = Usdm(speed=3_600.0, hours=1, stands=True)
    usdm.order(type="MARKET", quantity="1")
    stream, before = usdm.private(), usdm.exchange.perp.wallets[1]
    usdm.turn(1.0)
    told = [one for one in usdm.told(stream) if one["e"] == "ACCOUNT_UPDATE"]
    assert [one["a"]["m"] for one in told] == ["FUNDING_FEE"] and told[0]["a"]["P"] == []
    assert Decimal(told[0]["a"]["B"][0]["bc"]).scaleb(8) == usdm.exchange.perp.wallets[1] - before < 0
    rates = usdm.ask("GET", "/fapi/v1/fundingRate", None, symbol="BTCUSDT")
    assert rates[-1]["fundingTime"] % 3_600_000 == 0 and rates[-1]["fundingRate"] == "0.00010000"
    assert usdm.ask("GET", "/fapi/v1/premiumIndex", None, symbol="BTCUSDT")["nextFundingTime"] - rates[-1]["fundingTime"] == 3_600_000
    assert usdm.ask("GET", "/fapi/v1/fundingInfo", None)[0]["fundingIntervalHours"] == 1


def test_an_isolated_position_is_told_with_its_funding() -> None:
    usdm = Usdm(speed=3_600.0, hours=1, stands=True)
    usdm.ask("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    usdm.order(type="MARKET", quantity="1")
    stream = usdm.private("ACCOUNT_UPDATE")
    usdm.turn(1.0)
    account = usdm.told(stream)[0]["a"]
    assert account["m"] == "FUNDING_FEE" and [(one["s"], one["mt"]) for one in account["P"]] == [("BTCUSDT", "isolated")]
    assert Decimal(account["B"][0]["wb"]) - Decimal(account["B"][0]["cw"]) == Decimal(account["P"][0]["iw"]) > 0


def test_a_stream_tells_the_events_that_were_asked_for_of_one_account_only() -> None:
    usdm = Usdm()
    both, some, other = usdm.private(), usdm.private("TRADE_LITE/ACCOUNT_CONFIG_UPDATE"), usdm.stream("/private", _key(usdm, READER))
    usdm.order(type="MARKET")
    usdm.ask("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=7)
    assert [one["e"] for one in usdm.told(both)] == [
        "ORDER_TRADE_UPDATE",
        "TRADE_LITE",
        "ORDER_TRADE_UPDATE",
        "ACCOUNT_UPDATE",
        "ACCOUNT_CONFIG_UPDATE",
    ]
    told = usdm.told(some)
    assert [one["e"] for one in told] == ["TRADE_LITE", "ACCOUNT_CONFIG_UPDATE"]
    assert isinstance(read_user(msgspec.json.encode(told[0]), GRIDS)[0], FillUpdate)
    assert usdm.told(other) == []


def test_a_sweep_of_many_prices_tells_each_fill_and_the_account_once() -> None:
    usdm = Usdm()
    stream = usdm.private()
    usdm.order(type="MARKET", quantity="20")
    words = [one["e"] for one in usdm.told(stream)]
    assert words.count("TRADE_LITE") == len(usdm.floor.fills_of(1, BTC)) > 5 and words.count("ACCOUNT_UPDATE") == 1


def _key(usdm: Usdm, key: Any) -> str:
    return str(usdm.ask("POST", "/fapi/v1/listenKey", key)["listenKey"])


def test_a_listen_key_lives_for_an_hour_of_venue_time_and_its_stream_says_when_it_is_over() -> None:
    usdm = Usdm(speed=60.0, stands=True)
    text = _key(usdm, READER)
    stream = usdm.stream("/private", text)
    usdm.turn(50.0)
    assert usdm.ask("PUT", "/fapi/v1/listenKey", READER)["listenKey"] == text
    usdm.turn(50.0)
    assert _key(usdm, READER) == text and usdm.told(stream) == []
    usdm.turn(HOUR_S / 60 + 1)
    ended = usdm.told(stream)
    assert [(one["e"], one["listenKey"]) for one in ended] == [("listenKeyExpired", text)]
    assert isinstance(read_user(msgspec.json.encode(ended[0]), GRIDS)[0], StreamEnded)
    assert usdm.code("PUT", "/fapi/v1/listenKey", READER) == -1125
    assert usdm.told(stream) == [] and _key(usdm, READER) != text


def test_listen_keys_end_when_they_are_deleted_and_when_the_fault_strikes() -> None:
    usdm = Usdm()
    first, second = usdm.private(), usdm.stream("/private", _key(usdm, READER))
    usdm.ask("DELETE", "/fapi/v1/listenKey")
    assert [one["e"] for one in usdm.told(first)] == ["listenKeyExpired"] and usdm.told(second) == []
    usdm.fault("listen_key")
    assert [one["e"] for one in usdm.told(second)] == ["listenKeyExpired"]
    assert usdm.side.families["/private"].opened("nobody") is None


def test_another_margin_type_is_told() -> None:
    usdm = Usdm()
    stream = usdm.private()
    usdm.ask("POST", "/fapi/v1/marginType", symbol="ETHUSDT", marginType="ISOLATED")
    account = usdm.told(stream)[0]["a"]
    assert (account["m"], account["P"][0]["s"], account["P"][0]["mt"]) == ("MARGIN_TYPE_CHANGE", "ETHUSDT", "isolated")
