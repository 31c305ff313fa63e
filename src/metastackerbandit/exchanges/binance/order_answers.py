"""Binance's answers about an account, spot and USD-M, read to the vocabulary of all venues (domain.trading)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import msgspec

from metastackerbandit.domain.errors import AnswerRefused, InstrumentRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.trading import (
    AssetBalance,
    FillRecord,
    KeyRights,
    MarginMode,
    NewOrder,
    OrderState,
    PositionTerms,
    Question,
    VenueTime,
)
from metastackerbandit.domain.user_events import Fill
from metastackerbandit.exchanges.binance.order_forms import (
    AlgoOrder,
    Order,
    PerpAsset,
    PerpPosition,
    PerpTerms,
    PerpTrade,
    Replied,
    Restrictions,
    SpotAccount,
    SpotTrade,
    StreamKey,
    Time,
)
from metastackerbandit.exchanges.binance.user import STATUSES, WAITING_STATUSES
from metastackerbandit.exchanges.kline_rows import MS, decoded_json

T = TypeVar("T")

MARGIN_MODES: dict[str, MarginMode] = {"CROSSED": "cross", "ISOLATED": "isolated"}
_RATES = (1e-3, 1e6)  # venue seconds a second that a practice venue may run at


def read_spot_order(body: bytes, question: Question, one: Instrument) -> OrderState:
    """The order that was sent, cancelled or asked for. Raises AnswerRefused."""
    return _order(decoded_json(body, Order, f"an order of {one.symbol}"), one, question)


def read_spot_orders(body: bytes, question: Question, one: Instrument) -> tuple[OrderState, ...]:
    """Open orders. Raises AnswerRefused."""
    return tuple(_order(told, one, question) for told in decoded_json(body, list[Order], f"orders of {one.symbol}"))


def read_perp_order(body: bytes, question: Question, one: Instrument) -> OrderState | None:
    """The same of USD-M; None where the cancellation of an order that waits is only agreed to. Raises AnswerRefused."""
    if not getattr(question, "waits", False):
        return read_spot_order(body, question, one)
    told = decoded_json(body, AlgoOrder, f"an order of {one.symbol}")
    return _waiting(told, one) if told.status else None


def read_perp_orders(body: bytes, question: Question, one: Instrument) -> tuple[OrderState, ...]:
    """Open orders, or those that wait. Raises AnswerRefused."""
    if not getattr(question, "waits", False):
        return read_spot_orders(body, question, one)
    return tuple(_waiting(told, one) for told in decoded_json(body, list[AlgoOrder], f"waiting orders of {one.symbol}"))


def read_spot_fills(body: bytes, one: Instrument) -> tuple[FillRecord, ...]:
    """myTrades. Raises AnswerRefused."""
    return tuple(_trade(told, one, None) for told in decoded_json(body, list[SpotTrade], f"fills of {one.symbol}"))


def read_perp_fills(body: bytes, one: Instrument) -> tuple[FillRecord, ...]:
    """userTrades. Raises AnswerRefused."""
    return tuple(_trade(told, one, told.realized) for told in decoded_json(body, list[PerpTrade], f"fills of {one.symbol}"))


def read_spot_balances(body: bytes) -> tuple[AssetBalance, ...]:
    """Balances of spot's account. Raises AnswerRefused."""
    told = decoded_json(body, SpotAccount, "balances")
    return tuple(AssetBalance(held.asset, Decimal(held.free) + Decimal(held.locked)) for held in told.balances)


def read_perp_balances(body: bytes) -> tuple[AssetBalance, ...]:
    """Balances of USD-M's wallet. Raises AnswerRefused."""
    return tuple(AssetBalance(held.asset, Decimal(held.wallet)) for held in decoded_json(body, list[PerpAsset], "balances"))


def read_perp_position(body: bytes, one: Instrument) -> int:
    """The position in an instrument, in signed lots; one that is not listed is not held. Raises AnswerRefused."""
    listed = decoded_json(body, list[PerpPosition], f"positions of {one.symbol}")
    return sum(_lots(told.size, one) for told in listed if told.symbol == one.symbol)


def read_perp_terms(body: bytes, one: Instrument) -> PositionTerms:
    """Leverage and margin mode of an instrument. Raises AnswerRefused, also where it is not listed."""
    listed = decoded_json(body, list[PerpTerms], f"terms of {one.symbol}")
    found = next((told for told in listed if told.symbol == one.symbol), None)
    mode = None if found is None else MARGIN_MODES.get(found.margin)
    if found is None or mode is None or found.leverage < 1:
        raise AnswerRefused("its leverage and margin mode are not told", where=one.id, mend="look at the instrument at the venue")
    return PositionTerms(found.leverage, mode)


