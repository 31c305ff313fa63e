"""What an exchange's client can ask and what is said back: orders, refusals, and what happens to an account. Amounts of assets are in 1e-8."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from metastackerbandit.domain.user_events import Cause, Status

ASSET_DIGITS = 8  # decimals of every asset's amount, as venues tell them
ASSET_ONE = 10**ASSET_DIGITS

Sort = Literal["limit", "market", "stop", "stop_limit", "take_profit", "take_profit_limit"]
TriggeredBy = Literal["last", "mark"]
Refused = Literal[
    "price_filter",  # outside the prices that are allowed
    "lot_size",  # too few or too many lots
    "market_lot_size",  # too many for a market order
    "notional",  # worth too little
    "percent_price",  # too far from the market
    "max_num_orders",  # too many orders of this symbol rest
    "max_num_algo_orders",  # too many of them wait for a trigger
    "max_position",  # more of the base coin than is allowed
    "balance",  # not enough of an asset
    "margin",  # not enough margin
    "leverage",  # not a leverage that is allowed
    "reduce_only",  # nothing that it could reduce
    "would_take",  # a post-only order that would take
    "would_trigger",  # a trigger that the market has passed already
    "not_whole",  # a fill-or-kill order that cannot be filled whole
    "duplicate",  # an open order has this client id
    "closed",  # the symbol does not trade
    "unknown_order",  # no such order, or it is over
    "no_change",  # the order, or the setting, is so already
    "open_orders",  # not while orders are open
    "open_position",  # not while a position is open
    "full",  # the exchange has no room for one more order
]


Ended = Literal[
    "",
    "unfilled",  # an order that does not rest, or what was left of it
    "not_whole",  # a fill-or-kill order whose trigger was met when it could not be filled whole
    "would_take",  # a post-only order whose trigger was met when it would have taken
    "self_trade",  # it would have met an order of its own owner
    "reduce_only",  # nothing was left to reduce
    "money",  # its trigger was met when it could not be paid for
    "full",  # its trigger was met when the book had no room
]


class Refusal(Struct, frozen=True):
    """Why nothing was done."""

    why: Refused


class NewOrder(Struct, frozen=True):
    """A wish. `side` 0 buys, 1 sells; `ticks` the limit (0: none); `mode` as matching takes it; `trigger` in ticks, 0 for none.

    `spend` (1e-8 of the quote asset) stands for `lots` where it is above 0. `closes` is for what is open when the trigger is met, and has no lots.
    """

    s: int
    side: int
    sort: Sort
    lots: int
    ticks: int = 0
    mode: int = 0
    guard: int = 0
    client_id: str = ""
    trigger: int = 0
    triggered_by: TriggeredBy = "last"
    reduces_only: bool = False
    closes: bool = False
    spend: int = 0


class Order(Struct):
    """An order's state. `turnover` is the sum of ticks times lots of its fills; `slot` its place in the book while it rests, -1 else.

    It `waits` until its trigger is met; `worked_ns` is when it came to the book (0: it has not). `reason` says why it is over, "" where it is not.
    """

    number: int
    owner: int
    wish: NewOrder
    client_id: str
    lots: int
    status: Status
    placed_ns: int
    updated_ns: int
    filled: int = 0
    turnover: int = 0
    slot: int = -1
    waits: bool = False
    worked_ns: int = 0
    reason: Ended = ""
    locked: int = 0  # of the asset that pays, 1e-8

    @property
    def is_open(self) -> bool:
        """Whether something can still become of it."""
        return self.status in ("new", "partly_filled")

    @property
    def left(self) -> int:
        """Lots not filled yet."""
        return self.lots - self.filled


class ExchangeFill(Struct, frozen=True):
    """A fill: `fee` in 1e-8 of `fee_asset`, `realized` in 1e-8 of the quote asset (perpetuals)."""

    trade: int
    lots: int
    ticks: int
    is_maker: bool
    fee: int
    fee_asset: str
    realized: int = 0


class OrderEvent(Struct, frozen=True, tag="order"):
    """An order as it stood after something happened. Cause `new` comes a second time when a trigger is met."""

    at_ns: int
    order: Order
    cause: Cause
    fill: ExchangeFill | None = None

    @property
    def owner(self) -> int:
        """Whose order it is."""
        return self.order.owner


class BalanceEvent(Struct, frozen=True, tag="balance"):
    """Balances changed: of these assets, or through `why` (order, funding, deposit) the wallet and positions of these instruments."""

    at_ns: int
    owner: int
    why: Literal["order", "funding", "deposit", "margin"]
    assets: tuple[str, ...]
    positions: tuple[int, ...] = ()
    change: int = 0


class SettingEvent(Struct, frozen=True, tag="setting"):
    """The leverage of an instrument is another one."""

    at_ns: int
    owner: int
    s: int
    leverage: int


Event = OrderEvent | BalanceEvent | SettingEvent
