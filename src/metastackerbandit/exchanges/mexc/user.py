"""MEXC's private spot events (orders, deals, account), read to the vocabulary of all venues (domain.user_events).

    304  order: 1 id, 2 clientId, 3 price, 4 quantity, 6 avgPrice, 7 orderType, 8 tradeType (1 bought, 2 sold), 9 isMaker, 13 cumulativeQuantity,
         14 cumulativeAmount, 15 status, 16 createTime (ms)
    306  deal: 1 price, 2 quantity, 4 tradeType, 5 isMaker, 7 tradeId, 8 clientOrderId, 9 orderId, 10 feeAmount, 11 feeCurrency, 12 time (ms)
    307  balance: 1 vcoinName, 3 balanceAmount (free), 4 its change, 5 frozenAmount, 6 its change, 7 type, 8 time (ms)

Source: the venue's .proto files of 2026-06-17. An update of an order does not say what caused it, and the deal comes by itself. The instrument is the
wrapper's symbol. Absent fields are empty or 0, as proto3 has it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.user_events import BalanceUpdate, Fill, FillUpdate, OrderUpdate, OtherUpdate, Side, Status, UserEvent
from metastackerbandit.exchanges.account import Grids, amount_of, refuse, stamp_ns
from metastackerbandit.exchanges.decoded import FAULTS
from metastackerbandit.exchanges.json_fields import END, FIRST, KIND, NEW_FIELDS
from metastackerbandit.exchanges.mexc.scan import BODY, WRAPPER
from metastackerbandit.exchanges.mexc.wire import NUMBER, TEXT, schema, walk_message

LATER = 16  # the first field number with a place of its own behind 15
ORDERS, DEALS, ACCOUNT = 304, 306, 307
ORDER = schema({**dict.fromkeys((1, 2, 3, 4, 6, 13, 14), TEXT), **dict.fromkeys((7, 8, 9, 15, 16), NUMBER)})
DEAL = schema({**dict.fromkeys((1, 2, 7, 8, 9, 10, 11), TEXT), **dict.fromkeys((4, 5, 12), NUMBER)})
BALANCE = schema({**dict.fromkeys((1, 3, 4, 5, 6, 7), TEXT), 8: NUMBER})

_SIDES: dict[int, Side] = {1: "buy", 2: "sell"}
_SORTS = {1: "LIMIT", 2: "POST_ONLY", 3: "IMMEDIATE_OR_CANCEL", 4: "FILL_OR_KILL", 5: "MARKET", 100: "STOP_LIMIT"}
_STATUSES: dict[int, Status] = {1: "new", 2: "filled", 3: "partly_filled", 4: "canceled", 5: "partly_canceled"}


class _Message(Struct, frozen=True, eq=False):
    """A message that was walked: its bytes and where its fields stand."""

    raw: bytes
    fields: np.ndarray[Any, Any]
    where: str

    def text(self, slot: int) -> str:
        """A text's field, "" where it is absent; it was seen to be UTF-8."""
        if self.fields[KIND, slot] == 0:
            return ""
        return self.raw[self.fields[FIRST, slot] : self.fields[END, slot]].decode()

    def number(self, slot: int) -> int:
        """A number's field, 0 where it is absent."""
        return int(self.fields[FIRST, slot]) if self.fields[KIND, slot] else 0

    def amount(self, slot: int) -> Decimal:
        """An amount's field, exact; 0 where it is absent."""
        return amount_of(self.text(slot) or "0", self.where)

    def stamp(self, slot: int) -> int:
        """A stamp's field in ns, 0 where it is absent."""
        return stamp_ns(self.number(slot), self.where)

    def body(self, slot: int, kinds: tuple[int, ...], where: str) -> _Message:
        """The message that stands in a field."""
        return _walked(self.raw[self.fields[FIRST, slot] : self.fields[END, slot]], kinds, LATER, where)


