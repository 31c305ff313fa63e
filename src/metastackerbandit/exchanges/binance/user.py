"""Binance's user events, spot and USD-M, read to the vocabulary of all venues (domain.user_events).

A frame is the event itself, spot's {"subscriptionId":0,"event":EVENT}, or a combined stream's {"stream":KEY,"data":EVENT}. An order's cancellation
names the order by the id that it was given first. An order of USD-M that waits for a price is told by ALGO_UPDATE until it is triggered, and by
ORDER_TRADE_UPDATE from then on, under another number. Events that nobody reads are told as such.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import msgspec

from metastackerbandit.domain.errors import MessageRefused
from metastackerbandit.domain.user_events import (
    BalanceUpdate,
    Cause,
    Fill,
    FillUpdate,
    ListUpdate,
    MarginCall,
    OrderUpdate,
    OtherUpdate,
    PositionSide,
    PositionUpdate,
    SettingUpdate,
    Side,
    Status,
    StreamEnded,
    UserEvent,
    WaitingUpdate,
)
from metastackerbandit.exchanges.account import MEND, Grids, amount_of, refuse, stamp_ns
from metastackerbandit.exchanges.binance.user_messages import (
    AccountUpdate,
    ConfigUpdate,
    Frame,
    Head,
    LightTrade,
    ListStatus,
    MarginCalls,
    PerpOrder,
    PerpOrderUpdate,
    SpotBalances,
    SpotChange,
    SpotOrder,
    WaitingOrderUpdate,
)

T = TypeVar("T")

_SIDES: dict[str, Side] = {"BUY": "buy", "SELL": "sell"}
_POSITIONS: dict[str, PositionSide] = {"BOTH": "both", "LONG": "long", "SHORT": "short"}
STATUSES: dict[str, Status] = {
    "NEW": "new",
    "PENDING_NEW": "new",
    "PENDING_CANCEL": "new",
    "PARTIALLY_FILLED": "partly_filled",
    "FILLED": "filled",
    "CANCELED": "canceled",
    "REJECTED": "rejected",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}
# What was triggered lives on as the order it became; FINISHED says that this one is over.
WAITING_STATUSES: dict[str, Status] = {
    "NEW": "new",
    "TRIGGERING": "new",
    "TRIGGERED": "new",
    "FINISHED": "expired",
    "CANCELED": "canceled",
    "REJECTED": "rejected",
    "EXPIRED": "expired",
}
_CAUSES: dict[str, Cause] = {
    "NEW": "new",
    "TRADE": "trade",
    "CANCELED": "canceled",
    "REPLACED": "replaced",
    "REJECTED": "rejected",
    "EXPIRED": "expired",
    "AMENDMENT": "amended",
    "TRADE_PREVENTION": "prevented",
    "CALCULATED": "liquidated",
}
_NONE = ("NONE", "0")  # no reason
_NOBODY = ("", "0")  # no order


def read_user(frame: bytes, grids: Grids) -> tuple[UserEvent, ...]:
    """The events of one frame.

    Raises:
        MessageRefused: the frame is not what the venue documents; nothing of it is told.
    """
    outer = _as(Frame, frame, "frame")
    raw = frame if outer.e else bytes(outer.event) or bytes(outer.data) or refuse("no event", "missing", "frame")
    head = _as(Head, raw, "user event")
    read = _READERS.get(head.name)
    if read is None:
        return (OtherUpdate(head.name, head.symbol, stamp_ns(head.sent, head.name)),)
    return read(raw, grids, head.name)


def _as(kind: type[T], raw: bytes, where: str) -> T:
    """A message in its form; MessageRefused where it has another."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageRefused(f"the message is not as documented: {error}", where=where, mend=MEND) from None


def _word(table: dict[str, T], word: str, where: str) -> T:
    return table[word] if word in table else refuse(word, "mistyped", where)


def _unknown(symbol: str, event: str, sent_ns: int) -> OtherUpdate:
    return OtherUpdate(event, symbol, sent_ns)


def _spot_order(raw: bytes, grids: Grids, name: str) -> tuple[UserEvent, ...]:
    one = _as(SpotOrder, raw, name)
    event = _order(one, grids, name, stamp_ns(one.sent, name), stop=one.stop, client_id=one.first_client_id or one.client_id, reason=one.reason)
    return (msgspec.structs.replace(event, turnover=amount_of(one.turnover, name)) if isinstance(event, OrderUpdate) else event,)


