"""The forms of Binance's answers about an account, spot and USD-M, as its pages state them; fields that nobody reads are left out.

Source: spot REST (2026-07), USD-M trade and account pages (2026-05) with the changes of 2026-07-15 (no average price where an order is sent).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

Plain = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?\Z", max_length=64)]


class FullFill(Struct):
    """One fill in the answer to a new order of spot."""

    price: Plain
    size: Plain = field(name="qty")
    fee: Plain = field(name="commission")
    fee_asset: str = field(name="commissionAsset")
    trade_id: int = field(name="tradeId")


class Order(Struct):
    """An order, as it is answered when sent, cancelled, asked for or listed; spot's shortest answer has only its names."""

    symbol: str
    order_id: int = field(name="orderId")
    client_id: str = field(name="clientOrderId", default="")
    first_client_id: str = field(name="origClientOrderId", default="")  # of the order, where client_id is that of its cancellation
    status: str = "NEW"
    size: Plain | None = field(name="origQty", default=None)
    filled: Plain | None = field(name="executedQty", default=None)
    price: Plain | None = None
    updated: int = field(name="updateTime", default=0)
    made: int = field(name="transactTime", default=0)
    fills: list[FullFill] = []


class AlgoOrder(Struct):
    """An order of USD-M that waits for a price. The answer to its cancellation has only its names."""

    algo_id: int = field(name="algoId")
    client_id: str = field(name="clientAlgoId", default="")
    status: str = field(name="algoStatus", default="")
    size: Plain | None = field(name="quantity", default=None)
    price: Plain | None = None
    updated: int = field(name="updateTime", default=0)
    became: str | int | None = field(name="actualOrderId", default="")


class SpotTrade(Struct):
    """One of myTrades."""

    trade_id: int = field(name="id")
    order_id: int = field(name="orderId")
    price: Plain
    size: Plain = field(name="qty")
    fee: Plain = field(name="commission")
    fee_asset: str = field(name="commissionAsset")
    made: int = field(name="time")
    is_maker: bool = field(name="isMaker")


class PerpTrade(Struct):
    """One of userTrades."""

    trade_id: int = field(name="id")
    order_id: int = field(name="orderId")
    price: Plain
    size: Plain = field(name="qty")
    fee: Plain = field(name="commission")
    fee_asset: str = field(name="commissionAsset")
    made: int = field(name="time")
    is_maker: bool = field(name="maker")
    realized: Plain = field(name="realizedPnl", default="0")


class SpotAsset(Struct):
    """One balance of spot."""

    asset: str
    free: Plain
    locked: Plain


class SpotAccount(Struct):
    """What of spot's account is read."""

    balances: list[SpotAsset]


class PerpAsset(Struct):
    """One balance of USD-M."""

    asset: str
    wallet: Plain = field(name="balance")


class PerpPosition(Struct):
    """One position of USD-M."""

    symbol: str
    size: Plain = field(name="positionAmt")


class PerpTerms(Struct):
    """What one instrument of USD-M is set to."""

    symbol: str
    margin: str = field(name="marginType")
    leverage: int


class Restrictions(Struct):
    """What a key may do; what a page leaves out is not allowed, but for withdrawals, which must be said."""

    can_withdraw: bool = field(name="enableWithdrawals")
    can_read: bool = field(name="enableReading", default=False)
    can_trade_spot: bool = field(name="enableSpotAndMarginTrading", default=False)
    can_trade_futures: bool = field(name="enableFutures", default=False)
    is_bound: bool = field(name="ipRestrict", default=False)


class Time(Struct):
    """The venue's time; a practice venue says how fast it runs."""

    now: int = field(name="serverTime")
    rate: float = 1.0


class StreamKey(Struct):
    """A private stream's key."""

    key: str = field(name="listenKey")


class Replied(Struct):
    """A message that answers one of ours, or refuses it; an event has none of these."""

    status: int = 0
    code: int = 0
    msg: str = ""
    error: dict[str, int | str | dict[str, int]] | None = None
    e: str = ""