def _walked(raw: bytes, kinds: tuple[int, ...], base: int, where: str) -> _Message:
    fields = np.zeros(NEW_FIELDS, np.int64)
    end = int(walk_message(np.frombuffer(raw or b" ", np.uint8), 0, len(raw), kinds, base, fields))
    if end < 0:
        refuse(raw[:20].hex(), FAULTS[-end][0], where)
    return _Message(raw, fields, where)


def read_user(frame: bytes, grids: Grids) -> tuple[UserEvent, ...]:
    """The events of one frame that `scan` found to be USER.

    Raises:
        MessageRefused: the frame is not what the venue documents; nothing of it is told.
    """
    wrapper = _walked(frame, WRAPPER, BODY, "frame")
    slots = {number: number - BODY + LATER for number in (ORDERS, DEALS, ACCOUNT)}
    bodies = [number for number in slots if wrapper.fields[KIND, slots[number]] != 0]
    if len(bodies) != 1:
        refuse(frame[:20].hex(), "malformed" if bodies else "missing", "frame")
    (number,) = bodies
    symbol, sent_ns = wrapper.text(3), wrapper.stamp(6) or wrapper.stamp(5)
    if number == ACCOUNT:
        return (_balance(wrapper.body(slots[number], BALANCE, "account"), sent_ns),)
    place = grids.place(symbol)
    if place < 0:
        return (OtherUpdate("order" if number == ORDERS else "deal", symbol, sent_ns),)
    if number == ORDERS:
        return (_order(wrapper.body(slots[number], ORDER, "order"), grids, place, symbol, sent_ns),)
    return (_deal(wrapper.body(slots[number], DEAL, "deal"), grids, place, symbol, sent_ns),)


def _side(one: _Message, slot: int) -> Side:
    return _SIDES[one.number(slot)] if one.number(slot) in _SIDES else refuse(one.number(slot), "mistyped", one.where)


def _order(one: _Message, grids: Grids, place: int, symbol: str, sent_ns: int) -> OrderUpdate:
    status = _STATUSES.get(one.number(15)) or refuse(one.number(15), "mistyped", one.where)
    return OrderUpdate(
        symbol=symbol,
        instrument=place,
        order_id=one.text(1) or refuse("no id", "missing", one.where),
        client_id=one.text(2),
        side=_side(one, 8),
        sort=_SORTS.get(one.number(7), str(one.number(7))),
        status=status,
        cause="untold",
        lots=grids.lots(place, one.text(4) or "0", one.where),
        filled_lots=grids.lots(place, one.text(13) or "0", one.where),
        ticks=grids.ticks(place, one.text(3) or "0", one.where),
        stop_ticks=0,
        turnover=one.amount(14),
        average_price=one.amount(6) or None,
        fill=None,
        reason="",
        sent_ns=sent_ns,
        made_ns=one.stamp(16),
    )


def _deal(one: _Message, grids: Grids, place: int, symbol: str, sent_ns: int) -> FillUpdate:
    price = one.text(1) or refuse("no price", "missing", one.where)
    fill = Fill(
        trade_id=one.text(7) or refuse("no id", "missing", one.where),
        lots=grids.lots(place, one.text(2) or refuse("no quantity", "missing", one.where), one.where),
        ticks=grids.ticks_or_none(place, price, one.where),
        price=amount_of(price, one.where),
        is_maker=one.number(5) != 0,
        fee=one.amount(10),
        fee_asset=one.text(11),
    )
    return FillUpdate(symbol, place, one.text(9), one.text(8), _side(one, 4), fill, sent_ns, one.stamp(12))


def _balance(one: _Message, sent_ns: int) -> BalanceUpdate:
    asset = one.text(1) or refuse("no asset", "missing", one.where)
    return BalanceUpdate(asset, one.text(7), sent_ns, one.stamp(8), free=one.amount(3), locked=one.amount(5), change=one.amount(4))
