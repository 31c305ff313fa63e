"""What can be asked of a venue about an account, and what it answers, in one vocabulary for all venues: orders, fills, balances, rights, rules.

It goes with domain.user_events, whose words for sides, states and fills it uses: prices are ticks and sizes lots, amounts exact decimals in the
asset named beside them, times UTC ns by the venue's clock (0: not told). A `client_id` is ours, an `order_id` the venue's; a question names an order
by one of them, and the other is empty. Where a venue keeps orders that wait for a price apart from the others, `waits` says that those are meant.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from metastackerbandit.domain.user_events import Fill, Side, Status

Sort = Literal["market", "limit", "stop", "stop_limit", "target", "target_limit"]
Life = Literal["gtc", "ioc", "fok", "post_only"]
TriggerBy = Literal["mark", "last"]
MarginMode = Literal["cross", "isolated"]

WAITING_SORTS: tuple[Sort, ...] = ("stop", "stop_limit", "target", "target_limit")


# -- what can be asked ---------------------------------------------------------------------------------------------------


class NewOrder(Struct, frozen=True, tag="new_order"):
    """Send an order of `lots` (above 0) at limit `ticks` and trigger `trigger_ticks` (0: none) that its sort asks for.

    `life` counts for sorts with a limit; `trigger_by` is the price that triggers, where the venue lets one choose.
    """

    client_id: str
    side: Side
    sort: Sort
    lots: int
    ticks: int = 0
    trigger_ticks: int = 0
    life: Life = "gtc"
    reduces_only: bool = False
    trigger_by: TriggerBy = "mark"

    @property
    def waits(self) -> bool:
        """Whether it waits for a price before it is an order like others."""
        return self.sort in WAITING_SORTS


class CancelAsked(Struct, frozen=True, tag="cancel"):
    """Cancel one order."""

    client_id: str = ""
    order_id: str = ""
    waits: bool = False


class AmendAsked(Struct, frozen=True, tag="amend"):
    """Set a limit order's size (`lots` in all, those that are filled with them) and its price."""

    client_id: str
    side: Side
    lots: int
    ticks: int


class OrderAsked(Struct, frozen=True, tag="order"):
    """Where does an order stand?"""

    client_id: str = ""
    order_id: str = ""
    waits: bool = False


class OpenOrdersAsked(Struct, frozen=True, tag="open_orders"):
    """Which orders of this instrument are open?"""

    waits: bool = False


class FillsAsked(Struct, frozen=True, tag="fills"):
    """Fills of this instrument from a trade on, that one included, or from a time on; the oldest first, a page at most."""

    from_trade: str = ""
    from_ns: int = 0


class BalancesAsked(Struct, frozen=True, tag="balances"):
    """What does the account hold?"""


class PositionsAsked(Struct, frozen=True, tag="positions"):
    """Which position is held in this instrument?"""


class LeverageAsked(Struct, frozen=True, tag="leverage"):
    """Set this instrument's leverage."""

    leverage: int


class MarginAsked(Struct, frozen=True, tag="margin"):
    """Set this instrument's margin mode."""

    mode: MarginMode


class TermsAsked(Struct, frozen=True, tag="terms"):
    """Under which leverage and margin mode is this instrument traded?"""


class OneWayAsked(Struct, frozen=True, tag="one_way"):
    """Hold one position an instrument, not a long and a short one side by side."""


class RightsAsked(Struct, frozen=True, tag="rights"):
    """What may the key do?"""


class StreamKeyAsked(Struct, frozen=True, tag="stream_key"):
    """A key of the private stream."""


class StreamKeyKept(Struct, frozen=True, tag="keep_stream_key"):
    """Keep the private stream's key alive."""

    key: str


class RulesAsked(Struct, frozen=True, tag="rules"):
    """Which rules have the venue's instruments?"""


class TimeAsked(Struct, frozen=True, tag="time"):
    """What time is it?"""