def read_rights(body: bytes) -> KeyRights:
    """What the key may do. Raises AnswerRefused, also where the page does not say whether it can withdraw."""
    told = decoded_json(body, Restrictions, "the key's restrictions")
    return KeyRights(told.can_read, told.can_withdraw, told.can_trade_spot, told.can_trade_futures, told.is_bound)


def read_time(body: bytes) -> VenueTime:
    """The venue's time. Raises AnswerRefused."""
    told = decoded_json(body, Time, "the venue's time")
    if not 0 < told.now < 2**62 // MS or not _RATES[0] <= told.rate <= _RATES[1]:
        raise AnswerRefused(f"time {told.now} ms at rate {told.rate:g} cannot be", where="the venue's time", mend="it is asked again")
    return VenueTime(told.now * MS, told.rate)


def read_stream_key(body: bytes) -> str:
    """The private stream's key. Raises AnswerRefused."""
    return str(decoded_json(body, StreamKey, "the private stream's key").key)


def reply_of(frame: bytes) -> str | None:
    """None for an event, "" for a friendly reply, else what the venue refuses."""
    try:
        told = msgspec.json.decode(frame, type=Replied)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # the reader of events says what is wrong with it
    if told.e or not (told.status or told.code):
        return None
    if told.status == 200 and told.error is None:
        return ""
    refused = told.error or {"code": told.code, "msg": told.msg}
    return f"status {told.status}, code {refused.get('code', 0)}: {refused.get('msg', '')}"


def _order(told: Order, one: Instrument, question: Question) -> OrderState:
    """An order that does not wait apart."""
    made_ns = (told.updated or told.made) * MS
    order_id = str(told.order_id)
    fills = tuple(
        FillRecord(order_id, _fill(fill.trade_id, fill.price, fill.size, fill.fee, fill.fee_asset, False, None, one), made_ns) for fill in told.fills
    )
    asked = question if isinstance(question, NewOrder) else None
    return OrderState(
        client_id=told.first_client_id or told.client_id,
        order_id=order_id,
        status=STATUSES.get(told.status),
        word=told.status,
        lots=asked.lots if told.size is None and asked else _size(told.size, one),
        filled_lots=_size(told.filled, one),
        ticks=_price(told.price, one),
        waits=False,
        updated_ns=made_ns,
        fills=fills,
    )


def _waiting(told: AlgoOrder, one: Instrument) -> OrderState:
    """An order that waits, of USD-M's own service for them."""
    became = str(told.became or "")
    return OrderState(
        client_id=told.client_id,
        order_id=str(told.algo_id),
        status=WAITING_STATUSES.get(told.status),
        word=told.status,
        lots=_size(told.size, one),
        filled_lots=None,
        ticks=_price(told.price, one),
        waits=True,
        updated_ns=told.updated * MS,
        became="" if became == "0" else became,
    )


def _trade(told: SpotTrade | PerpTrade, one: Instrument, realized: str | None) -> FillRecord:
    """One fill of a list."""
    fill = _fill(told.trade_id, told.price, told.size, told.fee, told.fee_asset, told.is_maker, realized, one)
    return FillRecord(str(told.order_id), fill, told.made * MS)


def _fill(trade_id: int, price: str, size: str, fee: str, asset: str, is_maker: bool, realized: str | None, one: Instrument) -> Fill:
    """A fill; its price may lie between ticks."""
    exact = Decimal(price)
    steps = exact / Decimal(one.tick_size)
    ticks = int(steps) if steps == steps.to_integral_value() else 0
    return Fill(str(trade_id), _lots(size, one), ticks, exact, is_maker, Decimal(fee), asset, None if realized is None else Decimal(realized))


def _size(text: str | None, one: Instrument) -> int | None:
    return None if text is None else _lots(text, one)


def _price(text: str | None, one: Instrument) -> int | None:
    """A price in ticks, 0 for none."""
    return None if text is None else _steps(one.ticks, text, one) if Decimal(text) != 0 else 0


def _lots(text: str, one: Instrument) -> int:
    return _steps(one.lots, text, one)


def _steps(read: Callable[[str], int], text: str, one: Instrument) -> int:
    """Whole steps of a grid that the venue keeps to."""
    try:
        return read(text)
    except InstrumentRefused as error:
        raise AnswerRefused(error.what, where=one.id, mend="ask for the instrument's rules: they may have changed") from None
