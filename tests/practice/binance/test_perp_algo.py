"""Orders that wait for a trigger: they have one number from being placed to being filled, and their owner hears of every step."""

from __future__ import annotations

from typing import Any

import pytest

from tests.practice.binance.perp_walking import BTC, Usdm

STOP = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "triggerPrice": "59000.00", "quantity": "0.01"}


@pytest.fixture
def usdm() -> Usdm:
    return Usdm()


def fall(usdm: Usdm, ticks: int = 5_800_000) -> None:
    """The mark price falls to 58,000."""
    usdm.exchange.mark(BTC, ticks, usdm.floor.now_ns)
    usdm.floor.tell()


def words(stream: Any, usdm: Usdm) -> list[tuple[str, str]]:
    """What a private stream tells: events, with the state of orders."""
    return [(one["e"], one.get("o", {}).get("X", "")) for one in usdm.told(stream)]


def test_a_triggered_order_keeps_its_number_and_every_step_is_told(usdm: Usdm) -> None:
    usdm.order(type="MARKET")
    stream = usdm.private()
    placed = usdm.ask("POST", "/fapi/v1/algoOrder", **STOP, workingType="MARK_PRICE", reduceOnly="true", clientAlgoId="guard")
    assert (placed["algoStatus"], placed["orderType"], placed["actualOrderId"], placed["workingType"]) == ("NEW", "STOP_MARKET", "", "MARK_PRICE")
    assert words(stream, usdm) == [("ALGO_UPDATE", "NEW")]
    assert usdm.code("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=placed["algoId"]) == -2013
    assert usdm.ask("GET", "/fapi/v1/openOrders") == []
    fall(usdm)
    assert words(stream, usdm) == [
        ("ALGO_UPDATE", "TRIGGERING"),
        ("ALGO_UPDATE", "TRIGGERED"),
        ("ORDER_TRADE_UPDATE", "NEW"),
        ("ALGO_UPDATE", "FINISHED"),
        ("TRADE_LITE", ""),
        ("ORDER_TRADE_UPDATE", "FILLED"),
        ("ACCOUNT_UPDATE", ""),
    ]
    done = usdm.ask("GET", "/fapi/v1/algoOrder", clientAlgoId="guard")
    assert (done["algoId"], done["algoStatus"], done["actualOrderId"]) == (placed["algoId"], "FINISHED", str(placed["algoId"]))
    order = usdm.ask("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=placed["algoId"])
    assert (order["status"], order["type"], order["origType"], order["clientOrderId"]) == ("FILLED", "MARKET", "STOP_MARKET", "guard")
    assert usdm.ask("GET", "/fapi/v3/positionRisk") == []


def test_an_order_that_has_nothing_to_close_when_it_is_triggered_is_rejected_aloud(usdm: Usdm) -> None:
    stream = usdm.private("ALGO_UPDATE")
    closing = {**{name: value for name, value in STOP.items() if name != "quantity"}, "closePosition": "true", "workingType": "MARK_PRICE"}
    placed = usdm.ask("POST", "/fapi/v1/algoOrder", **closing)
    fall(usdm)
    assert [(one["o"]["X"], one["o"]["rm"]) for one in usdm.told(stream)] == [("NEW", ""), ("REJECTED", "reduce_only")]
    assert usdm.ask("GET", "/fapi/v1/algoOrder", algoId=placed["algoId"])["algoStatus"] == "REJECTED"
    assert usdm.code("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=placed["algoId"]) == -2013


def test_waiting_orders_are_listed_and_cancelled_where_they_wait(usdm: Usdm) -> None:
    first, second, third = (usdm.ask("POST", "/fapi/v1/algoOrder", **STOP)["algoId"] for _ in range(3))
    other = usdm.ask("POST", "/fapi/v1/algoOrder", **{**STOP, "symbol": "ETHUSDT", "triggerPrice": "2900"})["algoId"]
    assert usdm.code("DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=first) == -2011
    assert usdm.ask("DELETE", "/fapi/v1/algoOrder", algoId=first)["algoId"] == first
    assert usdm.code("DELETE", "/fapi/v1/algoOrder", algoId=first) == -2011
    assert [one["algoId"] for one in usdm.ask("GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT")] == [second, third]
    usdm.ask("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")
    assert [one["algoId"] for one in usdm.ask("GET", "/fapi/v1/openAlgoOrders")] == [other]
    assert [one["algoStatus"] for one in usdm.ask("GET", "/fapi/v1/allAlgoOrders", symbol="BTCUSDT")] == ["CANCELED"] * 3


def test_a_limit_order_comes_to_rest_when_it_is_triggered(usdm: Usdm) -> None:
    stop = {**STOP, "type": "STOP", "price": "70000.00", "timeInForce": "GTC", "workingType": "MARK_PRICE"}
    placed = usdm.ask("POST", "/fapi/v1/algoOrder", **stop)
    fall(usdm)
    assert [(one["orderId"], one["type"], one["status"]) for one in usdm.ask("GET", "/fapi/v1/openOrders")] == [(placed["algoId"], "LIMIT", "NEW")]
    assert usdm.ask("GET", "/fapi/v1/algoOrder", algoId=placed["algoId"])["algoStatus"] == "TRIGGERED"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"triggerPrice": "61000.00"}, -2021),
        ({"type": "MARKET"}, -1116),
        ({"type": "TRAILING_STOP_MARKET"}, -1116),
        ({"closePosition": "true"}, -4136),
        ({"algoType": "TWAP"}, -1102),
        ({"triggerPrice": "59000.001"}, -1111),
        ({"workingType": "X"}, -1102),
    ],
)
def test_an_order_that_cannot_wait_is_refused(usdm: Usdm, given: dict[str, str], code: int) -> None:
    assert usdm.code("POST", "/fapi/v1/algoOrder", **{**STOP, **given}) == code
    assert usdm.ask("GET", "/fapi/v1/openAlgoOrders") == []


def test_an_order_that_nobody_knows_is_told_so(usdm: Usdm) -> None:
    assert usdm.code("GET", "/fapi/v1/algoOrder", algoId=5) == -2013 and usdm.code("GET", "/fapi/v1/algoOrder") == -2013
    plain = usdm.order()
    assert usdm.code("DELETE", "/fapi/v1/algoOrder", algoId=plain["orderId"]) == -2011
