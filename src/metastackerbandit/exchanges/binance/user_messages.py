"""The forms of Binance's user events, spot and USD-M, as its pages state them: fields that nobody reads are left out, wrong types refused.

Source: spot User Data Stream (2026-07), USD-M User Data Streams (2026-08).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct, field

Plain = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?\Z", max_length=64)]
Sort = Literal["BUY", "SELL"]
Held = Literal["BOTH", "LONG", "SHORT"]


class Frame(Struct):
    """A frame: the event itself, or one in spot's wrapper or in that of a combined stream."""

    e: str = ""
    event: Raw = Raw()
    data: Raw = Raw()


class Head(Struct):
    """What every event has."""

    name: str = field(name="e")
    sent: int = field(name="E", default=0)
    symbol: str = field(name="s", default="")


class SpotOrder(Struct):
    """executionReport."""

    sent: int = field(name="E")
    symbol: str = field(name="s")
    client_id: str = field(name="c")
    side: Sort = field(name="S")
    sort: str = field(name="o")
    size: Plain = field(name="q")
    price: Plain = field(name="p")
    stop: Plain = field(name="P")
    first_client_id: str = field(name="C")
    cause: str = field(name="x")
    status: str = field(name="X")
    reason: str = field(name="r")
    order_id: int = field(name="i")
    last_size: Plain = field(name="l")
    filled: Plain = field(name="z")
    last_price: Plain = field(name="L")
    fee: Plain = field(name="n")
    fee_asset: str | None = field(name="N")
    made: int = field(name="T")
    trade_id: int = field(name="t")
    is_maker: bool = field(name="m")
    turnover: Plain = field(name="Z")


class PerpOrder(Struct):
    """The order of ORDER_TRADE_UPDATE."""

    symbol: str = field(name="s")
    client_id: str = field(name="c")
    side: Sort = field(name="S")
    sort: str = field(name="o")
    size: Plain = field(name="q")
    price: Plain = field(name="p")
    average: Plain = field(name="ap")
    stop: Plain = field(name="sp")
    cause: str = field(name="x")
    status: str = field(name="X")
    order_id: int = field(name="i")
    last_size: Plain = field(name="l")
    filled: Plain = field(name="z")
    last_price: Plain = field(name="L")
    made: int = field(name="T")
    trade_id: int = field(name="t")
    is_maker: bool = field(name="m")
    reduces_only: bool = field(name="R")
    position: Held = field(name="ps")
    realized: Plain = field(name="rp", default="0")
    fee: Plain = field(name="n", default="0")
    fee_asset: str | None = field(name="N", default=None)
    reason: str = field(name="er", default="0")


class PerpOrderUpdate(Struct):
    """ORDER_TRADE_UPDATE."""

    sent: int = field(name="E")
    made: int = field(name="T")
    order: PerpOrder = field(name="o")


class WaitingOrder(Struct):
    """The order of ALGO_UPDATE."""

    symbol: str = field(name="s")
    client_id: str = field(name="caid")
    order_id: int = field(name="aid")
    status: str = field(name="X")
    became: str | int = field(name="ai", default="")
    reason: str = field(name="rm", default="")


class WaitingOrderUpdate(Struct):
    """ALGO_UPDATE."""

    sent: int = field(name="E")
    made: int = field(name="T")
    order: WaitingOrder = field(name="o")


class LightTrade(Struct):
    """TRADE_LITE."""

    sent: int = field(name="E")
    made: int = field(name="T")
    symbol: str = field(name="s")
    is_maker: bool = field(name="m")
    client_id: str = field(name="c")
    side: Sort = field(name="S")
    last_price: Plain = field(name="L")
    last_size: Plain = field(name="l")
    trade_id: int = field(name="t")
    order_id: int = field(name="i")


class SpotBalance(Struct):
    """One asset of outboundAccountPosition."""

    asset: str = field(name="a")
    free: Plain = field(name="f")
    locked: Plain = field(name="l")


class SpotBalances(Struct):
    """outboundAccountPosition."""

    sent: int = field(name="E")
    made: int = field(name="u")
    balances: list[SpotBalance] = field(name="B")


class SpotChange(Struct):
    """balanceUpdate and externalLockUpdate."""

    sent: int = field(name="E")
    made: int = field(name="T")
    asset: str = field(name="a")
    change: Plain = field(name="d")


class Wallet(Struct):
    """One asset of ACCOUNT_UPDATE."""

    asset: str = field(name="a")
    wallet: Plain = field(name="wb")
    cross: Plain = field(name="cw")
    change: Plain = field(name="bc")


class Position(Struct):
    """One position of ACCOUNT_UPDATE."""

    symbol: str = field(name="s")
    size: Plain = field(name="pa")
    entry: Plain = field(name="ep")
    realized: Plain = field(name="cr")
    unrealized: Plain = field(name="up")
    margin: str = field(name="mt")
    isolated: Plain = field(name="iw")
    position: Held = field(name="ps")
    break_even: Plain | None = field(name="bep", default=None)


class Account(Struct):
    """What ACCOUNT_UPDATE tells."""

    why: str = field(name="m")
    wallets: list[Wallet] = field(name="B", default_factory=list)
    positions: list[Position] = field(name="P", default_factory=list)


class AccountUpdate(Struct):
    """ACCOUNT_UPDATE."""

    sent: int = field(name="E")
    made: int = field(name="T")
    account: Account = field(name="a")


class Called(Struct):
    """One position of MARGIN_CALL."""

    symbol: str = field(name="s")
    position: Held = field(name="ps")
    size: Plain = field(name="pa")
    margin: str = field(name="mt")
    isolated: Plain = field(name="iw")
    mark: Plain = field(name="mp")
    unrealized: Plain = field(name="up")
    maintenance: Plain = field(name="mm")


class MarginCalls(Struct):
    """MARGIN_CALL."""

    sent: int = field(name="E")
    positions: list[Called] = field(name="p")
    cross: Plain | None = field(name="cw", default=None)


class Leverage(Struct):
    """An instrument's leverage."""

    symbol: str = field(name="s")
    leverage: int = field(name="l")


class Joint(Struct):
    """Whether assets stand for each other as margin."""

    is_joint: bool = field(name="j")


class ConfigUpdate(Struct):
    """ACCOUNT_CONFIG_UPDATE."""

    sent: int = field(name="E")
    made: int = field(name="T")
    instrument: Leverage | None = field(name="ac", default=None)
    account: Joint | None = field(name="ai", default=None)


class Listed(Struct):
    """One order of a list."""

    order_id: int = field(name="i")
    client_id: str = field(name="c")


class ListStatus(Struct):
    """listStatus."""

    sent: int = field(name="E")
    made: int = field(name="T")
    symbol: str = field(name="s")
    list_id: int = field(name="g")
    sort: str = field(name="c")
    status: str = field(name="l")
    orders_status: str = field(name="L")
    reason: str = field(name="r")
    client_id: str = field(name="C")
    orders: list[Listed] = field(name="O")