def _perp_order(raw: bytes, grids: Grids, name: str) -> tuple[UserEvent, ...]:
    update = _as(PerpOrderUpdate, raw, name)
    one = update.order
    event = _order(one, grids, name, stamp_ns(update.sent, name), stop=one.stop, client_id=one.client_id, reason=one.reason)
    if not isinstance(event, OrderUpdate):
        return (event,)
    fill = event.fill and msgspec.structs.replace(event.fill, realized=amount_of(one.realized, name))
    average, position = amount_of(one.average, name), _POSITIONS[one.position]
    return (msgspec.structs.replace(event, fill=fill, average_price=average or None, reduces_only=one.reduces_only, position=position),)


def _order(one: SpotOrder | PerpOrder, grids: Grids, name: str, sent_ns: int, *, stop: str, client_id: str, reason: str) -> OrderUpdate | OtherUpdate:
    """What an order of either market says."""
    place = grids.place(one.symbol)
    if place < 0:
        return _unknown(one.symbol, name, sent_ns)
    cause = _word(_CAUSES, one.cause, name)
    return OrderUpdate(
        symbol=one.symbol,
        instrument=place,
        order_id=str(one.order_id),
        client_id=client_id,
        side=_SIDES[one.side],
        sort=one.sort,
        status=_word(STATUSES, one.status, name),
        cause=cause,
        lots=grids.lots(place, one.size, name),
        filled_lots=grids.lots(place, one.filled, name),
        ticks=grids.ticks(place, one.price, name),
        stop_ticks=grids.ticks(place, stop, name),
        turnover=None,
        average_price=None,
        fill=_fill(one, grids, place, name) if cause in ("trade", "liquidated") else None,
        reason="" if reason in _NONE else reason,
        sent_ns=sent_ns,
        made_ns=stamp_ns(one.made, name),
    )


def _fill(one: SpotOrder | PerpOrder | LightTrade, grids: Grids, place: int, name: str) -> Fill:
    """The fill that an update tells; a light one has no fee."""
    fee: Decimal | None = None
    asset = ""
    if not isinstance(one, LightTrade):
        fee, asset = amount_of(one.fee, name), one.fee_asset or ""
    return Fill(
        trade_id=str(one.trade_id),
        lots=grids.lots(place, one.last_size, name),
        ticks=grids.ticks_or_none(place, one.last_price, name),
        price=amount_of(one.last_price, name),
        is_maker=one.is_maker,
        fee=fee,
        fee_asset=asset,
    )


def _waiting(raw: bytes, grids: Grids, name: str) -> tuple[UserEvent, ...]:
    told = _as(WaitingOrderUpdate, raw, name)
    one, sent_ns = told.order, stamp_ns(told.sent, name)
    place = grids.place(one.symbol)
    if place < 0:
        return (_unknown(one.symbol, name, sent_ns),)
    became = "" if str(one.became) in _NOBODY else str(one.became)
    status = WAITING_STATUSES.get(one.status)
    return (
        WaitingUpdate(
            one.symbol, place, str(one.order_id), one.client_id, status, one.status, became, one.reason, sent_ns, stamp_ns(told.made, name)
        ),
    )


def _light(raw: bytes, grids: Grids, name: str) -> tuple[UserEvent, ...]:
    one = _as(LightTrade, raw, name)
    place, sent_ns = grids.place(one.symbol), stamp_ns(one.sent, name)
    if place < 0:
        return (_unknown(one.symbol, name, sent_ns),)
    fill = _fill(one, grids, place, name)
    return (FillUpdate(one.symbol, place, str(one.order_id), one.client_id, _SIDES[one.side], fill, sent_ns, stamp_ns(one.made, name)),)


def _balances(raw: bytes, grids: Grids, name: str) -> tuple[UserEvent, ...]:
    told = _as(SpotBalances, raw, name)
    sent_ns, made_ns = stamp_ns(told.sent, name), stamp_ns(told.made, name)
    return tuple(
        BalanceUpdate(one.asset, "", sent_ns, made_ns, free=amount_of(one.free, name), locked=amount_of(one.locked, name)) for one in told.balances
    )


def _change(raw: bytes, grids: Grids, name: str) -> tuple[UserEvent, ...]:
    one = _as(SpotChange, raw, name)
    return (BalanceUpdate(one.asset, name, stamp_ns(one.sent, name), stamp_ns(one.made, name), change=amount_of(one.change, name)),)


