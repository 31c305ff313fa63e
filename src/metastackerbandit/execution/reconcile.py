"""Our view of an account held against the venue's: orders, positions, amounts; every difference with its size, to be explained or accepted.

Invariants: no order unknown to us is left working; positions move only by fills; amounts only by fills, fees, funding and transfers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from metastackerbandit.execution.client_ids import numbers_of

Kind = Literal["order missing", "order unknown", "order foreign", "order differs", "position", "amount"]


class OpenOrder(Struct, frozen=True):
    """An open order as one side sees it: its names at the venue, its size and what of it is filled (None: not told), in lots."""

    symbol: str
    client_id: str
    order_id: str
    lots: int | None
    filled: int | None


class Amount(Struct, frozen=True):
    """How much of an asset there should be, and by how much roundings may have moved it."""

    asset: str
    value: Decimal
    slack: Decimal = Decimal(0)


class AccountView(Struct, frozen=True):
    """One side's view: open orders, positions in signed lots by symbol, amounts by asset.

    `under_way` are client ids of orders that may be open or not: they are being asked for, and are no difference either way.
    """

    orders: tuple[OpenOrder, ...] = ()
    under_way: frozenset[str] = frozenset()
    positions: tuple[tuple[str, int], ...] = ()
    amounts: tuple[Amount, ...] = ()


class Difference(Struct, frozen=True):
    """One difference: `name` is an order's client id (a foreign one's number), a symbol, or an asset; `ours` and `theirs` the two amounts.

    Orders are counted in lots (0: not there), positions in lots, amounts in the asset.
    """

    kind: Kind
    symbol: str
    name: str
    ours: Decimal
    theirs: Decimal

    @property
    def amount(self) -> Decimal:
        """The venue's less ours."""
        return self.theirs - self.ours

    @property
    def key(self) -> str:
        """What it is known by when it is accepted: the same difference, of the same size."""
        return f"{self.kind} {self.name} {self.amount:f}"


def differences(ours: AccountView, theirs: AccountView, accepted: Collection[str] = ()) -> tuple[Difference, ...]:
    """Every difference that was not accepted by its key: orders first, then positions, then amounts of the assets that we state."""
    found = [*_of_orders(ours.orders, theirs.orders, ours.under_way), *_of_positions(dict(ours.positions), dict(theirs.positions))]
    found += _of_amounts(ours.amounts, {one.asset: one.value for one in theirs.amounts})
    return tuple(one for one in found if one.key not in accepted)


def lasting(now: Sequence[Difference], before: Sequence[Difference]) -> tuple[Difference, ...]:
    """Those that stand as they stood a while ago: what is under way differs for a moment, and then otherwise or not at all."""
    keys = {one.key for one in before}
    return tuple(one for one in now if one.key in keys)


def _of_orders(ours: Sequence[OpenOrder], theirs: Sequence[OpenOrder], under_way: frozenset[str]) -> list[Difference]:
    """Orders that one side has and the other has not, and those that both have with other sizes."""
    by_name = {one.client_id: one for one in theirs}
    by_number = {one.order_id: one for one in theirs if one.order_id}
    seen = set(under_way)
    found = []
    for one in ours:
        other = by_name.get(one.client_id) or by_number.get(one.order_id)
        if other is None:
            found.append(Difference("order missing", one.symbol, one.client_id, _size(one.lots), Decimal(0)))
            continue
        seen.add(other.client_id)
        for mine, told in ((one.lots, other.lots), (one.filled, other.filled)):
            if mine is not None and told is not None and mine != told:
                found.append(Difference("order differs", one.symbol, one.client_id, Decimal(mine), Decimal(told)))
    for other in theirs:
        if other.client_id not in seen:
            is_ours = numbers_of(other.client_id) is not None
            name = other.client_id if is_ours else other.client_id or other.order_id
            found.append(Difference("order unknown" if is_ours else "order foreign", other.symbol, name, Decimal(0), _size(other.lots)))
    return found


def _of_positions(ours: dict[str, int], theirs: dict[str, int]) -> list[Difference]:
    """Positions, flat where a side does not name the symbol."""
    symbols = sorted({*ours, *theirs})
    pairs = ((symbol, ours.get(symbol, 0), theirs.get(symbol, 0)) for symbol in symbols)
    return [Difference("position", symbol, symbol, Decimal(mine), Decimal(told)) for symbol, mine, told in pairs if mine != told]


def _of_amounts(ours: Sequence[Amount], theirs: dict[str, Decimal]) -> list[Difference]:
    """Amounts of assets that we state, beyond what roundings explain; an asset that the venue does not name is not there."""
    found = []
    for one in ours:
        told = theirs.get(one.asset, Decimal(0))
        if abs(told - one.value) > one.slack:
            found.append(Difference("amount", "", one.asset, one.value, told))
    return found


def _size(lots: int | None) -> Decimal:
    return Decimal(1 if lots is None else lots)
