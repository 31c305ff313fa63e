"""What a venue tells the owner of an account, in one vocabulary for all venues: orders, fills, balances, positions, and what ends or changes.

Prices are ticks and sizes lots where the instrument is known; amounts of money are exact decimals in the asset named beside them (a venue may tell
more digits than a money unit has). Times are UTC ns: `sent_ns` as the venue stamps the message, `made_ns` when what it tells happened (0: not told).
`symbol` is the venue's name and `instrument` the place in the reader's list.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

Side = Literal["buy", "sell"]
PositionSide = Literal["both", "long", "short"]
Status = Literal["new", "partly_filled", "filled", "canceled", "partly_canceled", "expired", "rejected"]
Cause = Literal["new", "trade", "canceled", "replaced", "rejected", "expired", "amended", "prevented", "liquidated", "untold"]


class Fill(Struct, frozen=True):
    """One fill of an order; `fee` is what was paid (below zero: received), None where it is not told, `realized` what it earned in quote currency.

    `ticks` is 0 where the price lies between ticks; `price` is exact.
    """

    trade_id: str
    lots: int
    ticks: int
    price: Decimal
    is_maker: bool
    fee: Decimal | None = None
    fee_asset: str = ""
    realized: Decimal | None = None


class OrderUpdate(Struct, frozen=True, tag="order"):
    """Where an order stands: `lots` wanted, `filled_lots` of them done, limit price `ticks` and trigger `stop_ticks` (0: none).

    `turnover` (quote currency) and `average_price` are None where the venue does not tell them. `reason` is the venue's word for why, "" for none.
    """

    symbol: str
    instrument: int
    order_id: str
    client_id: str
    side: Side
    sort: str
    status: Status
    cause: Cause
    lots: int
    filled_lots: int
    ticks: int
    stop_ticks: int
    turnover: Decimal | None
    average_price: Decimal | None
    fill: Fill | None
    reason: str
    sent_ns: int
    made_ns: int
    reduces_only: bool = False
    position: PositionSide = "both"


class WaitingUpdate(Struct, frozen=True, tag="waiting"):
    """Where an order stands that waits for a price apart from the others; `became` is the order that it was triggered into ("": not yet).

    `status` is None for a word that we do not know; `word` is the venue's own.
    """

    symbol: str
    instrument: int
    order_id: str
    client_id: str
    status: Status | None
    word: str
    became: str
    reason: str
    sent_ns: int
    made_ns: int


class FillUpdate(Struct, frozen=True, tag="fill"):
    """A fill that is told by itself; the order's own update tells it too, before or after."""

    symbol: str
    instrument: int
    order_id: str
    client_id: str
    side: Side
    fill: Fill
    sent_ns: int
    made_ns: int


class BalanceUpdate(Struct, frozen=True, tag="balance"):
    """An asset's balance: what is `free` and `locked`, the futures `wallet` and its part of it for cross margin, and by how much it `change`d.

    None where the venue does not say; what is told is the whole amount, but for `change`. `why` is the venue's word.
    """

    asset: str
    why: str
    sent_ns: int
    made_ns: int
    free: Decimal | None = None
    locked: Decimal | None = None
    wallet: Decimal | None = None
    cross_wallet: Decimal | None = None
    change: Decimal | None = None


class PositionUpdate(Struct, frozen=True, tag="position"):
    """A futures position: `lots` are below zero for a short one. Prices are in quote currency, finer than ticks."""

    symbol: str
    instrument: int
    position: PositionSide
    lots: int
    entry_price: Decimal
    break_even_price: Decimal | None
    realized: Decimal
    unrealized: Decimal
    is_isolated: bool
    isolated_wallet: Decimal
    why: str
    sent_ns: int
    made_ns: int


class MarginCall(Struct, frozen=True, tag="margin_call"):
    """A position whose margin is nearly used up; `cross_wallet` is None where its margin is isolated."""

    symbol: str
    instrument: int
    position: PositionSide
    lots: int
    is_isolated: bool
    isolated_wallet: Decimal
    cross_wallet: Decimal | None
    mark_price: Decimal
    unrealized: Decimal
    maintenance: Decimal
    sent_ns: int


class SettingUpdate(Struct, frozen=True, tag="setting"):
    """The account was set otherwise: an instrument's `leverage`, or whether assets stand for each other as margin (`is_joint`)."""

    symbol: str
    leverage: int | None
    is_joint: bool | None
    sent_ns: int
    made_ns: int


class ListUpdate(Struct, frozen=True, tag="list"):
    """Where a list of orders that belong together (one cancels the other) stands; `orders` are (order id, client id)."""

    symbol: str
    list_id: str
    client_id: str
    sort: str
    status: str
    orders_status: str
    reason: str
    orders: tuple[tuple[str, str], ...]
    sent_ns: int
    made_ns: int


class StreamEnded(Struct, frozen=True, tag="ended"):
    """Nothing more comes: the account's state must be asked for, and the stream opened anew."""

    why: str
    sent_ns: int


class OtherUpdate(Struct, frozen=True, tag="other"):
    """Something that nobody reads, or that is of an instrument nobody asked for (`symbol`); told, so that it is not lost."""

    event: str
    symbol: str
    sent_ns: int


UserEvent = (
    OrderUpdate | WaitingUpdate | FillUpdate | BalanceUpdate | PositionUpdate | MarginCall | SettingUpdate | ListUpdate | StreamEnded | OtherUpdate
)