Question = (
    NewOrder
    | CancelAsked
    | AmendAsked
    | OrderAsked
    | OpenOrdersAsked
    | FillsAsked
    | BalancesAsked
    | PositionsAsked
    | LeverageAsked
    | MarginAsked
    | TermsAsked
    | OneWayAsked
    | RightsAsked
    | StreamKeyAsked
    | StreamKeyKept
    | RulesAsked
    | TimeAsked
)


# -- what is answered ----------------------------------------------------------------------------------------------------


class FillRecord(Struct, frozen=True):
    """A fill and the order it is of."""

    order_id: str
    fill: Fill
    made_ns: int


class OrderState(Struct, frozen=True):
    """Where an order stands. `status` is None for a word that we do not know (`word` is the venue's own).

    `lots`, `filled_lots`, `ticks` are None where the answer does not say. An order that waited and was triggered lives on as the
    order `became` ("": not triggered). `fills` are those that the answer tells; there may be more.
    """

    client_id: str
    order_id: str
    status: Status | None
    word: str
    lots: int | None
    filled_lots: int | None
    ticks: int | None
    waits: bool
    updated_ns: int
    became: str = ""
    fills: tuple[FillRecord, ...] = ()


class AssetBalance(Struct, frozen=True):
    """An asset of the account: the `whole` of it, with what orders hold (spot), or without unrealised profit (futures wallet)."""

    asset: str
    whole: Decimal


class PositionTerms(Struct, frozen=True):
    """Under what a futures position in an instrument is held, or would be."""

    leverage: int
    mode: MarginMode


class KeyRights(Struct, frozen=True):
    """What a key may do, as the venue's own page of the key says; nobody should give a trading program one that `can_withdraw`."""

    can_read: bool
    can_withdraw: bool
    can_trade_spot: bool
    can_trade_futures: bool
    is_bound_to_addresses: bool


class SymbolRules(Struct, frozen=True):
    """What limits the orders in one instrument that we send, exact; a limit that the venue does not set is None.

    `price_base` and `lot_base` are where the grids of prices and quantities are counted from. Market orders have quantity limits of their own;
    `max_position` (spot) is in the base coin. `unread` names filters that nobody here knows. Bands of prices around a reference and counts of open
    orders are not read: exits rest on their own side of the market, a handful of them, and the venue refuses what it does not take.
    """

    symbol: str
    base: str
    quote: str
    is_trading: bool
    status: str
    tick_size: Decimal
    price_base: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    lot_base: Decimal
    market_lot_size: Decimal | None
    market_min_quantity: Decimal | None
    market_max_quantity: Decimal | None
    min_notional: Decimal | None
    max_notional: Decimal | None
    max_position: Decimal | None
    unread: tuple[str, ...]


class VenueTime(Struct, frozen=True):
    """The venue's time, and how many of its seconds pass in one of ours (1 but for a practice venue)."""

    now_ns: int
    rate: float


# -- what an answer means ------------------------------------------------------------------------------------------------

Meaning = Literal[
    "done",  # as asked
    "nothing_to_change",  # it is so already, which is as good
    "rejected",  # refused for good: asking the same again changes nothing
    "unknown",  # it may have been done or not: ask for it before anything else
    "gone",  # there is no such order, or not any more
    "duplicate",  # an order with this client id is there: the former asking arrived
    "skew",  # our clock is off; nothing was done
    "too_fast",  # nothing was done; be silent for so long
    "banned",  # nothing was done; be silent for so long
    "key_refused",  # an operator must act
    "down",  # nothing was done; the venue does not serve
]

REFUSALS_OF_ALL: tuple[Meaning, ...] = ("skew", "too_fast", "banned", "down")  # nothing was done, and the same may be asked again later


class Verdict(Struct, frozen=True):
    """What an answer means, with the venue's code (0: none) and words; `wait_s` of silence that it asks for (0: none)."""

    meaning: Meaning
    code: int = 0
    words: str = ""
    wait_s: float = 0.0

    @property
    def is_done(self) -> bool:
        """Whether things now are as was asked."""
        return self.meaning in ("done", "nothing_to_change")