def _account(raw: bytes, grids: Grids, name: str) -> tuple[UserEvent, ...]:
    update = _as(AccountUpdate, raw, name)
    sent_ns, made_ns, why = stamp_ns(update.sent, name), stamp_ns(update.made, name), update.account.why
    events: list[UserEvent] = []
    for one in update.account.wallets:
        wallet, cross, change = (amount_of(text, name) for text in (one.wallet, one.cross, one.change))
        events.append(BalanceUpdate(one.asset, why, sent_ns, made_ns, wallet=wallet, cross_wallet=cross, change=change))
    for held in update.account.positions:
        place = grids.place(held.symbol)
        if place < 0:
            events.append(_unknown(held.symbol, name, sent_ns))
            continue
        entry, realized, unrealized, isolated = (amount_of(text, name) for text in (held.entry, held.realized, held.unrealized, held.isolated))
        events.append(
            PositionUpdate(
                symbol=held.symbol,
                instrument=place,
                position=_POSITIONS[held.position],
                lots=grids.lots(place, held.size, name),
                entry_price=entry,
                break_even_price=None if held.break_even is None else amount_of(held.break_even, name),
                realized=realized,
                unrealized=unrealized,
                is_isolated=held.margin == "isolated",
                isolated_wallet=isolated,
                why=why,
                sent_ns=sent_ns,
                made_ns=made_ns,
            )
        )
    return tuple(events)


def _margin_call(raw: bytes, grids: Grids, name: str) -> tuple[UserEvent, ...]:
    told = _as(MarginCalls, raw, name)
    sent_ns = stamp_ns(told.sent, name)
    cross = None if told.cross is None else amount_of(told.cross, name)
    events: list[UserEvent] = []
    for one in told.positions:
        place = grids.place(one.symbol)
        if place < 0:
            events.append(_unknown(one.symbol, name, sent_ns))
            continue
        is_isolated = one.margin.upper() == "ISOLATED"
        isolated, mark, unrealized, maintenance = (amount_of(text, name) for text in (one.isolated, one.mark, one.unrealized, one.maintenance))
        events.append(
            MarginCall(
                symbol=one.symbol,
                instrument=place,
                position=_POSITIONS[one.position],
                lots=grids.lots(place, one.size, name),
                is_isolated=is_isolated,
                isolated_wallet=isolated,
                cross_wallet=None if is_isolated else cross,
                mark_price=mark,
                unrealized=unrealized,
                maintenance=maintenance,
                sent_ns=sent_ns,
            )
        )
    return tuple(events)


def _setting(raw: bytes, grids: Grids, name: str) -> tuple[UserEvent, ...]:
    told = _as(ConfigUpdate, raw, name)
    sent_ns, made_ns = stamp_ns(told.sent, name), stamp_ns(told.made, name)
    if told.instrument is not None:
        return (SettingUpdate(told.instrument.symbol, told.instrument.leverage, None, sent_ns, made_ns),)
    if told.account is None:
        refuse("neither ac nor ai", "missing", name)
    return (SettingUpdate("", None, told.account.is_joint, sent_ns, made_ns),)


def _list(raw: bytes, grids: Grids, name: str) -> tuple[UserEvent, ...]:
    told = _as(ListStatus, raw, name)
    return (
        ListUpdate(
            symbol=told.symbol,
            list_id=str(told.list_id),
            client_id=told.client_id,
            sort=told.sort,
            status=told.status,
            orders_status=told.orders_status,
            reason="" if told.reason in _NONE else told.reason,
            orders=tuple((str(one.order_id), one.client_id) for one in told.orders),
            sent_ns=stamp_ns(told.sent, name),
            made_ns=stamp_ns(told.made, name),
        ),
    )


def _ended(raw: bytes, grids: Grids, name: str) -> tuple[UserEvent, ...]:
    return (StreamEnded(name, stamp_ns(_as(Head, raw, name).sent, name)),)


_READERS: dict[str, Callable[[bytes, Grids, str], tuple[UserEvent, ...]]] = {
    "executionReport": _spot_order,
    "ORDER_TRADE_UPDATE": _perp_order,
    "ALGO_UPDATE": _waiting,
    "TRADE_LITE": _light,
    "outboundAccountPosition": _balances,
    "balanceUpdate": _change,
    "externalLockUpdate": _change,
    "ACCOUNT_UPDATE": _account,
    "MARGIN_CALL": _margin_call,
    "ACCOUNT_CONFIG_UPDATE": _setting,
    "listStatus": _list,
    "listenKeyExpired": _ended,
    "eventStreamTerminated": _ended,
}
