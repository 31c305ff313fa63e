"""Orders at the USD-M side: placed, amended, cancelled, asked for; refused with the venue's codes."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.practice.binance.perp_walking import Usdm
from tests.practice.walking import READER


@pytest.fixture
def usdm() -> Usdm:
    return Usdm()


def test_an_answer_to_a_new_order_tells_neither_mean_price_nor_turnover_and_a_question_does(usdm: Usdm) -> None:
    placed = usdm.order(type="MARKET", newOrderRespType="RESULT")
    assert placed["status"] == "FILLED" and placed["executedQty"] == "0.01000"
    assert not {"avgPrice", "cumQuote"} & set(placed)
    asked = usdm.ask("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=placed["orderId"])
    assert Decimal(asked["cumQuote"]) == Decimal(asked["avgPrice"]) * Decimal("0.01") > 0 and asked["time"] <= asked["updateTime"]


def test_an_acknowledgement_tells_an_order_as_it_was_accepted(usdm: Usdm) -> None:
    placed = usdm.order(type="MARKET")
    assert (placed["status"], placed["executedQty"]) == ("NEW", "0.00000")
    assert usdm.ask("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=placed["orderId"])["status"] == "FILLED"


def test_an_order_rests_is_amended_and_is_cancelled(usdm: Usdm) -> None:
    placed = usdm.order(newClientOrderId="mine")
    assert [one["clientOrderId"] for one in usdm.ask("GET", "/fapi/v1/openOrders")] == ["mine"]
    amended = usdm.ask("PUT", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", origClientOrderId="mine", quantity="0.02", price="55001.00")
    assert (amended["orderId"], amended["origQty"], amended["price"]) == (placed["orderId"], "0.02000", "55001.00")
    again = {"symbol": "BTCUSDT", "side": "BUY", "orderId": placed["orderId"], "quantity": "0.02", "price": "55001.00"}
    assert usdm.code("PUT", "/fapi/v1/order", **again) == -5027
    cancelled = usdm.ask("DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=placed["orderId"])
    assert cancelled["status"] == "CANCELED" and usdm.ask("GET", "/fapi/v1/openOrders", symbol="BTCUSDT") == []
    assert usdm.code("DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=placed["orderId"]) == -2011
    assert usdm.code("GET", "/fapi/v1/openOrder", symbol="BTCUSDT", orderId=placed["orderId"]) == -2013
    assert [one["status"] for one in usdm.ask("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")] == ["CANCELED"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"timeInForce": "GTX", "price": "61000.00"}, -5022),
        ({"timeInForce": "FOK", "price": "60000.10", "quantity": "200"}, -5021),
        ({"quantity": "0.00001"}, -4164),
        ({"price": "90000.00"}, -4016),
        ({"side": "SELL", "price": "30000.00"}, -4024),
        ({"quantity": "800"}, -2019),
        ({"reduceOnly": "true"}, -2022),
        ({"quantity": "0"}, -4003),
        ({"quantity": "9999"}, -4005),
        ({"quantity": "0.000001"}, -1111),
        ({"quantity": "9" * 20}, -4005),
        ({"quantity": "0.01" + "0" * 15 + "1"}, -1111),
        ({"quantity": "0.01" + "0" * 19}, -1100),
        ({"price": "0"}, -4001),
        ({"price": "9" * 20}, -4002),
        ({"price": "9" * 20 + ".00" + "0" * 17 + "1"}, -1111),
        ({"price": "9" * 21}, -1100),
        ({"price": "55000.001"}, -1111),
        ({"price": "-1"}, -1100),
        ({"symbol": "NOUSDT"}, -1121),
        ({"side": "HOLD"}, -1117),
        ({"type": "LIMITED"}, -1116),
        ({"type": "STOP_MARKET"}, -4120),
        ({"type": "TRAILING_STOP_MARKET"}, -4120),
        ({"timeInForce": "GTE"}, -1115),
        ({"positionSide": "LONG"}, -4061),
        ({"newClientOrderId": "a b"}, -4015),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"selfTradePreventionMode": "X"}, -1130),
    ],
)
def test_an_order_that_cannot_be_is_refused_with_the_venues_code(usdm: Usdm, given: dict[str, str], code: int) -> None:
    assert usdm.refusal(**given) == code
    assert usdm.ask("GET", "/fapi/v1/openOrders") == [] and usdm.ask("GET", "/fapi/v1/allOrders") == []


def test_a_client_id_is_taken_while_its_order_is_open(usdm: Usdm) -> None:
    usdm.order(newClientOrderId="mine")
    assert usdm.refusal(newClientOrderId="mine") == -4116
    usdm.ask("DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="mine")
    usdm.order(newClientOrderId="mine")


def test_a_batch_answers_each_order_in_its_place(usdm: Usdm) -> None:
    one = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "55000.00"}
    made = usdm.ask("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps([one, {**one, "price": "99000.00"}, {**one, "reduceOnly": True}, one]))
    assert [row.get("code", 0) for row in made] == [0, -4016, -2022, 0]
    numbers = [row["orderId"] for row in made if "orderId" in row]
    ended = usdm.ask("DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", orderIdList=json.dumps([*numbers, 99]))
    assert [row.get("status", row.get("code")) for row in ended] == ["CANCELED", "CANCELED", -2011]
    assert usdm.code("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps([one] * 6)) == -1102
    assert usdm.code("POST", "/fapi/v1/batchOrders", batchOrders="[1]") == -1102
    assert usdm.code("POST", "/fapi/v1/batchOrders", batchOrders="{") == -1102


def test_cancelling_all_leaves_orders_that_wait_and_those_of_other_symbols(usdm: Usdm) -> None:
    usdm.order()
    usdm.order(symbol="ETHUSDT", price="2900.00")
    usdm.ask(
        "POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="BTCUSDT", side="BUY", type="STOP_MARKET", quantity="0.01", triggerPrice="61000"
    )
    assert usdm.ask("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")["code"] == 200
    assert [one["symbol"] for one in usdm.ask("GET", "/fapi/v1/openOrders")] == ["ETHUSDT"]
    assert len(usdm.ask("GET", "/fapi/v1/openAlgoOrders")) == 1


def test_the_dead_mans_switch_cancels_in_venue_time_unless_it_is_held(usdm: Usdm) -> None:
    usdm = Usdm(speed=10.0)
    usdm.order()
    usdm.ask("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=5_000)
    usdm.turn(0.4)
    usdm.ask("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=5_000)
    usdm.turn(0.4)
    assert len(usdm.ask("GET", "/fapi/v1/openOrders")) == 1
    usdm.ask("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=0)
    usdm.turn(2.0)
    assert len(usdm.ask("GET", "/fapi/v1/openOrders")) == 1
    usdm.ask("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=5_000)
    usdm.turn(0.6)
    assert usdm.ask("GET", "/fapi/v1/openOrders") == []


def test_fills_can_be_asked_for_by_number_by_time_and_by_order(usdm: Usdm) -> None:
    first, second = (usdm.order(type="MARKET") for _ in range(2))
    usdm.turn(5.0)
    third = usdm.order(type="MARKET", side="SELL", quantity="0.02", reduceOnly="true")
    rows = usdm.ask("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert [one["orderId"] for one in rows] == [first["orderId"], second["orderId"], third["orderId"]]
    assert usdm.ask("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", orderId=second["orderId"]) == rows[1:2]
    assert usdm.ask("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", fromId=rows[1]["id"], limit=1) == rows[1:2]
    assert usdm.ask("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", startTime=rows[2]["time"]) == rows[2:]
    assert usdm.ask("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", limit=1) == rows[2:]
    assert usdm.code("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", fromId=1, startTime=1) == -1128
    assert Decimal(rows[2]["realizedPnl"]) == sum((Decimal(rows[2]["price"]) - Decimal(one["price"])) * Decimal("0.01") for one in rows[:2])


def test_orders_of_others_are_unknown_and_a_reader_may_not_trade(usdm: Usdm) -> None:
    placed = usdm.order()
    assert usdm.code("GET", "/fapi/v1/order", READER, symbol="BTCUSDT", orderId=placed["orderId"]) == -2013
    assert usdm.ask("GET", "/fapi/v1/openOrders", READER) == []
    assert usdm.code("DELETE", "/fapi/v1/order", READER, symbol="BTCUSDT", orderId=placed["orderId"]) == -2015
    assert usdm.code("GET", "/fapi/v1/order", symbol="BTCUSDT") == -1102
    assert usdm.code("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=placed["orderId"], origClientOrderId="other") == -2013


def test_a_change_of_rules_holds_for_new_orders_and_can_be_read(usdm: Usdm) -> None:
    resting = usdm.order(price="55000.01")
    usdm.fault("rules", symbol="BTCUSDT")
    filters = {one["filterType"]: one for one in usdm.ask("GET", "/fapi/v1/exchangeInfo", None)["symbols"][0]["filters"]}
    assert (filters["PRICE_FILTER"]["tickSize"], filters["LOT_SIZE"]["stepSize"]) == ("0.10", "0.00010")
    assert usdm.refusal(price="55000.01") == -4014 and usdm.refusal(quantity="0.00101") == -4023
    usdm.order(price="55000.10")
    usdm.order(symbol="ETHUSDT", price="2900.01", quantity="0.0101")
    assert usdm.ask("GET", "/fapi/v1/openOrder", symbol="BTCUSDT", orderId=resting["orderId"])["price"] == "55000.01"
    usdm.fault("rules", is_on=False)
    usdm.order(price="55000.01")


def test_both_texts_of_503_are_told_and_only_one_of_them_leaves_an_order(usdm: Usdm) -> None:
    wish = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "55000.00"}
    usdm.fault("refused", count=1)
    told = usdm.answer("POST", "/fapi/v1/order", **wish)
    assert (told.http, told.body["msg"]) == (503, "Service Unavailable.") and usdm.ask("GET", "/fapi/v1/openOrders") == []
    usdm.fault("unknown", count=1)
    told = usdm.answer("POST", "/fapi/v1/order", **wish, newClientOrderId="lost")
    assert (told.http, told.body["msg"]) == (503, "Unknown error, please check your request or try again later.")
    assert usdm.ask("GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="lost")["status"] == "NEW"
    usdm.fault("reject", count=1)
    assert usdm.refusal() == -2019


def test_new_orders_are_counted_also_where_they_are_filled(usdm: Usdm) -> None:
    usdm.order(type="MARKET")
    answer = usdm.answer("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
    assert (answer.headers["X-MBX-ORDER-COUNT-10S"], answer.headers["X-MBX-ORDER-COUNT-1M"]) == ("2", "2")
